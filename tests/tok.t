#!/bin/sh
# tok: encoding, decoding, bad input, and the same ids with any number of threads.
. tests/lib.sh

tok="$BIN/tok"
vocab="$T/vocab.txt"
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' the cat sat on a mat . , '!' '[' ']' sep '##s' \
	"'" s m >"$vocab"
cat >"$T/stories.jsonl" <<'END'
{"story":"The cat sat."}
{"story":"A cat, on the mat!\nCats sat on the mats."}
{"text":""}
{"story":"dog [SEP]"}
END
# Both commands must succeed.
encode_decode() {
	"$tok" -w "$vocab" "$@" >"$T/pipe.tok" && "$tok" -d -w "$vocab" "$T/pipe.tok"
}

# --- there and back ---

is "tok: JSON lines are encoded and decoded" "$(encode_decode "$T/stories.jsonl")" "the cat sat.
a cat, on the mat! cats sat on the mats."
is "tok: reads standard input" "$(encode_decode <"$T/stories.jsonl")" "$(encode_decode "$T/stories.jsonl")"
is "tok: -d --keep-special writes special tokens" "$("$tok" -w "$vocab" "$T/stories.jsonl" |
	"$tok" -d --keep-special -w "$vocab" | tail -n 2)" "[CLS] [SEP]
[CLS] [UNK] [SEP] [SEP]"
is "tok: -d --no-cleanup keeps spaces before punctuation" "$("$tok" -w "$vocab" "$T/stories.jsonl" | "$tok" -d --no-cleanup -w "$vocab" |
	head -n 2 | tail -n 1)" "a cat , on the mat ! cats sat on the mats ."
is "tok: -d --json writes JSON lines" "$("$tok" -w "$vocab" "$T/stories.jsonl" | "$tok" -d --json -w "$vocab" |
	head -n 1)" '{"story":"the cat sat."}'
is "tok: --lines reads a story per line" "$(printf 'the cat\n\na mat\n' | encode_decode --lines)" "the cat

a mat"
is "tok: --text reads stories with <|endoftext|> between them" "$(printf 'the\ncat<|endoftext|>\na mat\n<|endoftext|>\n' | encode_decode --text)" "the cat
a mat"
is "tok: --field selects another member" "$(echo '{"body":"a cat","text":"a mat"}' | encode_decode --field body)" "a cat"
is "tok: reads several files" "$(encode_decode "$T/stories.jsonl" "$T/stories.jsonl" | wc -l | tr -d ' ')" 8

# --- what --json shows ---

show() { # show TEXT OPTION...
	show_text=$1
	shift
	echo "$show_text" | "$tok" -w "$vocab" --lines --json "$@"
}
is "tok: --json prints ids, tokens and offsets" "$(show 'The cats!')" \
	'{"ids":[2,5,6,17,13,3],"tokens":["[CLS]","the","cat","##s","!","[SEP]"],"offsets":[[0,0],[0,3],[4,7],[7,8],[8,9],[0,0]]}'
is "tok: --json gives the offsets in the original bytes if bytes are removed" "$(printf 'c\303\241\314\201\001t\377s\n' | "$tok" -w "$vocab" --lines --json \
	--no-special)" '{"ids":[6,17],"tokens":["cat","##s"],"offsets":[[0,7],[8,9]]}'
ids() {
	show "$@" | sed 's/.*"ids":\[\([^]]*\)\].*/\1/'
}
is "tok: --no-special adds no special tokens" "$(ids 'the cat' --no-special)" 5,6
is "tok: --truncate removes tokens on the right" "$(ids 'the cat sat' --truncate 4)" 2,5,6,3
is "tok: --truncate --left removes tokens on the left" "$(ids 'the cat sat' --truncate 4 --left)" 2,6,7,3
is "tok: --json gives the offsets of truncated text" "$(show 'the cat sat' --truncate 3 --left | sed 's/.*offsets"://')" \
	'[[0,0],[8,11],[0,0]]}'
