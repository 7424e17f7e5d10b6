#!/bin/sh
# pipelines/ask: reads beginnings and texts with gaps, and prints what a model writes.
. tests/lib.sh

pipelines/stories generate -n 40 -s 1 >"$T/s.jsonl"
"$BIN/tok" -q --learn 1000 "$T/s.jsonl" >"$T/vocab.txt"
"$BIN/tok" -q -w "$T/vocab.txt" "$T/s.jsonl" | "$BIN/pack" -q -T 40 | "$BIN/noise" -q -s 1 --mask mixed |
	"$BIN/train" -q -n 2 -B 8 --layers 1 -j 1 -o "$T/model.safetensors" >/dev/null

# ask LINES ARGUMENT...: the answers to lines, where \n ends a line
ask() {
	lines=$1
	shift
	printf %b "$lines" | BIN=$BIN TMPDIR=$T pipelines/ask "$@"
}
# written OPTIONS: what the tools write with the settings that ask begins with
written() {
	"$BIN/denoise" -q -m "$T/model.safetensors" --context-guidance 1.3 --steps 3 -j 1 "$@" | "$BIN/tok" -d
}
encoded() {
	printf '%s\n' "$1" | "$BIN/tok" -q --lines -w "$T/model.safetensors"
}
m=$T/model.safetensors

is 'ask: continues a beginning, as denoise --prefix does' "$(ask '/steps 3\nonce upon a time, there\n' "$m" -j 1)" \
	"$(encoded 'once upon a time, there' | written -n 2 -s 1 --prefix)"
is 'ask: fills in gaps, as denoise --infill does' "$(ask '/steps 3\n/number 1\ntom was a [mask] boy.\n' "$m" -j 1)" \
	"$(encoded 'tom was a [MASK] boy.' | written -n 1 -s 1 --infill)"
is 'ask: /new writes texts without a beginning' "$(ask '/st 3\n/new\n' "$m" -j 1)" "$(written -n 2 -s 1)"
is 'ask: an empty line writes the same again, with another seed' "$(ask '/st 3\n/n 1\nonce upon\n\n' "$m" -j 1)" \
	"$(encoded 'once upon' | written -n 1 -s 1 --prefix; encoded 'once upon' | written -n 1 -s 2 --prefix)"
is 'ask: /seed repeats an answer' "$(ask '/st 3\n/n 1\n/seed 7\nonce\n' "$m" -j 1)" "$(encoded once | written -n 1 -s 7 --prefix)"
is 'ask: /temperature changes the score temperature' "$(ask '/st 3\n/t 0.5\nonce\n' "$m" -j 1)" \
	"$(encoded once | written -s 1 -n 2 --prefix --temperature 0.5)"
is 'ask: /guidance changes the weight of the context' "$(ask '/st 3\n/guidance 3\nonce\n' "$m" -j 1)" \
	"$(encoded once | written -s 1 -n 2 --prefix --context-guidance 3)"
is 'ask: passes options to denoise' "$(ask '/st 3\n/new\n' "$m" -j 1 --sampler 2m)" \
	"$(written -n 2 -s 1 --sampler 2m)"
ln -s "$m" "$T/link"
mkdir "$T/dir"
ln -s "$m" "$T/dir/model.safetensors"
is 'ask: takes a directory with a model, and a last line without its end' "$(ask '/st 3\n/new' "$T/dir" -j 1)" "$(written -n 2 -s 1)"
# shellcheck disable=SC2016
is 'ask: a line is text, whatever it contains' "$(ask '/st 3\n/n 1\n$(touch x) `id` "*\n' "$m" -j 1 2>/dev/null)" \
	"$(encoded '$(touch x) `id` "*' | written -n 1 -s 1 --prefix 2>/dev/null)"

ask '/t 0\n/t x\n/g -1\n/n 0\n/st 1.5\n/foo\n/n 08\n/show\n/q\nonce\n' "$m" >"$T/out" 2>"$T/err"
is 'ask: says what is wrong, and goes on' "$(cat "$T/err")" "ask: /temperature: '0' is not a number above 0
ask: /temperature: 'x' is not a number above 0
ask: /guidance: '-1' is not a number above 0
ask: /number: '0' is not a whole number from 1 to 1000
ask: /steps: '1.5' is not a whole number from 1 to 100000
ask: '/foo' is no command; /help lists them
temperature 1, guidance 1.3, 8 texts, 100 steps, next seed 1; rows of 40 tokens
ask: standard input has no beginning of a text"
is 'ask: /show adds the options of the command line' "$(ask '/show\n/new' "$m" --steps 3 -j 1 2>&1 >/dev/null)" \
	"temperature 1, guidance 1.3, 2 texts, 100 steps, next seed 1; rows of 40 tokens; options of the command line, which come first: --steps 3 -j 1"
ok 'ask: names the words that the model does not know' sh -c "printf '/st 3\nonce Zq\n' | BIN='$BIN' pipelines/ask '$m' -j 1 2>&1 >/dev/null |
	grep -q 'the model does not know these tokens'"
long=$(printf 'once %.0s' $(seq 50))
ask "$long"'\n/st 3\n/new\n' "$m" -j 1 >"$T/out" 2>"$T/err"
ok 'ask: after a text that is too long, goes on' sh -c "test \$(wc -l <'$T/out') = 2 && grep -q tokens '$T/err'"
mkdir -p "$T/models/a" "$T/models/b"
cp "$m" "$T/models/a"
cp "$m" "$T/models/b"
fails 'ask: of a directory of models, names them' 1 "models/model.safetensors: no such file; there are models in $T/models/a $T/models/b" \
	ask '' "$T/models"
fails 'ask: refuses a missing model, and says where to get one' 1 'none: cannot be read; train a model first' ask '' "$T/no/none"
fails 'ask: refuses a file that is no model' 1 'vocab.txt' ask '' "$T/vocab.txt"
fails 'ask: the model comes first' 2 "'-j': the model comes first" ask '' -j 1
not_ok 'ask: without arguments prints its usage and fails' pipelines/ask
ok 'ask: --help succeeds' pipelines/ask --help
is 'ask: leaves no files' "$(mkdir "$T/tmp" && printf '/q\n' | TMPDIR=$T/tmp BIN=$BIN pipelines/ask "$m" 2>/dev/null
	ls "$T/tmp")" ''

done_testing
