#!/bin/sh
# train and denoise: their output, what they refuse, and that results repeat bit for bit.
. tests/lib.sh

PATH=$BIN:$PATH
vocab=$T/vocab.txt

pipelines/stories generate -n 300 -s 1 >"$T/train.jsonl"
pipelines/stories generate -n 20 -s 2 >"$T/valid.jsonl"
story_vocab >"$vocab"
for set in train valid; do
	tok -q -w "$vocab" "$T/$set.jsonl" | pack -q -T 72 -o "$T/$set.rows"
done
noise -q -e 8 -s 1 --mask mixed "$T/train.rows" >"$T/train.noised"
noise -q -s 7 "$T/valid.rows" >"$T/valid.noised"

# run NAME OPTIONS...: a small model on all rows
run() {
	run_name=$1
	shift
	# With RUN=exec in a background shell, the process of that shell is train.
	${RUN:-} train -q -x tiny --layers 1 --width 32 --heads 2 --embed 16 -B 16 --refit-every 10 --window 256 \
		-j 2 -o "$T/$run_name" "$@" "$T/train.noised"
}

ok 'train: a run of forty steps succeeds' run whole.st -n 40 -l "$T/steps.csv" --schedule-log "$T/sched.csv" \
	--valid "$T/valid.noised" --valid-every 20
run again.st -n 40 --valid "$T/valid.noised" --valid-every 20 >"$T/loss.csv"
ok 'train: the same run writes the same checkpoint' cmp "$T/whole.st" "$T/again.st"
run other.st -n 40 -s 2 >/dev/null
not_ok 'train: another seed gives another checkpoint' cmp "$T/whole.st" "$T/other.st"
is 'train: the log of losses on standard output has a header' "$(head -n 1 "$T/loss.csv")" 'step,t,ce_nats,split,given'
is 'train: the log of losses has a row for every sequence' "$(grep -c ',train,' "$T/loss.csv")" 640
is 'train: the log has a row for every validated sequence' "$(grep -c ',valid,' "$T/loss.csv")" 40
pack --noise "$T/train.noised" | awk -F, 'NR > 1 && NR <= 641 { print gsub(/0/, "", $5) }' >"$T/given.want"
grep ',train,' "$T/loss.csv" | cut -d, -f5 >"$T/given"
ok 'train: the log of losses has the number of given positions of each row' cmp "$T/given" "$T/given.want"
is 'train: the log of steps has a row for every step' "$(tail -n 1 "$T/steps.csv" | cut -d, -f1,2)" '40,640'
is 'train: the schedule is refitted every --refit-every steps' "$(tail -n 1 "$T/sched.csv" | cut -d, -f1,2)" '40,logistic'
# The two fits start from different values, and one of them from losses of nine digits.
tail -n 1 "$T/sched.csv" | cut -d, -f1-6 >"$T/fit.train"
fitsched -q --schedule logistic --window 256 --embed 16 "$T/loss.csv" | tail -n 1 | cut -d, -f1-6 >"$T/fit.fitsched"
same_fit() { # the step, the family, and the parameters to one part in 10,000
	paste -d , "$T/fit.train" "$T/fit.fitsched" | awk -F, '
		function far(a, b) { return a - b > 1e-4 * (b < 0 ? -b : b) || b - a > 1e-4 * (b < 0 ? -b : b) }
		{ bad = $1 != $7 || $2 != $8
		  for (i = 3; i <= 6; i++) bad = bad || far($i, $(i + 6)) }
		END { exit bad || NR != 1 }'
}
ok 'train: refits to the last --window losses, as fitsched does' same_fit
# Of rows with u < 0.25, ln t is even in 4 u; the others have F^-1 of what is left of u.
run even.st -n 4 --even-levels 0.25 --schedule uniform --t-min 0.5 --t-max 50 >"$T/even.csv"
levels_as_promised() {
	pack --noise "$T/train.noised" | cut -d, -f3 | sed 1d | head -n 64 | paste -d, - "$T/even.levels" | awk -F, '
		{ t = $1 < 0.25 ? 0.5 * exp(4 * $1 * log(100)) : 0.5 + ($1 - 0.25) / 0.75 * 49.5
		  if ($2 / t > 1.00001 || $2 / t < 0.99999) bad++
		  even += $1 < 0.25 }
		END { exit bad || even < 15 || even > 17 || NR != 64 }'
}
cut -d, -f2 "$T/even.csv" | sed 1d >"$T/even.levels"
ok 'train: --even-levels draws this fraction of the levels evenly in ln t, the others from F' levels_as_promised
is 'train: validation is at the same levels each time' \
	"$(grep '^20,.*valid' "$T/loss.csv" | cut -d, -f2)" \
	"$(grep '^40,.*valid' "$T/loss.csv" | cut -d, -f2)"

# --- resuming ---
run half.st -n 40 --stop-after 20 --valid "$T/valid.noised" --valid-every 20 >"$T/a.csv"
train -q -j 2 -r "$T/half.st" --valid "$T/valid.noised" --valid-every 20 --no-header \
	"$T/train.noised" >"$T/b.csv"
cat "$T/a.csv" "$T/b.csv" >"$T/ab.csv"
ok 'train: a stopped and resumed run writes the checkpoint of an uninterrupted one' cmp "$T/half.st" "$T/whole.st"
ok 'train: a stopped and resumed run writes the same log' cmp "$T/ab.csv" "$T/loss.csv"
run skipped.st -n 40 --stop-after 20 --valid "$T/valid.noised" --valid-every 20 >/dev/null
noise -q -e 8 -s 1 --mask mixed --skip 320 "$T/train.rows" |
	train -q -j 2 -r "$T/skipped.st" --valid "$T/valid.noised" --valid-every 20 >/dev/null
ok 'train: a run resumed on rows of noise --skip writes the same checkpoint' cmp "$T/skipped.st" "$T/whole.st"
RUN='exec' run killed.st -n 40 --save-every 1 >"$T/killed.csv" &
killed=$!
until [ -e "$T/killed.st" ]; do
	kill -0 $killed 2>/dev/null || break
