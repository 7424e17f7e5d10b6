# Compares the rows of the preconditioning table: make -f pipelines/precond.mk. Nothing else differs
# between the models. experiment.mk describes the settings and the output.

ROWS = karras tanh cdcd bayes

OUT = out/precond
RUNS = $(foreach r,$(ROWS),$(SEEDS:%=$r.%))
options = --precond $(call kind,$1)

include pipelines/experiment.mk
