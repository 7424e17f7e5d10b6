#!/bin/sh
# The autoregressive baseline: its probabilities are a distribution over rows, and on rows of known
# entropy it comes near to it.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

PATH=$BIN:$PATH
python=${PYTHON:-/usr/bin/python3}
script=pipelines/autoregressive.py
command -v "$python" >/dev/null || skip_all "no $python"
ok 'autoregressive.py: is valid Python' "$python" -c "compile(open('$script').read(), '$script', 'exec')"

makefile() { # makefile VARIABLES...: without the options of a calling make
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -f pipelines/autoregressive.mk BIN="$BIN" PYTHON="$python" "$@"
}
printf '#!/bin/sh\nexit 1\n' >"$T/python"
chmod +x "$T/python"
is 'autoregressive.mk: says that it is skipped without PyTorch' \
	"$(makefile PYTHON="$T/python" ROWS=a VALID=b VOCAB=c OUT="$T/none" 2>&1)" \
	"skipped: $T/python has no PyTorch (Debian: python3-torch)"
fails 'autoregressive.mk: requires rows' 2 'say ROWS=' makefile PYTHON="$T/python" OUT="$T/none"
if ! "$python" -c 'import torch' 2>/dev/null; then
	fails 'autoregressive.py: says that PyTorch is missing' 1 'has no PyTorch' "$python" $script --help
	skip 'autoregressive.py: trains a model' "$python has no PyTorch"
	done_testing
	exit
fi

# Two texts, equally frequent: the entropy is ln 2 = 0.6931 nats per row.
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b '##c' d >"$T/vocab.txt"
printf '%s\n' '2 5 6 3 0' '2 6 7 3 0' >"$T/rows"
ar() { # ar MODE ARGUMENTS...
	"$python" $script "$@"
}
train_small() { # train_small MODEL OPTIONS...
	train_out=$1
	shift
	ar train -w "$T/vocab.txt" --valid "$T/rows" -o "$train_out" --layers 1 --width 16 --heads 2 \
		-B 8 --ema 0.9 --lr 0.01 "$@" "$T/rows"
}
train_small "$T/model.pt" -n 200 --valid-every 100 >"$T/learning.csv" 2>"$T/err"
is 'autoregressive.py train: prints the learning curve' "$(cut -d, -f1 "$T/learning.csv" | xargs)" 'step 100 200'
ok 'autoregressive.py train: comes near to the entropy of the rows, from above' awk -F, '
	NR == 3 { exit !($4 > 0.692 && $4 < 0.72) }' "$T/learning.csv"
is 'autoregressive.py train: tokens of text are all but [PAD] and [CLS]' \
	"$(awk -F, 'NR == 3 { d = $4 / 3 - $5; print (d < 1e-4 && d > -1e-4) }' "$T/learning.csv")" 1
is 'autoregressive.py score: counts tokens of text' "$(ar score -m "$T/model.pt" "$T/rows" | cut -d, -f1 | xargs)" 'tokens 3 3'
is 'autoregressive.py score: the mean is that of the validation' \
	"$(ar score -m "$T/model.pt" "$T/rows" | awk -F, 'NR > 1 { s += $2 } END { printf "%.3f", s / 2 }')" \
	"$(awk -F, 'NR == 3 { printf "%.3f", $4 }' "$T/learning.csv")"
is 'autoregressive.py sample: writes the texts of the rows' "$(ar sample -m "$T/model.pt" -n 40 -T 0.5 | sort -u | xargs -n 9)" \
	'a b bc'
is 'autoregressive.py sample: the same seed gives the same texts' "$(ar sample -m "$T/model.pt" -n 20 -s 3 | cksum)" \
	"$(ar sample -m "$T/model.pt" -n 20 -s 3 | cksum)"
train_small "$T/again.pt" -n 200 --valid-every 100 2>/dev/null | cut -d, -f1,3- >"$T/again.csv"
is 'autoregressive.py train: the same seed gives the same model' "$(cat "$T/again.csv")" "$(cut -d, -f1,3- "$T/learning.csv")"

# Cut short after the first validation: head has exited when the second is printed.
kept() {
	train_small "$T/kept.pt" -n 200 --valid-every 100 --state "$T/state"
}
kept 2>/dev/null | head -n 2 >"$T/first.csv"
not_ok 'autoregressive.py train: an interrupted training writes no model' test -e "$T/kept.pt"
kept >"$T/continued.csv" 2>"$T/err"
ok 'autoregressive.py train: --state continues a training after its last validation' grep -q 'state: continues after step 100$' "$T/err"
is 'autoregressive.py train: --state gives the curve of an uninterrupted training' "$(cut -d, -f1,3- "$T/continued.csv")" \
	"$(cut -d, -f1,3- "$T/learning.csv")"
is 'autoregressive.py train: --state keeps the first part of the curve' "$(head -n 2 "$T/continued.csv")" "$(cat "$T/first.csv")"
is 'autoregressive.py train: --state gives the model of an uninterrupted training' \
	"$(ar score -m "$T/kept.pt" "$T/rows")" "$(ar score -m "$T/model.pt" "$T/rows")"
