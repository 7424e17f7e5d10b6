# Measures models; included. It needs, for each RUN in $(RUNS), a checkpoint
# $(OUT)/RUN/model.safetensors and the options of denoise that sample it, $(call sampling,RUN); and
#
# $(OUT)/train.txt       the text that the models were trained on
# $(OUT)/judge.txt       text that they have not seen, for the judge
# $(OUT)/held-out.txt    held-out text, and the same as held-out.rows
#
# It makes one table, $(OUT)/table.csv and .txt. The rows of table.csv are the held-out text, the
# same text shuffled, samples of 1- to 5-gram models of train.txt, and the samples of each run. All
# have the same number of stories and are measured in the same way.
#
# GRAMMAR is the grammar that generated the texts, for exact measures; empty if it is unknown.

ORDERS = 1 2 3 4 5
JUDGE_ORDER = 5
LOSS_EPOCHS = 16
# A second judge: the checkpoint of a masked model (masked.mk) of text that no measured model has
# seen.
MASKED =
MASKED_EPOCHS = 8
# The runs whose losses on the held-out rows are measured.
LOSS_RUNS ?= $(RUNS)

# Samples of n-gram models at other temperatures. In a name such as 5gram-0-0.8, 0 is the number of
# network evaluations, as in the names of sampling.mk.
HEATED ?=
REFERENCES = held-out shuffled $(ORDERS:%=%-gram) $(HEATED)
texts = $(REFERENCES:%=$(OUT)/%.txt) $(RUNS:%=$(OUT)/%/samples.txt)
named_texts = $(foreach r,$(REFERENCES),$r=$(OUT)/$r.txt) $(foreach r,$(RUNS),$r=$(OUT)/$r/samples.txt)

$(call kept,$(RUNS:%=$(OUT)/%/model.safetensors) $(RUNS:%=$(OUT)/%/samples.rows))
$(call kept,$(foreach f,losses lowest,$(LOSS_RUNS:%=$(OUT)/%/$f.csv)))
$(eval $(call strict,$(OUT)/grammar.csv $(OUT)/masked.csv $(OUT)/likelihood.csv $(OUT)/%/losses.csv $(OUT)/%/lowest.csv $(OUT)/%/bound.csv))

$(OUT)/shuffled.txt: $(OUT)/held-out.txt
	pipelines/ngram shuffle $< > $@

$(OUT)/%-gram.txt: $(OUT)/train.txt $(OUT)/held-out.txt
	pipelines/ngram generate -k $* -n $$(wc -l < $(OUT)/held-out.txt) $< > $@

$(HEATED:%=$(OUT)/%.txt): $(OUT)/%.txt: $(OUT)/train.txt $(OUT)/held-out.txt
	pipelines/ngram generate -k $(firstword $(subst gram-0-, ,$*)) -T $(lastword $(subst gram-0-, ,$*)) -n $$(wc -l < $(OUT)/held-out.txt) $< > $@

$(OUT)/%/samples.rows: $(OUT)/%/model.safetensors $(OUT)/sample.settings $(OUT)/held-out.txt
	denoise -m $< -n $$(wc -l < $(OUT)/held-out.txt) -s $(SEED) $(call sampling,$*) -o $@

$(OUT)/%/samples.txt: $(OUT)/%/samples.rows $(OUT)/vocab.txt
	tok -d -w $(OUT)/vocab.txt $< > $@

# The measures that need the judge and the training text.
$(OUT)/measures.csv: pipelines/ngram.awk $(texts) $(OUT)/judge.txt $(OUT)/train.txt $(OUT)/measure.settings $(OUT)/runs.settings
	pipelines/ngram measure -k $(JUDGE_ORDER) -j $(OUT)/judge.txt -x $(OUT)/train.txt $(named_texts) > $@

# The fraction of stories that follow the grammar.
$(OUT)/grammar.csv: $(texts) $(GRAMMAR) $(OUT)/runs.settings
	@echo 'text,grammatical,consistent' > $@
	@$(foreach t,$(named_texts),pipelines/stories summary -g $(GRAMMAR) $(lastword $(subst =, ,$t)) | awk -F, 'NR == 2 { print "$(firstword $(subst =, ,$t))," $$2 "," $$3 } END { exit NR != 2 }' >> $@ &&) :

