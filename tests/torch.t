#!/bin/sh
# The model of tests/bench/torch_model.py, with which ours is compared, is ours: PyTorch reads the
# losses that train logged out of its checkpoint and its rows, and makes its next step.
. tests/lib.sh

PATH=$BIN:$PATH
python=${PYTHON:-/usr/bin/python3}

"$python" -c 'import torch' 2>/dev/null || skip_all 'no PyTorch here'
command -v zstd >/dev/null || skip_all 'no zstd here'

pipelines/stories generate -n 100 -s 1 >"$T/train.jsonl"
pipelines/stories generate -n 20 -s 2 >"$T/valid.jsonl"
{
	printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]'
	pipelines/stories words
} >"$T/vocab.txt"
for set in train valid; do
	tok -q -w "$T/vocab.txt" "$T/$set.jsonl" | pack -q -T 72 -o "$T/$set.rows"
done
noise -q -e 4 -s 1 --mask mixed "$T/train.rows" >"$T/train.noised"
noise -q -s 7 --mask mixed "$T/valid.rows" >"$T/valid.noised"

# same NAME OPTIONS...: 20 steps of a small model, and the one after them
same() {
	same_at=$T/$1
	shift
	train -q -j 1 --precision fp32 --recall 0 -x tiny --layers 2 --width 48 --heads 2 -d 16 -B 16 -n 24 --stop-after 20 \
		-o "$same_at.st" --valid "$T/valid.noised" --valid-every 20 "$@" "$T/train.noised" \
		>"$same_at.csv" || return
	cp "$same_at.st" "$same_at.next"
	train -q -j 1 --precision fp32 -r "$same_at.next" --stop-after 21 --no-header "$T/train.noised" \
		>>"$same_at.csv" || return
	"$python" tests/bench/torch_check.py loss "$same_at.st" "$T/valid.noised" "$same_at.csv" &&
		"$python" tests/bench/torch_check.py step "$same_at.st" "$T/train.noised" \
			"$same_at.csv" "$same_at.next"
}

ok 'the preset: the same losses, and the same step' same preset
ok 'with the row bayes' same bayes --precond bayes
ok 'without self-conditioning and posterior' same without --self-cond 0 --posterior off
ok 'without positions and QK-norm, padding apart' \
	same plain --positions off --qk-norm off --pad-loss off

"$python" - "$T/preset.st" "$T/wrong.st" <<'END'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
n = struct.unpack_from("<Q", data)[0]
at = data.index(b'"ema.blocks.0.mlp.up.bias"')
begin = int(data[data.index(b'"data_offsets"', at):].split(b"[")[1].split(b",")[0])
data[8 + n + begin:8 + n + begin + 4] = struct.pack("<f", 1)
open(sys.argv[2], "wb").write(data)
END
not_ok 'one other weight, and the losses are others' \
	"$python" tests/bench/torch_check.py loss "$T/wrong.st" "$T/valid.noised" "$T/preset.csv"

done_testing
