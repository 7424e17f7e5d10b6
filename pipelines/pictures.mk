# Fits the schedule and its history from the loss log alone, and plots them; included. $(TRAINED) is
# a file that is newer than the logs when training has ended. The fits depend on fit.settings.

$(OUT)/schedule.csv: $(TRAINED) $(OUT)/fit.settings
	fitsched --schedule $(FAMILY) --every $(FIT_EVERY) --window $(FIT_ROWS) -o $@ \
		$(OUT)/loss.csv

$(OUT)/curve.csv: $(OUT)/schedule.csv
	fitsched --curve -o $@ $<

$(OUT)/curves.csv: $(OUT)/schedule.csv
	fitsched --curve --history -o $@ $<

$(OUT)/entropy.png: $(OUT)/curve.csv
	plotcsv -x t -y ce_nats -c step --log-x --line $(OUT)/curve.csv:t,f_nats:fit \
		--title 'Entropy and noise' --xlabel 'noise level t' \
		--ylabel 'cross-entropy, nats a token' -o $@ $(OUT)/loss.csv

$(OUT)/schedules.png: $(OUT)/curves.csv
	plotcsv -x t -y f_nats -g step --log-x --title 'F(t) over training' \
		--xlabel 'noise level t' --ylabel 'nats a token' -o $@ $(OUT)/curves.csv

$(OUT)/loss.png: $(TRAINED)
	plotcsv -x step -y loss_nats --smooth 50 --title 'Loss' -o $@ $(OUT)/steps.csv