done
kill -TERM $killed 2>/dev/null
wait $killed
train -q -j 2 -r "$T/killed.st" "$T/train.noised" >/dev/null
run plain.st -n 40 >/dev/null
ok 'train: a run stopped by SIGTERM and resumed writes the same checkpoint' cmp "$T/killed.st" "$T/plain.st"
fails 'train: --resume refuses a stream that begins too late' 1 'begins with row 1000 .* row 640 comes next' \
	sh -c "noise -q -e 8 -s 1 --skip 1000 '$T/train.rows' | train -q -n 50 -r '$T/whole.st'"

# --- logs of a run that went on after its last checkpoint ---
logs() {
	run_logs=$1
	shift
	"$@" -l "$T/$run_logs.steps" --loss-log "$T/$run_logs.loss" --schedule-log "$T/$run_logs.fits" \
		--valid "$T/valid.noised" --valid-every 20
}
logs one run one.st -n 40
ok 'train: --loss-log writes what standard output would get' cmp "$T/one.loss" "$T/loss.csv"
logs two run two.st -n 40 --stop-after 10
cp "$T/two.st" "$T/two.old"
logs two train -q -j 2 -r "$T/two.st" --stop-after 30 "$T/train.noised"
printf '31,0.5' >>"$T/two.loss"
mv "$T/two.old" "$T/two.st"
logs two train -j 2 -r "$T/two.st" "$T/train.noised" 2>"$T/two.err"
ok 'train: a run resumed from an older checkpoint writes the same log of losses' cmp "$T/two.loss" "$T/one.loss"
ok 'train: a run resumed from an older checkpoint writes the same log of fits' cmp "$T/two.fits" "$T/one.fits"
is 'train: a run resumed from an older checkpoint has every step once in the log of steps' "$(cut -d, -f1,2,10,11 "$T/two.steps" | cksum)" \
	"$(cut -d, -f1,2,10,11 "$T/one.steps" | cksum)"
is 'train: valid_nats in the log of steps is the mean of the validation of the step, and empty without one' \
	"$(awk -F, 'NR == 1 { print $10 } NR > 1 && $10 != "" { printf "%d %.6f\n", $1, $10 }' "$T/one.steps")" \
	"$(awk -F, 'BEGIN { print "valid_nats" } $4 == "valid" { n[$1]++; sum[$1] += $3 }
		END { for (step = 20; step <= 40; step += 20) printf "%d %.6f\n", step, sum[step] / n[step] }' "$T/one.loss")"
cp "$T/valid.noised" "$T/lost.noised"
mkfifo "$T/lost.rows"
half=$(($(wc -c <"$T/train.noised") / 2))
{
	head -c "$half" "$T/train.noised"
	await grep -q '^3,' "$T/lost.steps"
	rm "$T/lost.noised"
	tail -c "+$((half + 1))" "$T/train.noised"
} >"$T/lost.rows" &
fails 'train: a validation that cannot read its rows ends the run' 1 'lost.noised: No such file' \
	train -q -x tiny --layers 1 --width 32 --heads 2 --embed 16 -B 16 -n 150 -j 2 -l "$T/lost.steps" \
	--loss-log "$T/lost.loss" --valid "$T/lost.noised" --valid-every 140 -o "$T/lost.st" "$T/lost.rows"
is 'train: the step before a validation that failed is saved and logged' \
	"$(denoise -m "$T/lost.st" --info | sed -n 's/^step: //p') $(tail -n 1 "$T/lost.steps" | cut -d, -f1,10)" '140 140,'
ok 'train: --resume reports the lines that it removes from a log' \
	grep -q 'two.steps: removed 20 lines after step 10' "$T/two.err"
fails 'train: refuses to append a log to another file' 1 'not a log to append to' \
	train -q -r "$T/whole.st" -l "$vocab" "$T/train.noised"

# Without learning, only the levels of the rows change after the fit of step 50.
run fit.st -n 100 --lr 0 --schedule cauchy --window 1024 --refit-every 50 -l "$T/fit.steps" >/dev/null
# shellcheck disable=SC2016
ok 'train: a fit changes the levels and with them loss_nats, but not even_nats' awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ loss[$1 > 50] += $at["loss_nats"] / 50; even[$1] = $at["even_nats"] }
	END { exit !(loss[1] > 1.25 * loss[0] && even[100] < 1.06 * even[50] && even[100] > 0.94 * even[50]) }' "$T/fit.steps"

# --- the best validation ---
# best NAME OPTIONS...: a validation every 4 steps, of which some are worse than the one before
best() {
	best_name=$1
	shift
	run "$best_name.st" -n 28 --lr 0.03 --ema 0.5 --valid "$T/valid.noised" --valid-every 4 \
		--keep-best "$T/$best_name.best" -l "$T/$best_name.steps" --loss-log "$T/$best_name.loss" "$@"
}
info() { # info CHECKPOINT KEY
	denoise --info -m "$1" | sed -n "s/^$2: //p"
}
best kept --patience 7
lowest=$(awk -F, 'NR > 1 && $10 != "" && (!step || $10 < least) { step = $1; least = $10 } END { print step }' "$T/kept.steps")
ok 'train: --keep-best writes the checkpoint of the lowest validation' [ "$(info "$T/kept.best" step)" -eq "$lowest" ]
best upto --stop-after "$lowest"
ok 'train: the checkpoint of --keep-best has the bytes of a run that ends there' cmp "$T/kept.best" "$T/upto.st"
best parts --stop-after 18 >/dev/null
cp "$T/parts.best" "$T/parts.18"
train -q -j 2 -r "$T/parts.st" --valid "$T/valid.noised" --valid-every 4 --keep-best "$T/parts.best" \
	--loss-log "$T/parts.loss" "$T/train.noised"
ok 'train: a stopped and resumed run keeps the best checkpoint of an uninterrupted one' cmp "$T/parts.best" "$T/kept.best"
ok 'train: a stopped and resumed run records the best validation of an uninterrupted one' cmp "$T/parts.st" "$T/kept.st"
# Without learning, no validation is better than the first.
patient() { # patient OPTIONS...
	train -j 2 -o "$T/patient.st" --valid "$T/valid.noised" --valid-every 4 --keep-best "$T/patient.best" \
		--loss-log "$T/patient.loss" "$@" "$T/train.noised" 2>"$T/patient.err"
}
patient -x tiny --layers 1 --width 32 --heads 2 --embed 16 -B 16 -n 40 --lr 0 --ema 0 --patience 2
is 'train: --patience ends the run after so many validations without improvement, with status 0' \
	"$? $(info "$T/patient.st" step)" '0 12'