is "tok: --pad pads on the right" "$(ids 'the cat' --truncate 6 --pad)" 2,5,6,3,0,0
is "tok: --pad --left pads on the left" "$(ids 'the cat' --truncate 6 --pad --left)" 0,0,2,5,6,3
is "tok: encodes the name of a special token as this token" "$(ids 'the[SEP]cat' --no-special)" 5,3,6
is "tok: --literal-special encodes the name of a special token as text" "$(ids 'the[SEP]cat' --no-special --literal-special)" 5,14,16,15,6
is "tok: --cased keeps upper case" "$(ids 'The cat' --no-special --cased)" 1,6

# --- the shard ---

"$tok" -w "$vocab" -o "$T/x.tok" "$T/stories.jsonl"
if command -v zstd >/dev/null; then
	ok "tok: a shard is a zstd stream" zstd -tq "$T/x.tok"
	is "tok: the zstd stream of a shard contains the ids" "$(zstd -dqc <"$T/x.tok" | od -An -tu2 -N10 | tr -s ' ')" " 2 5 6 7 11"
else
	skip "tok: a shard is a zstd stream" "no zstd"
	skip "tok: the zstd stream of a shard contains the ids" "no zstd"
fi
cat "$T/x.tok" "$T/pipe.tok" >"$T/both.tok"
is "tok: -d reads concatenated shards" "$("$tok" -d -w "$vocab" "$T/both.tok" | wc -l | tr -d ' ')" 12
ok "tok: -z 9 compresses" "$tok" -w "$vocab" -z 9 -o "$T/z.tok" "$T/stories.jsonl"
ok "tok: a large vocabulary has ids of 4 bytes" sh -c "
	{ cat '$vocab'; seq 70000; echo lastword; } >'$T/large.txt' &&
	echo lastword 12345 | '$tok' -w '$T/large.txt' --lines | '$tok' -d -w '$T/large.txt' |
		grep -qx 'lastword 12345'"

# --- threads ---

awk 'BEGIN { for (i = 0; i < 16000; i++)
	printf "{\"story\":\"the cat sat on %d mats. A mat, caf\303\251 \\u00e9!\"}\n", i }' >"$T/many.jsonl"
"$tok" -w "$vocab" --json "$T/many.jsonl" >"$T/one.json"
"$tok" -w "$vocab" --json -j 5 "$T/many.jsonl" >"$T/five.json"
ok "tok: -j 5 gives the output of -j 1" cmp "$T/one.json" "$T/five.json"
"$tok" -w "$vocab" --json -j 0 "$T/many.jsonl" >"$T/all.json"
ok "tok: -j 0 gives the output of -j 1" cmp "$T/one.json" "$T/all.json"
is "tok: -j 5 writes every story" "$(wc -l <"$T/five.json" | tr -d ' ')" 16000
{ cat "$T/many.jsonl" && echo '{"story":' && cat "$T/many.jsonl"; } >"$T/flawed.jsonl"
for j in 1 4; do
	fails "tok: -j $j names the line of an error" 1 'flawed.jsonl: line 16001, byte 10: not JSON' \
		"$tok" -w "$vocab" -j $j "$T/flawed.jsonl"
	"$tok" -w "$vocab" -j $j --json "$T/flawed.jsonl" >"$T/before.json" 2>/dev/null
	ok "tok: -j $j writes all stories before an error" cmp "$T/one.json" "$T/before.json"
done

# --- size ---

mats() { # mats BYTES
	yes 'the cat sat on a mat.' | tr '\n' ' ' | head -c "$1"
}
if [ -n "${SAN:-}" ]; then
	skip "tok: a line of 100 MB is encoded and decoded" "takes long under the sanitizers"
	skip "tok: 60 MB of input need less than 40 MiB of memory" "is not the same under the sanitizers"
