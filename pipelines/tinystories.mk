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
LR =
TRAIN_OPTIONS =
# In the first ALL_FIRST per cent of the steps, nothing is given: the model learns soonest to write
# whole rows. Then it learns to complete given ones, and from them to repeat names.
MASK = mixed
ALL_FIRST = 50
VALID_ROWS = 512
VALID_EVERY = 1000
SAVE_EVERY = 500
SHOW_EVERY = 5000
FAMILY = logistic
FIT_EVERY = 2000
FIT_ROWS = 20000
EPOCHS = 100
# Sampling
SAMPLES = 64
SAMPLER = exp
SAMPLE_STEPS = 200
TEMPERATURE =
# Weight of what the other words of a story say: denoise --context-guidance
CONTEXT = 1.3
REFINE = 0
DENOISE_OPTIONS =

BIN = build/bin
OUT = out/tinystories

include pipelines/common.mk

DATA = $(OUT)/data
train_text = $(or $(STORIES),$(DATA)/$(notdir $(STORIES_URL)))
valid_text = $(or $(VALID),$(DATA)/$(notdir $(VALID_URL)))
vocab = $(or $(VOCAB),$(DATA)/vocab.txt)
include pipelines/model.mk

show: $(OUT)/samples.txt $(PICTURES) $(PAGE)
	@printf '\n%s\n\n' 'Ten stories, not picked, that the model wrote:'
	@head -n 10 $(OUT)/samples.txt | $(indented)
	@printf 'All of them: %s\n' $(OUT)/samples.txt
	@$(call pictures,$(PICTURES))
	@echo '$(PAGE): all of this on one page. Open it in a browser.'

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

# --- settings: if they change, the targets that depend on them are made again ---

ROWS_SETTINGS = $(T) $(train_text) $(valid_text) $(vocab)
$(call settings,rows,$(ROWS_SETTINGS))
$(call settings,valid,$(VALID_ROWS))
