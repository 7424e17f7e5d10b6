# Compares self-conditioning off and on, with each mask of noise(1): make -f
# pipelines/conditioning.mk. Self-conditioning gives the network its own previous estimate as a
# further input. experiment.mk describes the settings and the output.

SELF = off on
MASKS = all prefix random mixed
SHARE = 0.5

OUT = out/conditioning
RUNS = $(foreach s,$(SELF),$(foreach m,$(MASKS),$(SEEDS:%=$s-$m.%)))
options = --self-cond $(if $(filter off-%,$1),0,$(SHARE))
mask = $(lastword $(subst -, ,$(call kind,$1)))
SETTINGS = $(SHARE)

include pipelines/experiment.mk
