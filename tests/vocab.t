#!/bin/sh
# The vocabulary travels from tok through pack, noise and train into the output of denoise: each file
# can be decoded without another one. Files of earlier versions, which have none, need tok -w.
. tests/lib.sh
. tests/torture/sample

old=tests/fixtures/0.1
noise -q "$T/train.rows" -o "$T/valid.noised"
tiny "$T/model.st" -n 20 --stop-after 10 >/dev/null
sed 's/^a$/zebra/' "$T/vocab.txt" >"$T/other.txt"
has() { # has FILE: whether its vocabulary is in the file
	pack --info "$1" | grep -Eq '^vocabulary .*, in the file$'
}

# --- through the tools ---

pack -q -T 72 -z 0 "$T/stories.tok" >"$T/stored.rows"
noise -q -e 2 "$T/train.rows" | cat >"$T/pipe.noised"
noise -q -e 2 --rank 1 --world 3 "$T/train.rows" -o "$T/rank.noised"
pack -q --take 3:4 "$T/train.rows" -o "$T/take.rows"
pack -q --shuffle -s 1 "$T/train.rows" -o "$T/shuffled.rows"
denoise -q -m "$T/model.st" -n 2 --steps 2 -o "$T/new.rows"
for file in stories.tok train.rows stored.rows take.rows shuffled.rows train.noised pipe.noised rank.noised new.rows; do
	tok -q -d -w "$T/vocab.txt" "$T/$file" >"$T/want"
	tok -q -d "$T/$file" >"$T/got"
	ok "tok: -d decodes $file with the vocabulary in it" cmp "$T/got" "$T/want"
	ok "pack --info: says that the vocabulary is in $file" has "$T/$file"
done
is 'tok: -d reads a vocabulary from a pipe' "$(denoise -q -m "$T/model.st" -n 2 --steps 2 | tok -d | wc -l | tr -d ' ')" 2
ok 'denoise: --info says that the vocabulary is in the checkpoint' \
	sh -c "denoise --info -m '$T/model.st' | grep -Eq '^vocabulary: 237 tokens, [0-9a-f]{16}, in the file$'"
n=$(od -An -tu8 -N8 "$T/model.st" | tr -d ' ')
tail -c +$((9 + n)) "$T/model.st" | tail -c "$(wc -c <"$T/vocab.txt")" >"$T/got"
ok 'train: the last tensor of the checkpoint is the vocabulary file' cmp "$T/got" "$T/vocab.txt"
if command -v zstd >/dev/null; then
	zstd -dqc <"$T/stored.rows" | od -An -v -tu2 -w144 | tr -s ' ' | sed 's/^ //' >"$T/got"
	pack --ids "$T/stored.rows" >"$T/want"
	ok 'shard: zstd -dc prints ids, and not the vocabulary' cmp "$T/got" "$T/want"
else
	skip 'shard: zstd -dc prints ids, and not the vocabulary' 'no zstd(1)'
fi

# --- tok -w of a shard or a checkpoint ---

tok -q -w "$T/vocab.txt" --json "$T/stories.jsonl" >"$T/want"
for file in stories.tok pipe.noised new.rows model.st; do
	tok -q -w "$T/$file" --json "$T/stories.jsonl" >"$T/got"
	ok "tok: -w $file encodes with the vocabulary in it" cmp "$T/got" "$T/want"
done
ok 'tok: -w reads a shard from standard input' sh -c "tok -q -w - --json '$T/stories.jsonl' <'$T/stored.rows' | cmp - '$T/want'"
tok -q -d -w "$T/model.st" "$T/train.rows" >"$T/got"
tok -q -d "$T/train.rows" >"$T/want"
ok 'tok: -d -w decodes with the vocabulary of a checkpoint' cmp "$T/got" "$T/want"
tok -q -w "$T/model.st" "$T/stories.jsonl" | pack -q -T 72 | noise -q -e 40 -s 1 --mask mixed >"$T/again.noised"
ok 'train: --resume accepts rows of its own vocabulary' train -q -j 1 -r "$T/model.st" "$T/again.noised"
fails 'tok: --cased refuses a shard for text without case' 2 \
	"^tok: --cased: the vocabulary in $T/stories.tok is for text without case; leave out --cased$" \
	tok --cased -w "$T/stories.tok" "$T/stories.jsonl"
