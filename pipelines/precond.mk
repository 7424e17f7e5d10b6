# The preconditioning table: make -f pipelines/precond.mk. Models with each row of it, and nothing
# else that differs; see experiment.mk for the settings and for what comes out.

ROWS = karras tanh cdcd bayes

OUT = out/precond
RUNS = $(foreach r,$(ROWS),$(SEEDS:%=$r.%))
options = --precond $(call kind,$1)

include pipelines/experiment.mk
