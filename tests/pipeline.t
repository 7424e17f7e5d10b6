#!/bin/sh
# The whole pipeline, small: the demo from generating stories to checking samples, and TinyStories if
# its data is available.
. tests/lib.sh

slow=${SAN:-${COVERAGE:-}}
STEPS=${slow:+20}
STEPS=${STEPS:-600}

demo() {
	# Without the options of a calling make.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/demo.mk BIN="$BIN" OUT="$T/demo" \
		N_TRAIN=2000 N_VALID=64 STEPS="$STEPS" BATCH=32 VALID_EVERY="$STEPS" SHOW_EVERY=$((STEPS / 2)) FIT_EVERY=50 \
		SAMPLES=32 SAMPLE_STEPS=20 "$@"
}

# The folder of programs that the demo uses, as make knows it
programs_of() {
	env -u BIN -u BUILD -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -pn "$@" 2>/dev/null | sed -n 's/^BIN = //p'
}
for target in demo demo-hard; do
	is "make $target uses the programs of BUILD" "$(programs_of $target BUILD="$T/other")" "$T/other/bin"
done

ok 'demo.mk: runs to its end' demo
cp "$T/.out" "$T/demo.log"
out=$T/demo
ok 'demo.mk: prints the commands that it runs' sh -c "grep -q '^tok .*| pack ' '$T/demo.log' &&
	grep -q '^noise .*| train ' '$T/demo.log' && grep -q '^denoise ' '$T/demo.log'"
ok 'demo.mk: prints stories, fractions and pictures at its end' sh -c "grep -q '^Eight stories' '$T/demo.log' &&
	grep -Eq '^Of 32 stories [0-9.]+ % are grammatical' '$T/demo.log' &&
	grep -q '/entropy.png: Each point is a training row' '$T/demo.log' &&
	grep -q '/schedules.png: F(t)' '$T/demo.log' && grep -q '/validation.png: Cross-entropy' '$T/demo.log'"
is 'demo.mk: prints the page of the run at its end' "$(tail -n 1 "$T/demo.log")" \
	"$out/model-report/report.html: all of this on one page. Open it in a browser."
is 'demo.mk: the page has the samples, the animation and the summary of the run' \
	"$(sed -n 's/^<li>\(.*\)<\/li>$/\1/p' "$out/model-report/report.html" | cmp - "$out/samples.txt" 2>&1)$(
		grep -c '<img alt="[a-z]' "$out/model-report/report.html") $(
		grep -c 'follow the grammar' "$out/model-report/report.html")" '1 1'
is 'demo.mk: prints two samples in the middle of the training' "$(awk -v step="$((STEPS / 2))" '
	$0 ~ "^Two samples after step " { shown = $0; next }
	/^    / && shown && before == "" { n++ }
	/ train / { if (shown) exit }
	{ before = $0 } END { print shown, n + 0 }' "$T/demo.log")" "Two samples after step $((STEPS / 2)): 2"
ok 'demo.mk: estimates its duration before it trains' awk '
	/^Training and sampling will take about [1-9]/ { estimated = NR }
	/^noise .*[|] train -x/ { exit } END { exit !estimated }' "$T/demo.log"

is 'demo.mk: there are as many rows as stories' "$("$BIN/pack" --info "$out/train.rows" | grep '^records' | tr -cd 0-9)" 2000
ok 'demo.mk: every word of the grammar is in the vocabulary' sh -c "
	LC_ALL=C sort '$out/vocab.txt' >'$T/vocab'
	pipelines/stories words | LC_ALL=C sort | LC_ALL=C comm -23 - '$T/vocab' >'$T/unknown'
	test ! -s '$T/unknown'"
"$BIN/tok" -w "$out/vocab.txt" "$out/valid.jsonl" | "$BIN/tok" -d -w "$out/vocab.txt" >"$T/round.txt"
pipelines/stories summary -x "$out/valid.jsonl" "$T/round.txt" >"$T/round.csv"
is 'demo.mk: encoding and decoding keep every story' "$(tail -n 1 "$T/round.csv")" \
	"64,1.0000,1.0000,0,64"

is 'demo.mk: the log has a row for every sequence of every step' \
	"$(grep -c ',train,' "$out/loss.csv")" $((STEPS * 32))
# The loss with a learning rate of 0. No network that ignores the context gets below 2.70, which the
# noise reveals about each word alone (the same rows with the head of the network at zero).
held_out() { # held_out LOG: the mean of the last validation
	awk -F, '$4 == "valid" { n[$1]++; sum[$1] += $3; if ($1 > last) last = $1 }
		END { print sum[last] / n[last] }' "$1"
}
"$BIN/noise" -e 1 -s 1 "$out/train.rows" | "$BIN/train" -q -x tiny -n 1 -B 8 --lr 0 \
	--valid "$out/valid.noised" --valid-every 1 -o "$T/random.safetensors" >"$T/random.csv"
