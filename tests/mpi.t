#!/bin/sh
# train with MPI: N ranks have the losses of one process, and an error of one rank ends all with one
# message.
. tests/lib.sh

MPICC=${MPICC:-mpicc}
MPIRUN=${MPIRUN:-$(echo "$MPICC" | sed 's/mpicc/mpirun/')}
MPI=$(cd "${BUILD:-build}" && pwd)/mpi
if ! command -v "$MPICC" >/dev/null || ! command -v "$MPIRUN" >/dev/null; then
	skip_all 'no MPI here'
fi
[ -x "$MPI/train" ] || skip_all "make test builds $MPI/train, or make ${MPI#"$PWD"/}/train"

# Open MPI starts more ranks than processors only if it is told to.
launcher=$MPIRUN
if "$MPIRUN" --version 2>&1 | grep -q 'Open MPI\|OpenRTE'; then
	launcher="$MPIRUN --oversubscribe"
fi
for_mpi

one=$BIN/train
PATH=$MPI:$BIN:$PATH
vocab=$T/vocab.txt

pipelines/stories generate -n 400 -s 1 >"$T/train.jsonl"
pipelines/stories generate -n 21 -s 2 >"$T/valid.jsonl"
story_vocab >"$vocab"
for set in train valid; do
	tok -q -w "$vocab" "$T/$set.jsonl" | pack -q -T 72 -o "$T/$set.rows"
done
noise -q -s 7 -o "$T/valid.noised" "$T/valid.rows"

# 200 steps of 16 rows, but for the last, which has 2: fewer than there are ranks.
noised="noise -q -e 8 -s 1 --mask mixed --limit 3186 $T/train.rows"
# In fp32 what ranks do differs from one process by the order of sums alone.
small='-x tiny --optimizer adamw --layers 2 --width 32 --heads 2 --embed 16 -B 16 --refit-every 20 --window 512 --bucket 32 -j 1 --precision fp32'

mpi() { # mpi RANKS SCRIPT: in each rank
	# The launcher is a list of words.
	# shellcheck disable=SC2086
	timeout 300 $launcher -n "$1" sh -c "$2"
}

run() { # run RANKS NAME OPTIONS...
	run_ranks=$1 run_name=$2
	shift 2
	mpi "$run_ranks" "$noised | train -q $small -o $T/$run_name.st -l $T/$run_name.steps $*" >"$T/$run_name.csv"
}

# The largest and the mean difference of the losses of two logs of steps, of the same length.
differ() {
	for log in "$1" "$2"; do
		cut -d, -f1,2,4 "$T/$log.steps" >"$T/$log.losses"
	done
	paste -d , "$T/$1.losses" "$T/$2.losses" | awk -F, 'NR > 1 {
		d = $3 - $6
		d = d < 0 ? -d : d
		max = d > max ? d : max
		sum += d
		n += $1 == $4 && $2 == $5
	} END { printf "%d %g %g\n", n, max, sum / n }'
}

# follows DESCRIPTION NAME BOUND: 200 steps on the rows of one process, and losses that differ from
# those of one process by less than BOUND
follows() {
	differ one "$2" >"$T/differ"
	read -r n max mean <"$T/differ"
	awk -v n="$n" -v max="$max" -v bound="$3" 'BEGIN { exit !(n == 200 && max < bound) }'
	result $? "train with MPI: $1"
	echo "# $n steps, losses differ by $max nats at most, by $mean in the mean"
}

# --- one process ---

plain() {
	# The options are a list of words.
	# shellcheck disable=SC2086
	$noised | "$1" -q $small -o "$T/$2.st" -l "$T/$2.steps" --valid "$T/valid.noised" \
		--valid-every 100 >"$T/$2.csv"
}
plain "$one" one
plain train alone
ok 'train with MPI: one process without a launcher writes the checkpoint of train without MPI' cmp "$T/one.st" "$T/alone.st"
ok 'train with MPI: one process without a launcher writes the log of train without MPI' cmp "$T/one.csv" "$T/alone.csv"
valid="--valid $T/valid.noised --valid-every 100"
run 1 n1 "$valid"
ok "train with MPI: one rank writes the checkpoint of one process" cmp "$T/one.st" "$T/n1.st"

