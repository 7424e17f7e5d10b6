#!/bin/sh
# pack: rows from stories, and what is in a shard.
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

is 'stories are stored as they are' "$("$BIN/pack" --ids few.tok)" \
	"$(lines '2 5 6 7 8 9 10 11 12 3' '2 5 6 3' '2 5 6 7 8 3')"
is 'rows are padded, or cut before their [SEP]' "$(ids -T 6 few.tok)" \
	"$(lines '2 5 6 7 8 3' '2 5 6 3 0 0' '2 5 6 7 8 3')"
is '--long split: pieces within [CLS] and [SEP]' "$(ids -T 6 --long split few.tok)" \
	"$(lines '2 5 6 7 8 3' '2 9 10 11 12 3' '2 5 6 3 0 0' '2 5 6 7 8 3')"
is '--long split: a last piece is padded' "$(ids -T 5 --long split one.tok)" \
	"$(lines '2 5 6 7 3' '2 8 9 10 3' '2 11 12 3 0')"
is '--long split: no room for [CLS] and [SEP]' "$(ids -T 2 --long split two.tok | head -n 2)" \
	"$(lines '2 5' '6 3')"
is '--long drop: what is too long is left out' "$(ids -T 6 --long drop few.tok)" \
	"$(lines '2 5 6 3 0 0' '2 5 6 7 8 3')"
is '--join: windows' "$(ids -T 8 --join few.tok)" \
	"$(lines '2 5 6 7 8 9 10 11' '12 3 2 5 6 3 2 5' '6 7 8 3 0 0 0 0')"
is '--join --stride: windows that overlap' "$(ids -T 5 --join --stride 3 two.tok)" \
	"$(lines '2 5 6 3 2' '3 2 5 6 7' '6 7 8 3 0')"
is '--join --stride: no window without anything new' "$(ids -T 4 --join --stride 2 two.tok)" \
	"$(lines '2 5 6 3' '6 3 2 5' '2 5 6 7' '6 7 8 3')"
is 'the row length is 64 by default' "$(ids few.tok | awk '{ print NF }' | sort -u)" 64
is 'rows of one id' "$(ids -T 1 --join two.tok | tr '\n' ' ')" '2 5 6 3 2 5 6 7 8 3 '
is 'files in the order of the operands' "$(ids -T 6 one.tok two.tok)" "$(ids -T 6 few.tok)"
is 'a file among them may be -' "$(ids -T 6 one.tok - <two.tok)" "$(ids -T 6 few.tok)"
cat one.tok two.tok >cat.tok
is 'or one file of many shards' "$(ids -T 6 cat.tok)" "$(ids -T 6 few.tok)"

tell 'a b c d e f g h' 'a b c' | "$BIN/tok" -q -w padless >padless.tok 2>/dev/null
is 'without [PAD], rows that are full' "$(ids -T 5 padless.tok)" "$(lines '1 3 4 5 2' '1 3 4 5 2')"
fails 'without [PAD], a row that is not' 1 'story 1 has less than 6 ids, and the vocabulary no \[PAD\]' \
	"$BIN/pack" -q -T 6 padless.tok -o no.rows
is 'without [PAD], the rest of --join is left out' "$(ids -T 9 --join padless.tok)" \
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
ok '--shuffle keeps every row' cmp plain.sorted shuffled.sorted
not_ok '--shuffle changes the order' cmp -s plain shuffled
not_ok 'another seed, another order' cmp -s shuffled other
"$BIN/pack" -q -T 20 --shuffle -s 3 many.tok -o again.rows
cp again.rows first.rows
"$BIN/pack" -q -T 20 --shuffle -s 3 many.tok -o again.rows
ok 'the same command, the same bytes' cmp first.rows again.rows

is '--take A:B' "$(ids -T 6 --take 1:3 few.tok)" "$(lines '2 5 6 3 0 0' '2 5 6 7 8 3')"
is '--take :B' "$(ids -T 6 --take :1 few.tok)" '2 5 6 7 8 3'
is '--take A:' "$(ids -T 6 --take 2: few.tok)" '2 5 6 7 8 3'
is '--take of none' "$(ids -T 6 --take 7:9 few.tok)" ''
is '--take with --ids' "$("$BIN/pack" --ids --take 1:2 few.tok)" '2 5 6 3'
"$BIN/pack" -q -T 20 --shuffle -s 3 --take :100 many.tok >held
"$BIN/pack" -q -T 20 --shuffle -s 3 --take 100: many.tok >rest
cat held rest | "$BIN/pack" --ids >whole
ok 'two parts of a shuffled whole make it up' cmp whole shuffled
is 'rows can be shuffled and taken' \
	"$("$BIN/pack" -q --shuffle -s 3 --take :100 plain.rows | "$BIN/pack" --ids)" \
	"$(head -n 100 shuffled)"
