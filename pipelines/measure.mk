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
# The checkpoint of an autoregressive transformer of the same rows (autoregressive.mk): one more
# reference.
AUTOREGRESSIVE =
PYTHON = /usr/bin/python3
# The runs whose losses on the held-out rows are measured.
LOSS_RUNS ?= $(RUNS)

# Samples of n-gram models and of the autoregressive model at other temperatures. In a name such as
# 5gram-0-0.8 or autoregressive-0-0.8, 0 is the number of network evaluations, as in the names of
# sampling.mk.
OTHER_REFERENCES ?=
REFERENCES = held-out shuffled $(ORDERS:%=%-gram) $(OTHER_REFERENCES) \
	$(if $(AUTOREGRESSIVE),autoregressive)

# A text is a file $(OUT)/TEXT.txt. The text of a reference has its name, that of a run is
# RUN/samples.
texts = $(REFERENCES) $(RUNS:%=%/samples)
text_files = $(texts:%=$(OUT)/%.txt)
# $(call named,TEXTS,SUFFIX): NAME=$(OUT)/TEXT.SUFFIX for each text, as ngram and stack.awk read it
named = $(join $(patsubst %/samples,%,$1),$(1:%==$(OUT)/%.$2))

$(call kept,$(RUNS:%=$(OUT)/%/model.safetensors) $(RUNS:%=$(OUT)/%/samples.rows))
$(call kept,$(LOSS_RUNS:%=$(OUT)/%/losses.csv) $(LOSS_RUNS:%=$(OUT)/%/lowest.csv))
$(eval $(call strict,$(OUT)/%.masked.csv $(OUT)/%.score.csv $(OUT)/held-out.entropy.csv))
$(eval $(call strict,$(OUT)/likelihood.csv $(OUT)/lexicon.txt $(OUT)/autoregressive.txt))
$(eval $(call strict,$(OUT)/%/losses.csv $(OUT)/%/lowest.csv $(OUT)/%/bound.csv))

held_stories = $$(wc -l < $(OUT)/held-out.txt)

$(OUT)/shuffled.txt: $(OUT)/held-out.txt
	pipelines/ngram shuffle $< > $@

$(OUT)/%-gram.txt: $(OUT)/train.txt $(OUT)/held-out.txt
	pipelines/ngram generate -k $* -n $(held_stories) $< > $@

order = $(firstword $(subst gram-0-, ,$1))
temperature = $(lastword $(subst -0-, ,$1))
OTHER_NGRAMS = $(filter-out autoregressive-%,$(OTHER_REFERENCES))
$(OTHER_NGRAMS:%=$(OUT)/%.txt): $(OUT)/%.txt: $(OUT)/train.txt $(OUT)/held-out.txt
	pipelines/ngram generate -k $(call order,$*) -T $(call temperature,$*) \
		-n $(held_stories) $< > $@

autoregressive = $(PYTHON) pipelines/autoregressive.py
sampled = $(autoregressive) sample -m $< -n $(held_stories) -s $(SEED) $1 | \
	tok -q --lines -w $(VOCAB) | tok -d > $@
$(OUT)/autoregressive.txt: $(AUTOREGRESSIVE) $(OUT)/held-out.txt $(OUT)/sample.settings
	$(call sampled)

OTHER_AUTOREGRESSIVE = $(filter autoregressive-%,$(OTHER_REFERENCES))
$(OTHER_AUTOREGRESSIVE:%=$(OUT)/%.txt): $(OUT)/%.txt: $(AUTOREGRESSIVE) $(OUT)/held-out.txt \
		$(OUT)/sample.settings
	$(call sampled,-T $(call temperature,$*))

$(OUT)/%/samples.rows: $(OUT)/%/model.safetensors $(OUT)/sample.settings $(OUT)/held-out.txt
	denoise -m $< -n $(held_stories) -s $(SEED) $(call sampling,$*) -o $@

# VOCAB is for a checkpoint that contains no vocabulary.
$(OUT)/%/samples.txt: $(OUT)/%/samples.rows
	tok -d $(addprefix -w ,$(VOCAB)) $< > $@

# --- the measures that need the judge and the training text ---

$(OUT)/measures.csv: pipelines/ngram.awk $(text_files) $(OUT)/judge.txt $(OUT)/train.txt \
		$(OUT)/measure.settings $(OUT)/runs.settings
	pipelines/ngram measure -k $(JUDGE_ORDER) -j $(OUT)/judge.txt -x $(OUT)/train.txt \
		$(call named,$(texts),txt) > $@

# --- the fraction of stories that follow the grammar ---

$(OUT)/%.grammar.csv: $(OUT)/%.txt $(GRAMMAR) $(OUT)/runs.settings
	pipelines/stories summary -g $(GRAMMAR) $< > $@

stack = awk -v label=$1 -v columns=$2 -f pipelines/stack.awk

$(OUT)/grammar.csv: $(texts:%=$(OUT)/%.grammar.csv) $(OUT)/runs.settings
	$(call stack,text,grammatical$(comma)consistent) $(call named,$(texts),grammar.csv) > $@

# --- the coherence of prose; of stories of a known grammar it is known exactly ---

$(OUT)/lexicon.txt: pipelines/coherence.awk $(TRAIN) $(OUT)/measure.settings
	$(call text,$(TRAIN)) | pipelines/coherence learn > $@

$(OUT)/coherence.csv: $(OUT)/lexicon.txt $(OUT)/train.txt $(text_files) $(OUT)/runs.settings
	pipelines/coherence measure -l $< -x $(OUT)/train.txt $(call named,$(texts),txt) > $@

