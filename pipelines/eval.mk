# Measures a checkpoint in every available way, and makes one table:
# make -f pipelines/eval.mk MODEL=...
#
# For models that demo.mk made, with any grammar, the other inputs are found beside the model. For
# other models:
#
#   make -f pipelines/eval.mk MODEL=out/tinystories/model.safetensors GRAMMAR= \
#       TRAIN=train.jsonl.zst VALID=valid.jsonl.zst
#
# A checkpoint of an earlier version, which contains no vocabulary, needs VOCAB=vocab.txt too.
#
# The first HELD stories of VALID are the held-out text. The judge is a 5-gram model of the stories
# after them (or of JUDGE), which the measured model must not have seen. With GRAMMAR, the judge's
# text is generated. MASKED is the checkpoint of a masked model of other text (masked.mk): a second
# judge. AUTOREGRESSIVE is a checkpoint that autoregressive.mk trained on the rows of the model: one
# more text. Without GRAMMAR, the coherence of all texts is measured; TRAIN must have its capital
# letters for that.

MODEL = out/demo/model.safetensors
GRAMMAR = pipelines/stories.grammar
TRAIN = $(dir $(MODEL))train.jsonl
VALID = $(dir $(MODEL))valid.jsonl
VOCAB = $(MODEL)
JUDGE = $(VALID)
# Number of stories: held out, and sampled; for the judge; of the training text, at most (awk holds
# its n-grams in memory)
HELD = 256
N_JUDGE = 20000
N_TRAIN = 20000
SEED = 1
DENOISE_OPTIONS =

BIN = build/bin

# sampling.mk defines its own RUNS.
ifndef RUNS
OUT = $(basename $(MODEL))-eval
RUNS = model
sampling = $(DENOISE_OPTIONS)

show: $(OUT)/table.txt $(OUT)/model/ce.csv $(OUT)/ce.png
	@echo
	@cat $(OUT)/table.txt
	@printf '\n%s\n\n' 'Held-out cross-entropy, nats a token, by the level of noise:'
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/model/ce.csv
	@printf '\n%s\n' 'Table: $(OUT)/table.csv'
	@$(call pictures,$(OUT)/ce.png)
endif

include pipelines/common.mk
include pipelines/measure.mk

$(RUNS:%=$(OUT)/%/model.safetensors): $(MODEL) $(OUT)/inputs.settings
	@mkdir -p $(@D)
	ln -sf $(abspath $(MODEL)) $@

# Compare the time of the link too, not only that of the checkpoint, which may be older than the
# settings.
MAKEFLAGS += --check-symlink-times

# All texts are converted to rows of the model and back, so that all are cut and spelt like its
# samples.
row_len = $(call says,$(MODEL),model.row_len: )
rows_of = $(call reader,$1,$(VOCAB),-q) | pack -q -T $(row_len)

$(OUT)/train.rows: $(TRAIN) $(MODEL) $(VOCAB)
	$(call rows_of,$(TRAIN)) -o $@

$(OUT)/valid.rows: $(VALID) $(MODEL) $(VOCAB)
	$(call rows_of,$(VALID)) -o $@

$(OUT)/train.txt: $(OUT)/train.rows $(OUT)/texts.settings
	pack -q --take 0:$(N_TRAIN) $< | tok -d > $@

$(OUT)/held-out.rows: $(OUT)/valid.rows $(OUT)/texts.settings
	pack -q --take 0:$(HELD) -o $@ $<

$(OUT)/held-out.txt: $(OUT)/held-out.rows
	tok -d $< > $@

ifneq ($(GRAMMAR),)
$(OUT)/judge.jsonl: $(GRAMMAR) $(TRAIN) $(OUT)/texts.settings $(OUT)/inputs.settings
	pipelines/stories generate -g $(GRAMMAR) -n $(N_JUDGE) -s $$(($(SEED) + 1000)) \
		-x $(TRAIN) > $@

$(OUT)/judge.rows: $(OUT)/judge.jsonl $(MODEL) $(VOCAB)
	$(call rows_of,$(OUT)/judge.jsonl) -o $@

judged = 0:$(N_JUDGE)
else
$(OUT)/judge.rows: $(JUDGE) $(MODEL) $(VOCAB)
	$(call rows_of,$(JUDGE)) -o $@

passed = $(if $(filter $(VALID),$(JUDGE)),$(HELD),0)
judged = $(passed):$$(($(passed) + $(N_JUDGE)))
endif

$(OUT)/judge.txt: $(OUT)/judge.rows $(OUT)/texts.settings
	pack -q --take $(judged) $< | tok -d > $@

# A file named on the command line may be older than targets that were made from another file.
$(OUT)/train.rows $(OUT)/valid.rows $(OUT)/judge.rows: $(OUT)/inputs.settings

$(eval $(call strict,$(OUT)/train.rows $(OUT)/valid.rows $(OUT)/judge.rows))

$(call settings,inputs,$(abspath $(MODEL) $(TRAIN) $(VALID) $(JUDGE) $(VOCAB)) $(GRAMMAR))
$(call settings,texts,$(HELD) $(N_JUDGE) $(N_TRAIN) $(SEED))
$(call settings,sample,$(SEED) $(DENOISE_OPTIONS) $(SETTINGS))
