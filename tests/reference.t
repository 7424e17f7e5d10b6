#!/bin/sh
# The tools compute the results of tests/numpy/cdcd.py, an independent implementation: losses, updates
# of the optimiser, samples and the likelihood bound. They agree to 1e-8 in double precision (tools
# linked with libcdcd64.a), and in fp32 to its rounding.
. tests/lib.sh

python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import numpy' 2>/dev/null || skip_all "$python has no numpy (Debian: python3-numpy)"
command -v zstd >/dev/null || skip_all 'zstd(1) is not installed'
# OpenBLAS in numpy may start threads, which leak when they end.
OPENBLAS_NUM_THREADS=2
export OPENBLAS_NUM_THREADS
PATH=$BIN:$PATH
double=$BIN/../double/bin

story_vocab >"$T/vocab.txt"
pipelines/stories generate -n 40 -s 1 >"$T/train.jsonl"
pipelines/stories generate -n 7 -s 2 >"$T/valid.jsonl"
for set in train valid; do
	tok -q -w "$T/vocab.txt" "$T/$set.jsonl" >"$T/$set.tok"
	pack -q -T 72 -o "$T/$set.rows" "$T/$set.tok"
done
for mask in all prefix random mixed; do
	noise -q -e 3 -s 5 --mask $mask -o "$T/$mask.noised" "$T/train.rows"
	noise -q -e 2 -s 6 --mask $mask -o "$T/valid-$mask.noised" "$T/valid.rows"
done

# compare COMMAND...: run compare.py
compare() {
	"$python" tests/numpy/compare.py "$@"
}

# train_two NAME MASK OPTIONS...: a run of 12 steps and one step more: NAME.st, NAME.next, the logs
train_two() {
	two=$T/$1 noised=$T/$2.noised
	shift 2
	"$tools/train" -q -j 2 --precision fp32 --layers 2 --width 32 --heads 2 --embed 8 -B 6 -n 18 \
		--lr 5e-3 --window 64 --refit-every 5 --stop-after 12 -o "$two.st" "$@" "$noised" >/dev/null &&
		cp "$two.st" "$two.next" &&
		"$tools/train" -q -j 2 --precision fp32 -r "$two.next" --stop-after 13 -l "$two.steps" \
			"$noised" >"$two.csv"
}

# same DESCRIPTION NAME MASK OPTIONS...: losses and update of a step, and held-out losses
same() {
	what=$1 name=$2 mask=$3
	shift 2
	ok "train: runs in $what" train_two "$name" "$@"
	ok "cdcd.py, $what: the losses and the update of a step agree with train" \
		compare step "$bound" "$change" "$T/$name.st" "$T/$mask.noised" "$T/$name.csv" "$T/$name.steps" "$T/$name.next"
	sed 's/^/# /' "$T/.out"
	"$tools/denoise" -q -j 2 --precision fp32 --loss -m "$T/$name.st" -o "$T/$name.loss" \
		"$T/valid-$mask.noised"
	ok "cdcd.py, $what: the losses agree with denoise --loss" \
		compare losses "$bound" "$T/$name.st" "$T/valid-$mask.noised" "$T/$name.loss"
	sed 's/^/# /' "$T/.out"
}

tools=$double bound=1e-8 change=1e-8
for preset in tiny small base mini-cdcd; do
	same "fp64, preset $preset" "$preset" mixed -x $preset
done
for precond in karras tanh cdcd bayes; do
	same "fp64, --precond $precond" "$precond" all -x tiny --precond $precond
done
same 'fp64, mask prefix, --pad-loss off' pad prefix -x tiny --pad-loss off
same 'fp64, mask random, --self-cond 0, --posterior off, --copy-heads 0' plain random -x tiny --self-cond 0 --posterior off --copy-heads 0
same 'fp64, no positions, no QK-norm' bare mixed -x tiny --positions off --qk-norm off
same 'fp64, AdamW, --self-cond 1, strong decay, clip and average' strong mixed -x tiny --optimizer adamw --self-cond 1 \
	--weight-decay 0.5 --clip 0.05 --ema 0.9 --beta1 0.8 --beta2 0.95 --lr-end 0.3 --warmup 0.5
same 'fp64, --self-cond 0.34, --full-vocab on, --clip 0' third all -x tiny --self-cond 0.34 --full-vocab on --clip 0 \
	--warmup 0
same 'fp64, --optimizer adamw' adamw mixed -x tiny --optimizer adamw
same 'fp64, Muon with other settings' muon2 all -x tiny --muon-scale 0.3 \
	--muon-momentum 0.6 --weight-decay 0.5 --clip 0.05 --copy-heads 1 --width 36 --embed 7 --heads 3