ok 'train: --patience says which validation was the best' grep -Eq \
	'stopped by --patience after step 12: the last 2 validations are not better than that of step 4, [0-9.]+ nats' "$T/patient.err"
is 'train: --keep-best keeps the first of equal validations' "$(info "$T/patient.best" step)" 4
ok 'train: --resume of a run that --patience ended does no step' patient -f -r "$T/patient.st" --patience 2
is 'train: a run that --patience ended is where it was' "$(info "$T/patient.st" step)" 12
patient -f -r "$T/patient.st" --patience 3
is 'train: --resume with a larger --patience continues to count' "$? $(info "$T/patient.st" step)" '0 16'
fails 'train: --keep-best refuses an existing file' 2 'kept.best: already exists: -f replaces it' \
	run new.st -n 4 --valid "$T/valid.noised" --keep-best "$T/kept.best"
fails 'train: --keep-best refuses the file of --output' 2 'the same file is output of two options' \
	run new.st -n 4 --valid "$T/valid.noised" --keep-best "$T/new.st"
fails 'train: --keep-best refuses standard output' 2 '--keep-best: a checkpoint cannot be written to standard output' \
	run new.st -n 4 --valid "$T/valid.noised" --keep-best -
fails 'train: --keep-best reports a missing directory before the first step' 1 'nowhere' \
	run new.st -n 4 --valid "$T/valid.noised" --keep-best "$T/nowhere/best.st"
fails 'train: --keep-best requires --valid' 2 'keep-best: needs --valid' run new.st --keep-best "$T/new.best"
fails 'train: --patience requires --valid' 2 'patience: needs --valid' run new.st --patience 3
ok 'train: none of these runs began' test ! -e "$T/new.st"

# --- options ---
is 'train: --dry-run prints the number of parameters' \
	"$(train --dry-run -x tiny "$T/train.noised" | sed -n 's/^parameters: //p' | cut -d' ' -f1 | awk '$1 > 1200000 && $1 < 1400000 { print "about 1.3 million" }')" \
	'about 1.3 million'
if [ -n "${SAN:-}" ]; then
	skip 'train: ulimit -d limits the available memory' 'sanitizers need more than any limit'
else
	# dash, bash and ksh have it.
	# shellcheck disable=SC3045
	available=$(ulimit -d 2000000 && train --dry-run -j 1 -x tiny "$T/train.noised" |
		sed -n 's/^memory: .* of \([0-9]*\)[.0-9]* MiB available/\1/p')
	ok 'train: ulimit -d limits the available memory' \
		[ "$available" -gt 0 -a "$available" -lt 1954 ]
fi
ok 'train: --dry-run writes no checkpoint' test ! -e model.safetensors
for p in karras tanh cdcd bayes; do
	ok "train: trains with --precond $p" run "p-$p" -n 3 --precond $p
done
for s in uniform cauchy logistic frechet piecewise; do
	ok "train: trains with --schedule $s" run "s-$s" -n 12 --schedule $s --t-min 0.5 --t-max 50
done
ok 'train: trains with all optional parts of the model switched off' run switches -n 3 --positions off --qk-norm off --posterior off --copy-heads 0 --self-cond 0 \
	--full-vocab on --pad-loss off --time-width 16 --refit-every 0
ok 'train: a checkpoint has the tensors of copy attention' grep -aq '"recall.qk"' "$T/whole.st"
not_ok 'train: a checkpoint without copy attention lacks the tensors of copy attention' grep -aq '"recall.qk"' "$T/switches"
ok 'train: trains with other options of the optimiser' run optimiser -n 3 --lr 1e-3 --lr-end 0.5 --warmup 0.5 --beta1 0.8 --beta2 0.9 \
	--weight-decay 0.1 --clip 0 --ema 0.9

# --- Muon ---
muon() {
	muon_name=$1
	shift
	run "$muon_name" -n 40 --optimizer muon "$@"
}
ok 'train: a run with --optimizer muon succeeds' muon muon.st
muon again-muon.st >"$T/muon.loss"
muon longer-muon.st -n 80 --lr 1e-2 --valid "$T/valid.noised" --valid-every 20 >"$T/muon.csv"
mean() { # mean STEP: the mean cross-entropy of the validation at this step
	awk -F, -v step="$1" '$1 == step && $4 == "valid" { sum += $3; n++ } END { print sum / n }' "$T/muon.csv"
}
ok 'train: with --optimizer muon the cross-entropy of the validation falls' \
	awk -v early="$(mean 20)" -v late="$(mean 80)" 'BEGIN { exit !(late > 0 && late < 0.95 * early) }'
ok 'train: the same run with --optimizer muon writes the same checkpoint' cmp "$T/muon.st" "$T/again-muon.st"
ok 'train: a run with --optimizer adamw succeeds' run adamw.st -n 40 --optimizer adamw
not_ok 'train: --optimizer muon gives another checkpoint than AdamW' cmp "$T/muon.st" "$T/adamw.st"
for option in --muon-scale=0.3 --muon-momentum=0.5; do
	muon other-muon.st -f $option >"$T/other-muon.csv"
	not_ok "train: $option changes the losses" cmp "$T/other-muon.csv" "$T/muon.loss"
done
muon half-muon.st --stop-after 20 >/dev/null
train -q -j 2 -r "$T/half-muon.st" "$T/train.noised" >/dev/null
ok 'train: a stopped and resumed run with --optimizer muon writes the checkpoint of an uninterrupted one' \
	cmp "$T/half-muon.st" "$T/muon.st"
fails 'train: --resume refuses AdamW for a checkpoint of Muon' 2 \
	'--optimizer: is muon in .*muon.st and cannot be changed to adamw on --resume' \
	train -q -r "$T/muon.st" --optimizer adamw "$T/train.noised"
fails 'train: --resume refuses Muon for a checkpoint of AdamW' 2 \
	'--optimizer: is adamw in .*adamw.st and cannot be changed to muon on --resume' \
	train -q -r "$T/adamw.st" --optimizer muon "$T/train.noised"
is 'denoise: --info prints the optimizer' "$(denoise --info -m "$T/muon.st" | grep '^train.optimizer')" \
	'train.optimizer: muon'
