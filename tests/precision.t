#!/bin/sh
# The precisions of train and denoise: bf16 has nearly the losses of fp32, runs repeat bit for bit, and
# --profile reports the time of each kernel.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

PATH=$BIN:$PATH

pipelines/stories generate -n 400 -s 1 >"$T/train.jsonl"
story_vocab >"$T/vocab.txt"
tok -q -w "$T/vocab.txt" "$T/train.jsonl" | pack -q -T 72 -o "$T/train.rows"
noise -q -e 4 -s 1 --mask mixed "$T/train.rows" >"$T/train.noised"

# run PRECISION OPTIONS...: the losses of 100 steps
run() {
	precision=$1
	shift
	train -q -f -x tiny --layers 2 --width 64 --heads 2 -B 16 -n 100 -j 2 --precision "$precision" \
		-l "$T/$precision.csv" -o "$T/$precision.st" "$@" "$T/train.noised" >/dev/null
}

# mean FILE FIRST LAST: of the loss over these steps
mean() {
	awk -F, -v a="$2" -v b="$3" '$1 >= a && $1 <= b { n++; sum += $4 } END { print sum / n }' "$1"
}

ok 'train: runs with --precision fp32' run fp32
ok 'train: runs with --precision auto' run auto
if run bf16 2>"$T/why"; then
	# vendor_id of x86
	if grep -q '^flags.* amx_bf16' /proc/cpuinfo || grep -q 'AuthenticAMD' /proc/cpuinfo; then
		ok 'train: --precision auto is bf16 on a processor with AMX or of AMD' cmp "$T/auto.st" "$T/bf16.st"
	else
		ok 'train: --precision auto is fp32 on a processor whose bf16 products are slower' \
			cmp "$T/auto.st" "$T/fp32.st"
	fi
	cp "$T/bf16.st" "$T/first.st"
	ok 'train: runs again with --precision bf16 and --profile' run bf16 --profile "$T/profile.csv"
	ok 'train: --precision bf16 writes the same bytes again' cmp "$T/bf16.st" "$T/first.st"
	for steps in '1 20' '41 60' '81 100'; do
		# shellcheck disable=SC2086
		ok "train: --precision bf16 has the losses of fp32 within 3 % in steps $steps" \
			awk -v a="$(mean "$T/fp32.csv" $steps)" -v b="$(mean "$T/bf16.csv" $steps)" \
			'BEGIN { print a, b; exit !(b / a > 0.97 && b / a < 1.03) }'
	done
else
	fails 'train: --precision bf16 is refused on a processor without it' 1 'precision bf16: this processor' run bf16
	ok 'train: --precision auto is fp32 on this processor' cmp "$T/auto.st" "$T/fp32.st"
	run fp32 --profile "$T/profile.csv"
fi
is 'train --profile: has a header' "$(head -n 1 "$T/profile.csv")" kernel,calls,seconds,share,gflop_per_s,gb_per_s,regions,parts,serial_seconds,wait_seconds
ok 'train --profile: the fractions sum to 1' awk -F, 'NR > 1 { sum += $4 } END { exit !(sum > 0.99 && sum < 1.01) }' \
	"$T/profile.csv"
# Two blocks and the copy attention call it. The rows of the first micro-batch are self-conditioned.
ok 'train --profile: counts the calls of attention by two blocks and the copy attention, in the first estimate and in two micro-batches' \
	awk -F, '$1 == "attention" { n++; calls = $2 } END { exit !(n == 1 && calls == 3 * 100 * 3) }' "$T/profile.csv"
ok 'train --profile: the threads divide each call of attention, whose parts are the 16 heads of 8 rows' \
	awk -F, '$1 == "attention" { n++; good = $7 == $2 && $8 == 16 && $9 == 0 }
		END { exit !(n == 1 && good) }' "$T/profile.csv"
ok 'train --profile: one thread computes some small calls of adamw, and all work elsewhere' awk -F, '
	$1 == "adamw" { n++; good += $7 > 0 && $7 < $2 && $9 > 0 && $9 < $3 }
	$1 == "elsewhere" { n++; good += $7 == 0 && $8 == "" && $9 == $3 && $10 == 0 }
	END { exit !(n == 2 && good == 2) }' "$T/profile.csv"
ok 'train --profile: threads wait for less than the time of the regions' awk -F, '
	NR > 1 { wait += $10; bad += $10 < -1e-5 || $10 > $3 - $9 + 1e-5 } END { exit !(wait > 0 && !bad) }' "$T/profile.csv"
denoise -q -m "$T/fp32.st" -n 2 --steps 3 --precision fp32 --profile "$T/denoise.csv" |
	tok -q -d -w "$T/vocab.txt" >"$T/a.txt"
denoise -q -m "$T/fp32.st" -n 2 --steps 3 --precision fp32 |
	tok -q -d -w "$T/vocab.txt" >"$T/b.txt"
ok 'denoise: --profile does not change the rows' cmp "$T/a.txt" "$T/b.txt"
ok 'denoise --profile: counts the calls of attention in three steps and a decision' \
	awk -F, '$1 == "attention" { n++; calls = $2 } END { exit !(n == 1 && calls == 3 * 4) }' "$T/denoise.csv"
fails 'train: refuses a profile that is also the log' 2 'the same file is' run fp32 -l "$T/x" --profile "$T/x"
fails 'denoise: refuses a profile that is also the model' 2 'the same file is' denoise -m "$T/fp32.st" -n 1 \
	--profile "$T/fp32.st"
fails 'train: refuses an unknown precision' 2 'precision' run fp8

done_testing
