# Fits the schedule and its history from the loss log alone, and plots the logs; included.
# $(TRAINED) is a file that is newer than the logs when training has ended. The fits depend on
# fit.settings.

# The schedule of the family that training uses.
$(OUT)/schedule.csv: $(TRAINED) $(OUT)/fit.settings
	fitsched --schedule $(FAMILY) --every $(FIT_EVERY) --window $(FIT_ROWS) -o $@ \
		$(OUT)/loss.csv

$(OUT)/curves.csv: $(OUT)/schedule.csv
	fitsched --curve --history -o $@ $<

# The mean of the losses by noise level. Unlike a family of few parameters, it is never below 0.
$(OUT)/mean.csv: $(TRAINED) $(OUT)/fit.settings
	fitsched --schedule piecewise --window $(FIT_ROWS) $(OUT)/loss.csv | fitsched --curve -o $@

about_entropy = Each point is a training row; recent rows are darker. The line is the mean of the \
	last $(FIT_ROWS) rows: what the model cannot tell at each noise level.
$(OUT)/entropy.png: $(OUT)/mean.csv
	plotcsv -x t -y ce_nats -c step --where split=train --log-x --ylim 0:99.8% \
		--line $(OUT)/mean.csv:t,f_nats:mean \
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
