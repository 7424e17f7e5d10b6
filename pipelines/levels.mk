# Compares how quickly the noise schedule follows the model: make -f pipelines/levels.mk.
# experiment.mk describes the settings and the output.
#
# slow   F is fitted to the last 16,384 rows, each 200 steps
# quick  F is fitted to the last 4,096 rows, each 50 steps

KINDS = slow quick
slow = --window 16384 --refit-every 200
quick = --window 4096 --refit-every 50

OUT = out/levels
RUNS = $(foreach k,$(KINDS),$(SEEDS:%=$k.%))
options = $($(call kind,$1))
SETTINGS = $(foreach k,$(KINDS),$($k))

include pipelines/experiment.mk
