# Compares settings of train by what a run has learnt at its end, and by its processor time:
# make -f pipelines/training.mk. Each run has one of the LENGTHS, in steps, and decays its learning
# rate over that length. The name of a run is KIND-LENGTH.SEED. experiment.mk describes the other
# settings and the output. Additional output:
#
# cost.csv, .png  processor time and held-out cross-entropy of each run

LENGTHS = 400 800 2000
KINDS = presets former no-muon no-logistic no-window
presets =
former = $(no-muon) --schedule cauchy $(no-window)
# The presets, but for one setting
no-muon = --optimizer adamw
no-logistic = --schedule cauchy
no-window = --window 16384 --refit-every 200

OUT = out/training
STEPS = $(lastword $(LENGTHS))
VALID_EVERY = 200
RUNS = $(foreach k,$(KINDS),$(foreach n,$(LENGTHS),$(SEEDS:%=$k-$n.%)))
length = $(lastword $(subst -, ,$(kind)))
settings_of = $(patsubst %-$(length),%,$(kind))
said = $1$(comma)$(settings_of)$(comma)$(length)$(comma)$(seed)
said_columns = text$(comma)settings$(comma)steps$(comma)seed
options = -n $(length) $($(settings_of))
SETTINGS = $(foreach k,$(KINDS),$($k))
EXTRAS = $(OUT)/cost.png
about_cost = Held-out cross-entropy at the end of runs of different length. Lower and further \
	left is better.

include pipelines/experiment.mk

cost_picture = plotcsv -x processor_s -y ce_nats -g settings --by steps --log-x --log-y \
	--title 'Learning for processor time' --xlabel 'processor time of the run, s' \
	--ylabel 'held-out cross-entropy at the end, nats a token' -o $@ $<

$(OUT)/cost.png: $(OUT)/cost.csv
	$(cost_picture)

# The picture in README.md: make -f pipelines/training.mk pipelines/learning.png, with KINDS and
# LENGTHS as said there
pipelines/learning.png: $(OUT)/cost.csv
	$(cost_picture) --size 800x420