# --- N ranks ---

for ranks in 2 4; do
	run $ranks n$ranks "$valid"
	follows "$ranks ranks have the losses of one process" n$ranks 1e-4
	is "train with MPI: $ranks ranks: the log has a row for every sequence" "$(grep -c ',train,' "$T/n$ranks.csv")" 3186
	paste -d , "$T/one.csv" "$T/n$ranks.csv" | awk -F, 'NR > 1 {
		if ($1 != $6 || ($2 - $7) / $2 > 1e-3 || ($7 - $2) / $2 > 1e-3 ||
			$3 - $8 > 1e-3 || $8 - $3 > 1e-3 || $4 != $9 || $5 != $10) print }' >"$T/rows"
	ok "train with MPI: $ranks ranks: rows are in the order of the stream, with the levels and cross-entropies of one process" sh -c "head -n 3 '$T/rows'; test ! -s '$T/rows'"
done
is 'train with MPI: the log has the time that ranks waited' \
	"$(awk -F, 'NR == 1 { print $9 } NR > 1 && $9 > 0 { n++ } END { print n }' "$T/n4.steps" | tr '\n' ' ')" \
	'comm_s 200 '
is 'train with MPI: one process does not wait' "$(cut -d, -f9 "$T/one.steps" | sort -u | tr '\n' ' ')" '0.000000 comm_s '
# Each rank can also read the whole stream, and use its rows only.
$noised -o "$T/whole.noised"
mpi 3 "train -q $small -o $T/file.st -l $T/file.steps $T/whole.noised" >/dev/null
follows 'three ranks that each read the whole stream have the losses of one process' file 1e-4

run 2 log --loss-log "$T/log.loss" --profile "$T/log.profile" "$valid"
ok 'train with MPI: --loss-log gets what standard output would get' cmp "$T/n2.csv" "$T/log.loss"
is 'train with MPI: --loss-log leaves standard output empty' "$(cat "$T/log.csv")" ''
ok 'train with MPI: --profile writes the profile of rank 0' grep -q ^project "$T/log.profile"

run 3 shard --shard on "$valid"
follows 'three ranks with --shard on have the losses of one process' shard 1e-4
is 'train with MPI: --shard on validates with the whole average' "$(tail -n 1 "$T/shard.csv" | cut -c1-8)" "$(tail -n 1 "$T/one.csv" | cut -c1-8)"
muon='--optimizer muon --muon-scale 0.4'
# shellcheck disable=SC2086
$noised | "$one" -q $small $muon -o "$T/muon1.st" -l "$T/muon1.steps" >/dev/null
for shard in off on; do
	run 3 muon --shard $shard "$muon" -f
	differ muon1 muon >"$T/differ"
	read -r n max mean <"$T/differ"
	ok "train with MPI: three ranks with --optimizer muon --shard $shard have the losses of one process" \
		awk -v n="$n" -v max="$max" 'BEGIN { exit !(n == 200 && max < 1e-4) }'
	echo "# $n steps, losses differ by $max nats at most, by $mean in the mean"
done
run 4 bf16 --wire bf16
follows 'four ranks with --wire bf16 have nearly the losses of one process' bf16 0.03
ok 'train with MPI: --wire bf16 changes the losses more than fp32 sums' awk -v max="$max" 'BEGIN { exit !(max > 1e-5) }'
run 4 both --wire bf16 --shard on
follows 'four ranks with --wire bf16 --shard on have nearly the losses of one process' both 0.03
memory() {
	# shellcheck disable=SC2086
	$launcher -n 4 train --dry-run -x base --shard "$1" "$T/whole.noised" | sed -n 's/^memory: \([0-9]*\).*/\1/p'
}
ok 'train with MPI: --shard on needs less memory' [ "$(memory on)" -lt "$(memory off)" ]

run 2 half --precision bf16
follows 'two ranks with --precision bf16 have nearly the losses of one process' half 0.1

# --- checkpoints ---

