#!/bin/sh
# tok: encoding, decoding, bad input, and the same ids with any number of threads.
. tests/lib.sh

tok="$BIN/tok"
vocab="$T/vocab.txt"
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' the cat sat on a mat . , '!' '[' ']' sep '##s' \
	"'" s m >"$vocab"
# The same, and all words of the stories: nothing is unknown.
{ cat "$vocab" && printf '%s\n' dog cafe e 0 1 2 3 4 5 6 7 8 9 '##0' '##1' '##2' '##3' '##4' '##5' '##6' '##7' '##8' '##9'; } >"$T/all.txt"
accent=$(printf '\303\251')
# Single letters.
{ printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' '<' '>' '!' '{' '}' '"' : , '[' ']' &&
	printf '%s\n' a b c d e f g h i j k l m n o p q r s t u v w x y z | sed 'p; s/^/##/'; } >"$T/letters.txt"
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

# --- forms of the input ---

"$tok" -q -w "$vocab" --json "$T/stories.jsonl" >"$T/want.json"
reads() { # reads WHAT OPTION...: the file $T/form.json gives the ids of stories.jsonl
	reads_what=$1
	shift
	"$tok" -q -w "$vocab" --json "$@" "$T/form.json" 2>/dev/null >"$T/got.json"
	ok "tok: reads $reads_what" cmp "$T/got.json" "$T/want.json"
}
{ echo && sed 's/$/\r/' "$T/stories.jsonl" && printf ' \t\n\n'; } | sed 'p; s/.*//' >"$T/twice.jsonl"
awk 'NR % 2 == 0 || !seen[$0]++' "$T/twice.jsonl" >"$T/form.json"
reads "JSON lines with blank lines and CR LF"
{ echo ' [' && sed '$!s/$/ ,/' "$T/stories.jsonl" && echo ']'; } >"$T/form.json"
reads "a JSON array over several lines"
tr -d '\n' <"$T/form.json" >"$T/line.json"
mv "$T/line.json" "$T/form.json"
reads "a JSON array in one line"
sed 's/[{}]/\n&\n/g; s/:/\n  :/' "$T/stories.jsonl" | sed '/^$/d' >"$T/form.json"
reads "JSON objects over several lines"
sed 's/{"[a-z]*":\(.*\)}/{"id":1,"data":{"meta":[1,{"text":"no"}],"text":\1},"text":"no"}/' "$T/stories.jsonl" >"$T/form.json"
reads "a member of an object, with --field data.text" --field data.text
{ printf '\357\273\277' && cat "$T/stories.jsonl"; } >"$T/form.json"
reads "UTF-8 with a byte order mark"
for order in LE BE; do
	if command -v iconv >/dev/null; then
		{ printf '\357\273\277' && cat "$T/stories.jsonl"; } | iconv -f UTF-8 -t UTF-16$order >"$T/form.json"
		reads "UTF-16$order"
	else
		skip "tok: reads UTF-16$order" "no iconv"
	fi
done
if command -v zstd >/dev/null; then
	zstd -qc "$T/stories.jsonl" >"$T/form.json"
	reads "a zstd file"
	is "tok: reads a zstd stream from a pipe, also with --text" "$(printf 'the cat<|endoftext|>a mat' | zstd -qc |
		"$tok" -q -w "$vocab" --text | "$tok" -d -w "$vocab")" "the cat
a mat"
	is "tok: --learn reads a zstd file" "$("$tok" -q --learn 40 "$T/form.json")" "$("$tok" -q --learn 40 "$T/stories.jsonl")"
	head -c 60 "$T/form.json" >"$T/cut.zst"
	fails "tok: refuses a truncated zstd file" 1 'cut.zst: truncated at byte 60: a zstd frame does not end' \
		"$tok" -w "$vocab" "$T/cut.zst"
	zstd -qc "$T/form.json" >"$T/twice.zst"
	fails "tok: refuses zstd within zstd" 1 'is compressed with zstd twice; zstd -dc FILE' "$tok" -w "$vocab" "$T/twice.zst"
