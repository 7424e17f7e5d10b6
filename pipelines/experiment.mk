# Common part of the experiments, included by them. Each run in $(RUNS) trains one model on stories
# of a known grammar, with the same number of steps. The name of a run is KIND.SEED; $(call
# options,RUN) gives its options for train, $(call mask,RUN) its mask for noise, $(call batch,RUN)
# and $(call lr,RUN) its batch size and learning rate, if they are not $(BATCH) and $(LR). All
# models are measured as in eval.mk. After an interruption, the same command continues from the last
# checkpoint.
#
# table.csv          a row per run
# kinds.csv          mean and standard deviation over the seeds
# learning.csv, .png held-out cross-entropy during training
# ce.csv, .png       held-out cross-entropy over t, at the end of training
# cost.csv           table.csv with the processor time, and what the name of the run says: $(call
#                    said,RUN), in the columns $(said_columns); only if one of $(EXTRAS) needs it
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
SEEDS ?= 1 2 3
PRESET = tiny
STEPS ?= 2000
BATCH ?= 32
LR ?= 3e-3
MASK = mixed
TRAIN_OPTIONS =
VALID_EVERY ?= 100
SAVE_EVERY = 500
DENOISE_OPTIONS = --steps 100

BIN = build/bin

kind = $(basename $1)
seed = $(patsubst .%,%,$(suffix $1))
batch ?= $(BATCH)
lr ?= $(LR)
# Settings of all runs. Those in the names of runs need not be among them.
common_settings ?= $(BATCH) $(LR)
epochs = $(shell echo $$(( ($(STEPS) * $(call batch,$1) + $(N_TRAIN) - 1) / $(N_TRAIN) )))
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

noised = noise -e $(call epochs,$1) -s $(call seed,$1) --mask $(or $(call mask,$1),$(MASK)) \
	$(OUT)/train.rows
logs = --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) --save-every $(SAVE_EVERY) \
	-l $(OUT)/$1/steps.csv --loss-log $(OUT)/$1/loss.csv
fresh = rm -f $(OUT)/$1/times; train -x $(PRESET) -n $(STEPS) -B $(call batch,$1) \
	--lr $(call lr,$1) -s $(call seed,$1) $(TRAIN_OPTIONS) $(call options,$1) $(logs) -f \
	-o $(OUT)/$1/model.safetensors.new
resumed = train -r $(OUT)/$1/model.safetensors.new $(TRAIN_OPTIONS) $(call options,$1) $(logs)

$(OUT)/%/model.safetensors: $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings
	@mkdir -p $(@D)
	$(call noised,$*) | { trap : INT TERM; \
		$(if $(call left,$@.new),$(call resumed,$*),$(call fresh,$*)); \
		status=$$?; times >> $(OUT)/$*/times; exit $$status; } && mv $@.new $@

# The processor time of train: user and system, of the second line of each output of times.
$(OUT)/%/cost.csv: pipelines/cost.awk $(OUT)/%/model.safetensors
	awk -f pipelines/cost.awk $(OUT)/$*/times > $@

$(OUT)/costs.csv: $(RUNS:%=$(OUT)/%/cost.csv) $(OUT)/runs.settings
	$(call stack,$(said_columns),processor_s) \
		$(foreach r,$(RUNS),$(call said,$r)=$(OUT)/$r/cost.csv) > $@

$(OUT)/cost.csv: $(OUT)/costs.csv $(OUT)/table.csv | pipelines/table.awk
	awk -v join=1 -f pipelines/table.awk $^ > $@

$(OUT)/%/learning.csv: pipelines/validations.awk $(OUT)/%/model.safetensors
	awk -f $< $(OUT)/$*/steps.csv > $@

label = $1$(comma)$(call kind,$1)$(comma)$(call seed,$1)
$(OUT)/learning.csv: $(RUNS:%=$(OUT)/%/learning.csv) $(OUT)/runs.settings
	$(call stack,run$(comma)kind$(comma)seed,step$(comma)valid_nats) \
		$(foreach r,$(RUNS),$(call label,$r)=$(OUT)/$r/learning.csv) > $@

about_learning = Held-out cross-entropy during training: mean and standard deviation over the \
	seeds. Lower is better.
$(OUT)/learning.png: $(OUT)/learning.csv
	plotcsv -x step -y valid_nats -g kind --by step --log-y --title 'Learning' \
		--ylabel 'held-out cross-entropy, nats a token' -o $@ $<

$(OUT)/kinds.csv: $(OUT)/table.csv pipelines/kinds.awk
	awk -F, -v runs='$(RUNS)' -f pipelines/kinds.awk $< > $@

$(call settings,texts,$(HELD) $(N_JUDGE) $(SEED) $(GRAMMAR))
$(call settings,train,$(PRESET) $(STEPS) $(common_settings) $(MASK) $(TRAIN_OPTIONS) \
	$(VALID_EVERY) $(SETTINGS))
$(call settings,sample,$(SEED) $(DENOISE_OPTIONS))
