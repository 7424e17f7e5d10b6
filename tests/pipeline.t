#!/bin/sh
# The whole pipe, small: the embedded experiment from nothing to stories that are checked, and, where
# its data is here, TinyStories.
. tests/lib.sh

slow=${SAN:-${COVERAGE:-}}
STEPS=${slow:+20}
STEPS=${STEPS:-600}

demo() {
	# A make above must not pass its options on.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/demo.mk BIN="$BIN" OUT="$T/demo" \
		N_TRAIN=2000 N_VALID=64 STEPS="$STEPS" BATCH=32 VALID_EVERY="$STEPS" FIT_EVERY=50 \
		SAMPLES=32 SAMPLE_STEPS=20 "$@"
}

ok 'the demo runs to its end' demo
cp "$T/.out" "$T/demo.log"
out=$T/demo
ok 'it shows the commands that it runs' sh -c "grep -q '^tok .*| pack ' '$T/demo.log' &&
	grep -q '^noise .*| train ' '$T/demo.log' && grep -q '^denoise ' '$T/demo.log'"
ok 'it ends with stories, shares and pictures' sh -c "grep -q '^Eight stories' '$T/demo.log' &&
	grep -Eq '^Of 32 stories [0-9.]+ % are grammatical' '$T/demo.log' &&
	grep -q '^Pictures: .*/entropy.png' '$T/demo.log'"

is 'rows: as many as stories' "$("$BIN/pack" --info "$out/train.rows" | grep '^records' | tr -cd 0-9)" 2000
ok 'vocabulary: every word of the grammar is in it' sh -c "
	LC_ALL=C sort '$out/vocab.txt' >'$T/vocab'
	pipelines/stories words | LC_ALL=C sort | LC_ALL=C comm -23 - '$T/vocab' >'$T/unknown'
	test ! -s '$T/unknown'"
"$BIN/tok" -w "$out/vocab.txt" "$out/valid.jsonl" | "$BIN/tok" -d -w "$out/vocab.txt" >"$T/round.txt"
pipelines/stories summary -x "$out/valid.jsonl" "$T/round.txt" >"$T/round.csv"
is 'round trip: text, numbers, text: every story is the same' "$(tail -n 1 "$T/round.csv")" \
	"64,1.0000,1.0000,0,64"

is 'log: a row for every sequence of every step' \
	"$(grep -c ',train$' "$out/loss.csv")" $((STEPS * 32))
# What a rate of 0 learns. No network that ignores the context gets below 2.70: that is what the
# noise tells of each word alone (the same rows with the head of the network at zero).
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
	skip 'held-out cross-entropy' 'too few steps under the sanitizers, and for coverage'
else
	ok 'held-out cross-entropy: far below that of random weights' \
		awk "BEGIN { exit !($learnt < 2.2 && $learnt < 0.85 * $random) }"
fi

is 'samples: one a line' "$(wc -l <"$out/samples.txt" | tr -d ' ')" 32
is 'samples: a verdict for each' "$(awk 'END { print NR }' "$out/check.csv")" 33

echo here >"$T/not-a-directory"
demo OUT="$T/not-a-directory" 2>"$T/refused"
is 'a directory that cannot be made: said once' "$? $(sed 's/.*[*][*][*] //' "$T/refused")" \
	"2 OUT=$T/not-a-directory: nothing can be written there.  Stop."

# What comes of nothing but noise depends on it alone: the share of tokens that two runs have alike.
model=$out/model.safetensors
"$BIN/denoise" -q -m "$model" -n 16 -s 3 --steps 2 -o "$T/from-nothing"
"$BIN/noise" -q -s 3 -t 140 --no-shuffle --limit 16 "$out/train.rows" |
	"$BIN/denoise" -q -m "$model" --steps 2 -o "$T/from-rows"
for rows in from-nothing from-rows; do
	"$BIN/pack" --ids "$T/$rows" | tr ' ' '\n' >"$T/$rows.ids"
done
alike=$(paste -d' ' "$T/from-nothing.ids" "$T/from-rows.ids" | awk '{ n += $1 == $2 } END { print int(100 * n / NR) }')
echo "# noise of one seed, for training and for samples: $alike % alike"
ok 'samples: begin with other noise than training has of the same seed' [ "$alike" -lt 70 ]

