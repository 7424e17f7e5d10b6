# Trains a masked model, the second judge of eval.mk:
# make -f pipelines/masked.mk STORIES=... VALID=... VOCAB=...
#
# It is trained with the same tools as other models, but at a single noise level, t_max, at which a
# noised position shows nothing of its id. It learns to predict the masked words of a text from the
# given ones. noise --mask random masks 1 to T positions, each number with equal probability, so the
# mean cross-entropy is the bound of an order-agnostic autoregressive model (Hoogeboom et al. 2021,
# arXiv:2110.02037).
#
# After an interruption, the same command continues from the last checkpoint.
#
# STORIES must be text that the models to be judged have not seen. The model reads windows of T ids
# from all stories of a text as one sequence, so that story length does not influence the score.

STORIES =
VALID =
VOCAB =
T = 64
STRIDE = 16
T_MAX = 100
SEED = 1
PRESET = tiny
STEPS = 6000
BATCH = 64
TRAIN_OPTIONS =
EPOCHS = 100
VALID_ROWS = 1000
VALID_EVERY = 250
SAVE_EVERY = 250

BIN = build/bin
OUT = out/masked
MODEL = $(OUT)/model.safetensors

show: $(OUT)/learning.csv
	@printf '\n%s\n\n' 'Held-out cross-entropy, nats a token, by the step:'
	@awk -v rows=1 -f pipelines/table.awk $<
	@printf '\n%s\n' 'Model: $(MODEL)'

include pipelines/common.mk

ifneq ($(words $(STORIES) $(VALID) $(VOCAB)),3)
$(error say STORIES=, VALID= and VOCAB=)
endif

$(eval $(call strict,$(OUT)/train.rows $(OUT)/valid.rows))

$(OUT)/train.rows: $(STORIES) $(VOCAB) $(OUT)/rows.settings
	$(call reader,$(STORIES),$(VOCAB)) | pack -T $(T) --join --stride $(STRIDE) -o $@

$(OUT)/valid.rows: $(VALID) $(VOCAB) $(OUT)/rows.settings
	$(call reader,$(VALID),$(VOCAB)) | pack -T $(T) --join -o $@

noise = noise -t $(T_MAX) --mask random

$(OUT)/valid.noised: $(OUT)/valid.rows $(OUT)/valid.settings
	$(noise) -s 7 --limit $(VALID_ROWS) -o $@ $<

logs = --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) --save-every $(SAVE_EVERY) \
	-l $(OUT)/steps.csv --loss-log $(OUT)/loss.csv
fresh = train -x $(PRESET) -n $(STEPS) -B $(BATCH) --t-max $(T_MAX) --refit-every 0 --self-cond 0 \
	--pad-loss off $(TRAIN_OPTIONS) $(logs) -f -o $(MODEL).new
resumed = train -r $(MODEL).new $(TRAIN_OPTIONS) $(logs)

$(MODEL): $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings
	$(noise) -e $(EPOCHS) -s $(SEED) $(OUT)/train.rows | \
		$(if $(call left,$@.new),$(resumed),$(fresh)) && mv $@.new $@

$(OUT)/learning.csv: pipelines/validations.awk $(MODEL)
	awk -f $< $(OUT)/steps.csv > $@

$(call settings,rows,$(T) $(STRIDE) $(STORIES) $(VALID) $(VOCAB))
$(call settings,valid,$(T_MAX) $(VALID_ROWS))
$(call settings,train,$(T_MAX) $(SEED) $(PRESET) $(STEPS) $(BATCH) $(EPOCHS) $(VALID_EVERY) \
	$(TRAIN_OPTIONS))
