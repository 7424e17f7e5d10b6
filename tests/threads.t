#!/bin/sh
# train and denoise with more threads than processors, and with more threads than rows or parts of a
# kernel: the results are those of one thread except for rounding, and repeat bit for bit.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

PATH=$BIN:$PATH

pipelines/stories generate -n 60 -s 1 >"$T/train.jsonl"
story_vocab >"$T/vocab.txt"
tok -q -w "$T/vocab.txt" "$T/train.jsonl" | pack -q -T 72 | noise -q -e 4 -s 1 --mask mixed -o "$T/train.noised"

# run NAME THREADS OPTIONS...: eight steps of a small model
run() {
	run_name=$1
	run_threads=$2
	shift 2
	train -q -f -x tiny --layers 1 --width 32 --heads 2 --embed 16 -n 8 -j "$run_threads" --precision fp32 \
		--refit-every 0 --loss-log "$T/$run_name.csv" -o "$T/$run_name.st" "$@" "$T/train.noised"
}

# agree NAME NAME: the losses of the two runs differ by rounding only
agree() {
	awk -F, 'FNR == 1 { file++; next }
		file == 1 { t[FNR] = $2; ce[FNR] = $3; next }
		{ n++; bad += $2 - t[FNR] > 1e-4 * $2 || t[FNR] - $2 > 1e-4 * $2 || ($3 - ce[FNR]) ^ 2 > 1e-6 }
		END { print n, bad; exit !(n && !bad) }' "$T/$1.csv" "$T/$2.csv"
}

# Rows 16: more than threads. Rows 3: fewer. Rows 1 and one head: attention has a single part.
for case in '16 rows,-B 16' '3 rows,-B 3' '1 row and 1 head,-B 1 --heads 1' \
	'3 rows and a width that no vector divides,-B 3 --width 36 --heads 1' '3 rows with AdamW,-B 3 --optimizer adamw'; do
	options=${case#*,}
	# shellcheck disable=SC2086
	run one 1 $options
	for threads in 4 8; do
		# shellcheck disable=SC2086
		ok "train: ${case%,*} with -j $threads" run many $threads $options
		ok "train: ${case%,*} with -j $threads have the losses of -j 1 except for rounding" agree one many
		cp "$T/many.st" "$T/first.st"
		# shellcheck disable=SC2086
		run many $threads $options
		ok "train: ${case%,*} with -j $threads give the same bytes again" cmp "$T/first.st" "$T/many.st"
	done
done
run one 1 -B 3
run many 1 -B 3 --muon-momentum 0.94
not_ok 'train: another momentum changes the losses by more than rounding' agree one many

for threads in 1 8; do
	denoise -q -m "$T/one.st" -n 3 -s 1 --steps 4 -j "$threads" --precision fp32 |
		tok -q -d >"$T/text.$threads"
done
ok 'denoise: 3 rows with -j 8 are those of -j 1' cmp "$T/text.1" "$T/text.8"
run many 8 -B 3 --profile "$T/profile.csv"
ok 'train --profile: 3 rows of 2 heads are 6 parts for 8 threads, or fewer in the first estimate' awk -F, '
	$1 == "attention" { n++; good = $7 > 0 && $8 > 1 && $8 <= 6 && $10 < $3 } END { exit !(n == 1 && good) }' \
	"$T/profile.csv"

done_testing