for picture in entropy schedules loss; do
	is "$picture.png is a PNG" "$(head -c 8 "$out/$picture.png" | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a
done
ok 'schedule: fitted again from the log alone' [ "$(wc -l <"$out/schedule.csv")" -ge 2 ]
ok 'again: all is up to date' demo -q "$out/summary.csv" "$out/entropy.png"
not_ok 'again with other fits: not up to date' demo -q FIT_ROWS=500 "$out/entropy.png"
not_ok 'with a quote in its settings: nor is it' demo -q "DENOISE_OPTIONS=it's" "$out/summary.csv"
ok 'a look changes nothing' demo -q "$out/summary.csv" "$out/entropy.png"
mv "$out/model.safetensors" "$T/kept"
not_ok 'without the model: not up to date' demo -q "$out/summary.csv"
mv "$T/kept" "$out/model.safetensors"
# As the terminal does it: SIGINT to make and all that it runs.
# shellcheck disable=SC2016
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' make -f pipelines/demo.mk \
	BIN="$BIN" OUT="$T/stopped" N_TRAIN=200 N_VALID=8 STEPS=100000 VALID_EVERY=100000 >"$T/stopped.log" 2>&1 &
pid=$!
await grep -q '^3,' "$T/stopped/steps.csv"
kill -INT "-$pid"
wait $pid
ok 'interrupted: half a model is none' test -s "$T/stopped/model.safetensors.new" -a ! -e "$T/stopped/model.safetensors"
demo SAMPLES=8 -n >"$T/again"
ok 'again with other samples: denoise runs' grep -q '^denoise .* -n 8 ' "$T/again"
not_ok 'again with other samples: train does not' grep -q '^noise .*| train' "$T/again"

if stories=$(data tinystories-train.jsonl.zst) && valid=$(data tinystories-valid.jsonl.zst) &&
	vocab=$(data bert-base-uncased-vocab.txt); then
	tinystories() {
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/tinystories.mk BIN="$BIN" \
			OUT="$T/tiny" STORIES="$stories" VALID="$valid" VOCAB="$vocab" PRESET=tiny STEPS=12 \
			BATCH=8 VALID_ROWS=16 VALID_EVERY=6 FIT_EVERY=6 SAMPLES=4 SAMPLE_STEPS=5 "$@"
	}
	ok 'TinyStories: from disk to text' tinystories
	is 'TinyStories: four samples' "$(wc -l <"$T/tiny/samples.txt" | tr -d ' ')" 4
	tinystories -n STEPS=24 PRESET=small >"$T/again"
	ok 'TinyStories: a look at other settings changes nothing' tinystories -q "$T/tiny/samples.txt"
	rm "$T/tiny/trained"
	sed 1q "$T/tiny/loss.csv" >"$T/head"
	ok 'TinyStories: again goes on from the checkpoint' tinystories
	is 'TinyStories: and the log has one header' "$(grep -cxf "$T/head" "$T/tiny/loss.csv")" 1
	cp "$T/tiny/model.safetensors" "$T/before"
	zstd -dcq "$stories" | tail -n 300 >"$T/other.jsonl"
	whole=$stories
	stories=$T/other.jsonl
	ok 'TinyStories: with other stories' tinystories
	not_ok 'TinyStories: a new model' cmp "$T/before" "$T/tiny/model.safetensors"
	ok 'TinyStories: the one before is put aside' cmp "$T/before" "$T/tiny/model.safetensors.before"
	stories=$whole
	zstd -dcq "$stories" | head -c 100000 >"$T/cut.jsonl"
	zstd -q "$T/cut.jsonl" -o "$T/cut.whole.zst"
	head -c 20000 "$T/cut.whole.zst" >"$T/cut.jsonl.zst"
	stories=$T/cut.jsonl.zst
	not_ok 'TinyStories: a cut file does not pass for a short one' tinystories
	ok 'TinyStories: and leaves no rows' [ ! -e "$T/tiny/train.rows" ]
else
	skip 'TinyStories' 'its data is not here'
fi

done_testing
