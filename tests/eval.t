#!/bin/sh
# Small measurements of checkpoints and small experiments: their tables are complete and plausible.
. tests/lib.sh

PATH=$BIN:$PATH

STEPS=${SAN:+12}
STEPS=${STEPS:-30}

# run MAKEFILE VARIABLES...: without the options of a calling make
run() {
	run_file=$1
	shift
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -f "pipelines/$run_file.mk" BIN="$BIN" "$@"
}

field() { # field ROW COLUMN: of the table
	awk -F, -v row="$1" -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == row { print $at[column] }' "$table"
}

holds() { # holds DESCRIPTION CONDITION, of awk
	ok "$1" awk "BEGIN { exit !($2) }"
}

# --- the harder grammar

pipelines/stories entropy -g pipelines/hard.grammar >"$T/hard.csv"
entropy=$(awk -F, 'NR == 2 { print $1 }' "$T/hard.csv")
pipelines/stories generate -g pipelines/hard.grammar -n 1000 -s 5 >"$T/hard.jsonl"
is 'hard.grammar: the generated stories are consistent' \
	"$(pipelines/stories summary -g pipelines/hard.grammar "$T/hard.jsonl" | tail -n 1 | cut -d, -f1-4)" 1000,1.0000,1.0000,0
pipelines/stories check -g pipelines/hard.grammar "$T/hard.jsonl" | awk -F, -v h="$entropy" '
	NR > 1 { s += $NF; q += $NF ^ 2; n++ }
	END { m = s / n; z = (m - h) / sqrt((q / n - m * m) / n); print (z < 4 && z > -4), "mean " m ", entropy " h }' >"$T/z"
is "hard.grammar: the entropy is the mean of -ln p of the stories" "$(cut -c1 "$T/z")" 1

# --- a checkpoint of the demo, measured

demo() {
	run demo N_TRAIN=400 N_VALID=40 STEPS="$STEPS" BATCH=16 VALID_EVERY="$STEPS" FIT_EVERY="$STEPS" \
		SAMPLES=8 SAMPLE_STEPS=3 TRAIN_OPTIONS='-q --layers 1 --width 32 --heads 2 --precond bayes' "$@"
}
ok 'demo.mk: trains a small model' demo OUT="$T/demo"
evaluate() {
	run eval MODEL="$T/demo/model.safetensors" HELD=32 N_JUDGE=400 DENOISE_OPTIONS='-q --steps 5' \
		LOSS_EPOCHS=8 "$@"
}
ok 'eval.mk: measures the model' evaluate
table=$T/demo/model-eval/table.csv
pack --ids "$T/demo/model-eval/held-out.rows" >"$T/demo/held-out.ids"
is 'eval.mk: the table has a row for each text' "$(cut -d, -f1 "$table" | xargs)" \
	'text held-out shuffled 1-gram 2-gram 3-gram 4-gram 5-gram model'
is 'eval.mk: every row of the table has the same number of columns' "$(awk -F, '{ print NF }' "$table" | sort -u | wc -l | tr -d ' ')" 1
is 'eval.mk: all texts have the same number of stories' "$(tail -n +2 "$table" | cut -d, -f2 | sort -u)" 32
is 'eval.mk: table.txt has the values of table.csv' "$(awk '$1 == "word_nats"' "$T/demo/model-eval/table.txt" | tr -s ' ')" \
	"$(cut -d, -f5 "$table" | xargs)"
is 'eval.mk: held-out text follows the grammar' "$(field held-out consistent)" 1.0000
is 'eval.mk: the held-out text has the entropy of the grammar' "$(field held-out held_out_nats)" \
	"$(pipelines/stories entropy | awk -F, 'NR == 2 { print $1 }')"
is 'eval.mk: nats per token of text are nats per row by the tokens of a row without [PAD] and [CLS]' \
	"$(field 5-gram text_token_nats)" "$(awk -v nats="$(field 5-gram held_out_nats)" '
		{ for (i = 2; i <= NF && $i != 0; i++) n++ }
		END { printf "%.4f", nats * NR / n }' "$T/demo/held-out.ids")"
