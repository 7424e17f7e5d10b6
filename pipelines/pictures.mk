# Fits the schedule and its history from the loss log alone, and plots the logs; included.
# $(TRAINED) is a file that is newer than the logs and the checkpoint $(MODEL) when training has
# ended. The fits depend on fit.settings.

# The schedule of the family that training uses.
$(OUT)/schedule.csv: $(TRAINED) $(OUT)/fit.settings
	fitsched --schedule $(FAMILY) --every $(FIT_EVERY) --window $(FIT_ROWS) -o $@ \
		$(OUT)/loss.csv

$(OUT)/curves.csv: $(OUT)/schedule.csv
	fitsched --curve --history -o $@ $<

# The mean of the losses by noise level. Unlike a family of few parameters, it is never below 0.
# Rows with given positions have a mean of their own. If there are too few rows, there is no curve.
mean = awk -v given=$1 -f pipelines/given.awk $(OUT)/loss.csv | \
	fitsched --schedule piecewise --window $(FIT_ROWS) | fitsched --curve > $@ || : > $@
kinds = $(if $(filter mixed,$(MASK)),mean given-mean,mean)
$(OUT)/mean.csv: $(TRAINED) $(OUT)/fit.settings
	$(call mean,$(if $(filter prefix random,$(MASK)),1,0))

$(OUT)/given-mean.csv: $(TRAINED) $(OUT)/fit.settings
	$(call mean,1)

# The schedule that was in force at the end.
$(OUT)/force.csv: $(TRAINED)
	pipelines/checkpoint schedule $(MODEL) | fitsched --curve -o $@

$(eval $(call strict,$(OUT)/mean.csv $(OUT)/given-mean.csv $(OUT)/force.csv))

about_entropy = Each point is a training row; recent rows are darker. mean: of the last rows, what \
	the model cannot tell at each noise level$(if $(filter mixed,$(MASK)),$(comma) without and \
	with given words). F: the schedule of the end.
line = $(shell ! test -s $(OUT)/$1.csv || \
	echo "--line '$(OUT)/$1.csv:t,f_nats:$(subst given-mean,mean with given words,$1)'")
$(OUT)/entropy.png: $(kinds:%=$(OUT)/%.csv) $(OUT)/force.csv
	plotcsv -x t -y ce_nats -c step --where split=train --log-x --ylim 0:99.8% \
		$(foreach k,$(kinds),$(call line,$k)) \
		--line $(OUT)/force.csv:t,f_nats:F \
		--title 'Cross-entropy by noise level' --xlabel 'noise level t' \
		--ylabel 'cross-entropy, nats a token' -o $@ $(OUT)/loss.csv

about_schedules = F(t), fitted after every $(FIT_EVERY) steps. It falls as the model learns. \
	train draws most noise levels where it is steep.
$(OUT)/schedules.png: $(OUT)/curves.csv
	plotcsv -x t -y f_nats -g step --log-x --ylim 0: --title 'F(t) over training' \
		--xlabel 'noise level t' --ylabel 'nats a token' -o $@ $(OUT)/curves.csv

about_validation = Cross-entropy of held-out text at fixed noise levels. Lower is better; if it \
	rises, the model overfits.
$(OUT)/validation.png: $(TRAINED)
	plotcsv -q -x step -y valid_nats --points --lines --title 'Held-out cross-entropy' \
		--xlabel step --ylabel 'cross-entropy, nats a token' -o $@ $(OUT)/steps.csv