run 4 r4 --stop-after 60 --shard on
rest() { # rest RANKS NAME FROM OPTIONS...
	rest_ranks=$1 rest_name=$2 rest_from=$3
	shift 3
	cp "$T/$rest_from.st" "$T/$rest_name.st"
	cp "$T/$rest_from.steps" "$T/$rest_name.steps"
	mpi "$rest_ranks" "$noised | train -q -j 1 --precision fp32 -r $T/$rest_name.st -l $T/$rest_name.steps $*" >/dev/null
}
rest 3 r3 r4 --stop-after 130
rest 2 r2 r3 --stop-after 170 --shard on
rest 1 r1 r2
follows 'a run begun by 4 ranks can be continued by 3, 2 and 1' r1 1e-4
ok 'train with MPI: leaves no temporary file' [ -z "$(find "$T" -name '*.tmp')" ]

# --- what ends all of them ---

# refuses DESCRIPTION STATUS PATTERN RANKS SCRIPT: one message of train, which matches, and the status
refuses() {
	mpi "$4" "$5" >/dev/null 2>"$T/.err"
	refuses_got=$?
	grep '^train: ' "$T/.err" >"$T/.said"
	if [ $refuses_got -eq "$2" ] && [ "$(wc -l <"$T/.said")" -eq 1 ] && grep -Eq -- "$3" "$T/.said"; then
		result 0 "$1"
	else
		result 1 "$1"
		echo "# exit status $refuses_got, wanted $2; said, wanted one line of /$3/:"
		show "$T/.err"
	fi
}

# The rank of a script, for every launcher.
# shellcheck disable=SC2016
here='r=${OMPI_COMM_WORLD_RANK:-$PMI_RANK};'
to="train -q $small -o $T/no.st"
refuses 'train with MPI: refuses an unknown option with one message' 2 "unknown .*'--nonsense'" 3 'train --nonsense'
is 'train with MPI: --help is printed once' "$(mpi 3 'train --help' | grep -c '^usage')" 1
refuses 'train with MPI: refuses an option that is out of range on one rank' 2 'rank 1 of 3: --layers:' 3 \
	"$here $noised | $to --layers \$((r == 1 ? 2000 : 2))"
refuses 'train with MPI: refuses ranks with different models' 2 'rank 2 of 3: has --layers 3, where rank 0 has --layers 2' 3 \
	"$here $noised | $to --layers \$((2 + r / 2))"
refuses 'train with MPI: refuses ranks with different learning rates' 2 'rank 1 of 2: has --lr 0.5, where rank 0 has --lr 0.25' 2 \
	"$here $noised | $to --lr 0.\$((25 * (r + 1)))"
refuses 'train with MPI: refuses ranks with different precisions' 2 'rank 1 of 2: has --precision bf16, where rank 0 has --precision fp32' 2 \
	"$here test \$r = 0 && p=fp32 || p=bf16; $noised | $to --precision \$p"
refuses 'train with MPI: refuses ranks with different --wire' 2 'rank 1 of 2: has --wire bf16, where rank 0 has --wire float' 2 \
	"$here test \$r = 0 && w=float || w=bf16; $noised | $to --wire \$w"
{
	cat "$vocab"
	echo more
} >"$T/vocab2.txt"
tok -q -w "$T/vocab2.txt" "$T/train.jsonl" | pack -q -T 72 -o "$T/train1.rows"
cp "$T/train.rows" "$T/train0.rows"
refuses 'train with MPI: refuses ranks with different vocabularies' 2 'rank 1 of 2: has a vocabulary of .*, where rank 0 has a vocabulary of' 2 \
	"$here noise -q $T/train\$r.rows | $to"
refuses 'train with MPI: refuses ranks with different streams' 2 'rank 1 of 2: has rows noised with seed 1, where' 2 \
	"$here noise -q -s \$r $T/train.rows | $to"
refuses 'train with MPI: refuses the rows of another rank' 1 'rank 1 of 3: .*has the rows of rank 0 of 3, where this is rank 1' 3 \
	"noise -q --rank 0 --world 3 $T/train.rows | $to"
refuses 'train with MPI: refuses rows for another number of ranks' 1 'has the rows of rank 0 of 2, where this is rank 0 of 3' 3 \
	"noise -q --rank 0 --world 2 $T/train.rows | $to"