not_ok 'train: a checkpoint of Muon has no second moments of matrices' \
	grep -aq '"adam_v.blocks.0.attention.qkv.weight"' "$T/muon.st"
ok 'train: a checkpoint of Muon has the second moments of other weights' \
	grep -aq '"adam_v.blocks.0.attention.qkv.bias"' "$T/muon.st"
precisions='fp32 bf16'
train --dry-run -x tiny --precision bf16 "$T/train.noised" >/dev/null 2>&1 || precisions=fp32
for precision in $precisions; do
	ok "train: trains with --optimizer muon and odd sizes in --precision $precision" run odd.st -f -n 3 \
		--optimizer muon --precision "$precision" --width 42 --heads 3 --embed 7 --copy-heads 1
done
operations() {
	train --dry-run -x tiny "$@" "$T/train.noised" | sed -n 's/^operations: \([^ ]*\) .*/\1/p'
}
ok 'train: --dry-run counts the operations of Muon' awk -v adamw="$(operations --optimizer adamw)" \
	-v muon="$(operations --optimizer muon)" -v small="$(operations --optimizer muon -B 1)" \
	'BEGIN { exit !(adamw > 0 && muon > 1.01 * adamw && small > 3 * adamw) }'
memory() {
	train --dry-run -x base "$@" "$T/train.noised" | sed -n 's/^memory: \([^ ]*\) .*/\1/p'
}
# 42 rows of 72 tokens are a micro-batch of the width 768. What grows is the memory of the rows.
ok 'train: a batch of ten micro-batches takes as much memory as one' awk -v row="$(memory -B 1)" \
	-v one="$(memory -B 42)" -v ten="$(memory -B 420)" \
	'BEGIN { exit !(row > 0 && one - row > 100 && ten >= one && ten - one < 1) }'
# The matrices have 84 million numbers of 4 bytes; the scratch of Muon is 36 MiB.
ok 'train: Muon allocates no second moments of matrices' awk -v adamw="$(memory)" \
	-v muon="$(memory --optimizer muon)" 'BEGIN { exit !(muon > 0 && muon < adamw - 250) }'
muon profile-muon.st -f --profile "$T/muon-profile.csv" >/dev/null
run profile.st -f -n 40 --optimizer adamw --profile "$T/adamw-profile.csv" >/dev/null
is 'train --profile: counts the products of Muon by themselves, not with those of the model' \
	"$(awk -F, 'FNR == 1 { file++ } $1 == "muon products" { products[file] = $2 }
		$1 == "project" { project[file] = $2 }
		END { print !products[1], (products[2] > 0), (project[1] == project[2]) }' \
		"$T/adamw-profile.csv" "$T/muon-profile.csv")" '1 1 1'

# --- presets ---
ok 'train: --help after --preset small shows the values of this preset' sh -c "train -x small --help | grep -q -- '--layers N .*\[8\]'"
is 'train: -x seed is another name of -x mini-cdcd' "$(train -x seed --help | sed 's/ .seed.$//' | cksum)" \
	"$(train -x mini-cdcd --help | sed 's/ .mini-cdcd.$//' | cksum)"
fails 'train: the message about an unknown preset lists all presets' 2 \
	"--preset: unknown value 'huge' .expected tiny.small.base.mini-cdcd." run x -x huge
for old in 'd 16:embed' '-decay 0.1:weight-decay' '-decay=0.1:weight-decay' '-recall 1:copy-heads' \
	'-vocab full:full-vocab'; do
	# shellcheck disable=SC2086
	fails "train: the message about -${old%:*} names --${old#*:}" 2 \
		"^train: -${old%%[ =]*}: is now --${old#*:}" run x -${old%:*}
done
ok 'train: -V prints the version' sh -c 'train -V | grep -q "^train (cdcd)"'
ok 'train: -v prints time and memory' sh -c "train -v -x tiny --layers 1 -n 1 -B 2 -f -o '$T/v.st' '$T/train.noised' 2>&1 >/dev/null | tail -n 1 | grep -q 'MiB peak'"

# --- refusals ---
fails 'train: refuses to replace an existing checkpoint' 2 'exists: -r .* continues it, -f replaces it' run whole.st -n 1
ok 'train: -f replaces an existing checkpoint' run other.st -n 1 -f
fails 'train: refuses rows without noise' 1 'rows.*noised' train -q -o "$T/x" "$T/train.rows"
fails 'train: refuses an empty input' 1 '/dev/null' train -q -o "$T/x" /dev/null
fails 'train: reports a missing input' 1 'nowhere: No such file' train -q -o "$T/x" "$T/nowhere"
head -c 3000 "$T/train.noised" >"$T/cut.noised"
fails 'train: reports truncated rows' 1 'cut.noised: truncated' train -q -x tiny --layers 1 -n 40 -o "$T/cut.st" "$T/cut.noised"
head -c 1500 "$T/valid.noised" >"$T/cut.valid"
fails 'train: reports truncated validation rows before the first step' 1 'cut.valid: truncated' run cut2.st -n 40 --valid "$T/cut.valid"
ok 'train: truncated validation rows leave no checkpoint' [ ! -e "$T/cut2.st" ]
cat "$T/train.noised" "$T/valid.noised" >"$T/joined.noised"
small='-x tiny --layers 1 --width 16 --heads 1 --embed 8 -B 16 -j 1 -f'
# shellcheck disable=SC2086
train $small -o "$T/joined.st" "$T/joined.noised" >/dev/null 2>"$T/err"
is 'train: reports that more rows follow than the header says' "$? $(grep -c 'more rows follow than its header says' "$T/err")" '0 1'
# shellcheck disable=SC2086
noise -q -t 3 "$T/train.rows" | train $small -n 4 --refit-every 2 -o "$T/level.st" 2>"$T/err" >/dev/null
is 'train: a schedule that cannot be fitted stays unchanged' \
	"$? $(grep -c 'step [24]: the schedule is unchanged, as the fit failed: logistic: observations at 1 levels' "$T/err")" '0 2'
# shellcheck disable=SC2086
train $small -n 400 -o "$T/ends.st" "$T/train.noised" >/dev/null 2>"$T/err"
is 'train: rows that end before the steps are reported without an error' \
	"$? $(grep -c 'the rows end after step 150 of 400' "$T/err")" '0 1'
