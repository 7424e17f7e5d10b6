#!/bin/sh
# pack: rows of stories, and the contents of shards.
. tests/lib.sh

cd "$T" || exit 1
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c d e f g h i j >vocab
printf '%s\n' '[UNK]' '[CLS]' '[SEP]' a b c d e f g h i j >padless

tell() { # tell STORY...: as JSON lines
	printf '{"story":"%s"}\n' "$@"
}

# tales N: N stories of 0 to 40 words
tales() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++) {
			s = ""
			for (k = i * 7919 % 41; k > 0; k--)
				s = s (s == "" ? "" : " ") substr("abcdefghij", (i * k * 31 + k) % 10 + 1, 1)
			print "{\"story\":\"" s "\"}"
		}
	}'
}

ids() { # ids of the rows that pack makes with these arguments
	"$BIN/pack" -q "$@" | "$BIN/pack" --ids
}

lines() { # lines LINE...
	printf '%s\n' "$@"
}

tell 'a b c d e f g h' 'a b' 'a b c d' | "$BIN/tok" -q -w vocab >few.tok
tell 'a b c d e f g h' | "$BIN/tok" -q -w vocab >one.tok
tell 'a b' 'a b c d' | "$BIN/tok" -q -w vocab >two.tok
tales 3000 | "$BIN/tok" -q -w vocab -o many.tok

# --- shapes of rows ---

is 'pack: --ids prints the ids of stories' "$("$BIN/pack" --ids few.tok)" \
	"$(lines '2 5 6 7 8 9 10 11 12 3' '2 5 6 3' '2 5 6 7 8 3')"
is 'pack: pads rows, or cuts them before their [SEP]' "$(ids -T 6 few.tok)" \
	"$(lines '2 5 6 7 8 3' '2 5 6 3 0 0' '2 5 6 7 8 3')"
is 'pack: --long split puts [CLS] and [SEP] around each piece' "$(ids -T 6 --long split few.tok)" \
	"$(lines '2 5 6 7 8 3' '2 9 10 11 12 3' '2 5 6 3 0 0' '2 5 6 7 8 3')"
is 'pack: --long split pads the last piece' "$(ids -T 5 --long split one.tok)" \
	"$(lines '2 5 6 7 3' '2 8 9 10 3' '2 11 12 3 0')"
is 'pack: --long split omits [CLS] and [SEP] in rows that are too short for them' "$(ids -T 2 --long split two.tok | head -n 2)" \
	"$(lines '2 5' '6 3')"
is 'pack: --long drop drops stories that are too long' "$(ids -T 6 --long drop few.tok)" \
	"$(lines '2 5 6 3 0 0' '2 5 6 7 8 3')"
is 'pack: --join makes windows of the joined stories' "$(ids -T 8 --join few.tok)" \
	"$(lines '2 5 6 7 8 9 10 11' '12 3 2 5 6 3 2 5' '6 7 8 3 0 0 0 0')"
is 'pack: --join --stride makes windows that overlap' "$(ids -T 5 --join --stride 3 two.tok)" \
	"$(lines '2 5 6 3 2' '3 2 5 6 7' '6 7 8 3 0')"
is 'pack: --join --stride makes no window without new ids' "$(ids -T 4 --join --stride 2 two.tok)" \
	"$(lines '2 5 6 3' '6 3 2 5' '2 5 6 7' '6 7 8 3')"
is 'pack: the row length is 64 by default' "$(ids few.tok | awk '{ print NF }' | sort -u)" 64
is 'pack: makes rows of one id' "$(ids -T 1 --join two.tok | tr '\n' ' ')" '2 5 6 3 2 5 6 7 8 3 '
is 'pack: reads files in the order of the operands' "$(ids -T 6 one.tok two.tok)" "$(ids -T 6 few.tok)"
is 'pack: reads standard input for the operand -' "$(ids -T 6 one.tok - <two.tok)" "$(ids -T 6 few.tok)"
cat one.tok two.tok >cat.tok
is 'pack: reads a file of concatenated shards' "$(ids -T 6 cat.tok)" "$(ids -T 6 few.tok)"

tell 'a b c d e f g h' 'a b c' | "$BIN/tok" -q -w padless >padless.tok 2>/dev/null
is 'pack: a vocabulary without [PAD] allows full rows' "$(ids -T 5 padless.tok)" "$(lines '1 3 4 5 2' '1 3 4 5 2')"
fails 'pack: a vocabulary without [PAD] does not allow a row with padding' 1 'story 1 gives a row of only 5 ids, expected 6, and the vocabulary has no \[PAD\]' \
	"$BIN/pack" -q -T 6 padless.tok -o no.rows
