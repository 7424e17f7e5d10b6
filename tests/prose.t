#!/bin/sh
# pipelines/prose.mk: leaves near duplicates out, trains all models on the same rows, continues what was
# interrupted, and measures them on the same held-out stories.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

PATH=$BIN:$PATH
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import torch' 2>/dev/null || python=false

# --- near duplicates

near() {
	awk -v share=0.5 -f pipelines/common.awk -f pipelines/near.awk "$@"
}
printf '%s\n' 'a b c d e f g h i j' 'k l m n o p q r s t' 'One fish.' >"$T/reference"
{
	echo 'a b c d e f g h i j'        # a copy
	echo 'x a b c d e f g h i'        # 5 of 6 5-grams
	echo 'a b c d e f g x y z'        # 3 of 6: not more than half
	echo 'a b c d e f g k l m n o p q' # 6 of 10, but 3 of each text
	echo 'one fish'                   # short, and other
	echo 'One fish.'                  # short, and the same
	echo ''
} >"$T/candidates"
is 'near.awk: finds texts that share more than half of their 5-grams with one text' \
	"$(near "$T/reference" "$T/candidates" | xargs)" 'story,like,share 1,1,1.000 2,1,0.833 6,3,1.000'
is 'without.awk: leaves these lines out' \
	"$(near "$T/reference" "$T/candidates" >"$T/near.csv" && awk -f pipelines/without.awk "$T/near.csv" "$T/candidates" | cut -c1-5 | xargs)" \
	'a b c a b c one f'

# --- the power law

{
	echo run,operations,stories,processor_s,held_out_nats
	printf '%s\n' a,100,1000,3600,100 b,10,1000,3600,200 c,10,500,3600,400 d,10,250,3600,800
} >"$T/slopes.csv"
power() {
	awk -f pipelines/power.awk "$@"
}
is 'power.awk: finds the exponents of an exact power law' "$(power -v mode=fit "$T/slopes.csv" | cut -d, -f1,2,4,5 | xargs)" \
	'quantity,exponent,runs,degrees_of_freedom operations,-0.30103,4,1 stories,-1.00000,4,1'
is 'power.awk: the line has the other quantity of the named run' \
	"$(power -v mode=line -v of=stories -v run=b "$T/slopes.csv" | sed -n '2p;$p' | xargs)" '250,800 1000,200'
power -v mode=predict -v for_stories=2000 -v for_hours=10 "$T/slopes.csv" >"$T/predicted"
is 'power.awk: predicts, and says how far that is from the runs' "$(head -n 4 "$T/predicted" | tail -n +3 | xargs)/$(
	sed -n '1s/.*: //p' "$T/predicted")" \
	'It extrapolates 10 times beyond the most operations of a run. It extrapolates 2 times beyond the most stories of a run./25.00 nats a row'
# y = 0, 1, 0 at x = -1, 0, 1: the slope is 0, the residual variance 2/3, and the error sqrt(2/3 / 2) = 0.57735.
awk 'BEGIN { print "run,operations,stories,processor_s,held_out_nats"
	for (k = -1; k <= 1; k++) printf "r%d,%.9f,7,1,%.9f\n", k, exp(k), k ? 1 : exp(1) }' >"$T/scattered.csv"
is 'power.awk: has the standard error of least squares' "$(power -v mode=fit "$T/scattered.csv" | tail -n 1 | cut -d, -f3-)" 0.57735,3,1
sed 2d "$T/scattered.csv" >"$T/two.csv"
is 'power.awk: has no error without degrees of freedom' "$(power -v mode=fit "$T/two.csv" | tail -n 1 | cut -d, -f3-)" ,2,0
fails 'power.awk: refuses runs without nats' 1 'without held_out_nats' power -v mode=fit /dev/stdin <<'END_CSV'
run,operations,stories,processor_s,held_out_nats
a,1,2,3,
END_CSV

# --- the steps of the same processor time

printf '%s\n' processor_s 100 >"$T/cost.csv"
printf '%s\n' step,processor_s,train_nats,row_nats,token_nats 10,3.1,9,9,1 20,6.4,8,8,1 >"$T/trial.csv"
is 'trial.awk: the steps are those of the trial times the ratio of the processor times' \
	"$(awk -f pipelines/trial.awk "$T/cost.csv" "$T/trial.csv")" 312
fails 'trial.awk: refuses a trial without processor time' 1 'no processor time' \
	awk -f pipelines/trial.awk "$T/cost.csv" "$T/cost.csv"

# --- texts side by side

printf '%s\n' 'one two three' 'four' >"$T/one"
printf '%s\n' 'five six' >"$T/two"
is 'beside.awk: wraps texts into columns' "$(awk -v n=9 -v width=7 -f pipelines/beside.awk a="$T/one" b="$T/two" | tr '\n' '|')" \
	'a         b||one two   five|three     six||four||'

# --- the experiment