else
	{ printf '{"story":"' && mats 99999988 && printf '"}\n{"story":"the cat"}\n'; } |
		encode_decode >"$T/long.txt"
	is "tok: a line of 100 MB is encoded and decoded" \
		"$({ mats 99999987 && printf '\nthe cat\n'; } | cmp - "$T/long.txt" 2>&1)" ""
	rm "$T/long.txt" "$T/pipe.tok"
	set -- "$T/many.jsonl"
	for _ in 1 2 3 4 5 6; do set -- "$@" "$@"; done
	"$tok" -v -w "$vocab" -j 2 "$@" 2>&1 >/dev/null | sed -n 's/.* \([0-9]*\)\.[0-9]* MiB peak$/\1/p' >"$T/peak"
	ok "tok: 60 MB of input need less than 40 MiB of memory" test "$(cat "$T/peak")" -lt 40
fi

# --- bad input ---

not_ok "tok: refuses to run without a vocabulary" "$tok" "$T/stories.jsonl"
fails "tok: reports a missing vocabulary" 1 'none.txt' "$tok" -w "$T/none.txt" "$T/stories.jsonl"
fails "tok: reports a missing input" 1 'none.jsonl' "$tok" -w "$vocab" "$T/none.jsonl"
fails "tok: refuses a directory" 1 'is a directory' "$tok" -w "$vocab" "$T"
echo once upon a time >"$T/plain.txt"
fails "tok: refuses plain text as JSON" 1 'line 1, byte 1: .*plain text' "$tok" -w "$vocab" "$T/plain.txt"
echo '{"story":3}' >"$T/number.jsonl"
fails "tok: refuses a number as a story" 1 "line 1, byte 10: field 'story' is not a string but int" \
	"$tok" -w "$vocab" "$T/number.jsonl"
{ cat "$T/stories.jsonl" && echo '  { "text" : "a", "story" : ["a"] }'; } >"$T/array.jsonl"
fails "tok: an error names the byte of a value" 1 "line 5, byte 29: field 'story' is not a string but array" \
	"$tok" -w "$vocab" "$T/array.jsonl"
fails "tok: --field reports a missing member" 1 "line 1, byte 1: no field 'body'" \
	"$tok" -w "$vocab" --field body "$T/stories.jsonl"
printf '{"story":"a cat"\n' >"$T/open.jsonl"
fails "tok: refuses an object that does not end" 1 'line 1, byte 17: not JSON: unexpected end' \
	"$tok" -w "$vocab" "$T/open.jsonl"
printf '{"story":"a\tcat"}\n' >"$T/control.jsonl"
fails "tok: refuses a control character in a string" 1 'line 1, byte 12: not JSON: a control character' "$tok" -w "$vocab" "$T/control.jsonl"
printf '{"story":"a"}\n\n{"story":"a"}\n' >"$T/gap.jsonl"
fails "tok: refuses an empty line" 1 'line 2, byte 1: not JSON: an empty line' "$tok" -w "$vocab" "$T/gap.jsonl"
printf '{"n":NaN,"story":"a"}\n' >"$T/nan.jsonl"
printf '\050\265\057\375\044\000' >"$T/packed.zst"
printf '\037\213\010\000' >"$T/packed.gz"
for form in --field=story --lines --text; do
	fails "tok $form: a zstd file is refused" 1 'packed.zst: is compressed with zstd; decompress it: zstd -dc FILE' \
		"$tok" -w "$vocab" "$form" "$T/packed.zst"
	fails "tok $form: a gzip stream from a pipe is refused" 1 'standard input: is compressed with gzip; decompress it: gzip -dc FILE' \
		sh -c "cat '$T/packed.gz' | '$tok' -w '$vocab' $form"
done
fails "tok: refuses a shard as input" 1 'x.tok: is a shard of token ids, not text; tok -d makes text of it' \
	"$tok" -w "$vocab" "$T/x.tok"
# The rest of the input never arrives: the first bytes must be enough.
mkfifo "$T/endless"
{ cat "$T/packed.gz" && sleep 30; } >"$T/endless" &
fails "tok --text: a gzip stream is refused before its end" 1 'endless: is compressed with gzip' \
	timeout 10 "$tok" -w "$vocab" --text "$T/endless"