fails 'train with MPI: one process refuses the rows of one of two ranks' 1 'has the rows of rank 1 of 2, where this is rank 0 of 1' \
	sh -c "noise -q --rank 1 --world 2 $T/train.rows | $to"
refuses 'train with MPI: reports rows that one rank cannot read' 1 'rank 1 of 2: /nowhere: No such file' 2 \
	"$here test \$r = 0 || exec $to /nowhere; $noised | $to"
refuses 'train with MPI: refuses an existing checkpoint' 2 'rank 0 of 2: .*exists' 2 "$noised | train -q $small -o $T/n2.st"
is 'train with MPI: a refused start writes no file' "$(find "$T" -name 'no.st*' -o -name '*.tmp')" ''
refuses 'train with MPI: reports the stream of a rank that ends too early' 1 'rank [0-2] of 3 has [0-9] of the [0-9]+ rows from row 304 on .expected [0-9].: do all ranks' 3 \
	"$here noise -q --limit \$((r == 1 ? 310 : 400)) $T/train.rows | $to -n 30"
is 'train with MPI: a stream that ends too early leaves the checkpoint of the step before' "$(denoise -m "$T/no.st" --info | grep ^step:)" 'step: 19'
refuses 'train with MPI: reports a loss that explodes' 3 'train: step 2, rows 16 to 31: the loss has exploded to' 2 \
	"$noised | $to -f --shard on --lr 10 --clip 0 --beta2 0 --warmup 0 --weight-decay 10"
is 'train with MPI: a loss that explodes leaves the checkpoint' "$(denoise -m "$T/no.st" --info | grep ^step:)" 'step: 19'
refuses 'train with MPI: reports a truncated stream of one rank' 1 'rank 1 of 2: .*truncated' 2 \
	"$here $noised | { test \$r = 0 && cat || head -c 30000; } | $to -f"
ok 'train with MPI: a truncated input leaves a readable checkpoint' denoise -m "$T/no.st" --info
if [ -w /dev/full ]; then
	refuses 'train with MPI: reports a full disk' 1 'rank 0 of 2: /dev/full: cannot write' 2 "$noised | $to -f -l /dev/full"
fi

long="noise -q -e 100000 -s 1 $T/train.rows"
waits() { # waits FILE: for it to be there
	for _ in $(seq 600); do
		[ -e "$1" ] && return
		sleep 0.1
	done
}
rm -f "$T/no.st"
mpi 3 "$here $long | { test \$r != 1 || { exec 3<&0; $to --save-every 5 <&3 & echo \$! >$T/pid; wait \$!; exit; }; $to --save-every 5; }" \
	>/dev/null 2>"$T/.err" &
waits "$T/no.st"
kill -KILL "$(cat "$T/pid")"
wait $!
status=$?
not_ok 'train with MPI: a killed rank ends the job' [ $status -eq 0 ]
is 'train with MPI: a killed rank gives no message of train' "$(grep -c '^train: ' "$T/.err")" 0
ok 'train with MPI: the last checkpoint is readable after a rank was killed' denoise -m "$T/no.st" --info
rm -f "$T/no.st" "$T/pid"
mpi 3 "$here $long | { test \$r != 1 || { exec 3<&0; $to <&3 & echo \$! >$T/pid; wait \$!; exit; }; $to; }" \
	>"$T/stop.csv" 2>"$T/.err" &
waits "$T/pid"
for _ in $(seq 600); do
	[ "$(wc -l <"$T/stop.csv")" -gt 40 ] && break
	sleep 0.1
done
refuses 'train with MPI: refuses a second run with the same output' 1 'rank 0 of 2: .*no.st: ' 2 "$noised | $to -f"
kill -TERM "$(cat "$T/pid")"
wait $!
ok 'train with MPI: SIGTERM to one rank stops all, with the checkpoint of the last logged step' [ \
	"$(denoise -m "$T/no.st" --info | sed -n 's/^step: //p')" = "$(tail -n 1 "$T/stop.csv" | cut -d, -f1)" ]

done_testing