fails 'train: warns if --self-cond is less than one row of the run' 0 \
	'--self-cond 0.01 of 64 rows is less than one row' run few.st -n 4 --self-cond 0.01
is 'train: does not warn if --self-cond is one row of the run' \
	"$(run one-row.st -n 4 --self-cond 0.016 2>&1 >/dev/null)" ''
fails 'train: refuses heads that do not divide the width' 2 'the width 32 divided by the number of heads 5 is not an even' run x --heads 5
fails 'train: refuses a model that does not fit the memory' 1 'memory' run x --layers 1000 --width 65536 --heads 64
fails 'train: refuses too many threads' 2 'threads: 1024 threads are too many for [0-9]+ processors .expected at most [0-9]+' \
	run x -j 1024
fails 'train: refuses a number of steps beyond 2^63' 2 "'9223372036854775808' is not a number from 0 to" run x -n 9223372036854775808
fails 'train: refuses a number of steps that is not a number' 2 "'1x' is not a whole number" run x -n 1x
fails 'train: --valid-every requires --valid' 2 'valid-every: needs --valid' run x --valid-every 3
fails 'train: refuses --no-header with --loss-log' 2 'does not go' run x --no-header --loss-log y
fails 'train: --resume refuses another shape of the model' 2 '--layers: is 1 in .*whole.st and cannot be changed to 3 on --resume' \
	train -q -r "$T/whole.st" --layers 3 "$T/train.noised"
fails 'train: --resume refuses a preset' 2 'preset' train -q -r "$T/whole.st" -x tiny "$T/train.noised"
pack -q -T 64 -o "$T/short.rows" "$T/train.rows" 2>/dev/null ||
	tok -q -w "$vocab" "$T/train.jsonl" | pack -q -T 64 -o "$T/short.rows"
fails 'train: --resume refuses rows of another length' 1 'rows of 64 tokens.*has rows of 72' \
	sh -c "noise -q '$T/short.rows' | train -q -r '$T/whole.st'"
fails 'train: --resume refuses a file that is not a checkpoint' 1 'train.rows' train -q -r "$T/train.rows" "$T/train.noised"
head -c 20000 "$T/whole.st" >"$T/torn.st"
fails 'train: --resume refuses a truncated checkpoint' 1 'torn.st' train -q -r "$T/torn.st" "$T/train.noised"
fails 'train: refuses an unknown option' 2 "unknown .*'--nonsense'" train --nonsense
fails 'train: refuses a value out of range' 2 '--beta1' train --beta1 2
fails 'train: refuses an unknown option letter' 2 "unknown option '-z'" train -z
fails 'train: refuses an option without its argument' 2 'steps: missing argument' train -n
fails 'train: refuses a number that double cannot hold' 2 "'1e999' is not a number that a double can hold" train --lr 1e999
fails 'train: refuses a negative seed' 2 "seed: '-1' is not a whole number from 0 to 2\\^64 - 1" train -s -1
fails 'train: refuses two operands' 2 'operand' train a b
if [ -w /dev/full ]; then
	fails 'train: reports a full disk for the log' 1 'standard output: cannot write' \
		sh -c "train -q -x tiny --layers 1 -n 30 -B 8 -o '$T/full.st' '$T/train.noised' >/dev/full"
	ok 'train: a full disk for the log does not lose the checkpoint' denoise -m "$T/full.st" --info
	fails 'train: reports a full disk for the checkpoint' 1 '/dev/full' \
		train -q -x tiny --layers 1 -n 1 -B 2 -f -o /dev/full "$T/train.noised"
else
	skip 'train: reports a full disk' 'no /dev/full'
fi
train -q -x tiny --layers 1 -n 30 -B 8 -o "$T/pipe.st" "$T/train.noised" 2>"$T/pipe.err" | head -n 1 >/dev/null
is 'train: continues if the reader of its log exits' \
	"$(denoise -m "$T/pipe.st" --info | sed -n 's/^step: //p')" 30
is 'train: leaves no temporary file' "$(find "$T" -name '*.tmp')" ''
fails 'train: a loss that explodes ends the run with status 3' 3 'step 2, rows 16 to 31: the loss has exploded to' run inf.st -n 40 --lr 10 --clip 0 --beta2 0 --warmup 0 --weight-decay 10 --save-every 1
is 'train: an exploded loss leaves the previous checkpoint' "$(denoise -m "$T/inf.st" --info | sed -n 's/^step: //p')" 1

fails 'train: refuses an empty range of noise levels' 1 'invalid noise levels: t_min 1000' run x --t-min 1000
fails 'train: reports a missing directory of the checkpoint' 1 'nowhere' run nowhere/x.st -n 1
fails 'train: --resume refuses to replace another existing checkpoint' 2 'exists' \
	train -q -r "$T/whole.st" -o "$T/other.st" "$T/train.noised"
ok 'train: --resume with -o copies the checkpoint of a finished run' train -q -r "$T/whole.st" -o "$T/copy.st" "$T/train.noised"
ok 'train: --resume says that the run of the checkpoint is complete' sh -c \
	"train -r '$T/whole.st' -n 3 '$T/train.noised' 2>&1 | grep -q 'whole.st: has done 40 of 3 steps; to train further, give'"
ok 'train: the copy of a finished run has the same bytes' cmp "$T/copy.st" "$T/whole.st"
fails 'train: --resume refuses another schedule' 2 '--schedule: is logistic in .*whole.st and cannot be changed to cauchy on --resume' \
	train -q -r "$T/whole.st" --schedule cauchy "$T/train.noised"
fails 'train: --resume cannot switch self-conditioning off' 2 \
	'--self-cond: is 0.5 in .*whole.st and cannot be changed to 0 on --resume' \
	train -q -r "$T/whole.st" --self-cond 0 "$T/train.noised"