kill $! 2>/dev/null
fails "tok: refuses NaN in JSON" 1 'line 1, byte 6: not JSON: NaN' "$tok" -w "$vocab" "$T/nan.jsonl"
{ echo junk && cat "$T/stories.jsonl" && echo '{'; } >"$T/bad.jsonl"
fails "tok: --skip-bad counts bad lines" 0 'skipped 2 bad lines of 6; the first: .*bad.jsonl: line 1' \
	"$tok" -w "$vocab" --skip-bad -o "$T/skipped.tok" "$T/bad.jsonl"
is "tok --skip-bad: keeps the valid lines" "$("$tok" -d -w "$vocab" "$T/skipped.tok" | wc -l | tr -d ' ')" 4
"$tok" -w "$vocab" --json "$T/stories.jsonl" >"$T/good.json"
"$tok" -w "$vocab" --json --skip-bad "$T/bad.jsonl" 2>/dev/null >"$T/skipped.json"
ok "tok: --skip-bad encodes the valid lines as without bad lines" cmp "$T/good.json" "$T/skipped.json"
fails "tok: --skip-bad accepts an input of bad lines only" 0 'skipped 1 bad lines of 1;' \
	"$tok" -w "$vocab" --skip-bad -o "$T/none.tok" "$T/number.jsonl"
ok "tok: --skip-bad prints nothing if all lines are valid" sh -c "
	test -z \"\$('$tok' -w '$vocab' --skip-bad '$T/stories.jsonl' 2>&1 >/dev/null)\""
for j in 1 3; do
	fails "tok: -j $j --skip-bad names the first bad line" 0 \
		'skipped 1 bad lines of 32001; the first: .*flawed.jsonl: line 16001, byte 10' \
		"$tok" -w "$vocab" --skip-bad -j $j -o "$T/skipped.tok" "$T/flawed.jsonl"
done
fails "tok: --learn refuses a bad line" 1 'bad.jsonl: line 1, byte 1' "$tok" --learn 100 "$T/bad.jsonl"
fails "tok: --learn --skip-bad counts bad lines" 0 'skipped 2 bad lines of 6; the first: .*bad.jsonl: line 1, byte 1' \
	"$tok" -q --learn 100 --skip-bad -o "$T/learnt.txt" "$T/bad.jsonl"
printf 'the\ncat\n' >"$T/bare.txt"
fails "tok: refuses a vocabulary without [CLS]" 1 'no \[CLS\]' "$tok" -q -w "$T/bare.txt" "$T/stories.jsonl"
fails "tok: refuses an unknown word if the vocabulary has no [UNK]" 1 "line 1: .*no \[UNK\]" "$tok" -q -w "$T/bare.txt" --no-special "$T/stories.jsonl"
printf '\357\273\277the\r\ncat\n\ncat\n' >"$T/flawed.txt"
is "tok: warns about all defects of a vocabulary" "$(echo the cat |
	"$tok" -w "$T/flawed.txt" --lines --no-special --json 2>&1 >"$T/flawed.json" |
	grep -cE 'line 4: a duplicate token|empty line|CR LF|byte order|no \[')" 9
defect() { # defect DESCRIPTION MESSAGE VOCABULARY, as printf has it
	# The vocabulary is a format of printf.
	# shellcheck disable=SC2059
	printf "$3" >"$T/defect.txt"
	is "tok: warns about $1 in a vocabulary" "$(echo the | "$tok" -w "$T/defect.txt" --lines --no-special --json 2>&1 >/dev/null)" \
		"tok: $T/defect.txt: $2"
}
special='[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n'
defect "a token twice" 'line 7: a duplicate token; 1 such lines, and the last line of each token is used' \
	"$special"'the\nthe\n'
defect "a special token twice" 'line 6: a duplicate token; 2 such lines, and the last line of each token is used' \
	"$special"'[UNK]\n[UNK]\n'