pipelines/stories generate -n 260 -s 1 >"$T/all.jsonl"
tok -q --learn 1000 "$T/all.jsonl" >"$T/vocab.txt"
head -n 150 "$T/all.jsonl" >"$T/a.jsonl"
sed -n '151,200s/.*: "\(.*\)"}/\1\n<|endoftext|>/p' "$T/all.jsonl" | zstd -q >"$T/b.txt.zst"
tail -n 60 "$T/all.jsonl" >"$T/valid.jsonl"
sed -n 7p "$T/valid.jsonl" >>"$T/a.jsonl"

prose() { # prose VARIABLES...: without the options of a calling make
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/prose.mk BIN="$BIN" OUT="$T/prose" \
		STORIES="$T/a.jsonl $T/b.txt.zst" VALID="$T/valid.jsonl" VOCAB="$T/vocab.txt" T=24 HELD=8 NEAR=0.99 \
		PRESET=tiny LAYERS=1 WIDTH=32 HEADS=2 STEPS=8 BATCH=8 TRAIN_OPTIONS='-q -j 1 --embed 16' VALID_EVERY=8 \
		SAVE_EVERY=2 SHOW_EVERY=4 AR_TRIAL=2 AR_VALID_EVERY=2 AR_STEPS=4 MASKED_STEPS=4 \
		MASKED_OPTIONS='-q -j 1 --layers 1 --width 32 --heads 2 --embed 16' SAMPLE_STEPS=2 TEMPERATURES='1 0.8' CONTEXT='1 1.6' \
		SAMPLERS=exp EVALUATIONS=2 DENOISE_OPTIONS='-q -j 1' LOSS_EPOCHS=1 SAMPLES=3 SLOPE_STEPS=4 SLOPE_TEXT=0.5 \
		TEXT_STEPS=6 PYTHON="$python" "$@"
}

fails 'prose.mk: requires stories' 2 'say STORIES=' prose STORIES=
not_ok 'prose.mk: requires stories after those that are held out' prose HELD=60 OUT="$T/none" "$T/none/validation.jsonl"
cp "$T/.out" "$T/refused"
ok 'prose.mk: says that no stories are left for validation' grep -q 'valid.jsonl: no stories after the first HELD=60' "$T/refused"

# A run that is interrupted after three steps
interrupted_tools "$T/bin"
out=$T/prose
not_ok 'prose.mk: an interrupted run fails' prose BIN="$T/bin" "$out/diffusion/cost.csv"
is 'prose.mk: an interrupted run leaves its checkpoint' \
	"$(denoise -m "$out/diffusion/model.safetensors" --info | grep ^step:)" 'step: 3'
not_ok 'prose.mk: an interrupted run of the masked judge fails' prose BIN="$T/bin" "$out/masked/learning.csv"
ok 'prose.mk: runs to its end' prose
cp "$T/.out" "$T/log"
is 'prose.mk: a continued run has every step once in its log' "$(csv_column "$out/diffusion/steps.csv" step)" '1 2 3 4 5 6 7 8'
is 'prose.mk: a continued run of the masked judge has every step once in its log' "$(csv_column "$out/masked/steps.csv" step)" '1 2 3 4'
ok 'prose.mk: says that the masked judge continues' grep -q 'train -r .*/masked/model.safetensors.new' "$T/log"
is 'prose.mk: the processor time of a continued run is that of both parts' "$(wc -l <"$out/diffusion/times" | tr -d ' ')" 4

# The text: 201 stories, of which one is a copy of a held-out one, and 60 that are not in STORIES

cat "$out/train.jsonl" "$out/judges.jsonl" >"$T/kept"
not_ok 'prose.mk: a copy of a held-out story is in no text that a model sees' \
	grep -qF "$(sed -n '7s/.*: "//p' "$T/valid.jsonl")" "$T/kept"
ok 'prose.mk: other stories are in a text that a model sees' [ "$(wc -l <"$T/kept")" -gt 150 ]
is 'prose.mk: text.csv counts all stories' \
	"$(awk -F, 'NR > 1 { print $1, $2 }' "$out/text.csv" | xargs)" \
	"train $(wc -l <"$out/train.jsonl" | tr -d ' ') judges $(wc -l <"$out/judges.jsonl" | tr -d ' ') validation 52 held-out 8"
is 'prose.mk: text.csv counts the near duplicates' "$(awk -F, 'NR > 1 { n += $3 + $4 } END { print (n >= 1) }' "$out/text.csv")" 1
is 'prose.mk: plain text becomes stories' "$(grep -cF "$(sed -n '160s/.*: "//p' "$T/all.jsonl")" "$out/stories.jsonl")" 1
ok 'prose.mk: no story is one of a model and of the judges' awk 'seen[$0]++ { exit 1 }' "$T/kept"
is 'prose.mk: the judges have a fifth of the stories' "$(wc -l <"$out/judges.all.jsonl" | tr -d ' ')" 40
is 'prose.mk: half of the text is half of the stories' "$(wc -l <"$out/text-0.5.jsonl" | tr -d ' ')" \
	"$(($(wc -l <"$out/train.jsonl") / 2))"

# The models

ar=
[ "$python" = false ] || ar=' autoregressive'
is 'prose.mk: models.csv has a row for each model' "$(csv_column "$out/models.csv" text)" \
	"1-gram 2-gram 3-gram 4-gram 5-gram$ar exp-2-1"