for changed in 'layers 2:1' 'positions off:on' 'full-vocab on:off' 's 5:0' 'window 512:256'; do
	option=${changed%%[ :]*} now=${changed#* }
	[ "$option" = s ] && letter=-s option=seed || letter=--$option
	fails "train: --resume cannot change --$option" 2 \
		"--$option: is ${now#*:} in .*whole.st and cannot be changed to ${now%:*} on --resume" \
		train -q -r "$T/whole.st" "$letter" "${now%:*}" "$T/train.noised"
done
noise -q -e 8 -s 2 "$T/train.rows" >"$T/seed2.noised"
is 'train: --resume with the same rows prints no warning' \
	"$(train -q -j 2 -r "$T/half.st" -o "$T/s1.st" -n 41 "$T/train.noised" 2>&1 >/dev/null)" ''
noise -q -s1 -e 9 --skip 640 --mask mixed "$T/train.rows" >"$T/later.noised"
is 'train: --resume with later records of the same rows prints no warning' \
	"$(train -q -j 2 -r "$T/half.st" -o "$T/s1.st" -f -n 41 "$T/later.noised" 2>&1 >/dev/null)" ''
noise -q -e 8 -s 1 "$T/train.rows" >"$T/unmasked.noised"
fails 'train: --resume warns about another mask' 0 \
	'unmasked.noised: noised with --mask all, but .*half.st began with --mask mixed' \
	train -q -j 2 -r "$T/half.st" -o "$T/s2.st" -n 41 "$T/unmasked.noised"
noise -q -e 100 -s 1 --mask mixed "$T/valid.rows" >"$T/others.noised"
occurs() { pack --ids "$1" | tr ' ' '\n' | grep -cx 0; }
fails 'train: --resume warns about other rows with the same seed' 0 \
	"others.noised: not the rows that .*half.st began with: token 0 occurs $(occurs "$T/valid.rows") times, not $(occurs "$T/train.rows")" \
	train -q -j 2 -r "$T/half.st" -o "$T/s3.st" -n 41 "$T/others.noised"
ok 'train: --resume warns about a stream with another seed' sh -c \
	"train -q -j 2 -r '$T/whole.st' -o '$T/s2.st' '$T/seed2.noised' 2>&1 | grep -q 'noised with seed 2'"
fails 'train: reports a missing file of validation rows' 1 'nowhere: No such file' run x --valid "$T/nowhere"
noise -q --limit 0 "$T/valid.rows" >"$T/none.noised"
fails 'train: --valid refuses a file without rows' 1 'none.noised: no rows to validate on' run none.st -n 4 --valid "$T/none.noised"
ok 'train: --valid of a file without rows leaves no checkpoint' test ! -e "$T/none.st"
fails 'train: refuses a log that is also the input' 2 'the same file is' run x -l "$T/train.noised"

# --- denoise ---
d() {
	denoise -q -j 2 -m "$T/whole.st" "$@"
}
for option in '--profile info.csv' --loss '--steps 3' '-s 1' '-n 3' --last '-B 2' '-o info.rows' --prefix '-j 1'; do
	# shellcheck disable=SC2086
	fails "denoise: --info refuses $option" 2 'does not go with --info' denoise --info -m "$T/whole.st" $option
done
fails 'denoise: --info refuses records' 2 'x.rows: a file of records does not go with --info' \
	denoise --info -m "$T/whole.st" x.rows
ok 'denoise: -n generates rows' sh -c "denoise -q -m '$T/whole.st' -n 3 --steps 5 -s 1 >'$T/new.rows'"
is 'denoise: -n 3 generates three rows of the length of the model' "$(zstd -dcq <"$T/new.rows" | wc -c)" 432
d -n 3 --steps 5 -s 1 >"$T/new2.rows"
zstd -dcq <"$T/new.rows" >"$T/i1"
zstd -dcq <"$T/new2.rows" >"$T/i2"
ok 'denoise: one seed gives the same rows twice' cmp "$T/i1" "$T/i2"
d -n 3 --steps 5 -s 2 | zstd -dcq >"$T/i3"
not_ok 'denoise: two seeds give different rows' cmp "$T/i2" "$T/i3"
for a in 'euler --temperature 0.9' 'exp --temperature 0.9' 'heun --temperature 0.9' 2m 'ancestral --eta 0.5 --temperature 0.9'; do
	ok "denoise: --sampler $a generates rows" sh -c "denoise -q -m '$T/whole.st' -n 2 --steps 4 --tau 0.9 --scale 0.9 --sampler $a | zstd -tq"
done
d -n 3 --steps 4 --temperature 0.8 -a exp | zstd -dcq >"$T/i3"
d -n 3 --steps 4 --temperature 0.8 -a ancestral --eta 0 | zstd -dcq >"$T/i4"
ok 'denoise: -a ancestral --eta 0 gives the rows of -a exp' cmp "$T/i3" "$T/i4"
d -n 3 --steps 4 --temperature 0.8 -a ancestral | zstd -dcq >"$T/i3"
d -n 3 --steps 4 -a ancestral | zstd -dcq >"$T/i4"
not_ok 'denoise: --temperature changes the rows of -a ancestral' cmp "$T/i3" "$T/i4"
d -n 3 --steps 5 -s 1 --last | zstd -dcq >"$T/i3"
not_ok 'denoise: --last changes the rows' cmp "$T/i3" "$T/i1"
ok 'denoise: -B 2 -o writes rows to a file' sh -c "denoise -q -m '$T/whole.st' -n 5 --steps 3 -B 2 -o '$T/five.rows' && zstd -tq '$T/five.rows'"
printf 'once upon a time\n' | tok -q --text -w "$vocab" >"$T/prompt.tok"
is 'denoise: --prefix -n 2 generates two rows that begin with the prompt' \
	"$(d --prefix -n 2 --steps 4 "$T/prompt.tok" | tok -d -w "$vocab" | cut -c1-16 | uniq -c | tr -s ' ')" \
	' 2 once upon a time'
d --prefix -n 6 --steps 4 "$T/prompt.tok" | pack --ids >"$T/six.ids"
is 'denoise: --prefix -n 6 generates six different rows' "$(sort -u "$T/six.ids" | wc -l)" 6
# shellcheck disable=SC2016 # awk
ok 'denoise: --prefix does not take the [SEP] of a prompt as given' awk '$6 != 3 { n++ } END { exit !n }' "$T/six.ids"
ok 'denoise: --prefix accepts -g' d --prefix --steps 3 -g 2 -o "$T/g.rows" "$T/prompt.tok"
printf '[CLS] once upon a [MASK] , [MASK] was\n' >"$T/hole.txt"
tok -q --text -w "$vocab" --no-special "$T/hole.txt" >"$T/hole.tok"
ids=$(d --infill --steps 4 "$T/hole.tok" | zstd -dcq | od -An -v -tu2 -w18 | head -n 1 | tr -s ' ')
was=$(zstd -dcq <"$T/hole.tok" | od -An -v -tu2 -w18 | head -n 1 | tr -s ' ')
is 'denoise: --infill keeps the tokens that are not [MASK]' "$(echo "$ids" | cut -d' ' -f2-5,7)" "$(echo "$was" | cut -d' ' -f2-5,7)"
ids=$(d --infill --steps 4 --refine 9 "$T/hole.tok" | zstd -dcq | od -An -v -tu2 -w18 | head -n 1 | tr -s ' ')
is 'denoise: --infill --refine keeps the tokens that are not [MASK]' "$(echo "$ids" | cut -d' ' -f2-5,7)" "$(echo "$was" | cut -d' ' -f2-5,7)"
not_ok 'denoise: --infill replaces every [MASK]' sh -c "echo '$ids ' | grep -q ' 4 '"
noise -q --no-shuffle -t 0.3 "$T/valid.rows" >"$T/faint.noised"
denoise -q -j 2 -m "$T/p-bayes" --steps 3 "$T/faint.noised" | zstd -dcq >"$T/restored"
zstd -dcq <"$T/valid.rows" >"$T/meant"
ok 'denoise: an untrained model with --precond bayes restores rows with little noise' cmp "$T/restored" "$T/meant"
denoise -q -j 2 -m "$T/p-bayes" --steps 3 --refine 2 "$T/faint.noised" | zstd -dcq >"$T/refined"
not_ok 'denoise: --refine replaces words that the model finds improbable' cmp "$T/refined" "$T/meant"
needs() { # needs ROUNDS: what denoise says that it needs for this --refine, in MiB
	denoise -v -j 2 -m "$T/p-bayes" -n 1 -B 4000 --steps 1 --refine "$1" -o /dev/null 2>&1 | sed -n 's/^denoise: memory: \(.*\) MiB$/\1/p'
}
ok 'denoise: needs memory for refinement only with --refine' awk "BEGIN { exit !(0 < $(needs 0) && $(needs 0) < $(needs 1)) }"
ok 'denoise: --loss succeeds' d --loss -o "$T/losses.csv" "$T/valid.noised"
is 'denoise: --loss writes a line for each row' "$(awk -F, 'NR == 1 || NF == 5 && $3 != "" && $4 > 0 { n++ } END { print n }' \
	"$T/losses.csv")" 21
# near FILE FILE: the same numbers in all lines, up to rounding in bf16
near() {
	paste -d ' ' "$1" "$2" | awk '{
		for (i = 1; i <= NF / 2; i++) {
			difference = $i - $(i + NF / 2)
			if (difference > 0.01 + 0.003 * $i || -difference > 0.01 + 0.003 * $i) { print; bad = 1 }
		}
	} END { exit bad || NR != 20 }'
}
awk -F, 'NR > 1 { print $1, $3 }' "$T/losses.csv" >"$T/by-denoise"
awk -F, '$1 == 40 && $4 == "valid" { print $2, $3 }' "$T/loss.csv" >"$T/by-train"
ok 'denoise: --loss gives the levels and cross-entropies of the validation of train' near "$T/by-denoise" "$T/by-train"
is 'denoise: --loss maps an open level u through the schedule' "$(noise -q -u 0 "$T/valid.rows" | d --loss |
	awk -F, 'NR > 1 { print $1 == 0.25, $2 }' | sort -u)" '1 0'