# --- the cross-entropy of each text under the masked model, at t_max: all stories as one sequence,
# window by window ---

masked_len = $(call says,$(MASKED),model.row_len: )
masked_level = $(call says,$(MASKED),schedule: .* to )
$(OUT)/%.masked.csv: $(OUT)/%.txt $(MASKED) $(OUT)/measure.settings
	tok -q --lines -w $(or $(VOCAB),$(MASKED)) $< | pack -q --join -T $(masked_len) | \
		noise -q -e $(MASKED_EPOCHS) -s 9 -t $(masked_level) --mask random | \
		denoise -q -m $(MASKED) --loss | \
		awk -v column=ce_nats -v name=masked_nats -f pipelines/mean.awk > $@

$(OUT)/masked.csv: $(texts:%=$(OUT)/%.masked.csv) $(OUT)/runs.settings
	$(call stack,text,masked_nats) $(call named,$(texts),masked.csv) > $@

# --- cross-entropy and squared error of the held-out rows, at evenly spread levels and at the
# lowest ---

$(OUT)/%/losses.csv: $(OUT)/%/model.safetensors $(OUT)/held-out.rows $(OUT)/measure.settings
	noise -e $(LOSS_EPOCHS) -s 7 $(OUT)/held-out.rows | denoise -m $< --loss -o $@

$(OUT)/%/lowest.csv: $(OUT)/%/model.safetensors $(OUT)/held-out.rows $(OUT)/measure.settings
	noise -u 0 -s 8 $(OUT)/held-out.rows | denoise -m $< --loss -o $@

# The mean cross-entropy over ln t and over the schedule, and the likelihood bound of cdcd-csv(5).
$(OUT)/%/bound.csv: pipelines/bound.awk $(OUT)/%/losses.csv $(OUT)/%/lowest.csv
	$(call bound,$(OUT)/$*/model.safetensors,$(OUT)/$*/lowest.csv,$(OUT)/$*/losses.csv) > $@

$(OUT)/%/ce.csv: pipelines/levels.awk $(OUT)/%/losses.csv
	awk -f pipelines/levels.awk $(OUT)/$*/losses.csv > $@

$(OUT)/ce.csv: $(LOSS_RUNS:%=$(OUT)/%/ce.csv) $(OUT)/runs.settings
	$(call stack,run,t$(comma)ce_nats) $(foreach r,$(LOSS_RUNS),$r=$(OUT)/$r/ce.csv) > $@

about_ce = Held-out cross-entropy by noise level. Lower is better.
$(OUT)/ce.png: $(OUT)/ce.csv
	plotcsv -x t -y ce_nats -g run --log-x --title 'Held-out rows' --xlabel 'noise level t' \
		--ylabel 'cross-entropy, nats a token' -o $@ $<

# --- nats per held-out story: exact for the grammar and the n-gram models, a bound for the runs ---

$(OUT)/held-out.entropy.csv: $(GRAMMAR) $(OUT)/runs.settings
	pipelines/stories entropy -g $(GRAMMAR) | \
		awk -v column=entropy_nats -v name=held_out_nats -v format=%.9g \
		-f pipelines/mean.awk > $@

$(OUT)/%-gram.score.csv: $(OUT)/train.txt $(OUT)/held-out.txt
	pipelines/ngram score -k $* -j $(OUT)/train.txt $(OUT)/held-out.txt | \
		awk -v column=nats -v name=held_out_nats -f pipelines/mean.awk > $@

$(OUT)/autoregressive.score.csv: $(AUTOREGRESSIVE) $(OUT)/held-out.rows
	pack --ids $(OUT)/held-out.rows | $(autoregressive) score -m $< /dev/stdin | \
		awk -v column=nats -v name=held_out_nats -f pipelines/mean.awk > $@

bounds = held_out_nats,ce_nats,ce_schedule_nats,bound_token_nats,bound_token_error
likelihoods = $(if $(GRAMMAR),held-out=$(OUT)/held-out.entropy.csv) \
	$(foreach k,$(ORDERS),$k-gram=$(OUT)/$k-gram.score.csv) \
	$(if $(AUTOREGRESSIVE),autoregressive=$(OUT)/autoregressive.score.csv) \
	$(foreach r,$(LOSS_RUNS),$r=$(OUT)/$r/bound.csv)

$(OUT)/likelihood.csv: $(filter $(OUT)/%,$(subst =, ,$(likelihoods))) $(OUT)/held-out.rows \
		$(OUT)/runs.settings
	{ pack --info $(OUT)/held-out.rows && pack --ids $(OUT)/held-out.rows && \
		$(call stack,text,$(bounds)) $(likelihoods); } | \
		awk -f pipelines/token_nats.awk > $@

# --- the table ---

tables = $(OUT)/measures.csv $(if $(MASKED),$(OUT)/masked.csv) $(OUT)/likelihood.csv \
	$(if $(GRAMMAR),$(OUT)/grammar.csv,$(OUT)/coherence.csv)

$(OUT)/table.csv: $(tables) | pipelines/table.awk
	awk -v join=1 -f pipelines/table.awk $(tables) > $@

$(OUT)/table.txt: $(OUT)/table.csv
	awk -f pipelines/table.awk $< > $@

# The columns and rows of the tables, and of losses.csv and lowest.csv.
$(call settings,runs,$(RUNS) / $(LOSS_RUNS) / $(REFERENCES) / $(ORDERS) / $(GRAMMAR) / $(MASKED) / \
	$(AUTOREGRESSIVE))
$(call settings,measure,$(JUDGE_ORDER) $(LOSS_EPOCHS) $(MASKED) $(MASKED_EPOCHS) / \
	t u ce_nats squared_error targets)