is 'prose.mk: each model has nats of a row and of a token' \
	"$(awk -F, 'NR > 1 && $2 > 0 && $3 > 0 && $2 > $3 { n++ } END { print n - NR + 1 }' "$out/models.csv")" 0
is 'prose.mk: the bound in the table of models is that of the run' "$(tail -n 1 "$out/models.csv" | cut -d, -f2)" \
	"$(csv_column "$out/slopes.csv" held_out_nats | cut -d' ' -f1)"
is 'prose.mk: the table has both judges for all texts' \
	"$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n += $at["masked_nats"] > 0 && $at["word_nats"] > 0 }
		END { print NR - 1 - n }' "$out/sampling/table.csv")" 0
ok 'prose.mk: the frontier has the held-out text, the 5-gram model and the diffusion model' \
	sh -c "cut -d, -f1 '$out/sampling/frontier.csv' | sort | xargs |
		grep -q '5gram-0-0.8 5gram-0-1 .*exp-2-0.8 exp-2-0.8-1.6 exp-2-1 exp-2-1-1.6 held-out'"
is 'prose.mk: the runs have the steps of their names' \
	"$(csv_column "$out/slopes.csv" run)/$(csv_column "$out/slopes.csv" steps)" 'diffusion steps-4 steps-6 text-0.5/8 4 6 6'
is 'prose.mk: a run on half of the stories has half of the stories' "$(csv_column "$out/slopes.csv" stories | cut -d' ' -f4)" \
	"$(wc -l <"$out/text-0.5.jsonl" | tr -d ' ')"
is 'prose.mk: a run on half of the stories has the ids of all' \
	"$(csv_column "$out/slopes.csv" parameters | xargs -n 1 | sort -u | wc -l | tr -d ' ')" 1
is 'prose.mk: operations grow as steps' "$(csv_column "$out/slopes.csv" operations | awk '{ printf "%.2f %.2f", $2 / $1, $3 / $1 }')" '0.50 0.75'
is 'prose.mk: learning.csv has the bound at each SHOW_EVERY, by processor time' \
	"$(grep ^diffusion "$out/learning.csv" | cut -d, -f2 | xargs) $(
		awk -F, '/^diffusion/ && $3 > 0 && $4 > 0 { n++ } END { print n }' "$out/learning.csv")" '4 8 2'
for picture in sampling/frontier sampling/samplers learning slope-operations slope-text; do
	is "prose.mk: $picture.png is a PNG" "$(head -c 8 "$out/$picture.png" | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a
done
is 'prose.mk: samples.txt has the texts side by side' "$(sed 's/ \{2,\}/ /g; q' "$out/samples.txt") $(grep -c '^$' "$out/samples.txt")" \
	"held-out 5-gram$ar exp-2-0.8 exp-2-1 exp-2-1-1.6 4"
ok 'prose.mk: prints the results' sh -c "grep -q '^Prediction for 2000000 stories' '$T/log' &&
	grep -q '^exp-2-1  *exp ' '$T/log' && grep -q '^train  *[0-9]' '$T/log' && grep -q '^held_out_nats  *[0-9]' '$T/log'"
if [ "$python" = false ]; then
	ok 'prose.mk: says why there is no autoregressive model' grep -q 'no autoregressive model: false has no PyTorch' "$T/log"
	skip 'prose.mk: the autoregressive model has the steps of AR_STEPS' 'no PyTorch'
	skip 'prose.mk: the frontier has the autoregressive model' 'no PyTorch'
	skip 'prose.mk: a trial chooses the steps of the autoregressive model if AR_STEPS is empty' 'no PyTorch'
else
	is 'prose.mk: the autoregressive model has the steps of AR_STEPS' \
		"$(grep ^autoregressive "$out/learning.csv" | cut -d, -f2 | xargs)" '2 4'
	ok 'prose.mk: the frontier has the autoregressive model' grep -q ^autoregressive-0-0.8 "$out/sampling/frontier.csv"
	prose AR_STEPS= -n >"$T/again"
	is 'prose.mk: a trial chooses the steps of the autoregressive model if AR_STEPS is empty' \
		"$(grep -o 'autoregressive.mk .*' "$T/again" | grep -o 'OUT=.*[^ \]' | xargs) $(grep -c 'trial.awk' "$T/again")" \
		"OUT=$out/trial STEPS=2 VALID_EVERY=2 $out/trial/learning.csv OUT=$out/autoregressive STEPS=\$(cat $out/autoregressive.steps) 1"
fi

# Again

ok 'prose.mk: does nothing if all is up to date' prose -q "$out/results.txt"
prose PREDICT_HOURS=48 -n >"$T/again"
not_ok 'prose.mk: another prediction trains nothing' grep -q 'pipelines/[a-z]*.mk' "$T/again"
ok 'prose.mk: another prediction is made' grep -q 'mode=predict .*for_hours=48' "$T/again"
prose STEPS=10 -n >"$T/again"
ok 'prose.mk: other steps train the model again' grep -q 'tinystories.mk .*STEPS=10 .*/diffusion/trained' "$T/again"

done_testing