holds 'eval.mk: the judge prefers held-out text to shuffled text' "$(field shuffled word_nats) > 2 * $(field held-out word_nats)"
holds 'eval.mk: the judge prefers 5-gram text to 1-gram text' "$(field 1-gram word_nats) > 2 * $(field 5-gram word_nats)"
holds 'eval.mk: no n-gram model is below the entropy' "$(field 5-gram held_out_nats) > $(field held-out held_out_nats)"
holds 'eval.mk: the bound of the model is above the entropy' "$(field model held_out_nats) > $(field held-out held_out_nats)"
# An untrained model with --precond bayes costs about this: the entropy of single words, for each of
# 72 positions.
holds 'eval.mk: the bound of the model is below 600 nats' "$(field model held_out_nats) < 600"
is 'eval.mk: writes a PNG of the cross-entropy over t' "$(head -c 8 "$T/demo/model-eval/ce.png" | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a
ok 'masked.mk: trains a masked model on the text of the judge' run masked STORIES="$T/demo/model-eval/judge.jsonl" \
	VALID="$T/demo/valid.jsonl" VOCAB="$T/demo/vocab.txt" OUT="$T/masked" STEPS=$((STEPS * 2)) \
	VALID_EVERY="$STEPS" VALID_ROWS=40 BATCH=16 TRAIN_OPTIONS='-q --layers 1 --width 32 --heads 2'
is 'masked.mk: the learning curve has the loss of each validation' \
	"$(awk -F, '{ print $1, ($2 > 0) }' "$T/masked/learning.csv" | xargs)" "step 1 $STEPS 1 $((STEPS * 2)) 1"
is 'masked.mk: trains at one noise level' "$(cut -d, -f2 "$T/masked/loss.csv" | sort -u | xargs)" '100 t'
ok 'eval.mk: measures with a masked model as a second judge' evaluate MASKED="$T/masked/model.safetensors" OUT="$T/judged"
table=$T/judged/table.csv
is 'eval.mk: the second judge measures every text' "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
	$at["masked_nats"] > 0 { n++ } END { print n, NR }' "$table")" '9 9'
# The model must be trained longer than the sanitizers allow.
[ -n "${SAN:-}" ] ||
	holds 'eval.mk: the second judge prefers held-out text to shuffled text' "$(field shuffled masked_nats) > $(field held-out masked_nats)"
not_ok 'masked.mk: refuses to run without stories' run masked OUT="$T/none"
table=$T/demo/model-eval/table.csv
ok 'eval.mk: does nothing if all is up to date' evaluate -q "$T/demo/model-eval/table.txt"
not_ok 'eval.mk: runs again with other orders' evaluate -q ORDERS='1 2' "$T/demo/model-eval/table.txt"
cp "$T/demo/valid.jsonl" "$T/unknown.jsonl"
touch -t 200001010000 "$T/unknown.jsonl"
not_ok 'eval.mk: runs again with other stories, even if their file is older' evaluate -q VALID="$T/unknown.jsonl" "$T/demo/model-eval/table.txt"
rm "$T/demo/model-eval/likelihood.csv" "$T/demo/model-eval/5-gram.score.csv"
without_awk() (
	AWK=false
	export AWK
	"$@"
)
not_ok 'eval.mk: reports a measure that fails' without_awk evaluate "$T/demo/model-eval/likelihood.csv"
ok 'eval.mk: a failed measure leaves no table' test ! -e "$T/demo/model-eval/likelihood.csv"
ok 'eval.mk: measures text without a grammar' evaluate GRAMMAR= VALID="$T/unknown.jsonl" HELD=16 OUT="$T/plain"
table=$T/plain/table.csv
not_ok 'eval.mk: the table without a grammar has no column of grammar' grep -q grammatical "$table"
holds 'eval.mk: without a grammar, things that held-out text introduces return more often than in 5-gram text' \
	"$(field held-out things_return) > $(field 5-gram things_return)"
python=${PYTHON:-/usr/bin/python3}
if "$python" -c 'import torch' 2>/dev/null; then
	run autoregressive PYTHON="$python" ROWS="$T/demo/train.rows" VALID="$T/demo/valid.rows" VOCAB="$T/demo/vocab.txt" \
		STEPS=4 VALID_EVERY=4 LAYERS=1 WIDTH=32 HELD=32 SAMPLES=1 OUT="$T/ar" >"$T/ar.log" 2>&1
	ok 'eval.mk: measures an autoregressive model' evaluate PYTHON="$python" AUTOREGRESSIVE="$T/ar/model.pt" OUT="$T/compared"
	table=$T/compared/table.csv
	is 'eval.mk: the nats of the autoregressive model are those of its validation' \
		"$(field autoregressive held_out_nats)" "$(tail -n 1 "$T/ar/learning.csv" | cut -d, -f4)"
	holds 'eval.mk: samples of the autoregressive model are measured' "$(field autoregressive stories) == 32"
else
	skip 'eval.mk: measures an autoregressive model' "$python has no PyTorch"