fails 'autoregressive.py train: --state refuses the state of other options' 1 'state: has another lr; remove it to start again' \
	sh -c "'$python' $script train -w '$T/vocab.txt' --valid '$T/rows' -o '$T/none' --layers 1 --width 16 --heads 2 -B 8 \
		--ema 0.9 --lr 0.02 -n 200 --valid-every 100 --state '$T/state' '$T/rows' 2>&1 | tail -n 1 >&2; exit 1"
fails 'autoregressive.py train: --state refuses a file that is not a state' 1 'rows: not a state' \
	sh -c "'$python' $script train -w '$T/vocab.txt' --valid '$T/rows' -o '$T/none' --state '$T/rows' '$T/rows' 2>&1 | tail -n 1 >&2; exit 1"

# After few steps, no probability is near 0 or 1. The ids in use are 0 to 3 and 5 to 7.
train_small "$T/young.pt" -n 5 >/dev/null 2>&1
awk 'BEGIN {
	n = split("0 1 2 3 5 6 7", id, " ")
	for (i = 1; i <= n; i++) for (j = 1; j <= n; j++) for (k = 1; k <= n; k++) for (l = 1; l <= n; l++)
		print "2", id[i], id[j], id[k], id[l]
}' >"$T/all"
sed 's/^2/5/' "$T/all" >"$T/other"
for first in 0 1 2 3 5 6 7; do
	sed "s/^2/$first/" "$T/all"
done >"$T/every"
is 'autoregressive.py score: the probabilities of all rows sum to one' \
	"$(ar score -m "$T/young.pt" "$T/every" | awk -F, 'NR > 1 { s += exp(-$2) } END { print (s > 0.999 && s < 1.001), NR }')" '1 16808'
printf '%s\n' '2 8 6 3 0' '2 1 6 3 0' >"$T/unknown"
is 'autoregressive.py score: an id that is not in the training rows is read as [UNK]' \
	"$(ar score -m "$T/young.pt" "$T/unknown" | tail -n +2 | sort -u | wc -l | tr -d ' ')" 1

fails 'autoregressive.py score: refuses rows of another length' 1 'rows of 2 ids .expected 5' \
	ar score -m "$T/model.pt" /dev/stdin <<'END_ROWS'
2 3
END_ROWS
printf '2 3\n2 3 0\n' >"$T/uneven"
fails 'autoregressive.py train: refuses rows of different lengths' 1 'rows of different lengths' \
	ar train -w "$T/vocab.txt" --valid "$T/rows" -o "$T/none" "$T/uneven"
fails 'autoregressive.py train: refuses text' 1 'vocab.txt: not the output of pack --ids' \
	ar train -w "$T/vocab.txt" --valid "$T/rows" -o "$T/none" "$T/vocab.txt"
printf '2 9 3 0 0\n' >"$T/large"
fails 'autoregressive.py train: refuses ids that are not in the vocabulary' 1 'larger ids' \
	ar train -w "$T/vocab.txt" --valid "$T/rows" -o "$T/none" "$T/large"
fails 'autoregressive.py train: refuses a vocabulary without [PAD]' 1 'has no token' \
	ar train -w "$T/rows" --valid "$T/rows" -o "$T/none" "$T/rows"
fails 'autoregressive.py score: refuses a file that is not a model' 1 'rows: not a model' ar score -m "$T/rows" "$T/rows"
fails 'autoregressive.py train: refuses a number that is not above 0' 2 'not above 0' train_small "$T/none" -n 0

# The makefile

pipelines/stories generate -n 60 -s 1 >"$T/train.jsonl"
tok -q --learn 1000 "$T/train.jsonl" >"$T/words.txt"
tok -q -w "$T/words.txt" "$T/train.jsonl" | pack -q -T 72 -o "$T/train.rows"
ok 'autoregressive.mk: trains on rows and checks the grammar of samples' makefile ROWS="$T/train.rows" VALID="$T/train.rows" \
	VOCAB="$T/words.txt" GRAMMAR=pipelines/stories.grammar OUT="$T/ar" STEPS=4 VALID_EVERY=2 LAYERS=1 WIDTH=16 HELD=8 SAMPLES=3
is 'autoregressive.mk: the summary counts the samples' "$(tail -n 1 "$T/ar/summary.csv" | cut -d, -f1)" 3
ok 'autoregressive.mk: leaves no state of a training that has ended' test ! -e "$T/ar/training.pt"
# A model that cannot be written: the training fails at its end, and begins there again.
ar_again() {
	makefile ROWS="$T/train.rows" VALID="$T/train.rows" VOCAB="$T/words.txt" OUT="$T/ar-again" STEPS=4 VALID_EVERY=2 \
		LAYERS=1 WIDTH=16 HELD=8 SAMPLES=1 "$@"
}
not_ok 'autoregressive.mk: a training that cannot write its model fails' ar_again MODEL="$T/nowhere/model.pt"
ok 'autoregressive.mk: continues an interrupted training' ar_again
cp "$T/.out" "$T/again"
ok 'autoregressive.mk: says after which step it continues' grep -q 'training.pt: continues after step 4' "$T/again"
is 'autoregressive.mk: a continued training has the whole curve' "$(cut -d, -f1,3- "$T/ar-again/learning.csv")" \
	"$(cut -d, -f1,3- "$T/ar/learning.csv")"
is 'autoregressive.mk: HELD rows are held out' "$(wc -l <"$T/ar/valid.ids" | tr -d ' ')" 8

done_testing