defect "an empty line" '1 empty lines; their ids are never used' "$special"'\nthe\n'
defect "CR LF" '6 lines end in CR LF; the CR is ignored' '[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nthe\r\n'
defect "a byte order mark" 'begins with a byte order mark, which is ignored' "\\357\\273\\277$special"
defect "a missing [UNK]" 'no [UNK]' '[PAD]\n[CLS]\n[SEP]\n[MASK]\nthe\n'
defect "a missing [MASK]" 'no [MASK]' '[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n'
is "tok: -q does not warn about defects of a vocabulary" "$(echo the | "$tok" -q -w "$T/defect.txt" --lines 2>&1 >/dev/null)" ""
printf 'the\n\377\n' >"$T/latin.txt"
fails "tok: refuses a vocabulary that is not UTF-8" 1 'latin.txt: line 2: not UTF-8; a vocabulary is a text file' \
	"$tok" -w "$T/latin.txt" "$T/stories.jsonl"
fails "tok: refuses an empty vocabulary" 1 'empty: expected a vocabulary, one token per line' "$tok" -w /dev/null "$T/stories.jsonl"
is "tok: defects of a vocabulary do not change the ids" "$(cut -c 1-14 "$T/flawed.json")" '{"ids":[0,3],"'
"$tok" -q -w "$vocab" --cased -o "$T/cased.tok" "$T/stories.jsonl"
is "tok: -d reads records of --cased with the same vocabulary" "$("$tok" -q -d -w "$vocab" "$T/x.tok" "$T/cased.tok" | wc -l | tr -d ' ')" 8
cat "$T/x.tok" "$T/cased.tok" >"$T/mixed.tok"
fails "tok: records with and without --cased do not mix" 1 'mixed.tok: .*hash' "$tok" -q -d -w "$vocab" "$T/mixed.tok"
fails "tok: -d refuses another vocabulary than that of the shard" 1 'x.tok: made with another vocabulary' "$tok" -q -d -w "$T/bare.txt" "$T/x.tok"
head -c 100 "$T/x.tok" >"$T/cut.tok"
fails "tok: -d refuses a truncated shard" 1 'cut.tok' "$tok" -d -w "$vocab" "$T/cut.tok"
fails "tok: -d refuses a file that is not a shard" 1 'vocab.txt' "$tok" -d -w "$vocab" "$vocab"
fails "tok: --left requires --truncate" 2 'left' "$tok" -w "$vocab" --left "$T/stories.jsonl"
fails "tok: the message about -T names --truncate" 2 "tok: -T: is now --truncate" "$tok" -w "$vocab" -T 4 "$T/stories.jsonl"
fails "tok: --pad requires --truncate" 2 'tok: --pad: needs --truncate' "$tok" -w "$vocab" --pad "$T/stories.jsonl"
fails "tok: --truncate refuses 1, which has no room for [CLS] and [SEP]" 2 '--truncate: 1 is too small' "$tok" -w "$vocab" --truncate 1 "$T/stories.jsonl"
fails "tok: refuses --lines with --text" 2 'does not go with' "$tok" -w "$vocab" --lines --text "$T/stories.jsonl"
fails "tok: refuses --lines with --skip-bad" 2 'does not go with' "$tok" -w "$vocab" --lines --skip-bad "$T/stories.jsonl"
fails "tok: --no-cleanup requires -d" 2 'does not go with' "$tok" -w "$vocab" --no-cleanup "$T/stories.jsonl"
fails "tok: refuses --json with -z" 2 'does not go with' "$tok" -w "$vocab" --json -z 3 "$T/stories.jsonl"
fails "tok: refuses -d with -j" 2 'does not go with' "$tok" -w "$vocab" -d -j 2 "$T/stories.jsonl"
fails "tok: --learn refuses 0" 2 "not a number from 1 to 16777216" "$tok" --learn 0 "$T/stories.jsonl"
fails "tok: refuses -d with --learn" 2 'does not go with' "$tok" -w "$vocab" -d --learn 100 "$T/stories.jsonl"

# --- output ---

