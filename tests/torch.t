#!/bin/sh
# tests/bench/torch_model.py, the model of the speed comparison, is the model of tests/numpy/cdcd.py,
# which tests/reference.t compares with the tools.
. tests/lib.sh

PATH=$BIN:$PATH
python=${PYTHON:-/usr/bin/python3}

"$python" -c 'import torch, numpy' 2>/dev/null || skip_all "$python has no PyTorch, or no numpy"
command -v zstd >/dev/null || skip_all 'zstd(1) is not installed'

pipelines/stories generate -n 20 -s 1 >"$T/train.jsonl"
story_vocab >"$T/vocab.txt"
tok -q -w "$T/vocab.txt" "$T/train.jsonl" | pack -q -T 72 -o "$T/train.rows"
noise -q -e 16 -s 1 --mask mixed "$T/train.rows" >"$T/train.noised"
noise -q -s 7 --mask mixed "$T/train.rows" >"$T/valid.noised"

# same NAME OPTIONS...: the losses and an update after 20 steps of a small model
same() {
	same_at=$T/$1
	shift
	train -q -j 1 --precision fp32 --copy-heads 0 --optimizer adamw -x tiny --layers 2 --width 48 --heads 2 --embed 16 -B 16 -n 24 \
		--stop-after 20 -o "$same_at.st" "$@" "$T/train.noised" >/dev/null &&
		"$python" tests/bench/torch_check.py "$same_at.st" "$T/valid.noised"
}

ok 'torch_model.py: agrees with train in the configuration of the presets' same preset
ok 'torch_model.py: agrees with train --precond bayes' same bayes --precond bayes
ok 'torch_model.py: agrees with train without self-conditioning and posterior' same without --self-cond 0 --posterior off
ok 'torch_model.py: agrees with train without positions, QK-norm and loss on [PAD]' \
	same plain --positions off --qk-norm off --pad-loss off

sed 's/approximate="tanh"/approximate="none"/' tests/bench/torch_model.py >"$T/torch_model.py"
sed "s|^sys.path.append.*|sys.path.append('$PWD/tests/numpy')|" tests/bench/torch_check.py >"$T/torch_check.py"
fails 'torch_check.py: detects another form of GELU' 1 'not the same model' \
	"$python" "$T/torch_check.py" "$T/preset.st" "$T/valid.noised"

done_testing