random=$(held_out "$T/random.csv")
learnt=$(held_out "$out/loss.csv")
echo "# held-out cross-entropy: $random nats of random weights, $learnt after $STEPS steps"
if [ -n "$slow" ]; then
	skip 'demo.mk: the held-out cross-entropy is far below that of random weights' 'too few steps under the sanitizers, and for coverage'
else
	ok 'demo.mk: the held-out cross-entropy is far below that of random weights' \
		awk "BEGIN { exit !($learnt < 2.2 && $learnt < 0.85 * $random) }"
fi

is 'demo.mk: samples are written one per line' "$(wc -l <"$out/samples.txt" | tr -d ' ')" 32
is 'demo.mk: each sample is checked' "$(awk 'END { print NR }' "$out/check.csv")" 33

echo here >"$T/not-a-directory"
demo OUT="$T/not-a-directory" 2>"$T/refused"
is 'demo.mk: a directory that cannot be made is reported once' "$? $(sed 's/.*[*][*][*] //' "$T/refused")" \
	"2 OUT=$T/not-a-directory: nothing can be written there.  Stop."

# Samples from pure noise depend only on the noise: count the tokens that two runs have in common.
model=$out/model.safetensors
"$BIN/denoise" -q -m "$model" -n 16 -s 3 --steps 2 -o "$T/from-nothing"
"$BIN/noise" -q -s 3 -t 140 --no-shuffle --limit 16 "$out/train.rows" |
	"$BIN/denoise" -q -m "$model" --steps 2 -o "$T/from-rows"
for rows in from-nothing from-rows; do
	"$BIN/pack" --ids "$T/$rows" | tr ' ' '\n' >"$T/$rows.ids"
done
alike=$(paste -d' ' "$T/from-nothing.ids" "$T/from-rows.ids" | awk '{ n += $1 == $2 } END { print int(100 * n / NR) }')
echo "# noise of one seed, for training and for samples: $alike % alike"
ok 'denoise: samples do not begin with the training noise of the same seed' [ "$alike" -lt 70 ]

is 'demo.mk: the animation ends with a story of the same seed and settings' \
	"$(sed -n 's/^<desc>\(.*\)<\/desc>$/\1/p' "$out/story.svg")" \
	"$("$BIN/denoise" -q -m "$model" -n 1 -s 1 --steps 20 --temperature 0.8 --context-guidance 1.3 | "$BIN/tok" -d -w "$out/vocab.txt")"

for picture in entropy schedules validation; do
	is "demo.mk: $picture.png is a PNG" "$(head -c 8 "$out/$picture.png" | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a
done
is 'demo.mk: the mean curve of the losses is never below zero' \
	"$(awk -F, '{ below += $4 < 0 } END { print ($4 > 0), below + 0, NR }' "$out/mean.csv")" '1 0 201'
not_ok 'demo.mk: rows with given words have a mean curve of their own' cmp "$out/mean.csv" "$out/given-mean.csv"
is 'demo.mk: the curve of the schedule in force is that of the checkpoint' "$(tail -n 1 "$out/force.csv" | cut -d, -f1,2)" \
	"$STEPS,logistic"
ok 'demo.mk: schedules are fitted from the log alone' [ "$(wc -l <"$out/schedule.csv")" -ge 2 ]
ok 'demo.mk: does nothing if all is up to date' demo -q "$out/summary.csv" "$out/entropy.png"
not_ok 'demo.mk: runs again with other options of the fit' demo -q FIT_ROWS=500 "$out/entropy.png"
not_ok 'demo.mk: runs again with a quote in its settings' demo -q "DENOISE_OPTIONS=it's" "$out/summary.csv"
ok 'demo.mk: a dry run with other settings changes nothing' demo -q "$out/summary.csv" "$out/entropy.png"
mv "$out/model.safetensors" "$T/kept"
not_ok 'demo.mk: runs again without the model' demo -q "$out/summary.csv"
mv "$T/kept" "$out/model.safetensors"
# The same small training, in a process group of its own. Like a terminal: send SIGINT to make and all
# its processes.
# shellcheck disable=SC2016
stopped() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' \
		make -f pipelines/demo.mk BIN="$BIN" OUT="$T/stopped" N_TRAIN=200 N_VALID=8 STEPS=300 BATCH=8 \
		VALID_EVERY=100 TRAIN_OPTIONS='--layers 1' SAMPLES=2 SAMPLE_STEPS=2 "$T/stopped/trained" "$@"
}
stopped SEED=1 >"$T/stopped.log" 2>&1 &
await grep -q '^3,' "$T/stopped/steps.csv"
pid=$(ps -eo pid=,args= | awk -v out="OUT=$T/stopped" '$2 == "make" && index($0, out) { print $1 }')
kill -INT "-$pid"
wait
ok 'demo.mk: an interrupted training leaves a checkpoint but is not taken for finished' \
	test -s "$T/stopped/model.safetensors" -a ! -e "$T/stopped/trained"
ok 'demo.mk: the same command continues an interrupted training' stopped
cp "$T/.out" "$T/continued.log"
is 'demo.mk: a continued training has every step once in its log' \
	"$(cut -d, -f1 "$T/stopped/steps.csv" | xargs)" "step $(seq -s ' ' 300)"