fi
is 'eval.mk: the judge learns from the rest of the held-out file' "$(wc -l <"$T/plain/judge.txt" | tr -d ' ')" 24
not_ok 'eval.mk: the judge does not learn from held-out stories' grep -qxFf "$T/plain/held-out.txt" "$T/plain/judge.txt"

# --- what depends on how it is sampled

ok 'sampling.mk: runs' run sampling MODEL="$T/demo/model.safetensors" HELD=8 N_JUDGE=100 N_TRAIN=100 \
	TEMPERATURES='0.8 1' CONTEXT='1 1.5' SAMPLE_STEPS=4 EVALUATIONS='2 4' SAMPLERS='euler heun 2m' DENOISE_OPTIONS=-q
out=$T/demo/model-sampling
is 'sampling.mk: writes a row for each temperature and the references' "$(cut -d, -f1 "$out/frontier.csv" | xargs)" \
	'text held-out 5gram-0-0.8 5gram-0-1 euler-4-0.8 euler-4-0.8-1.5 euler-4-1 euler-4-1-1.5'
is 'sampling.mk: the picture names the weight of the context guidance' \
	"$(awk -F, '$1 ~ /-1.5$/ { print $2 }' "$out/frontier.csv" | uniq)" 'euler guidance 1.5'
not_ok 'sampling.mk: context guidance changes the samples' cmp -s "$out/euler-4-1/samples.txt" "$out/euler-4-1-1.5/samples.txt"
is 'sampling.mk: writes a row for each sampler and number of evaluations' "$(cut -d, -f2,3 "$out/samplers.csv" | xargs)" \
	'sampler,evaluations 2m,2 2m,4 euler,2 euler,4 heun,2 heun,4'
ok 'sampling.mk: writes pictures' test -s "$out/frontier.png" -a -s "$out/samplers.png"

# --- experiments: models of one budget

experiment() { # experiment NAME VARIABLES...
	experiment_name=$1
	shift
	run "$experiment_name" OUT="$T/$experiment_name" STEPS=6 BATCH=16 VALID_EVERY=3 N_TRAIN=200 N_VALID=20 \
		HELD=8 N_JUDGE=100 SEEDS='1 2' LOSS_EPOCHS=2 FIT_EVERY=3 DENOISE_OPTIONS='-q --steps 2' \
		TRAIN_OPTIONS='-q --layers 1 --width 32 --heads 2 --embed 16' "$@"
}
kinds() {
	cut -d, -f1,2 "$T/$1/kinds.csv" | xargs
}
precisions='fp32 bf16'
! train --precision bf16 -n 1 -o "$T/none" /dev/null 2>&1 | grep -q 'precision bf16' || precisions=fp32
for name in precond schedules training conditioning precision; do
	ok "$name.mk: runs" experiment $name MASKS='all mixed' PRECISIONS="$precisions" LENGTHS='3 6' KINDS='presets former'
	is "$name.mk: no measure is empty" "$(awk -F, '{ for (i = 1; i <= NF; i++) n += $i == "" } END { print n + 0 }' \
		"$T/$name/kinds.csv")" 0
	ok "$name.mk: writes pictures" test -s "$T/$name/learning.png" -a -s "$T/$name/ce.png"
done
not_ok 'precond.mk: runs again with more seeds' experiment precond SEEDS='1 2 3' -q "$T/precond/kinds.csv"
not_ok 'precond.mk: runs again with fewer seeds' experiment precond SEEDS=1 -q "$T/precond/kinds.csv"
ok 'precond.mk: does nothing with the same seeds' experiment precond -q "$T/precond/kinds.csv"
is 'precond.mk: writes a row for each kind' "$(kinds precond)" 'kind,seeds karras,2 tanh,2 cdcd,2 bayes,2'
is 'schedules.mk: writes a row for each kind' "$(kinds schedules)" 'kind,seeds uniform,2 cauchy,2 logistic,2 frechet,2 piecewise,2'
is 'training.mk: writes a row for each kind' "$(kinds training)" 'kind,seeds presets-3,2 presets-6,2 former-3,2 former-6,2'
is 'training.mk: cost.csv has the steps, the seed and the cross-entropy of each run' \
	"$(awk -F, 'FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		NR == FNR { ce[$1] = $at["ce_nats"]; next }
		{ name = $at["settings"] "-" $at["steps"] "." $at["seed"] }
		name == $1 && $at["processor_s"] + 0 == $at["processor_s"] && $at["ce_nats"] == ce[name] { printf "%s ", name }' \
		"$T/training/table.csv" "$T/training/cost.csv")" \
	'presets-3.1 presets-3.2 presets-6.1 presets-6.2 former-3.1 former-3.2 former-6.1 former-6.2 '
