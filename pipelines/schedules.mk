# The families of the noise schedule: make -f pipelines/schedules.mk. Models whose levels are drawn
# by each, and nothing else that differs; see experiment.mk for the settings and for what comes out.
#
# Besides, fits.csv: how well each family fits what one run measured (misfit: without the scatter of
# single sequences, see fitsched(1)); entropy.png: entropy and noise of that run; schedules.png: how
# its F(t) moved during training.

FAMILIES = uniform cauchy logistic frechet piecewise
# The run of the fits and pictures
FAMILY = cauchy
FIT_EVERY = 200
FIT_ROWS = 20000

OUT = out/schedules
RUNS = $(foreach f,$(FAMILIES),$(SEEDS:%=$f.%))
options = --schedule $(call kind,$1)
shown = $(FAMILY).$(firstword $(SEEDS))
TRAINED = $(OUT)/loss.csv
EXTRAS = $(OUT)/fits.csv $(OUT)/entropy.png $(OUT)/schedules.png

include pipelines/experiment.mk
include pipelines/pictures.mk

$(OUT)/loss.csv: $(OUT)/$(shown)/model.safetensors $(OUT)/fit.settings
	cp $(OUT)/$(shown)/loss.csv $(OUT)/$(shown)/steps.csv $(OUT)

$(OUT)/fits.csv: $(OUT)/loss.csv
	@echo 'family,rmse_nats,misfit_nats' > $@
	fitsched -v --family all -w $(FIT_ROWS) $< 2>&1 >/dev/null | sed -n 's/.*[ :]\([a-z]*\): [0-9]* rows, rmse \([0-9.]*\) nats, misfit \([0-9.]*\) nats.*/\1,\2,\3/p' >> $@

$(eval $(call strict,$(OUT)/fits.csv))
$(call settings,fit,$(FAMILY) $(FIT_EVERY) $(FIT_ROWS) $(shown))