is 'denoise: --loss does not count given tokens' "$(noise -q -t 2 --mask prefix "$T/valid.rows" | d --loss |
	awk -F, 'NR > 1 && $3 > 0' | wc -l | tr -d ' ')" 20
is 'denoise: --loss counts all tokens as targets if [PAD] is one' "$(tail -n +2 "$T/losses.csv" | cut -d, -f5 | sort -u)" 72
is 'denoise: --loss counts only words as targets after train --pad-loss off' \
	"$(denoise -q -m "$T/switches" --loss "$T/valid.noised" | awk -F, 'NR > 1 { n += $5 } END { print n }')" \
	"$(pack --ids "$T/valid.rows" | tr ' ' '\n' | grep -c '[1-9]')"
d --loss -B 3 "$T/valid.noised" >"$T/losses3.csv"
awk -F, 'NR > 1 { print $3, $4 }' "$T/losses3.csv" >"$T/by-threes"
awk -F, 'NR > 1 { print $3, $4 }' "$T/losses.csv" >"$T/by-all"
ok 'denoise: --loss does not depend on the batch size' near "$T/by-threes" "$T/by-all"
fails 'denoise: --loss refuses rows without noise' 2 'not noised rows' d --loss "$T/valid.rows"
fails 'denoise: --loss refuses -n' 2 'which generates no rows' d --loss -n 3
fails 'denoise: --loss refuses --infill' 2 'only one of them' d --loss --infill "$T/valid.noised"
ok 'denoise: --info prints the settings of the model' sh -c "denoise -m '$T/whole.st' --info | grep -q '^model.width: 32'"
fails 'denoise: refuses rows without noise if neither --prefix nor --infill is given' 2 'prefix' d "$T/valid.rows"
fails 'denoise: refuses -n with noised rows' 2 'faint.noised only with --prefix or --infill' d -n 3 "$T/faint.noised"
fails 'denoise: -o refuses to overwrite the model' 2 'the same file is' d -n 1 -o "$T/whole.st"
fails 'denoise: refuses --eta if the sampler does not use it' 2 'eta does not go with' d -n 1 --eta 0.5
fails 'denoise: refuses --temperature with -a 2m' 2 'temperature does not go with 2m' d -n 1 -a 2m --temperature 0.5
fails 'denoise: refuses --guidance if no tokens are given' 2 'guidance does not go with' d -n 1 -g 2
fails 'denoise: refuses --seed with noised rows' 2 'seed does not go with' d -s 3 "$T/faint.noised"
fails 'denoise: refuses --scale with noised rows' 2 'scale does not go with' d --scale 0.9 "$T/faint.noised"
fails 'denoise: --loss refuses --steps' 2 'steps does not go with --loss' d --loss --steps 5 "$T/faint.noised"
fails 'denoise: --loss refuses --context-guidance' 2 'context-guidance does not go with --loss' \
	d --loss --context-guidance 2 "$T/faint.noised"