fails 'but not made anew' 1 'plain.rows: expected stories, not rows of 20 ids' \
	"$BIN/pack" -T 30 plain.rows -o no.rows

# --- what it says ---

"$BIN/pack" -T 6 few.tok -o x.rows 2>said
is 'says what became of the stories' "$(cat said)" \
	'pack: 3 stories of 20 ids; 1 cut, 0 dropped, 20.0% of the ids left out; 3 rows of 6, 11.1% padding'
"$BIN/pack" -T 6 --long drop --take :1 few.tok -o x.rows 2>said
is 'pack: reports how many rows --take selected' "$(cat said)" "$(lines \
	'pack: 3 stories of 20 ids; 0 cut, 1 dropped, 50.0% of the ids left out; 2 rows of 6, 16.7% padding' \
	'pack: 1 of these rows written')"
is '-q: nothing' "$("$BIN/pack" -q -T 6 few.tok 2>&1 >/dev/null)" ''
"$BIN/pack" -v -T 6 few.tok -o x.rows 2>said
ok '-v: time and memory' grep -q 'MiB peak' said

"$BIN/pack" -q -T 6 --shuffle -s 77 few.tok >x.rows
"$BIN/pack" --info x.rows few.tok >said
for line in 'file +x.rows' 'kind +rows' 'row length +6 ids' 'vocabulary +15 ids of 2 bytes, hash [0-9a-f]{16}' \
	'special +\[PAD\] 0 \[UNK\] 1 \[CLS\] 2 \[SEP\] 3 \[MASK\] 4' 'seed +77' \
	'provenance +tok .* \| pack .* -q -T 6 --shuffle -s 77 few.tok' 'segments +1' 'records +3' \
	'tokens +18, 11.1% of them \[PAD\]' 'bytes +36 of ids in [0-9]+, ' \
	'file +few.tok' 'kind +stream' 'tokens +20, 6.7 a record, from 4 to 10'; do
	ok "--info: $line" grep -Eq "^$line" said
done
"$BIN/pack" --info -o said.too x.rows few.tok
ok '--info -o' cmp said said.too
is '--info of standard input' "$("$BIN/pack" --info <x.rows | sed 's/standard input/x.rows/')" \
	"$("$BIN/pack" --info x.rows)"
is '--info of several segments' "$("$BIN/pack" --info cat.tok | grep -c 'segments    2')" 1
is '--check is silent' "$("$BIN/pack" --check x.rows few.tok many.tok 2>&1)" ''
cut=$(($(wc -c <many.tok) - 100))
head -c $cut many.tok >cut.tok
"$BIN/pack" --check cut.tok few.tok vocab 2>said
is '--check: status 1' $? 1
is '--check: each that is damaged' "$(cat said)" "$(lines \
	"pack: cut.tok: truncated at byte $cut (block 1): no trailer" \
	'pack: vocab: at byte 0 (block 0): not a shard')"

# --- the golden truncation and padding ---

cd - >/dev/null || exit 1
if vocab=$(data bert-base-uncased-vocab.txt) && golden=$(data tokenizer/trunc128.jsonl) &&
	padded=$(data tokenizer/padtrunc16_right.jsonl); then
	sed 's/.*"ids":\[\([0-9,]*\)\].*/\1/; y/,/ /' "$golden" >"$T/want"
	"$BIN/tok" -q -w "$vocab" "$golden" | "$BIN/pack" -q -T 128 | "$BIN/pack" --ids |
		sed 's/\( 0\)*$//' >"$T/got"
	ok 'rows of 128 are cut as Hugging Face cuts' cmp "$T/want" "$T/got"
	"$BIN/tok" -q -w "$vocab" "$golden" -o "$T/golden.tok"
	"$BIN/pack" --ids "$T/golden.tok" | tr ' ' '\n' | grep -Evx '0|101|102' >"$T/want"
	"$BIN/pack" -q -T 50 --long split "$T/golden.tok" | "$BIN/pack" --ids | tr ' ' '\n' |
		grep -Evx '0|101|102' >"$T/got"
	ok 'what is split is all there' cmp "$T/want" "$T/got"
	is 'each piece within [CLS] and [SEP]' "$("$BIN/pack" -q -T 50 --long split "$T/golden.tok" |
		"$BIN/pack" --ids | grep -Evc '^101 .* 102( 0)*$')" 0
	sed 's/.*"ids":\[\([0-9,]*\)\].*/\1/; y/,/ /' "$padded" >"$T/want"
	"$BIN/tok" -q -w "$vocab" "$padded" | "$BIN/pack" -q -T 16 | "$BIN/pack" --ids >"$T/got"
	ok 'rows of 16 are cut and padded as Hugging Face does' cmp "$T/want" "$T/got"
else
	skip 'rows are cut and padded as Hugging Face does' 'no shared data'
fi
cd "$T" || exit 1

# --- what cannot be ---

