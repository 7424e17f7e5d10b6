# The embedded experiment: generates short stories from a known grammar, trains a model on them,
# generates stories with the model, and measures their grammar and consistency exactly. "make demo"
# runs it. To change the settings below, run it directly:
#
#   make -f pipelines/demo.mk STEPS=500 OUT=out/quick
#
# After an interruption, the same command continues from the last checkpoint.
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
STEPS = 5000
BATCH = 32
LR = 3e-3
TRAIN_OPTIONS =
MASK = mixed
# Percentage of the steps, from the first on, in which nothing is given, whatever MASK is
ALL_FIRST = 0
VALID_EVERY = 250
SAVE_EVERY = 500
SHOW_EVERY = 1250
FAMILY = logistic
FIT_EVERY = 250
FIT_ROWS = 20000
# Sampling
SAMPLES = 1000
SAMPLER = euler
SAMPLE_STEPS = 100
# Score temperature: below 1, uncertain tokens are drawn towards the most probable ones.
TEMPERATURE = 0.8
# Weight of what the other words of a story say: denoise --context-guidance
CONTEXT = 1.3
# Rounds in which improbable halves of the stories are generated anew.
REFINE = 16
DENOISE_OPTIONS =

BIN = build/bin
OUT = out/demo

# Rows for all steps, in epochs of N_TRAIN, rounded up.
EPOCHS = $(shell echo $$(( ($(STEPS) * $(BATCH) + $(N_TRAIN) - 1) / $(N_TRAIN) )))

vocab = $(OUT)/vocab.txt

include pipelines/common.mk
include pipelines/stories.mk
include pipelines/model.mk

show: $(OUT)/summary.csv $(OUT)/entropy.csv $(PICTURES) $(PAGE)
	@printf '\n%s\n\n' 'Eight stories, not picked, that the model wrote:'
	@head -n 8 $(OUT)/samples.txt | $(indented)
	@awk -f pipelines/summary.awk $(OUT)/summary.csv
	@echo; $(call pictures,$(PICTURES))
	@echo '$(PAGE): all of this on one page. Open it in a browser.'

$(PAGE): $(OUT)/summary.csv

# The picture in README.md: make -f pipelines/demo.mk pipelines/entropy.png
pipelines/entropy.png: $(OUT)/curves.csv
	plotcsv -x t -y f_nats -g step --log-x --size 800x420 \
		--ylim 0: --title 'Entropy by noise level, after each 250 steps' \
		--xlabel 'noise level t' --ylabel 'F(t), nats a token' -o $@ $<

# The animation in README.md: make -f pipelines/demo.mk pipelines/story.svg
pipelines/story.svg: $(OUT)/story.svg
	cp $< $@

# --- the check of the new stories ---

$(OUT)/check.csv: $(OUT)/samples.txt
	pipelines/stories check -g $(GRAMMAR) $(OUT)/samples.txt > $@

$(OUT)/summary.csv: $(OUT)/samples.txt $(OUT)/check.csv
	pipelines/stories summary -g $(GRAMMAR) -x $(OUT)/train.jsonl $(OUT)/samples.txt > $@
