# The embedded experiment: generates short stories from a known grammar, trains a model on them,
# generates stories with the model, and measures their grammar and consistency exactly. "make demo"
# runs it. To change the settings below, run it directly:
#
#   make -f pipelines/demo.mk STEPS=500 OUT=out/quick
#
# make prints every command. With build/bin in PATH, you can run them by hand. Files that are up to
# date are not made again.

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
# Sampling
SAMPLES = 1000
SAMPLER = euler
SAMPLE_STEPS = 100
# Score temperature: below 1, uncertain tokens are drawn towards the most probable ones.
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
	@awk -f pipelines/summary.awk $(OUT)/summary.csv
	@printf '\nPictures: %s\n          %s\n          %s\n' $(PICTURES)

include pipelines/stories.mk

# --- training: also writes the logs loss.csv and steps.csv. An interrupted train saves a
# checkpoint, which must not be taken for the finished model: it gets its final name at the end ---

noised = noise -e $(EPOCHS) -s $(SEED) --mask $(MASK) $(OUT)/train.rows
train = train -x $(PRESET) -n $(STEPS) -B $(BATCH) --lr $(LR) --schedule $(FAMILY) \
	$(TRAIN_OPTIONS) --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) \
	-l $(OUT)/steps.csv -f

$(OUT)/model.safetensors: $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings
	$(noised) | $(train) -o $@.new > $(OUT)/loss.csv && mv $@.new $@

TRAINED = $(OUT)/model.safetensors
include pipelines/pictures.mk

# The picture in README.md: make -f pipelines/demo.mk pipelines/entropy.png
pipelines/entropy.png: $(OUT)/curves.csv
	plotcsv -x t -y f_nats -g step --log-x --size 800x420 \
		--title 'Entropy by noise level, after each 250 steps' \
		--xlabel 'noise level t' --ylabel 'F(t), nats a token' -o $@ $<

# --- new stories ---

# The sampler 2m takes no temperature.
denoise = denoise -m $(OUT)/model.safetensors -n $(SAMPLES) -s $(SEED) --sampler $(SAMPLER) \
	--steps $(SAMPLE_STEPS) $(if $(filter 2m,$(SAMPLER)),,--temperature $(TEMPERATURE)) \
	$(DENOISE_OPTIONS)

$(OUT)/samples.rows: $(OUT)/model.safetensors $(OUT)/sample.settings
	$(denoise) -o $@

$(OUT)/samples.txt: $(OUT)/samples.rows
	tok -d -w $(OUT)/vocab.txt $(OUT)/samples.rows > $@

$(OUT)/check.csv: $(OUT)/samples.txt
	pipelines/stories check -g $(GRAMMAR) $(OUT)/samples.txt > $@

$(OUT)/summary.csv: $(OUT)/samples.txt $(OUT)/check.csv
	pipelines/stories summary -g $(GRAMMAR) -x $(OUT)/train.jsonl $(OUT)/samples.txt > $@

# --- settings: if they change, the targets that depend on them are made again ---

TRAIN_SETTINGS = $(PRESET) $(STEPS) $(BATCH) $(LR) $(TRAIN_OPTIONS) $(MASK) $(VALID_EVERY) $(FAMILY)
SAMPLE_SETTINGS = $(SAMPLES) $(SAMPLER) $(SAMPLE_STEPS) $(TEMPERATURE) $(DENOISE_OPTIONS)

$(call settings,train,$(TRAIN_SETTINGS))
$(call settings,sample,$(SAMPLE_SETTINGS))
$(call settings,fit,$(FAMILY) $(FIT_EVERY) $(FIT_ROWS))
