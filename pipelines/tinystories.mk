# Trains on TinyStories with the vocabulary of BERT (uncased). With files from disk:
#
#   make -f pipelines/tinystories.mk STORIES=train.jsonl.zst VALID=valid.jsonl.zst VOCAB=vocab.txt
#
# Each of the three that is not given is downloaded into $(OUT)/data: 2.2 GB, resumable. Files are
# JSON lines or plain text with <|endoftext|> between stories (.txt), compressed with zstd (.zst) or
# not.
#
# After an interruption, the same command continues from the last checkpoint. With other settings or
# stories, it starts a new training, and renames the old checkpoint to
# $(OUT)/model.safetensors.before.

STORIES =
VALID =
VOCAB =

# Addresses for downloads. The hash of the vocabulary is known. Those of the stories are recorded at
# the first download, and later downloads must match them; or set them here.
HUB = https://huggingface.co
STORIES_URL = $(HUB)/datasets/roneneldan/TinyStories/resolve/main/TinyStoriesV2-GPT4-train.txt
STORIES_SHA256 =
VALID_URL = $(HUB)/datasets/roneneldan/TinyStories/resolve/main/TinyStoriesV2-GPT4-valid.txt
VALID_SHA256 =
VOCAB_URL = $(HUB)/google-bert/bert-base-uncased/resolve/main/vocab.txt
VOCAB_SHA256 = 07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3

# Rows, model and training
T = 64
SEED = 1
PRESET = small
STEPS = 40000
BATCH = 64
TRAIN_OPTIONS =
MASK = all
VALID_ROWS = 512
VALID_EVERY = 1000
SAVE_EVERY = 500
FAMILY = cauchy
FIT_EVERY = 2000
FIT_ROWS = 20000
EPOCHS = 100
# Sampling
SAMPLES = 64
SAMPLER = exp
SAMPLE_STEPS = 200
DENOISE_OPTIONS =

BIN = build/bin
OUT = out/tinystories

include pipelines/common.mk

DATA = $(OUT)/data
train_text = $(or $(STORIES),$(DATA)/$(notdir $(STORIES_URL)))
valid_text = $(or $(VALID),$(DATA)/$(notdir $(VALID_URL)))
vocab = $(or $(VOCAB),$(DATA)/vocab.txt)
MODEL = $(OUT)/model.safetensors
PICTURES = $(OUT)/entropy.png $(OUT)/schedules.png $(OUT)/loss.png

show: $(OUT)/samples.txt $(PICTURES)
	@printf '\n%s\n\n' 'Ten stories, not picked, that the model wrote:'
	@head -n 10 $(OUT)/samples.txt | sed G | fold -s -w 76 | sed 's/^./    &/; s/ *$$//'
	@printf 'All of them: %s\n' $(OUT)/samples.txt
	@printf 'Picture: %s\n' $(PICTURES)

# --- data ---

ifndef STORIES
$(train_text):
	@mkdir -p $(DATA)
	pipelines/fetch $(STORIES_URL) $@ $(STORIES_SHA256)
endif
ifndef VALID
$(valid_text):
	@mkdir -p $(DATA)
	pipelines/fetch $(VALID_URL) $@ $(VALID_SHA256)
endif
ifndef VOCAB
$(vocab):
	@mkdir -p $(DATA)
	pipelines/fetch $(VOCAB_URL) $@ $(VOCAB_SHA256)
endif

$(eval $(call strict,$(OUT)/train.rows $(OUT)/valid.rows))

$(OUT)/train.rows: $(train_text) $(vocab) $(OUT)/rows.settings
	$(call reader,$(train_text),$(vocab)) | pack -T $(T) -o $@

$(OUT)/valid.rows: $(valid_text) $(vocab) $(OUT)/rows.settings
	$(call reader,$(valid_text),$(vocab)) | pack -T $(T) -o $@

$(OUT)/valid.noised: $(OUT)/valid.rows $(OUT)/valid.settings
	noise -s 7 --limit $(VALID_ROWS) -o $@ $<

# --- training: continues a checkpoint of the same settings and rows, and renames any other. The
# settings and the checksum of the rows are recorded beside the checkpoint. EPOCHS, VALID_EVERY and
# SAVE_EVERY may change between resumptions ---

noised = noise -e $(EPOCHS) -s $(SEED) --mask $(MASK) $(OUT)/train.rows
logs = --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) --save-every $(SAVE_EVERY) \
	-l $(OUT)/steps.csv --loss-log $(OUT)/loss.csv
start = train -x $(PRESET) -n $(STEPS) -B $(BATCH) --schedule $(FAMILY) $(TRAIN_OPTIONS) $(logs) \
	-f -o $(MODEL)
resume = train -r $(MODEL) $(logs)

$(OUT)/trained: $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings
	@cksum < $(OUT)/train.rows | cat $(OUT)/train.settings - > $(MODEL).settings.new
	@set -e; if test -e $(MODEL) && cmp -s $(MODEL).settings.new $(MODEL).settings; then \
		set -x; $(noised) | $(resume); \
	else \
		if test -e $(MODEL); then \
			echo 'The checkpoint of other settings or rows is now $(MODEL).before'; \
			mv $(MODEL) $(MODEL).before; \
		fi; \
		mv $(MODEL).settings.new $(MODEL).settings; \
		set -x; $(noised) | $(start); \
	fi
	@rm -f $(MODEL).settings.new
	@touch $@

TRAINED = $(OUT)/trained
include pipelines/pictures.mk

# --- new stories ---

$(OUT)/samples.rows: $(OUT)/trained $(OUT)/sample.settings
	denoise -m $(MODEL) -n $(SAMPLES) -s $(SEED) --sampler $(SAMPLER) --steps $(SAMPLE_STEPS) \
		$(DENOISE_OPTIONS) -o $@

$(OUT)/samples.txt: $(OUT)/samples.rows
	tok -d -w $(vocab) $(OUT)/samples.rows > $@

# --- settings: if they change, the targets that depend on them are made again ---

ROWS_SETTINGS = $(T) $(train_text) $(valid_text) $(vocab)
TRAIN_SETTINGS = $(SEED) $(PRESET) $(STEPS) $(BATCH) $(TRAIN_OPTIONS) $(MASK) $(FAMILY)
SAMPLE_SETTINGS = $(SAMPLES) $(SAMPLER) $(SAMPLE_STEPS) $(DENOISE_OPTIONS)

$(call settings,rows,$(ROWS_SETTINGS))
$(call settings,valid,$(VALID_ROWS))
$(call settings,fit,$(FAMILY) $(FIT_EVERY) $(FIT_ROWS))
$(call settings,train,$(TRAIN_SETTINGS))
$(call settings,sample,$(SAMPLE_SETTINGS))