fails 'denoise: --loss refuses --refine' 2 'refine does not go with --loss' d --loss --refine 5 "$T/faint.noised"
fails 'denoise: refuses --refine with --trace' 2 'refine does not go with --trace' \
	d -n 1 --refine 5 --trace "$T/refined.csv" -o "$T/refined.rows"
fails 'denoise: the message about -N names --steps' 2 'denoise: -N: is now --steps' d -n 1 -N 5
fails 'denoise: the message about -T names --temperature' 2 'denoise: -T: is now --temperature' d -n 1 -T 0.5
fails 'denoise: the message about --mend names --infill' 2 'denoise: --mend: is now --infill' d --mend "$T/hole.tok"
fails 'denoise: refuses -n after --info' 2 'does not go with --info' d --info -n 1
fails 'denoise: refuses --prefix with --infill' 2 'only one of them' d --prefix --infill "$T/valid.rows"
sed '$d' "$vocab" >"$T/vocab2.txt"
tok -q --text -w "$T/vocab2.txt" "$T/hole.txt" >"$T/foreign.tok"
tok -q -w "$T/vocab2.txt" "$T/valid.jsonl" | pack -q -T 72 | noise -q >"$T/foreign.noised"
fails 'train: refuses validation rows of another vocabulary' 1 'foreign.noised: has vocabulary' \
	run x --valid "$T/foreign.noised"
fails 'denoise: refuses prompts of another vocabulary' 1 'vocabulary' d --prefix "$T/foreign.tok"
tr -d '\n' <"$T/train.jsonl" | sed 's/"}{"story": "/ /g' | cut -c1-2000 | sed 's/$/"}/' |
	tok -q -w "$vocab" -o "$T/long.tok"
fails 'denoise: refuses a prompt that is longer than the rows of the model' 1 "long.tok: record 0 has [0-9]+ tokens .expected at most 72" \
	d --prefix "$T/long.tok"

# --- a vocabulary beyond 65,536 words: ids of four bytes ---

{
	cat "$vocab"
	seq 70000 | sed 's/^/w/'
} >"$T/wide.txt"
tok -q -w "$T/wide.txt" "$T/valid.jsonl" | pack -q -T 72 -o "$T/wide.rows"
pack --ids "$T/valid.rows" >"$T/narrow.ids"
pack --ids "$T/wide.rows" >"$T/wide.ids"
ok 'tok: a wide vocabulary gives the same ids to the same words' cmp "$T/narrow.ids" "$T/wide.ids"
is 'tok: a wide vocabulary gives ids that do not fit 16 bits' "$(echo w69999 | tok -q --text -w "$T/wide.txt" | pack --ids | cut -d ' ' -f 2)" \
	$(($(wc -l <"$vocab") + 69998))
# shellcheck disable=SC2086
noise -q -e 8 "$T/wide.rows" | train -q $small -o "$T/wide.st" >/dev/null
ok 'denoise: generates rows from a model with ids of 4 bytes' sh -c "denoise -q -m '$T/wide.st' -n 2 --steps 3 | tok -d -w '$T/wide.txt'"
fails 'noise: refuses rows with ids of different widths' 1 'the width of ids in bytes differs: 4 \(expected 2\)' \
	noise -q "$T/valid.rows" "$T/wide.rows"
fails 'denoise: reports a missing checkpoint' 1 'No such file' denoise -q -m "$T/nowhere" -n 1
fails 'denoise: refuses a truncated checkpoint' 1 'torn.st' denoise -q -m "$T/torn.st" -n 1
if [ -w /dev/full ]; then
	fails 'denoise: --loss reports a full disk' 1 'cannot write' \
		sh -c "denoise -q -m '$T/whole.st' --loss '$T/valid.noised' >/dev/full"
	fails 'denoise: reports a full disk' 1 'cannot write' sh -c "denoise -q -m '$T/whole.st' -n 2 --steps 2 >/dev/full"
fi
ok 'denoise: -V prints the version' sh -c 'denoise -V | grep -q "^denoise (cdcd)"'

# --- memory: what is said before, and the peak. Attention takes 16 T^2 bytes a thread. ---

if [ -z "${SAN:-}" ]; then
	tok -q -w "$vocab" "$T/train.jsonl" | pack -q --join -T 2048 |
		noise -q -s 1 --limit 8 -o "$T/long.noised"
	# near WHAT SAID PEAK: both in MiB; they agree to 15 % and the 16 MiB of program and libraries
	near() {
		ok "$1: prints $2 MiB, the peak is $3 MiB" awk -v said="$2" -v peak="$3" \
			'BEGIN { exit !(said > 100 && peak - said < 0.15 * said + 16 && said - peak < 0.15 * said) }'
	}
	peak() { sed -n 's/.*CPU, \([0-9.]*\) MiB peak$/\1/p' "$T/err"; }
	for precision in $precisions; do
		long="-x tiny --layers 1 --width 32 --heads 2 --embed 16 -B 1 -j 2 --precision $precision"
		# shellcheck disable=SC2086
		{
			said=$(train --dry-run $long "$T/long.noised" | sed -n 's/^memory: \([0-9.]*\) MiB.*/\1/p')
			train -v -f $long -n 2 --valid "$T/long.noised" --valid-every 2 -o "$T/long.st" "$T/long.noised" 2>"$T/err" >/dev/null
		}
		near "train: the memory of --dry-run includes the scratch of kernels, $precision" "$said" "$(peak)"
		denoise -v -m "$T/long.st" -n 1 --steps 1 -B 1 -j 2 --precision "$precision" 2>"$T/err" >/dev/null
		near "denoise: the printed memory includes the scratch of kernels, $precision" \
			"$(sed -n 's/^denoise: memory: \([0-9.]*\) MiB$/\1/p' "$T/err")" "$(peak)"
		denoise -v -m "$T/long.st" --loss -B 1 -j 2 --precision "$precision" "$T/long.noised" 2>"$T/err" >/dev/null
		near "denoise: the memory of --loss includes the scratch of kernels, $precision" \
			"$(sed -n 's/^denoise: memory: \([0-9.]*\) MiB$/\1/p' "$T/err")" "$(peak)"
	done
fi

done_testing
