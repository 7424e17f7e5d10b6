# Common part of the experiments, included by them. Each run in $(RUNS) trains one model on stories
# of a known grammar, with the same number of steps. The name of a run is KIND.SEED; $(call
# options,RUN) gives its options for train, and $(call mask,RUN) its mask for noise. All models are
# measured as in eval.mk.
#
# table.csv          a row per run
# kinds.csv          mean and standard deviation over the seeds
# learning.csv, .png held-out cross-entropy during training
# ce.csv, .png       held-out cross-entropy over t, at the end of training
#
# The default settings are for real results. This checks in seconds that an experiment works:
# STEPS=20 N_TRAIN=400 N_VALID=40 HELD=16 N_JUDGE=400 SEEDS=1

GRAMMAR = pipelines/stories.grammar
N_TRAIN = 20000
N_VALID = 500
HELD = 256
N_JUDGE = 20000
T = 72
SEED = 1
SEEDS = 1 2 3
PRESET = tiny
STEPS = 2000
BATCH = 32
LR = 3e-3
MASK = mixed
TRAIN_OPTIONS =
VALID_EVERY = 100
DENOISE_OPTIONS = --steps 100

BIN = build/bin

kind = $(basename $1)
seed = $(patsubst .%,%,$(suffix $1))
EPOCHS = $(shell echo $$(( ($(STEPS) * $(BATCH) + $(N_TRAIN) - 1) / $(N_TRAIN) )))
sampling = $(DENOISE_OPTIONS)
PICTURES = $(OUT)/learning.png $(OUT)/ce.png $(filter %.png,$(EXTRAS))
TABLES = $(OUT)/table.csv $(OUT)/kinds.csv $(filter %.csv,$(EXTRAS))

show: $(OUT)/kinds.csv $(OUT)/table.txt $(PICTURES) $(EXTRAS)
	@printf '\n%s\n\n' 'Mean and standard deviation over the seeds:'
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/kinds.csv
	@printf '\n%s' $(TABLES:%='Table: %'); echo
	@$(call pictures,$(PICTURES))

include pipelines/common.mk
include pipelines/stories.mk
include pipelines/measure.mk

$(OUT)/train.txt: $(OUT)/train.rows
	tok -d $< > $@

$(OUT)/held-out.rows: $(OUT)/valid.rows $(OUT)/texts.settings
	pack -q --take 0:$(HELD) -o $@ $<

$(OUT)/held-out.txt: $(OUT)/held-out.rows
	tok -d $< > $@

$(OUT)/judge.txt: $(GRAMMAR) $(OUT)/train.jsonl $(OUT)/texts.settings
	pipelines/stories generate -g $(GRAMMAR) -n $(N_JUDGE) -s $$(($(SEED) + 1000)) \
		-x $(OUT)/train.jsonl > $@

noised = noise -e $(EPOCHS) -s $(call seed,$1) --mask $(or $(call mask,$1),$(MASK)) \
	$(OUT)/train.rows
train = train -x $(PRESET) -n $(STEPS) -B $(BATCH) --lr $(LR) -s $(call seed,$1) $(TRAIN_OPTIONS) \
	$(call options,$1) --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) \
	-l $(OUT)/$1/steps.csv -f

$(OUT)/%/model.safetensors: $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings
	@mkdir -p $(@D)
	$(call noised,$*) | { $(call train,$*) -o $@.new > $(OUT)/$*/loss.csv && \
		times > $(OUT)/$*/times; } && mv $@.new $@

# The processor time of train: user and system, of the second line of the output of times.
$(OUT)/%/cost.csv: pipelines/cost.awk $(OUT)/%/model.safetensors
	awk -f pipelines/cost.awk $(OUT)/$*/times > $@

# The mean of each validation.
$(OUT)/%/learning.csv: pipelines/validation.awk $(OUT)/%/model.safetensors
	awk -f pipelines/validation.awk $(OUT)/$*/loss.csv > $@

label = $1$(comma)$(call kind,$1)$(comma)$(call seed,$1)
$(OUT)/learning.csv: $(RUNS:%=$(OUT)/%/learning.csv) $(OUT)/runs.settings
	$(call stack,run$(comma)kind$(comma)seed,step$(comma)held_out_nats) \
		$(foreach r,$(RUNS),$(call label,$r)=$(OUT)/$r/learning.csv) > $@

about_learning = Held-out cross-entropy during training: mean and standard deviation over the \
	seeds. Lower is better.
$(OUT)/learning.png: $(OUT)/learning.csv
	plotcsv -x step -y held_out_nats -g kind --by step --log-y --title 'Learning' \
		--ylabel 'held-out cross-entropy, nats a token' -o $@ $<

$(OUT)/kinds.csv: $(OUT)/table.csv pipelines/kinds.awk
	awk -F, -v runs='$(RUNS)' -f pipelines/kinds.awk $< > $@

$(call settings,texts,$(HELD) $(N_JUDGE) $(SEED) $(GRAMMAR))
$(call settings,train,$(PRESET) $(STEPS) $(BATCH) $(LR) $(MASK) $(TRAIN_OPTIONS) $(VALID_EVERY) \
	$(SETTINGS))
$(call settings,sample,$(SEED) $(DENOISE_OPTIONS))