# The cross-entropy of each text under the masked model, at t_max: all stories as one sequence,
# window by window.
$(OUT)/masked.csv: $(texts) $(MASKED) $(OUT)/vocab.txt $(OUT)/measure.settings $(OUT)/runs.settings
	@echo 'text,masked_nats' > $@
	@row=$(call says,$(MASKED),model.row_len: ) t_max=$(call says,$(MASKED),schedule: .* to ) && \
		$(foreach t,$(named_texts),tok -q --lines -w $(OUT)/vocab.txt $(lastword $(subst =, ,$t)) | pack -q --join -T $$row | noise -q -e $(MASKED_EPOCHS) -s 9 -t $$t_max --mask random | denoise -q -m $(MASKED) --loss | awk -F, 'NR > 1 && $$3 != "" { n++; s += $$3 } END { if (!n) exit 1; printf "%s,%.4f\n", "$(firstword $(subst =, ,$t))", s / n }' >> $@ &&) :

# Cross-entropy and squared error of the held-out rows, at evenly spread levels and at the lowest.
$(OUT)/%/losses.csv: $(OUT)/%/model.safetensors $(OUT)/held-out.rows $(OUT)/measure.settings
	noise -e $(LOSS_EPOCHS) -s 7 $(OUT)/held-out.rows | denoise -m $< --loss -o $@

$(OUT)/%/lowest.csv: $(OUT)/%/model.safetensors $(OUT)/held-out.rows $(OUT)/measure.settings
	noise -u 0 -s 8 $(OUT)/held-out.rows | denoise -m $< --loss -o $@

# The mean cross-entropy over ln t and over the schedule, and the likelihood bound of cdcd-csv(5).
$(OUT)/%/bound.csv: pipelines/bound.awk $(OUT)/%/losses.csv $(OUT)/%/lowest.csv
	{ denoise -m $(OUT)/$*/model.safetensors --info && cat $(OUT)/$*/lowest.csv && sort -t, -k1,1g $(OUT)/$*/losses.csv; } | awk -f pipelines/bound.awk > $@

$(OUT)/%/ce.csv: $(OUT)/%/losses.csv
	awk -F, 'NR > 1 && $$3 != "" { b = int(log($$1) * 4 + 1000); t[b] += log($$1); ce[b] += $$3; n[b]++ } END { print "t,ce_nats"; for (b = 0; b < 2000; b++) if (n[b]) printf "%.6g,%.6g\n", exp(t[b] / n[b]), ce[b] / n[b] }' $< > $@

# Nats per held-out story: exact for the grammar and the n-gram models, a bound for the runs.
$(OUT)/likelihood.csv: $(LOSS_RUNS:%=$(OUT)/%/bound.csv) $(OUT)/held-out.txt $(OUT)/train.txt $(GRAMMAR) $(OUT)/runs.settings
	@echo 'text,held_out_nats,ce_nats,ce_schedule_nats,bound_token_nats,bound_token_error' > $@
	@test -z '$(GRAMMAR)' || pipelines/stories entropy -g $(GRAMMAR) | awk -F, 'NR == 2 { print "held-out," $$1 ",,,," } END { exit NR != 2 }' >> $@
	@$(foreach k,$(ORDERS),pipelines/ngram score -k $k -j $(OUT)/train.txt $(OUT)/held-out.txt | awk -F, 'NR > 1 { s += $$2 } END { if (NR < 2) exit 1; printf "$k-gram,%.4f,,,,\n", s / (NR - 1) }' >> $@ &&) :
	@$(foreach r,$(LOSS_RUNS),awk -F, 'NR == 2 { print "$r," $$0 } END { exit NR != 2 }' $(OUT)/$r/bound.csv >> $@ &&) :

$(OUT)/table.csv: $(OUT)/measures.csv $(if $(MASKED),$(OUT)/masked.csv) $(OUT)/likelihood.csv $(if $(GRAMMAR),$(OUT)/grammar.csv) | pipelines/table.awk
	awk -v join=1 -f pipelines/table.awk $^ > $@

$(OUT)/table.txt: $(OUT)/table.csv
	awk -f pipelines/table.awk $< > $@

# Cross-entropy over the noise level, one curve per run.
$(OUT)/ce.csv: $(LOSS_RUNS:%=$(OUT)/%/ce.csv) $(OUT)/runs.settings
	@echo 'run,t,ce_nats' > $@
	@$(foreach r,$(LOSS_RUNS),awk 'NR > 1 { print "$r," $$0 }' $(OUT)/$r/ce.csv >> $@ &&) :

$(OUT)/ce.png: $(OUT)/ce.csv
	plotcsv -x t -y ce_nats -g run --log-x --title 'Held-out rows' --xlabel 'noise level t' --ylabel 'cross-entropy, nats a token' -o $@ $<

# The columns and rows of the tables, and of losses.csv and lowest.csv.
$(call settings,runs,$(RUNS) / $(LOSS_RUNS) / $(REFERENCES) / $(ORDERS) / $(GRAMMAR) / $(MASKED))
$(call settings,measure,$(JUDGE_ORDER) $(LOSS_EPOCHS) $(MASKED) $(MASKED_EPOCHS) / t u ce_nats squared_error targets)
