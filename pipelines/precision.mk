# Compares training with matrix products in fp32 and in bf16: make -f pipelines/precision.mk.
# Nothing else differs; learning.png has a curve for each precision. If the processor cannot compute
# bf16 products, train reports an error; set PRECISIONS=fp32 then. experiment.mk describes the
# settings and the output.

PRECISIONS = fp32 bf16

OUT = out/precision

RUNS = $(foreach p,$(PRECISIONS),$(SEEDS:%=$p.%))
options = --precision $(call kind,$1)

include pipelines/experiment.mk