else
	skip "tok: reads a zstd file" "no zstd"
fi

# --- the report ---

fails "tok: reports documents, tokens, and the share of unknown words" 0 \
	'^tok: 4 documents, 29 tokens, 0 % of 19 words unknown$' "$tok" -w "$T/all.txt" -o "$T/r.tok" "$T/stories.jsonl"
fails "tok: reports an input without documents" 0 '^tok: 0 documents, 0 tokens, 0 % of 0 words unknown$' \
	"$tok" -w "$vocab" -o "$T/r.tok" /dev/null
fails "tok: -q warns about many unknown words and names the first" 0 \
	"^tok: 27.3 % of the words are not in the vocabulary .*/vocab.txt, and became .UNK. \(Zorg, caf$accent\)\$" \
	sh -c "printf 'the Zorg sat.\na mat, Zorg\nthe caf\303\251 mats' | '$tok' -q -w '$vocab' --lines -o '$T/r.tok'"
fails "tok: names at most 5 unknown words, each once, and at most 31 bytes of it" 0 \
	"UNK. \(a1, a2, a3, ($accent){15}, a5 \.\.\.\)\$" \
	sh -c "printf 'a1 a2 a1 a3 %s a5 a6' \"\$(printf '\303\251%.0s' \$(seq 20))\" | '$tok' -q -w '$vocab' --lines -o '$T/r.tok'"
fails "tok: counts unknown punctuation" 0 '^tok: 50 % of the words .* became .UNK. \(\.\)$' \
	sh -c "echo 'a. b.' | '$tok' -q -w '$T/letters.txt' --lines -o '$T/r.tok'"
yes 'the cat sat on a mat' | head -n 20 >"$T/few.txt"
echo 'the zorg' >>"$T/few.txt"
fails "tok: names few unknown words in the report only" 0 \
	'^tok: 21 documents, 164 tokens, 0.82 % of 122 words unknown \(zorg\)$' "$tok" -w "$vocab" --lines -o "$T/r.tok" "$T/few.txt"
is "tok: -q reports nothing if few words are unknown" "$("$tok" -q -w "$vocab" --lines -o "$T/r.tok" "$T/few.txt" 2>&1)" ""
for j in 1 3; do
	"$tok" -w "$vocab" -j $j "$T/stories.jsonl" "$T/stories.jsonl" 2>"$T/report.$j" >/dev/null
done
ok "tok: the report does not depend on -j" cmp "$T/report.1" "$T/report.3"
printf 'the cat\nthe caf\351 s\351s\n' >"$T/latin.txt"
fails "tok: warns about bytes that are not UTF-8" 0 \
	'^tok: 2 bytes are not UTF-8, and were left out, the first in .*latin.txt: line 2; .*iconv -f WINDOWS-1252 -t UTF-8 FILE' \
	"$tok" -q -w "$T/letters.txt" --lines -o "$T/r.tok" "$T/latin.txt"
is "tok: U+FFFD in a text is UTF-8" "$(printf 'the \357\277\275cat\n' | "$tok" -q -w "$vocab" --lines -o "$T/r.tok" 2>&1)" ""
sed 's/^the$/The/' "$T/all.txt" >"$T/capital.txt"
fails "tok: warns about a cased vocabulary without --cased" 0 'capital.txt: 1 tokens have capital letters, which occur only with --cased' \
	sh -c "echo 'a cat' | '$tok' -q -w '$T/capital.txt' --lines -o '$T/r.tok'"
is "tok: --cased does not warn about a cased vocabulary" "$(echo 'The cat' |
	"$tok" -q --cased -w "$T/capital.txt" --lines -o "$T/r.tok" 2>&1)" ""

# --- tokenizer.json ---

