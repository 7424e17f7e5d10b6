#!/bin/sh
# Files of earlier versions can be read and give the same numbers: see tests/fixtures/README.md.
. tests/lib.sh

PATH=$BIN:$PATH
old=tests/fixtures/0.1

# near EXPECTED GOT COLUMN: the same lines but for differences of 1e-5 in a column of CSV
near() {
	awk -F, -v column="$3" '
		NR == FNR { expected[FNR] = $column; lines = FNR; next }
		FNR > 1 || $column + 0 == $column {
			d = $column - expected[FNR]
			if (d > 1e-5 || d < -1e-5) { print FNR ": " $column ", not " expected[FNR]; bad = 1 }
		}
		END { exit bad || FNR != lines || lines < 2 }' "$1" "$2"
}

for file in stories.tok stories.rows train.noised valid.noised; do
	ok "version 0.1: $file is a valid shard" pack --check "$old/$file"
done
tok -q -d -w $old/vocab.txt $old/stories.tok >"$T/stories.txt"
ok 'version 0.1: tok -d decodes stories.tok' cmp $old/stories.txt "$T/stories.txt"
tok -q -w $old/vocab.txt -o "$T/stories.tok" $old/stories.jsonl
tok -q -d -w $old/vocab.txt "$T/stories.tok" >"$T/again.txt"
ok 'version 0.1: tok encodes the same stories to the same tokens' cmp $old/stories.txt "$T/again.txt"
pack -q -T 16 -o "$T/stories.rows" $old/stories.tok
for file in stories.tok stories.rows; do
	pack --info $old/$file | grep -vE '^(file|provenance|bytes)' >"$T/old"
	pack --info "$T/$file" | grep -vE '^(file|provenance|bytes)' | sed 's/, in the file$//' >"$T/new"
	ok "version 0.1: pack --info prints the same for a new and the old $file" cmp "$T/old" "$T/new"
done

denoise -q --loss --precision fp32 -j 1 -m $old/model.safetensors -o "$T/losses.csv" $old/valid.noised
cut -d, -f1-4 "$T/losses.csv" >"$T/cut.csv"
for column in 1 3 4; do
	ok "version 0.1: denoise --loss computes the column $column of version 0.1" near $old/losses.csv "$T/cut.csv" $column
done
cp $old/model.safetensors "$T/model.safetensors"
train -q -r "$T/model.safetensors" --precision fp32 -j 1 --no-header --stop-after 7 $old/train.noised >"$T/step7.csv"
for column in 2 3; do
	ok "version 0.1: train --resume continues with the losses of version 0.1 (column $column)" near $old/step7.csv "$T/step7.csv" $column
done
is 'version 0.1: a checkpoint without settings of the optimizer is one of AdamW' \
	"$(denoise --info -m $old/model.safetensors | grep -E '^train.(optimizer|muon)' | xargs)" \
	'train.optimizer: adamw train.muon_scale: 0.80000000000000004 train.muon_momentum: 0.90000000000000002'
ok 'version 0.1: denoise generates' denoise -q -n 2 --steps 4 -m $old/model.safetensors -o "$T/two.rows"
ok 'version 0.1: denoise repairs noised rows' \
	denoise -q --steps 4 -m $old/model.safetensors -o "$T/repaired.rows" $old/valid.noised

# --- version 2 of shards, with the vocabulary ---

new=tests/fixtures/format-2
for file in stories.tok cased.tok stories.rows train.noised; do
	ok "format 2: $file is a valid shard" pack --check "$new/$file"
done
tok -d $new/stories.tok >"$T/stories.txt"
ok 'format 2: tok -d decodes stories.tok without a vocabulary file' cmp $old/stories.txt "$T/stories.txt"
is 'format 2: tok -d decodes cased.tok' "$(tok -d --keep-special $new/cased.tok | head -n 1)" \
	'[CLS] [UNK] cat sat on the mat. [UNK] saw a red ball. [SEP]'
tok -q -w $new/model.safetensors $old/stories.jsonl | pack --ids >"$T/got"
pack --ids $new/stories.tok >"$T/want"
ok 'format 2: tok -w model.safetensors encodes the same tokens' cmp "$T/got" "$T/want"
# body SHARD: what follows the header, which contains the version of the program
body() {
	tail -c +$((9 + $(od -An -tu4 -j4 -N4 "$1"))) "$1"
}
tok -q --cased -w $old/vocab.txt $old/stories.jsonl 2>/dev/null | cat >"$T/cased.tok"
pack -q -T 16 $new/stories.tok | cat >"$T/stories.rows"
noise -q -e 8 -s 1 --mask mixed $new/stories.rows | cat >"$T/train.noised"
for file in cased.tok stories.rows train.noised; do
	body $new/$file >"$T/want"
	body "$T/$file" >"$T/got"
	ok "format 2: this version writes the same bytes to $file" cmp "$T/got" "$T/want"
done

done_testing