is 'conditioning.mk: writes a row for each kind' "$(kinds conditioning)" 'kind,seeds off-all,2 off-mixed,2 on-all,2 on-mixed,2'
is 'precision.mk: writes a row for each kind' "$(cut -d, -f1 "$T/precision/kinds.csv" | xargs)" "kind $precisions"
is 'precond.mk: kinds.csv has the means over the seeds' "$(awk -F, '$1 == "cdcd" { print $5 }' "$T/precond/kinds.csv")" \
	"$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $1 ~ /^cdcd[.]/ { s += $at["ce_nats"] }
		END { printf "%.6g", s / 2 }' "$T/precond/table.csv")"
is 'precond.mk: learning.csv has a row for each validation' "$(grep -c ',3,\|,6,' "$T/precond/learning.csv")" 16
is 'precond.mk: runs have the preconditioning in their names' \
	"$(for r in karras.1 tanh.2; do denoise -m "$T/precond/$r/model.safetensors" --info | sed -n 's/^model.precond: //p'; done | xargs)" \
	'karras tanh'
is 'precond.mk: each run has the seed in its name' "$(denoise -m "$T/precond/tanh.2/model.safetensors" --info | sed -n 's/^train.seed: //p')" 2
is 'conditioning.mk: each run trains on the mask in its name' "$(for m in all mixed; do
	denoise -m "$T/conditioning/on-$m.1/model.safetensors" --info | grep -o 'provenance.*' | grep -c -- "--mask $m"; done | xargs)" '1 1'
is 'conditioning.mk: self-conditioning is off in the runs called off' \
	"$(denoise -m "$T/conditioning/off-all.1/model.safetensors" --info | sed -n 's/^model.self_cond: //p')" 0
is 'schedules.mk: writes how well each family fits' "$(cut -d, -f1 "$T/schedules/fits.csv" | sort | xargs)" \
	'cauchy family frechet logistic piecewise uniform'
is 'training.mk: the runs have the options of their kinds' "$(for r in presets-6.2 former-6.2; do
	denoise -m "$T/training/$r/model.safetensors" --info |
		sed -n 's/^train.\(window\|optimizer\|steps\): //p'; done | xargs)" \
	'6 muon 4096 6 adamw 16384'
is 'training.mk: the longest run has as many passes as it needs' \
	"$(run training -n OUT="$T/long" KINDS=presets LENGTHS='10 4000' SEEDS=1 | sed -n 's/.*\(noise -e [0-9]*\) -s 1 .*/\1/p' | uniq)" \
	'noise -e 7'
ok 'schedules.mk: writes pictures of entropy and noise and of the curves' \
	test -s "$T/schedules/entropy.png" -a -s "$T/schedules/schedules.png"

# --- text of no known grammar, packed

if stories=$(data tinystories-train.jsonl.zst) && valid=$(data tinystories-valid.jsonl.zst) &&
	vocab=$(data bert-base-uncased-vocab.txt); then
	for set in "$stories" "$valid"; do
		zstd -dcq "$set" | head -n 200 | zstd -q >"$T/$(basename "$set")"
	done
	run tinystories OUT="$T/tiny" STORIES="$T/${stories##*/}" VALID="$T/${valid##*/}" VOCAB="$vocab" PRESET=tiny \
		STEPS=4 BATCH=8 VALID_ROWS=8 VALID_EVERY=4 FIT_EVERY=4 SAMPLES=2 SAMPLE_STEPS=2 T=32 >"$T/tiny.log" 2>&1
	ok 'eval.mk: measures a checkpoint of TinyStories' run eval MODEL="$T/tiny/model.safetensors" GRAMMAR= \
		TRAIN="$T/${stories##*/}" VALID="$T/${valid##*/}" VOCAB="$vocab" HELD=16 LOSS_EPOCHS=1 \
		DENOISE_OPTIONS='-q --steps 3'
	table=$T/tiny/model-eval/table.csv
	is 'eval.mk: the table for TinyStories has eight texts of sixteen stories' "$(cut -d, -f2 "$table" | sort | uniq -c | xargs)" '8 16 1 stories'
	is 'eval.mk: the judge for TinyStories learns from the other stories' "$(wc -l <"$T/tiny/model-eval/judge.txt" | tr -d ' ')" 184
else
	skip 'eval.mk: measures a checkpoint of TinyStories' 'the stories of TinyStories are not here'
fi

done_testing