tokenizer_json() { # tokenizer_json SETTINGS: the vocabulary $T/all.txt
	awk -v settings="$1" '
		BEGIN { printf "{\"version\":\"1.0\",\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true," }
		BEGIN { printf "\"handle_chinese_chars\":true,%s},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},", settings }
		BEGIN { printf "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\"," }
		BEGIN { printf "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{" }
		{ line[NR] = sprintf("\"%s\":%d", $0, NR - 1) }
		END { for (i = NR; i > 0; i--) printf "%s%s", line[i], (i > 1 ? "," : "}}}\n") }' "$T/all.txt"
}
tokenizer_json '"strip_accents":null,"lowercase":true' >"$T/tokenizer.json"
tokenizer_json '"strip_accents":null,"lowercase":false' >"$T/cased.json"
"$tok" -q -w "$T/all.txt" -o "$T/txt.tok" "$T/stories.jsonl"
"$tok" -q -w "$T/tokenizer.json" -o "$T/json.tok" "$T/stories.jsonl"
is "tok: -d -w vocab.txt reads records made with tokenizer.json" "$("$tok" -d -w "$T/all.txt" "$T/json.tok")" \
	"$("$tok" -d -w "$T/all.txt" "$T/txt.tok")"
"$tok" -q -w "$T/all.txt" --cased "$T/stories.jsonl" 2>/dev/null | zstd -dqc >"$T/cased.ids"
"$tok" -q -w "$T/cased.json" "$T/stories.jsonl" 2>/dev/null | zstd -dqc >"$T/cased2.ids"
ok "tok: a tokenizer.json with lowercase false is cased" cmp "$T/cased.ids" "$T/cased2.ids"
"$tok" -q -w "$T/cased.json" -o "$T/cased.tok" "$T/stories.jsonl" 2>/dev/null
cat "$T/txt.tok" "$T/cased.tok" >"$T/mixed.tok"
fails "tok: records of a cased and an uncased tokenizer.json do not mix" 1 'mixed.tok: .*hash' "$tok" -q -d -w "$T/all.txt" "$T/mixed.tok"
fails "tok: refuses --cased with an uncased tokenizer.json" 2 '--cased: .*tokenizer.json converts to lower case' \
	"$tok" -w "$T/tokenizer.json" --cased "$T/stories.jsonl"
sed 's/WordPiece/BPE/' "$T/tokenizer.json" >"$T/bpe.json"
fails "tok: refuses a tokenizer.json of another kind" 1 'bpe.json: model.type is BPE, expected WordPiece, as in BERT' \
	"$tok" -w "$T/bpe.json" "$T/stories.jsonl"

# --- what --json shows ---

show() { # show TEXT OPTION...
	show_text=$1
	shift
	echo "$show_text" | "$tok" -w "$vocab" --lines --json "$@"
}
is "tok: --json prints ids, tokens and offsets" "$(show 'The cats!')" \
	'{"ids":[2,5,6,17,13,3],"tokens":["[CLS]","the","cat","##s","!","[SEP]"],"offsets":[[0,0],[0,3],[4,7],[7,8],[8,9],[0,0]],"unknown":[]}'
is "tok: --json gives the offsets in the original bytes if bytes are removed" "$(printf 'c\303\241\314\201\001t\377s\n' | "$tok" -w "$vocab" --lines --json \
	--no-special)" '{"ids":[6,17],"tokens":["cat","##s"],"offsets":[[0,7],[8,9]],"unknown":[]}'