ok 'demo.mk: a continued training is neither estimated nor started again' sh -c "
	grep -q 'train -r' '$T/continued.log' && ! grep -Eq '^Training and|train -x' '$T/continued.log'"
ok 'demo.mk: other settings start a new training' stopped SEED=2
ok 'demo.mk: the checkpoint of other settings is kept' test -s "$T/stopped/model.safetensors.before"
demo SAMPLES=8 -n >"$T/again"
ok 'demo.mk: other settings of the samples run denoise again' grep -q '^denoise .* -n 8 ' "$T/again"
not_ok 'demo.mk: other settings of the samples do not run train again' grep -q 'noise .*| train' "$T/again"

if stories=$(data tinystories-train.jsonl.zst) && valid=$(data tinystories-valid.jsonl.zst) &&
	vocab=$(data bert-base-uncased-vocab.txt); then
	tinystories() {
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/tinystories.mk BIN="$BIN" \
			OUT="$T/tiny" STORIES="$stories" VALID="$valid" VOCAB="$vocab" PRESET=tiny STEPS=12 \
			BATCH=8 VALID_ROWS=16 VALID_EVERY=6 FIT_EVERY=6 SAMPLES=4 SAMPLE_STEPS=5 "$@"
	}
	ok 'tinystories.mk: runs from the data to text' tinystories
	is 'tinystories.mk: writes four samples' "$(wc -l <"$T/tiny/samples.txt" | tr -d ' ')" 4
	is 'tinystories.mk: nothing is given in the first half of the steps, and something in the second' \
		"$(awk -F, '$4 == "train" && $5 > 0 { given[$1 > 6]++ } END { print given[0] + 0, (given[1] > 0) }' \
			"$T/tiny/loss.csv")" '0 1'
	tinystories -n STEPS=24 PRESET=small >"$T/again"
	ok 'tinystories.mk: a dry run with other settings changes nothing' tinystories -q "$T/tiny/samples.txt"
	rm "$T/tiny/trained"
	sed 1q "$T/tiny/loss.csv" >"$T/head"
	ok 'tinystories.mk: continues from the checkpoint' tinystories
	is 'tinystories.mk: the log of a continued run has one header' "$(grep -cxf "$T/head" "$T/tiny/loss.csv")" 1
	cp "$T/tiny/model.safetensors" "$T/before"
	zstd -dcq "$stories" | tail -n 300 >"$T/other.jsonl"
	whole=$stories
	stories=$T/other.jsonl
	ok 'tinystories.mk: runs with other stories' tinystories
	not_ok 'tinystories.mk: other stories give a new model' cmp "$T/before" "$T/tiny/model.safetensors"
	ok 'tinystories.mk: keeps the model of the other stories' cmp "$T/before" "$T/tiny/model.safetensors.before"
	stories=$whole
	zstd -dcq "$stories" | head -c 100000 >"$T/cut.jsonl"
	zstd -q "$T/cut.jsonl" -o "$T/cut.whole.zst"
	head -c 20000 "$T/cut.whole.zst" >"$T/cut.jsonl.zst"
	stories=$T/cut.jsonl.zst
	not_ok 'tinystories.mk: reports a truncated file' tinystories
	ok 'tinystories.mk: a truncated file leaves no rows' [ ! -e "$T/tiny/train.rows" ]
else
	skip 'tinystories.mk: runs from the data to text' 'the stories of TinyStories are not here'
fi

# --- estimate, with tools that say how long they took ---
mkdir "$T/fake"
cat >"$T/fake/train" <<'END'
#!/bin/sh
# 19 steps: 10 s for the first two each, then 1 s; a validation of 3 s after step 10
while [ "$1" != -l ]; do shift; done
awk 'BEGIN { print "seconds,step"
	for (i = 1; i <= 19; i++) print 10 * (i > 2 ? 2 : i) + (i > 2 ? i - 2 : 0) + 3 * (i > 10) "," i }' >"$2"
END
cat >"$T/fake/denoise" <<'END'
#!/bin/sh
echo "denoise: denoise $*: 6.5 s wall, 1 s CPU, 3 MiB peak" >&2
exit "${FAIL:-0}"
END
chmod +x "$T/fake/train" "$T/fake/denoise"
estimate() {
	PATH=$T/fake:$PATH pipelines/estimate "$@" 'echo rows' train denoise
}
is 'estimate: adds steps, validations and samples' "$(estimate 1000 100 320)" \
	'Training and sampling will take about 18 minutes on this machine: 17 minutes and 65 seconds.'
is 'estimate: prints seconds and hours' "$(estimate 10000 1000 8)" \
	'Training and sampling will take about 2.8 hours on this machine: 2.8 hours and 6 seconds.'
export FAIL=3
fails 'estimate: reports why a command failed' 1 '^denoise: denoise .*-n 8 ' estimate 100 100 8
unset FAIL
fails 'estimate: prints its usage without its arguments' 2 '^usage: .*STEPS VALID_EVERY SAMPLES' pipelines/estimate 1

done_testing
