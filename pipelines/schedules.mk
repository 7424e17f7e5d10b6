# Compares the families of the noise schedule: make -f pipelines/schedules.mk. The models draw their
# noise levels from different families; nothing else differs. experiment.mk describes the settings
# and the output. Additional output:
#
# fits.csv       how well each family fits the losses of one run (the misfit leaves out the scatter
#                of single sequences, see fitsched(1))
# entropy.png    cross-entropy over the noise level, in that run
# schedules.png  F(t) of that run during training

FAMILIES = uniform cauchy logistic frechet piecewise
# The family of the run that is fitted and plotted
FAMILY = cauchy
FIT_EVERY = 200
FIT_ROWS = 20000

OUT = out/schedules
RUNS = $(foreach f,$(FAMILIES),$(SEEDS:%=$f.%))
options = --schedule $(call kind,$1)
shown = $(FAMILY).$(firstword $(SEEDS))
TRAINED = $(OUT)/loss.csv
MODEL = $(OUT)/$(shown)/model.safetensors
EXTRAS = $(OUT)/fits.csv $(OUT)/entropy.png $(OUT)/schedules.png

include pipelines/experiment.mk
include pipelines/pictures.mk

$(OUT)/loss.csv: $(OUT)/$(shown)/model.safetensors $(OUT)/fit.settings
	cp $(OUT)/$(shown)/loss.csv $(OUT)/$(shown)/steps.csv $(OUT)

fit = [ :]\([a-z]*\): [0-9]* rows, rmse \([0-9.]*\) nats, misfit \([0-9.]*\) nats
$(OUT)/fits.csv: $(OUT)/loss.csv
	@echo 'family,rmse_nats,misfit_nats' > $@
	fitsched -v --schedule all --window $(FIT_ROWS) $< 2>&1 >/dev/null | \
		sed -n 's/.*$(fit).*/\1,\2,\3/p' >> $@

$(eval $(call strict,$(OUT)/fits.csv))
$(call settings,fit,$(FAMILY) $(FIT_EVERY) $(FIT_ROWS) $(shown))
