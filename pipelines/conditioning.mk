# What the network is shown: make -f pipelines/conditioning.mk. Self-conditioning (its own first
# estimate) off and on, with each of the masks of noise(1); see experiment.mk for the settings and for
# what comes out.

SELF = off on
MASKS = all prefix random mixed
SHARE = 0.5

OUT = out/conditioning
RUNS = $(foreach s,$(SELF),$(foreach m,$(MASKS),$(SEEDS:%=$s-$m.%)))
options = --self-cond $(if $(filter off-%,$1),0,$(SHARE))
mask = $(lastword $(subst -, ,$(call kind,$1)))
SETTINGS = $(SHARE)

include pipelines/experiment.mk