is "tok: --json prints the unknown words as they stand in the text" "$(printf 'The Zorg"\\, c\303\251\377\001! the Zorg\n' |
	"$tok" -q -w "$vocab" --lines --json 2>/dev/null | sed 's/.*unknown"://')" "[\"Zorg\",\"\\\"\",\"\\\\\",\"c$accent\",\"Zorg\"]}"
is "tok: --json prints no unknown words that are truncated" "$(show 'the Zorg Yog' --truncate 4 | sed 's/.*unknown"://')" '["Zorg"]}'
ids() {
	show "$@" | sed 's/.*"ids":\[\([^]]*\)\].*/\1/'
}
is "tok: --no-special adds no special tokens" "$(ids 'the cat' --no-special)" 5,6
is "tok: --truncate removes tokens on the right" "$(ids 'the cat sat' --truncate 4)" 2,5,6,3
is "tok: --truncate --left removes tokens on the left" "$(ids 'the cat sat' --truncate 4 --left)" 2,6,7,3
is "tok: --json gives the offsets of truncated text" "$(show 'the cat sat' --truncate 3 --left | sed 's/.*offsets"://')" \
	'[[0,0],[8,11],[0,0]],"unknown":[]}'
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
fails "tok: --field reports a missing member and lists the others" 1 "line 1, byte 1: no field 'body'; name one with --field: story" \
	"$tok" -w "$vocab" --field body "$T/stories.jsonl"
printf '{"story":"a cat"\n' >"$T/open.jsonl"
fails "tok: refuses an object that does not end" 1 'line 1, byte 17: not JSON: unexpected end' \
	"$tok" -w "$vocab" "$T/open.jsonl"
printf '{"story":"a\tcat"}\n' >"$T/control.jsonl"
fails "tok: refuses a control character in a string" 1 'line 1, byte 12: not JSON: a control character' "$tok" -w "$vocab" "$T/control.jsonl"
printf '{"n":NaN,"story":"a"}\n' >"$T/nan.jsonl"
printf '\037\213\010\000' >"$T/packed.gz"
for form in --field=story --lines --text; do
	fails "tok $form: a gzip file is refused" 1 'packed.gz: is compressed with gzip; decompress it: gzip -dc FILE' \
		"$tok" -w "$vocab" "$form" "$T/packed.gz"
	fails "tok $form: a gzip stream from a pipe is refused" 1 'standard input: is compressed with gzip; decompress it: gzip -dc FILE' \
		sh -c "cat '$T/packed.gz' | '$tok' -w '$vocab' $form"
done
refused() { # refused WHAT MESSAGE BYTES, as printf has them, OPTION...
	refused_what=$1 refused_message=$2
	# The bytes are a format of printf.
	# shellcheck disable=SC2059
	printf "$3" >"$T/refused"
	shift 3
	fails "tok${1:+ $1}: $refused_what is refused" 1 "refused: $refused_message" "$tok" -w "$vocab" "$@" "$T/refused"
}
refused 'an xz file' 'is compressed with xz; decompress it: xz -dc FILE' '\3757zXZ\000'
refused 'a bzip2 file' 'is compressed with bzip2; decompress it: bzip2 -dc FILE' 'BZh91AY&SY'
refused 'an lz4 file' 'is compressed with lz4; decompress it: lz4 -dc FILE' '\004\042\115\030'
refused 'a zip file' 'is a zip archive, or a document of an office program; unzip -p FILE' 'PK\003\004'
refused 'a 7z file' 'is a 7z archive; unpack it: 7z x -so FILE' '7z\274\257\047\034'
refused 'a tar file' 'is a tar archive; unpack it: tar -xOf FILE' "$(printf '%0257d' 0)ustar"
refused 'a parquet file' "is a parquet file; convert it: python3 -c 'import pandas.*read_parquet" 'PAR1\025'
refused 'an Arrow file' "is an Arrow file; convert it: python3 -c 'import pandas.*read_feather" 'ARROW1\000\000'
refused 'an Arrow stream' "is an Arrow stream, .*: python3 -c 'import pyarrow.*open_stream" '\377\377\377\377\020'
refused 'an SQLite file' 'is an SQLite database; sqlite3 -json FILE' 'SQLite format 3\000'
refused 'a PDF' 'is a PDF; extract its text: pdftotext FILE - . tok --text' '%%PDF-1.4\n' --text
refused 'a PostScript file' 'is PostScript; extract its text: ps2ascii FILE' '%%!PS-Adobe-3.0\n' --lines
refused 'an RTF file' 'is RTF; extract its text: unrtf --text FILE' '{\\rtf1 }'
refused 'an old Word file' 'is an old document of an office program; extract its text: catdoc FILE' '\320\317\021\340'
refused 'a pointer of Git LFS' 'is a pointer of Git LFS, not the data; git lfs pull' \
	'version https://git-lfs.github.com/spec/v1\noid sha256:0\n' --text
refused 'UTF-32' 'is UTF-32; convert it: iconv -f UTF-32 -t UTF-8 FILE' '\377\376\000\000a\000\000\000'
refused 'UTF-32, high byte first,' 'is UTF-32; convert it: iconv' '\000\000\376\377\000\000\000a'
refused 'UTF-16 without a mark' 'is UTF-16 without a byte order mark; convert it: iconv -f UTF-16LE' \
	'o\000n\000c\000e\000 \000u\000p\000o\000' --text
refused 'UTF-16 without a mark, high byte first,' 'is UTF-16 without .*: iconv -f UTF-16BE' \
	'\000o\000n\000c\000e\000 \000u\000p\000o'
refused 'a picture' 'is a picture; tok reads text' '\211PNG\r\n'
refused 'a program' 'is a program; tok reads text' '\177ELF' --lines
refused 'HTML' 'looks like HTML; extract its text: w3m -dump -T text/html FILE . tok --text' '\n<!doctype HTML>\n'
refused 'XML' "looks like XML; remove its tags: sed 's/<\[" '<?xml version="1.0"?>\n'
refused 'CSV' 'looks like CSV; convert it: python3 -c .*csv.* tok --field' 'id,"the text"\r\n1,a\r\n'
refused 'CSV with one column' 'looks like CSV' 'text\n"a, b"\n'
refused 'TSV' 'looks like TSV; convert it: python3 -c .*delimiter=' 'id\ttext\n1\ta\n'
for text in 'Once upon a time.' '3 pigs, and more' '"No," she said' '[1] The cat' 'true love, 1' 'In 1999 -' 'Hello, Mr. Cat'; do
	refused "plain text as JSON, '$text'," 'line 1, byte 1: .*plain text use --lines or --text' "$text\\n"
done
advised() { # advised PROGRAM NAME: the command in the message about the file $T/NAME makes of it what tok reads
	if ! command -v "$1" >/dev/null; then
		skip "tok: the advice for $2 works" "no $1"
		return
	fi
	"$tok" -w "$vocab" -o "$T/advice.tok" "$T/$2" 2>"$T/advice"
	{
		echo "tok() { '$tok' -q -w '$vocab' --json \"\$@\"; }"
		sed -n "s|.* convert it: ||; s|.* decompress it: ||; s|.* unpack it: ||; s|FILE|$T/$2|; s|COLUMN|text|; s| [.][.][.]\$||p" "$T/advice"
	} >"$T/advice.sh"
	sh "$T/advice.sh" >"$T/got.json" 2>/dev/null
	ok "tok: the advice for $2 works" cmp "$T/got.json" "$T/want.json"
}
for program in gzip xz bzip2 lz4; do
	command -v $program >/dev/null && $program -c <"$T/stories.jsonl" >"$T/stories.$program"
	advised $program stories.$program
done
(cd "$T" && tar cf stories.tar stories.jsonl)
advised tar stories.tar
for encoding in UTF-16LE UTF-16BE UTF-32; do
	command -v iconv >/dev/null && iconv -f UTF-8 -t $encoding "$T/stories.jsonl" >"$T/stories.$encoding"
	advised iconv stories.$encoding
done
printf '%s\n' id,text '1,The cat sat.' '2,"A cat, on the mat!' 'Cats sat on the mats."' '3,' '4,dog [SEP]' >"$T/stories.csv"
advised python3 stories.csv
printf '%s\t%s\n' id text 1 'The cat sat.' 2 'A cat, on the mat! Cats sat on the mats.' 3 '' 4 'dog [SEP]' >"$T/stories.tsv"
advised python3 stories.tsv
doubted() { # doubted OPTION MESSAGE BYTES
	echo "$3" >"$T/doubted"
	fails "tok $1: warns that a file ${2%%[;,]*}" 0 "doubted: $2" "$tok" -q -w "$T/letters.txt" "$1" -o "$T/doubted.tok" "$T/doubted"
}
doubted --text 'looks like HTML; extract' '<html>'
doubted --lines 'looks like CSV; convert' 'id,text'
doubted --text 'looks like JSON, which tok reads without --lines and --text' '{"text":"a"}'
doubted --text 'looks like JSON, which' '[{"text":"a"}, {"text":"a"}]'
refused 'a JSON string' "line 1, byte 1: a JSON string, .*jq -c '.text:.}'" '"a"\n'
printf '[{"story":"a cat"},\n{"story":3}]\n' >"$T/element.json"
fails "tok: an error names the element of an array" 1 "element.json: element 2, byte 10: field 'story' is not a string" \
	"$tok" -w "$vocab" "$T/element.json"
fails "tok: --skip-bad names the element of an array" 0 'skipped 1 bad lines of 2; the first: .*element 2, byte 10' \
	"$tok" -q -w "$vocab" --skip-bad -o "$T/skipped.tok" "$T/element.json"
printf '[{"story":"a cat"},\n{"story":"the' >"$T/open.json"
fails "tok: refuses an array that does not end" 1 'open.json: byte 34: a JSON array that does not end' "$tok" -w "$vocab" "$T/open.json"
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
	"$tok" -q -w "$T/all.txt" --skip-bad -o "$T/skipped.tok" "$T/bad.jsonl"
is "tok --skip-bad: keeps the valid lines" "$("$tok" -d -w "$T/all.txt" "$T/skipped.tok" | wc -l | tr -d ' ')" 4
"$tok" -w "$vocab" --json "$T/stories.jsonl" >"$T/good.json"
"$tok" -w "$vocab" --json --skip-bad "$T/bad.jsonl" 2>/dev/null >"$T/skipped.json"
ok "tok: --skip-bad encodes the valid lines as without bad lines" cmp "$T/good.json" "$T/skipped.json"
fails "tok: --skip-bad accepts an input of bad lines only" 0 'skipped 1 bad lines of 1;' \
	"$tok" -q -w "$vocab" --skip-bad -o "$T/none.tok" "$T/number.jsonl"
ok "tok: --skip-bad reports nothing if all lines are valid" sh -c "
	'$tok' -w '$vocab' --skip-bad -o '$T/skipped.tok' '$T/stories.jsonl' 2>'$T/skipped.err' &&
	test -s '$T/skipped.err' && test -z \"\$(grep skipped '$T/skipped.err')\""
for j in 1 3; do
	fails "tok: -j $j --skip-bad names the first bad line" 0 \
		'skipped 1 bad lines of 32001; the first: .*flawed.jsonl: line 16001, byte 10' \
		"$tok" -q -w "$T/all.txt" --skip-bad -j $j -o "$T/skipped.tok" "$T/flawed.jsonl"
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
	is "tok: warns about $1 in a vocabulary" "$(echo the | "$tok" -w "$T/defect.txt" --lines --no-special --json 2>&1 >/dev/null | grep -v words)" \
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
fails "tok: refuses too many threads" 2 'threads: 1024 threads are too many for [0-9]+ processors .expected at most [0-9]+' \
	"$tok" -w "$vocab" -j 1024 "$T/stories.jsonl"
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
