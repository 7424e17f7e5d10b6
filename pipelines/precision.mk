# The arithmetic of products: make -f pipelines/precision.mk. Models that learn in fp32 and in bf16, and
# nothing else that differs: learning.png has a curve for each run. Where the processor has no
# products of bf16, train says so; PRECISIONS=fp32 does without. See experiment.mk for the settings
# and for what comes out.

PRECISIONS = fp32 bf16

OUT = out/precision

RUNS = $(foreach p,$(PRECISIONS),$(SEEDS:%=$p.%))
options = --precision $(call kind,$1)

include pipelines/experiment.mk