is 'pack: --join without [PAD] drops the last window' "$(ids -T 9 --join padless.tok)" \
	'1 3 4 5 6 7 8 9 10'

# --- order ---

"$BIN/pack" -q -T 20 many.tok -o plain.rows
"$BIN/pack" -q -T 20 --shuffle -s 3 many.tok -o shuffled.rows
"$BIN/pack" -q -T 20 --shuffle -s 3 many.tok -o again.rows
"$BIN/pack" -q -T 20 --shuffle -s 4 many.tok -o other.rows
for x in plain shuffled other; do
	"$BIN/pack" --ids "$x.rows" >"$x"
	sort "$x" >"$x.sorted"
done
ok 'pack: --shuffle keeps every row' cmp plain.sorted shuffled.sorted
not_ok 'pack: --shuffle changes the order' cmp -s plain shuffled
not_ok 'pack: --shuffle with another seed gives another order' cmp -s shuffled other
"$BIN/pack" -q -T 20 --shuffle -s 3 many.tok -o again.rows
cp again.rows first.rows
"$BIN/pack" -q -T 20 --shuffle -s 3 many.tok -o again.rows
ok 'pack: the same command writes the same bytes' cmp first.rows again.rows

is 'pack: --take A:B writes rows A to B - 1' "$(ids -T 6 --take 1:3 few.tok)" "$(lines '2 5 6 3 0 0' '2 5 6 7 8 3')"
is 'pack: --take :B writes the first rows' "$(ids -T 6 --take :1 few.tok)" '2 5 6 7 8 3'
is 'pack: --take A: writes the last rows' "$(ids -T 6 --take 2: few.tok)" '2 5 6 7 8 3'
is 'pack: --take beyond the end writes no rows' "$(ids -T 6 --take 7:9 few.tok)" ''
is 'pack: --take selects rows for --ids' "$("$BIN/pack" --ids --take 1:2 few.tok)" '2 5 6 3'
"$BIN/pack" -q -T 20 --shuffle -s 3 --take :100 many.tok >held
"$BIN/pack" -q -T 20 --shuffle -s 3 --take 100: many.tok >rest
cat held rest | "$BIN/pack" --ids >whole
ok 'pack: two parts of shuffled rows make up the whole' cmp whole shuffled
is 'pack: shuffles rows and takes some of them' \
	"$("$BIN/pack" -q --shuffle -s 3 --take :100 plain.rows | "$BIN/pack" --ids)" \
	"$(head -n 100 shuffled)"
fails 'pack: refuses to change the length of rows' 1 'plain.rows: expected stories, not rows of 20 ids' \
	"$BIN/pack" -T 30 plain.rows -o no.rows

# --- what it says ---

"$BIN/pack" -T 6 few.tok -o x.rows 2>said
is 'pack: reports the number of stories and rows' "$(cat said)" \
	'pack: 3 stories with 20 ids in all; 1 cut, 0 dropped, 20.0% of the ids left out; 3 rows of 6 ids, 11.1% padding'
"$BIN/pack" -T 4 few.tok -o x.rows 2>said
ok 'pack: if much is left out, says how to keep it' grep -q 'pack: of long stories, only the beginning is kept; --long split keeps' said
"$BIN/pack" -T 6 --long drop --take :1 few.tok -o x.rows 2>said
is 'pack: reports how many rows --take selected' "$(cat said)" "$(lines \
	'pack: 3 stories with 20 ids in all; 0 cut, 1 dropped, 50.0% of the ids left out; 2 rows of 6 ids, 16.7% padding' \
	'pack: 1 of these rows written')"
is 'pack: -q prints nothing' "$("$BIN/pack" -q -T 6 few.tok 2>&1 >/dev/null)" ''
"$BIN/pack" -v -T 6 few.tok -o x.rows 2>said
ok 'pack: -v prints time and memory' grep -q 'MiB peak' said

"$BIN/pack" -q -T 6 --shuffle -s 77 few.tok >x.rows
"$BIN/pack" --info x.rows few.tok >said
for line in 'file +x.rows' 'kind +rows' 'row length +6 ids' 'vocabulary +15 ids of 2 bytes, hash [0-9a-f]{16}' \
	'special +\[PAD\] 0 \[UNK\] 1 \[CLS\] 2 \[SEP\] 3 \[MASK\] 4' 'seed +77' \
	'provenance +tok .* \| pack .* -q -T 6 --shuffle -s 77 few.tok' 'segments +1' 'records +3' \
	'tokens +18, 11.1% of them \[PAD\]' 'bytes +36 of ids in [0-9]+, ' \
	'file +few.tok' 'kind +stream' 'tokens +20, 6.7 a record, from 4 to 10'; do
	ok "pack --info: prints $line" grep -Eq "^$line" said