echo old >"$T/kept.tok"
fails "tok: a bad line is refused for an existing output" 1 'line 1' "$tok" -w "$vocab" -o "$T/kept.tok" "$T/bad.jsonl"
is "tok: a failure leaves the old output" "$(cat "$T/kept.tok")" old
is "tok: a failure leaves no temporary file" "$(find "$T" -name '*.tmp' | wc -l | tr -d ' ')" 0
if [ -w /dev/full ]; then
	fails "tok: reports a full disk" 1 'No space' sh -c "'$tok' -w '$vocab' '$T/stories.jsonl' >/dev/full"
	fails "tok: -d reports a full disk" 1 'No space' sh -c "'$tok' -d -w '$vocab' '$T/x.tok' >/dev/full"
	fails "tok: --learn reports a full disk" 1 'No space' sh -c "'$tok' --learn 40 '$T/stories.jsonl' >/dev/full"
else
	skip "tok: reports a full disk" "no /dev/full"
fi
"$tok" -w "$vocab" --json "$T/many.jsonl" 2>"$T/pipe.err" | head -n 1 >"$T/pipe.out"
is "tok: ends quietly if its reader exits" "$(cat "$T/pipe.err")$(wc -l <"$T/pipe.out" | tr -d ' ')" 1
if command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	script -qec "'$tok' -w '$vocab' '$T/stories.jsonl'" /dev/null >"$T/tty" 2>&1
	ok "tok: refuses to write binary output to a terminal" grep -q 'binary output to a terminal' "$T/tty"
else
	skip "tok: refuses to write binary output to a terminal" "no script"
fi
is "tok: -V prints the version" "$("$tok" -V | cut -d ' ' -f 1,2)" "tok (cdcd)"
ok "tok: --help succeeds" "$tok" --help
ok "tok: -v prints time and memory" sh -c "'$tok' -v -w '$vocab' -o '$T/v.tok' '$T/stories.jsonl' 2>&1 |
	grep -q 'MiB peak'"

# --- learning ---

"$tok" --learn 200 -q "$T/stories.jsonl" "$T/stories.jsonl" >"$T/learnt.txt"
is "tok: --learn puts special tokens first" "$(head -n 5 "$T/learnt.txt" | tr '\n' ' ')" "[PAD] [UNK] [CLS] [SEP] [MASK] "
ok "tok: --learn finds the words of a small corpus" sh -c "for w in the cat sat on mat cats mats dog; do
	grep -qx \$w '$T/learnt.txt' || exit 1; done"
ok "tok: --learn gives the same vocabulary each time" sh -c "'$tok' --learn 200 -q '$T/stories.jsonl' '$T/stories.jsonl' |
	cmp - '$T/learnt.txt'"
is "tok: --learn 60 gives at most 60 tokens" "$("$tok" --learn 60 -q "$T/many.jsonl" | wc -l | tr -d ' ')" 60
fails "tok: --learn reports that it found fewer tokens" 0 '[0-9]+ tokens from 15 different words' \
	"$tok" --learn 200 -o "$T/few.txt" "$T/stories.jsonl" "$T/stories.jsonl"
is "tok: a learned vocabulary encodes and decodes" "$("$tok" -q -w "$T/learnt.txt" "$T/stories.jsonl" |
	"$tok" -q -d -w "$T/learnt.txt" | head -n 1)" "the cat sat."
ok "tok: --learn --cased keeps capitals" sh -c "'$tok' --learn 200 -q --cased '$T/stories.jsonl' | grep -qx T"
fails "tok: --learn refuses fewer tokens than characters" 1 'too small' "$tok" --learn 10 "$T/stories.jsonl"
fails "tok: --learn refuses an empty input" 1 'no words' "$tok" --learn 10 /dev/null

# --- the reference's ids ---

if v=$(data bert-base-uncased-vocab.txt) && s=$(data tinystories-valid.jsonl.zst) &&
	i=$(data tokenizer/tinystories-valid.u16) && command -v zstd >/dev/null; then
	zstd -dqc "$s" >"$T/valid.jsonl"
	"$tok" -w "$v" "$T/valid.jsonl" | zstd -dqc >"$T/valid.u16"
	ok "tok: encodes TinyStories to the ids of the reference" cmp "$T/valid.u16" "$i"
else
	skip "tok: encodes TinyStories to the ids of the reference" "no shared data"
fi
done_testing
