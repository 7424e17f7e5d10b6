# Trains with each combination of learning rate and batch size, and compares them:
#
#   make -f pipelines/sweep.mk LR='1e-3 3e-3' BATCH='32 64'
#
# Finished runs are kept: with further values, or after an interruption, only what is missing
# is trained. All runs have the same number of steps. The name of a run is batchB-lrR.SEED.
# experiment.mk describes the other settings and the output. Additional output:
#
# cost.csv   the table, with the learning rate, the batch size and the processor time of each run
# sweep.png  held-out cross-entropy at the end, by learning rate, for each batch size
#
# A page of all runs: make -f pipelines/report.mk MODEL='out/sweep/*/model.safetensors'

LR = 1e-3 3e-3 1e-2
BATCH = 16 32 64
SEEDS = 1

OUT = out/sweep
RUNS = $(foreach b,$(BATCH),$(foreach r,$(LR),$(SEEDS:%=batch$b-lr$r.%)))
values = $(subst -lr, ,$(patsubst batch%,%,$(kind)))
batch = $(word 1,$(values))
lr = $(word 2,$(values))
common_settings =
said = $1$(comma)$(lr)$(comma)$(batch)$(comma)$(seed)
said_columns = text$(comma)lr$(comma)batch$(comma)seed
EXTRAS = $(OUT)/cost.csv $(OUT)/sweep.png
about_sweep = Held-out cross-entropy at the end, by learning rate. Lower is better; if the lowest \
	point is at an end, try further values.

include pipelines/experiment.mk

$(OUT)/sweep.png: $(OUT)/cost.csv
	plotcsv -x lr -y ce_nats -g batch --by lr --log-x --points \
		--title 'Learning rates and batch sizes' \
		--xlabel 'learning rate' \
		--ylabel 'held-out cross-entropy at the end, nats a token' \
		-o $@ $<