echo 'Once once' | tok -q --cased --lines -w "$T/vocab.txt" >"$T/cased.tok"
is 'tok: -w of a shard of --cased keeps case' "$(echo 'Once once' | tok -q --lines -w "$T/cased.tok" | pack --ids)" \
	"$(pack --ids "$T/cased.tok")"
is 'tok: -d decodes a shard of --cased' "$(tok -d --keep-special "$T/cased.tok")" '[CLS] [UNK] once [SEP]'
printf '{}      {"a":1}\nz\n' >"$T/text.txt"
is 'tok: -w reads a text that begins like JSON as a vocabulary' "$(echo z | tok -q -w "$T/text.txt" --lines --no-special | pack --ids)" 1

# --- files without a vocabulary ---

no=$old/stories.tok
fails 'tok: -d asks for the vocabulary of a shard of an earlier version' 2 \
	"^tok: $no: contains no vocabulary, as earlier versions made it: name one with --vocab FILE$" tok -d $no
fails 'tok: -w refuses a shard of an earlier version' 2 "$no: contains no vocabulary" tok -w $no "$T/stories.jsonl"
fails 'tok: -w refuses a checkpoint of an earlier version' 1 \
	"^tok: $old/model.safetensors: contains no vocabulary, as its training rows had none; use the vocabulary file$" \
	tok -w $old/model.safetensors "$T/stories.jsonl"
pack -q -T 16 $no -o "$T/old.rows"
not_ok 'pack: rows of an earlier shard have no vocabulary' has "$T/old.rows"
tok -d -w $old/vocab.txt "$T/old.rows" >"$T/got"
ok 'tok: -d -w decodes rows of an earlier shard' test -s "$T/got"
denoise -q -n 1 --steps 2 -m $old/model.safetensors -o "$T/bare.rows"
not_ok 'denoise: rows of an earlier checkpoint have no vocabulary' has "$T/bare.rows"
ok 'tok: -d -w decodes rows of an earlier checkpoint' tok -q -d -w $old/vocab.txt "$T/bare.rows"
tok -q -w $old/vocab.txt $old/stories.jsonl -o "$T/new.tok"
cat "$T/new.tok" $no >"$T/new-old.tok"
cat $no "$T/new.tok" >"$T/old-new.tok"
tok -q -d -w $old/vocab.txt "$T/old-new.tok" >"$T/want"
tok -q -d "$T/new-old.tok" >"$T/got"
ok 'tok: -d decodes a segment of an earlier version after a new one' cmp "$T/got" "$T/want"
fails 'tok: -d asks for the vocabulary if the first segment has none' 2 'old-new.tok: contains no vocabulary' tok -d "$T/old-new.tok"
cp $old/model.safetensors "$T/old.st"
tok -q -w $old/vocab.txt $old/stories.jsonl | pack -q -T 16 | noise -q -e 8 -s 1 --mask mixed >"$T/remade.noised"
train -q -j 1 -r "$T/old.st" --precision fp32 --stop-after 7 $old/train.noised >/dev/null
not_ok 'train: --resume with rows of an earlier version adds no vocabulary' sh -c "denoise --info -m '$T/old.st' | grep -q 'in the file'"
train -q -j 1 -r "$T/old.st" --precision fp32 "$T/remade.noised" >/dev/null
ok 'train: --resume gives an earlier checkpoint the vocabulary of its rows' \
	sh -c "denoise --info -m '$T/old.st' | grep -q 'in the file'"
tok -q -w "$T/old.st" $old/stories.jsonl -o "$T/again.tok"
ok 'tok: -w reads the vocabulary that --resume added' sh -c "pack --ids '$T/again.tok' >'$T/got' && pack --ids $no | cmp - '$T/got'"

# --- two vocabularies ---

tok -q -w "$T/other.txt" "$T/stories.jsonl" -o "$T/other.tok"
pack -q -T 72 "$T/other.tok" -o "$T/other.rows"
noise -q "$T/other.rows" -o "$T/other.noised"
token="; token [0-9]+ is 'zebra' .expected 'a'.$"
fails 'pack: names the first token that differs' 1 "other.tok: does not fit .* hash differs: .*$token" \
	pack -q "$T/stories.tok" "$T/other.tok"