for schedule in uniform cauchy frechet piecewise; do
	same "fp64, --schedule $schedule" "$schedule" all -x tiny --schedule $schedule --t-min 0.05 \
		--t-max 40
done

"$python" tests/numpy/cdcd.py losses "$T/tiny.st" "$T/valid-mixed.noised" >"$T/own.csv"
ok 'cdcd.py: losses writes the numbers of denoise --loss' \
	compare losses 1e-6 "$T/tiny.st" "$T/valid-mixed.noised" "$T/own.csv"

# sampled NOISED START METHOD STEPS T TAU S0 ETA GAMMA CONTEXT: x of the library before the final argmax
sampled() {
	at=$1
	shift
	"$double/sample64" "$T/tiny.st" "$T/$at.noised" "$@" >"$T/x.raw" &&
		compare sample 1e-8 "$T/tiny.st" "$T/$at.noised" "$T/x.raw" "$@"
}

# agrees DESCRIPTION OPTIONS...: the same, and the largest difference as a comment
agrees() {
	agrees_what=$1
	shift
	ok "$agrees_what" sampled "$@"
	sed 's/^/# /' "$T/.out"
}

for method in euler exp heun 2m ancestral; do
	agrees "cdcd.py, fp64, sampler $method: x from noise agrees with the library" valid-all noise $method 7 1 1 1 1 1 1
	agrees "cdcd.py, fp64, sampler $method: x of noised rows with a mixed mask agrees with the library" \
		valid-mixed damaged $method 5 1 1 1 1 1 1
	agrees "cdcd.py, fp64, sampler $method: x with temperature, tau, scale, eta and both kinds of guidance agrees with the library" \
		valid-mixed noise $method 6 0.8 0.7 0.9 0.6 2.5 1.4
done

# tokens METHOD STEPS T TAU ETA GAMMA CONTEXT ROUNDS: the ids that denoise writes for damaged rows
tokens() {
	method=$1 steps=$2 temperature=$3 tau=$4 eta=$5 gamma=$6 context=$7 rounds=$8
	set -- -q -j 2 --precision fp32 --sampler "$method" --steps "$steps" --tau "$tau" --guidance "$gamma" \
		--context-guidance "$context" --refine "$rounds"
	[ "$method" = 2m ] || set -- "$@" --temperature "$temperature"
	[ "$method" != ancestral ] || set -- "$@" --eta "$eta"
	"$double/denoise" "$@" -m "$T/tiny.st" -o "$T/tokens.rows" "$T/valid-mixed.noised" &&
		compare tokens "$T/tiny.st" "$T/valid-mixed.noised" "$T/tokens.rows" "$method" "$steps" \
			"$temperature" "$tau" "$eta" "$gamma" "$context" "$rounds"
}

for method in euler exp heun 2m ancestral; do
	ok "cdcd.py, fp64: the ids agree with denoise --sampler $method with all options" tokens $method 6 0.8 0.7 0.6 2.5 1.4 0
	ok "cdcd.py, fp64: the ids agree with denoise --sampler $method --refine 3" tokens $method 6 0.8 0.7 0.6 1 1.4 3
done

# bound of the model, in double precision
noise -q -e 1 -s 8 -t 0.35355339 -o "$T/lowest.noised" "$T/valid.rows"
noise -q -e 4 -s 9 -o "$T/spread.noised" "$T/valid.rows"
for set in lowest spread; do
	"$double/denoise" -q -j 2 --precision fp32 --loss -m "$T/tiny.st" -o "$T/$set.csv" "$T/$set.noised"
done
"$double/denoise" --info -m "$T/tiny.st" >"$T/info"
cat "$T/info" "$T/lowest.csv" "$T/spread.csv" | awk -f pipelines/bound.awk >"$T/bound.csv"
ok 'cdcd.py, fp64: the likelihood bound agrees with bound.awk to 6 digits' \
	compare bound 1e-6 "$T/tiny.st" "$T/lowest.noised" "$T/spread.noised" "$T/bound.csv"

# The tolerance of a step is larger: Adam divides by very small moments, and fp32 has seven digits.
tools=$BIN bound=5e-5 change=5e-3
same 'fp32, preset tiny' tiny32 mixed -x tiny
same 'fp32, --optimizer adamw' adamw32 mixed -x tiny --optimizer adamw
same 'fp32, --precond bayes' bayes32 all -x tiny --precond bayes

done_testing