done
"$BIN/pack" --info -o said.too x.rows few.tok
ok 'pack --info: -o writes to a file' cmp said said.too
is 'pack --info: reads standard input' "$("$BIN/pack" --info <x.rows | sed 's/standard input/x.rows/')" \
	"$("$BIN/pack" --info x.rows)"
is 'pack --info: counts the segments of concatenated shards' "$("$BIN/pack" --info cat.tok | grep -c 'segments    2')" 1
is 'pack --check: prints nothing for valid shards' "$("$BIN/pack" --check x.rows few.tok many.tok 2>&1)" ''
cut=$(($(wc -c <many.tok) - 100))
head -c $cut many.tok >cut.tok
"$BIN/pack" --check cut.tok few.tok vocab 2>said
is 'pack --check: exits with 1 for damaged shards' $? 1
is 'pack --check: names each damaged shard' "$(cat said)" "$(lines \
	"pack: cut.tok: truncated at byte $cut (block 1): no trailer" \
	'pack: vocab: at byte 0 (block 0): not a shard; expected the output of tok, pack or noise')"

# --- the golden truncation and padding ---

cd - >/dev/null || exit 1
if vocab=$(data bert-base-uncased-vocab.txt) && golden=$(data tokenizer/trunc128.jsonl) &&
	padded=$(data tokenizer/padtrunc16_right.jsonl); then
	sed 's/.*"ids":\[\([0-9,]*\)\].*/\1/; y/,/ /' "$golden" >"$T/want"
	"$BIN/tok" -q -w "$vocab" "$golden" | "$BIN/pack" -q -T 128 | "$BIN/pack" --ids |
		sed 's/\( 0\)*$//' >"$T/got"
	ok 'pack: cuts rows of 128 ids as Hugging Face does' cmp "$T/want" "$T/got"
	"$BIN/tok" -q -w "$vocab" "$golden" -o "$T/golden.tok"
	"$BIN/pack" --ids "$T/golden.tok" | tr ' ' '\n' | grep -Evx '0|101|102' >"$T/want"
	"$BIN/pack" -q -T 50 --long split "$T/golden.tok" | "$BIN/pack" --ids | tr ' ' '\n' |
		grep -Evx '0|101|102' >"$T/got"
	ok 'pack: --long split keeps all ids' cmp "$T/want" "$T/got"
	is 'pack: --long split puts [CLS] and [SEP] around each piece of long stories' "$("$BIN/pack" -q -T 50 --long split "$T/golden.tok" |
		"$BIN/pack" --ids | grep -Evc '^101 .* 102( 0)*$')" 0
	sed 's/.*"ids":\[\([0-9,]*\)\].*/\1/; y/,/ /' "$padded" >"$T/want"
	"$BIN/tok" -q -w "$vocab" "$padded" | "$BIN/pack" -q -T 16 | "$BIN/pack" --ids >"$T/got"
	ok 'pack: cuts and pads rows of 16 ids as Hugging Face does' cmp "$T/want" "$T/got"
else
	skip 'pack: cuts and pads rows as Hugging Face does' 'no shared data'
fi
cd "$T" || exit 1

# --- what cannot be ---

fails 'pack: reports a missing file' 1 'nowhere: No such file' "$BIN/pack" nowhere
fails 'pack: refuses a file that is not a shard' 1 'vocab: at byte 0 \(block 0\): not a shard' "$BIN/pack" vocab
fails 'pack: refuses an empty input' 1 'standard input: truncated at byte 0 \(block 0\): it is empty' \
	"$BIN/pack" </dev/null
fails 'pack: refuses a truncated stream' 1 "cut.tok: truncated at byte $cut \(block 1\): no trailer" \
	"$BIN/pack" cut.tok -o cut.rows
ok 'pack: a truncated stream leaves no output' sh -c '! ls | grep cut.rows'
cp x.rows kept.rows
fails 'pack: a truncated stream is refused for an existing output' 1 truncated "$BIN/pack" cut.tok -o kept.rows
ok 'pack: a truncated stream does not change an existing output' cmp x.rows kept.rows
"$BIN/noise" -q x.rows >x.noised
fails 'pack: refuses noised records' 1 'x.noised: holds noised records, expected stream or rows records' \
	"$BIN/pack" x.noised
fails 'pack: --noise refuses rows without noise' 1 'x.rows: holds rows records, expected noised records' \
	"$BIN/pack" --noise x.rows
