#!/bin/sh
# pipelines/sweep.mk: trains each combination once, continues what was interrupted, and compares.
. tests/lib.sh

PATH=$BIN:$PATH

# sweep VARIABLES...: without the options of a calling make
sweep() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/sweep.mk BIN="$BIN" OUT="$T/sweep" \
		LR='1e-3 3e-3' BATCH='8 16' STEPS=6 VALID_EVERY=3 N_TRAIN=200 N_VALID=20 HELD=8 N_JUDGE=100 \
		LOSS_EPOCHS=2 DENOISE_OPTIONS='-q --steps 2' \
		TRAIN_OPTIONS='-q -j 1 --layers 1 --width 32 --heads 2 --embed 16' "$@"
}

# --- a run that is interrupted after three steps ---

interrupted_tools "$T/bin"
first=$T/sweep/batch8-lr1e-3.1
not_ok 'sweep.mk: an interrupted run fails' sweep BIN="$T/bin"
is 'sweep.mk: an interrupted run leaves its checkpoint' \
	"$(denoise -m "$first/model.safetensors.new" --info | grep ^step:)" 'step: 3'
ok 'sweep.mk: an interrupted run leaves no model' [ ! -e "$first/model.safetensors" ]

ok 'sweep.mk: runs all combinations' sweep
is 'sweep.mk: a continued run has every step once in its log' "$(csv_column "$first/steps.csv" step)" '1 2 3 4 5 6'
ok 'sweep.mk: trains the same combination without an interruption' \
	sweep OUT="$T/whole" "$T/whole/batch8-lr1e-3.1/model.safetensors"
is 'sweep.mk: a continued run has the losses of one without an interruption' \
	"$(cksum <"$first/loss.csv")" "$(cksum <"$T/whole/batch8-lr1e-3.1/loss.csv")"
is 'sweep.mk: the processor time of a continued run is that of both parts' "$(wc -l <"$first/times" | tr -d ' ')" 4

# --- the table ---

is 'sweep.mk: cost.csv has a row for each combination' \
	"$(csv_column "$T/sweep/cost.csv" lr)/$(csv_column "$T/sweep/cost.csv" batch)/$(csv_column "$T/sweep/cost.csv" seed)" \
	'1e-3 3e-3 1e-3 3e-3/8 8 16 16/1 1 1 1'
is 'sweep.mk: each run has the batch size and the learning rate of its name' \
	"$(for run in batch8-lr3e-3.1 batch16-lr1e-3.1; do denoise -m "$T/sweep/$run/model.safetensors" --info |
		sed -n 's/^train.batch: //p; s/^train.lr: \(0.00[0-9]\).*/\1/p'; done | xargs)" '8 0.003 16 0.001'
is 'sweep.mk: every measure has a number' "$(csv_column "$T/sweep/cost.csv" ce_nats | grep -Eo '[0-9.]+' | wc -l | tr -d ' ')" 4
is 'sweep.mk: sweep.png is a PNG' "$(head -c 8 "$T/sweep/sweep.png" | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a

ok 'sweep.mk: report.mk makes a page of all runs' env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make \
	-f pipelines/report.mk BIN="$BIN" MODEL="$T/sweep/*/model.safetensors" OUT="$T/page" DENOISE_OPTIONS='-j 1 --steps 5'
is 'sweep.mk: the page has the measures of each run' \
	"$(sed -n '/<h2>Results/,/<h2>Learning/s/.*<th scope="row">\(batch[^<]*\)<.*/\1/p' "$T/page/report.html" | xargs)/$(
		csv_column "$T/sweep/table.csv" ce_nats | tr ' ' '\n' | tail -n 4 | while read -r ce; do
			sed -n '/<h2>Results/,/<h2>Learning/p' "$T/page/report.html" | grep -c ">$ce<"; done | xargs)" \
	'batch16-lr1e-3.1 batch16-lr3e-3.1 batch8-lr1e-3.1 batch8-lr3e-3.1/1 1 1 1'

# --- again ---

ok 'sweep.mk: does nothing if all is up to date' sweep -q "$T/sweep/sweep.png"
sweep LR='1e-3 3e-3 1e-2' BATCH=8 -n >"$T/again"
is 'sweep.mk: trains only the combination that is new' "$(grep -o 'train -x .*' "$T/again" | grep -o -- '-B 8 *--lr [^ ]*' | xargs)" \
	'-B 8 --lr 1e-2'
sweep STEPS=7 -n >"$T/again"
is 'sweep.mk: trains all combinations again with other settings' "$(grep -c 'train -x ' "$T/again")" 4

# --- the processor time ---

is 'cost.awk: adds the times of the parts of a run' \
	"$(printf '%s\n' '0m0s 0m0s' '1m2s 0m1s' '0m0s 0m0s' '0m3s 0m4.5s' | awk -f pipelines/cost.awk | xargs)" 'processor_s 70.5'
echo 0m1s 0m1s >"$T/half"
fails 'cost.awk: refuses half of an output of times' 1 '^cost: not the output of times' awk -f pipelines/cost.awk "$T/half"

done_testing
