#!/bin/sh
# Shards with zstd and cat, truncated and with flipped bits. tests/unit/shard.c tries every bit.
. tests/lib.sh

cd "$T" || exit 1
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c d e f g h i j >vocab
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' a b c d e f g h i j >other
for i in 1 2 3 4 5 6 7 8 9; do
	printf '{"story":"a b c d e f g h i j a b c d e f"}\n{"story":"%s a b"}\n' $i
done >stories
"$BIN/tok" -q -w vocab <stories -o file.tok
"$BIN/tok" -q -w vocab <stories >redirected.tok
"$BIN/tok" -q -w vocab <stories | cat >pipe.tok
"$BIN/tok" -q -w other <stories >other.tok
"$BIN/pack" -q -T 9 file.tok -o file.rows
"$BIN/pack" -q -T 9 file.tok | cat >pipe.rows
"$BIN/noise" -q -e 3 --mask mixed file.rows -o file.noised
"$BIN/noise" -q -e 3 --mask mixed file.rows | cat >pipe.noised

# --- as zstd sees them ---

if command -v zstd >/dev/null; then
	for x in file.tok redirected.tok pipe.tok file.rows pipe.rows file.noised pipe.noised; do
		ok "shard: zstd -t accepts $x" sh -c "zstd -t <$x"
		"$BIN/pack" --ids $x | tr ' ' '\n' >want
		zstd -dc <$x | od -An -v -tu2 -w2 | tr -d ' ' >got
		ok "shard: zstd -dc decodes the ids of $x" cmp got want
		zstd -dc <$x | zstd -q -3 >again
		fails "pack --check: refuses the same ids in another zstd stream: $x" 1 'a zstd stream, but not a shard' \
			"$BIN/pack" --check again
	done
	cat file.tok pipe.tok >both
	ok 'shard: zstd -t accepts concatenated shards' sh -c 'zstd -t <both'
else
	skip 'shard: zstd decodes shards' 'no zstd(1)'
fi

# --- joined ---

cat file.tok pipe.tok file.tok >three
"$BIN/pack" --ids file.tok >one.ids
cat one.ids one.ids one.ids >want
"$BIN/pack" --ids three >got
ok 'pack: reads concatenated shards' cmp got want
cat file.tok other.tok >bad
fails 'pack: refuses concatenated shards of two vocabularies' 1 \
	'^pack: bad: at byte [0-9]+ \(block 1\): shards that do not fit together: the vocabulary' \
	"$BIN/pack" --check bad
cat file.tok file.rows >bad
fails 'pack: refuses concatenated shards of two kinds' 1 'do not fit together: the kind differs: rows \(expected stream\)' \
	"$BIN/pack" --check bad
cat file.tok stories >bad
fails 'pack: refuses a shard with text after it' 1 'bad: corrupt at byte [0-9]+ \(block 1\): neither' \
	"$BIN/pack" --check bad

# --- cut, damaged ---

for x in file.tok pipe.rows pipe.noised; do
	size=$(wc -c <$x)
	missed=
	n=0
	while [ "$n" -lt "$size" ]; do
		head -c $n $x >part
		"$BIN/pack" --check part 2>said
		if [ $? -ne 1 ] || ! grep -q "^pack: part: truncated at byte $n (block [01]): " said; then
			missed="$missed $n"
		fi
		n=$((n + 23))
	done
	is "pack --check: reports $x cut at any byte" "$missed" ''
	missed=
	n=0
	while [ "$n" -lt "$size" ]; do
		byte=$(od -An -tu1 -j $n -N 1 $x | tr -d ' ')
		{
			head -c $n $x
			# shellcheck disable=SC2059 # the format is the byte
			printf "\\$(printf %o $((byte ^ 1 << n % 8)))"
			tail -c +$((n + 2)) $x
		} >part
		"$BIN/pack" --check part 2>said
		if [ $? -ne 1 ] || ! grep -q '^pack: part: .*byte [0-9]* (block [01]): ' said; then
			missed="$missed $n"
		fi
		n=$((n + 19))
	done
	is "pack --check: reports a flipped bit anywhere in $x" "$missed" ''
done
head -c 200 pipe.noised | "$BIN/pack" --check 2>said
is 'pack --check: reports a pipe whose writer died' "$?" 1
ok 'pack --check: names the position at which a pipe ended' grep -q '^pack: standard input: truncated at byte 200 (block 0): no trailer$' said

# Impossible lengths: a frame of 4 GiB, and a frame that is longer than the file.
{
	head -c 4 file.rows
	printf '\377\377\377\377'
	tail -c +9 file.rows
} >huge
fails 'pack --check: refuses a frame of 4 GiB' 1 'corrupt at byte 0 \(block 0\): the frame is too long: 4294967295 bytes' \
	"$BIN/pack" --check huge
{
	head -c 4 file.rows
	printf '\377\377\377\017'
	tail -c +9 file.rows
} >huge
"$BIN/pack" --check huge 2>said
is 'pack --check: reports a missing frame of 256 MiB as truncated' "$(cat said)" \
	"pack: huge: truncated at byte $(wc -c <huge) (block 0): no trailer"
done_testing