fails 'pack: refuses stories of two vocabularies' 1 'padless.tok: does not fit the files before it: the vocabulary' \
	"$BIN/pack" few.tok padless.tok
if [ -c /dev/full ]; then
	fails 'pack: reports a full disk' 1 'cannot write: No space left' "$BIN/pack" -q few.tok -o /dev/full
	fails 'pack: --ids reports a full disk' 1 'cannot write: No space left' \
		"$BIN/pack" --ids many.tok -o /dev/full
fi
fails 'pack: --take requires a colon' 2 "'5' is not A:B" "$BIN/pack" --take 5 few.tok
fails 'pack: --take refuses an end before the start' 2 'the end is below the start' "$BIN/pack" --take 5:2 few.tok
fails 'pack: --take refuses what is not a number' 2 "'x:' is not A:B" "$BIN/pack" --take x: few.tok
fails 'pack: refuses a row length of 0' 2 'length' "$BIN/pack" -T 0 few.tok
fails 'pack: --long refuses an unknown choice' 2 'expected one of: cut, split, drop' "$BIN/pack" --long x few.tok
fails 'pack: refuses compression level 20' 2 'compress' "$BIN/pack" -z 20 few.tok
fails 'pack: --stride requires --join' 2 'stride: needs --join' "$BIN/pack" --stride 3 few.tok
fails 'pack: a seed requires --shuffle' 2 'seed: needs --shuffle' "$BIN/pack" -s 3 few.tok
fails 'pack: --long does not go with --join' 2 'long does not go with --join' "$BIN/pack" --join --long cut few.tok
fails 'pack: a row length does not go with --info' 2 'length does not go with' "$BIN/pack" --info -T 5 few.tok
fails 'pack: --shuffle does not go with --ids' 2 'shuffle does not go with' "$BIN/pack" --ids --shuffle few.tok
fails 'pack: --take does not go with --info' 2 'take does not go with' "$BIN/pack" --info --take 0:1 few.tok
fails 'pack: --info does not go with --check' 2 'only one of them' "$BIN/pack" --info --check few.tok

# --- pipes and terminals ---

# A shell that was started with SIGPIPE ignored cannot change that.
(
	yes
	echo $? >status
) 2>/dev/null | head -n 1 >/dev/null
if [ "$(cat status)" = 141 ]; then
	(
		"$BIN/pack" --ids many.tok 2>said
		echo $? >status
	) | head -n 1 >/dev/null
	is 'pack: --ids ends quietly if its reader exits' "$(cat status said)" 141
	(
		"$BIN/pack" -q --join -T 2 --stride 1 many.tok 2>said
		echo $? >status
	) | head -c 1 >/dev/null
	is 'pack: ends quietly if the reader of its rows exits' "$(cat status said)" 141
else
	skip 'pack: ends quietly if its reader exits' 'SIGPIPE is ignored here'
fi
(
	trap '' PIPE
	"$BIN/pack" --ids many.tok 2>said
	echo $? >status
) | head -n 1 >/dev/null
is 'pack: if SIGPIPE is ignored, a broken pipe is an error' "$(cat status said)" "$(lines 1 \
	'pack: standard output: cannot write: Broken pipe')"
mkfifo fifo
"$BIN/pack" -q -o killed.rows fifo &
pid=$!
{
	cat few.tok
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		ls cdcd-*.tmp >/dev/null 2>&1 && break
		sleep 0.3
	done
	find . -name '*.tmp' | wc -l >temporaries
	kill $pid
} >fifo 2>/dev/null
wait $pid 2>/dev/null
is 'pack: SIGTERM ends it with status 143' "$?" 143
is 'pack: writes a temporary file first' "$(cat temporaries)" 1
ok 'pack: a signal removes the temporary file' sh -c '! ls | grep -e killed -e "tmp\$"'
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1; then
	script -qec "'$BIN/pack' -q few.tok" /dev/null >said </dev/null
	ok 'pack: refuses to write rows to a terminal' grep -q 'binary output to a terminal' said
	script -qec "'$BIN/pack' -q -f -T 6 few.tok" /dev/null >said </dev/null
	ok 'pack: -f writes rows to a terminal' grep -q CDCH said
	script -qec "'$BIN/pack' --ids few.tok" /dev/null >said </dev/null
	ok 'pack: --ids writes to a terminal' grep -q '2 5 6 3' said
else
	skip 'pack: refuses to write rows to a terminal' 'no script(1)'
fi
is 'pack: -V prints the version' "$("$BIN/pack" -V | cut -d ' ' -f 1,2)" 'pack (cdcd)'
is 'pack: --help lists all options' "$("$BIN/pack" --help | grep -Eoc -- '--[a-z]+')" 18
done_testing