fails 'noise: names the first token that differs' 1 "other.rows: does not fit .*$token" noise -q "$T/train.rows" "$T/other.rows"
fails 'noise: --counts names the first token that differs' 1 "other.rows: does not fit .*$token" \
	noise -q --counts "$T/other.rows" "$T/train.rows"
fails 'denoise: names the first token that differs' 1 "other.tok has vocabulary .*$token" \
	denoise -q -m "$T/model.st" --prefix "$T/other.tok"
fails 'train: --resume names the first token that differs' 1 "other.noised has vocabulary .*$token" \
	train -q -r "$T/model.st" "$T/other.noised"
# shellcheck disable=SC2086
fails 'train: --valid names the first token that differs' 1 "other.noised: has vocabulary .*$token" \
	train -q $shape -n 2 -o "$T/no.st" --valid "$T/other.noised" "$T/train.noised"
fails 'pack: says which of two shards keeps case' 1 'hash differs: .*; the tokens are the same, but those of this input keep case' \
	pack -q "$T/stories.tok" "$T/cased.tok"
fails 'tok: -d refuses a shard of another vocabulary than the first shard' 1 \
	"other.tok: made with another vocabulary than $T/stories.tok: 237 tokens, hash" tok -d "$T/stories.tok" "$T/other.tok"

# --- unknown words of prompts ---

# unknown TEXT OPTION: what denoise says about the prompt
unknown() {
	echo "$1" | tok -q --text -w "$T/vocab.txt" |
		denoise -q -j 1 --steps 1 -m "$T/model.st" -o "$T/completed.rows" "$2" 2>&1
}
rare=$(pack --ids "$T/train.rows" | tr ' ' '\n' | sort -un | awk '{ seen[$1] } END { for (i = 5; i in seen; i++); print i }')
word=$(sed -n "$((rare + 1))p" "$T/vocab.txt")
is 'denoise: --prefix names the tokens that the model does not know' "$(unknown "once $word upon $word quark" --prefix)" \
	"denoise: standard input: record 0: the model does not know these tokens, and reads them as [UNK]: $word, [UNK]"
is 'denoise: --prefix does not know [MASK]' "$(unknown 'once [MASK]' --prefix)" \
	'denoise: standard input: record 0: the model does not know these tokens, and reads them as [UNK]: [MASK]'
is 'denoise: --infill generates [MASK]' "$(unknown 'once upon a [MASK]' --infill)" ''
is 'denoise: --infill names the tokens that the model does not know' "$(unknown "once $word [MASK]" --infill)" \
	"denoise: standard input: record 0: the model does not know these tokens, and reads them as [UNK]: $word"
is 'denoise: says how many prompts have tokens that the model does not know' \
	"$(printf 'once\nquark\nonce\nquark quark\n' | tok -q --lines -w "$T/vocab.txt" |
		denoise -q -j 1 --steps 1 -m "$T/model.st" -o "$T/completed.rows" --prefix 2>&1)" \
	'denoise: standard input: record 1: the model does not know these tokens, and reads them as [UNK]: [UNK]
denoise: standard input: 2 of 4 records have tokens that the model does not know'

# --- a model without [UNK] ---

printf '[PAD]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n' >"$T/abc.txt"
letters() { # letters LINE...: the lines as rows
	printf '%s\n' "$@" | tok -q --lines -w "$T/abc.txt" | pack -q -T 6
}
letters 'a b' 'b a' | noise -q -e 4 >"$T/letters.noised"
letters 'a b' 'a c' >"$T/letters.rows"
# shellcheck disable=SC2086
train -q $shape -n 1 -o "$T/letters.st" --loss-log /dev/null "$T/letters.noised"
refused='record 1: token 6 is not in the model.s active vocabulary, nor is \[UNK\]'
noise -q --no-shuffle "$T/letters.rows" >"$T/c.noised"
fails 'denoise: names the record with a token that a model without [UNK] does not know' 1 \
	"c.noised: $refused" denoise -q -j 1 --steps 1 -m "$T/letters.st" "$T/c.noised"
fails 'denoise: --loss names the record with a token that a model without [UNK] does not know' 1 \
	"c.noised: $refused" denoise -q -j 1 --loss -m "$T/letters.st" "$T/c.noised"
fails 'denoise: --prefix does not say that a model without [UNK] reads a token as [UNK]' 1 \
	"letters.rows: $refused" denoise -q -j 1 --steps 1 -m "$T/letters.st" --prefix "$T/letters.rows"

done_testing