fails 'no such file' 1 'nowhere: No such file' "$BIN/pack" nowhere
fails 'not a shard' 1 'vocab: at byte 0 \(block 0\): not a shard' "$BIN/pack" vocab
fails 'nothing at all' 1 'standard input: truncated at byte 0 \(block 0\): it is empty' \
	"$BIN/pack" </dev/null
fails 'a stream that was cut' 1 "cut.tok: truncated at byte $cut \(block 1\): no trailer" \
	"$BIN/pack" cut.tok -o cut.rows
ok 'leaves nothing behind' sh -c '! ls | grep cut.rows'
cp x.rows kept.rows
fails 'nor does it lose' 1 truncated "$BIN/pack" cut.tok -o kept.rows
ok 'what was there' cmp x.rows kept.rows
"$BIN/noise" -q x.rows >x.noised
fails 'noised records' 1 'x.noised: holds noised records, expected stream or rows records' \
	"$BIN/pack" x.noised
fails '--noise of others' 1 'x.rows: holds rows records, expected noised records' \
	"$BIN/pack" --noise x.rows
fails 'stories of two vocabularies' 1 'padless.tok: does not fit the files before it: the vocabulary' \
	"$BIN/pack" few.tok padless.tok
if [ -c /dev/full ]; then
	fails 'a full disk' 1 'cannot write: No space left' "$BIN/pack" -q few.tok -o /dev/full
	fails 'a full disk for --ids' 1 'cannot write: No space left' \
		"$BIN/pack" --ids many.tok -o /dev/full
fi
fails '--take without a colon' 2 "'5' is not A:B" "$BIN/pack" --take 5 few.tok
fails '--take backwards' 2 'the end is below the start' "$BIN/pack" --take 5:2 few.tok
fails '--take of no number' 2 "'x:' is not A:B" "$BIN/pack" --take x: few.tok
fails '-T 0' 2 'length' "$BIN/pack" -T 0 few.tok
fails '--long of no choice' 2 'expected one of: cut, split, drop' "$BIN/pack" --long x few.tok
fails '-z 20' 2 'compress' "$BIN/pack" -z 20 few.tok
fails '--stride alone' 2 'stride: needs --join' "$BIN/pack" --stride 3 few.tok
fails '-s alone' 2 'seed: needs --shuffle' "$BIN/pack" -s 3 few.tok
fails '--long with --join' 2 'long does not go with --join' "$BIN/pack" --join --long cut few.tok
fails 'a length for what is there' 2 'length does not go with' "$BIN/pack" --info -T 5 few.tok
fails 'an order for it' 2 'shuffle does not go with' "$BIN/pack" --ids --shuffle few.tok
fails 'a part of a summary' 2 'take does not go with' "$BIN/pack" --info --take 0:1 few.tok
fails 'two questions at a time' 2 'only one of them' "$BIN/pack" --info --check few.tok

# --- pipes and terminals ---

# A shell cannot undo that it was started with SIGPIPE ignored.
(
	yes
	echo $? >status
) 2>/dev/null | head -n 1 >/dev/null
if [ "$(cat status)" = 141 ]; then
	(
		"$BIN/pack" --ids many.tok 2>said
		echo $? >status
	) | head -n 1 >/dev/null
	is 'a reader that has gone ends it quietly' "$(cat status said)" 141
	(
		"$BIN/pack" -q --join -T 2 --stride 1 many.tok 2>said
		echo $? >status
	) | head -c 1 >/dev/null
	is 'also one of rows' "$(cat status said)" 141
else
	skip 'a reader that has gone ends it quietly' 'SIGPIPE is ignored here'
fi
(
	trap '' PIPE
	"$BIN/pack" --ids many.tok 2>said
	echo $? >status
) | head -n 1 >/dev/null
is 'where that signal is ignored, an error' "$(cat status said)" "$(lines 1 \
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
is 'ended by a signal' "$?" 143
is 'it had a temporary file' "$(cat temporaries)" 1
ok 'pack: a signal removes the temporary file' sh -c '! ls | grep -e killed -e "tmp\$"'
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1; then
	script -qec "'$BIN/pack' -q few.tok" /dev/null >said </dev/null
	ok 'rows are not for a terminal' grep -q 'binary output to a terminal' said
	script -qec "'$BIN/pack' -q -f -T 6 few.tok" /dev/null >said </dev/null
	ok 'but with -f' grep -q CDCH said
	script -qec "'$BIN/pack' --ids few.tok" /dev/null >said </dev/null
	ok 'text is' grep -q '2 5 6 3' said
else
	skip 'rows are not for a terminal' 'no script(1)'
fi
is 'the version' "$("$BIN/pack" -V | cut -d ' ' -f 1,2)" 'pack (cdcd)'
is '--help has every option' "$("$BIN/pack" --help | grep -Eoc -- '--[a-z]+')" 18
done_testing
