# The embedded experiment: little stories of a known grammar, from nothing to generated text whose
# grammar and consistency are measured exactly. Run by "make demo", or on its own, with any of the
# settings below changed:
#
#   make -f pipelines/demo.mk STEPS=500 OUT=out/quick
#
# Every command is shown; with build/bin on the PATH all of them can be typed. What is up to date
# is not made again.

# The stories
GRAMMAR = pipelines/stories.grammar
N_TRAIN = 20000
N_VALID = 500
SEED = 1
T = 72
# The model and its training
PRESET = tiny
STEPS = 10000
BATCH = 32
LR = 3e-3
TRAIN_OPTIONS =
MASK = mixed
VALID_EVERY = 250
FAMILY = cauchy
FIT_EVERY = 250
FIT_ROWS = 20000
# What is generated
SAMPLES = 1000
SAMPLER = euler
SAMPLE_STEPS = 100
# Of the score: below 1, what the model is unsure of is drawn towards the likeliest.
TEMPERATURE = 0.8
DENOISE_OPTIONS =

BIN = build/bin
OUT = out/demo

# Rows for all steps, in epochs of N_TRAIN, rounded up.
EPOCHS = $(shell echo $$(( ($(STEPS) * $(BATCH) + $(N_TRAIN) - 1) / $(N_TRAIN) )))

include pipelines/common.mk

PICTURES = $(OUT)/entropy.png $(OUT)/schedules.png $(OUT)/loss.png

show: $(OUT)/summary.csv $(OUT)/entropy.csv $(PICTURES)
	@printf '\n%s\n\n' 'Eight stories, not picked, that the model wrote:'
	@head -n 8 $(OUT)/samples.txt | sed G | fold -s -w 76 | sed 's/^./    &/; s/ *$$//'
	@awk -F, 'NR == 2 { printf "Of %d stories %.1f %% are grammatical and %.1f %% consistent from the first\nsentence to the last; %d appear twice, %d are in the training text.\n", $$1, 100 * $$2, 100 * $$3, $$4, $$5 }' $(OUT)/summary.csv
	@printf '\nPictures: %s\n          %s\n          %s\n' $(PICTURES)

include pipelines/stories.mk

# --- training: the logs, loss.csv and steps.csv, come with the model. Interrupted, train saves what
# there is, which is not the model: hence another name until the end ---

$(OUT)/model.safetensors: $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings
	noise -e $(EPOCHS) -s $(SEED) --mask $(MASK) $(OUT)/train.rows | train -x $(PRESET) -n $(STEPS) -B $(BATCH) --lr $(LR) --schedule $(FAMILY) $(TRAIN_OPTIONS) --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) -l $(OUT)/steps.csv -f -o $@.new > $(OUT)/loss.csv && mv $@.new $@

TRAINED = $(OUT)/model.safetensors
include pipelines/pictures.mk

# --- new stories ---

$(OUT)/samples.rows: $(OUT)/model.safetensors $(OUT)/sample.settings
	denoise -m $(OUT)/model.safetensors -n $(SAMPLES) -s $(SEED) --sampler $(SAMPLER) --steps $(SAMPLE_STEPS) $(if $(filter 2m,$(SAMPLER)),,--temperature $(TEMPERATURE)) $(DENOISE_OPTIONS) -o $@

$(OUT)/samples.txt: $(OUT)/samples.rows
	tok -d -w $(OUT)/vocab.txt $(OUT)/samples.rows > $@

$(OUT)/check.csv: $(OUT)/samples.txt
	pipelines/stories check -g $(GRAMMAR) $(OUT)/samples.txt > $@

$(OUT)/summary.csv: $(OUT)/samples.txt $(OUT)/check.csv
	pipelines/stories summary -g $(GRAMMAR) -x $(OUT)/train.jsonl $(OUT)/samples.txt > $@

# --- settings: what is made of them is made again when they change ---

TRAIN_SETTINGS = $(PRESET) $(STEPS) $(BATCH) $(LR) $(TRAIN_OPTIONS) $(MASK) $(VALID_EVERY) $(FAMILY)
SAMPLE_SETTINGS = $(SAMPLES) $(SAMPLER) $(SAMPLE_STEPS) $(TEMPERATURE) $(DENOISE_OPTIONS)

$(call settings,train,$(TRAIN_SETTINGS))
$(call settings,sample,$(SAMPLE_SETTINGS))
$(call settings,fit,$(FAMILY) $(FIT_EVERY) $(FIT_ROWS))
