# Trains a model on $(OUT)/train.rows, plots its logs and generates text with it; included. The
# settings are those of the model, of its training and of sampling in demo.mk. $(vocab) is the
# vocabulary. If LR is empty, the preset's is used; if TEMPERATURE or CONTEXT is empty, 1.
#
# After an interruption, the same command continues from the last checkpoint. The settings and the
# checksum of the rows are recorded beside the checkpoint. With other settings or rows, a new
# training starts, and the old checkpoint is renamed to $(MODEL).before. EPOCHS, VALID_EVERY,
# SAVE_EVERY and SHOW_EVERY may change between resumptions. If SNAPSHOTS is not empty, the
# checkpoints after each SHOW_EVERY steps are kept, as model-STEP.safetensors. NOISE_OPTIONS are
# further options of noise.

.DEFAULT_GOAL = show
MODEL = $(OUT)/model.safetensors
SNAPSHOTS =
NOISE_OPTIONS =
# A file that is newer than the model and the logs when the training has ended.
TRAINED = $(OUT)/trained

all_first = $(shell echo $$(($(ALL_FIRST) * $(STEPS) / 100 * $(BATCH))))
mask = --mask $(MASK) $(if $(filter-out all,$(MASK)),$(patsubst %,--all-first %,$(filter-out \
	0,$(all_first))))
noised = noise -e $(EPOCHS) -s $(SEED) $(mask) $(NOISE_OPTIONS) $(OUT)/train.rows
logs = --valid $(OUT)/valid.noised --valid-every $(VALID_EVERY) --save-every $(SAVE_EVERY) \
	-l $(OUT)/steps.csv --loss-log $(OUT)/loss.csv
start = train -x $(PRESET) -n $(STEPS) -B $(BATCH) $(LR:%=--lr %) --schedule $(FAMILY) \
	$(TRAIN_OPTIONS) $(logs) -f -o $(MODEL)
resume = train -r $(MODEL) $(TRAIN_OPTIONS) $(logs)
# The sampler 2m takes no temperature.
denoise = denoise -m $(MODEL) -n $(SAMPLES) -s $(SEED) --sampler $(SAMPLER) \
	--steps $(SAMPLE_STEPS) $(if $(filter 2m,$(SAMPLER)),,$(TEMPERATURE:%=--temperature %)) \
	$(CONTEXT:%=--context-guidance %) $(DENOISE_OPTIONS)
generate = $(denoise) --refine $(REFINE)

# The steps up to each of which train runs. After all but the last, samples are shown, unless the
# training has ended there: the rows may end, or train --patience.
stops = $(shell seq $(SHOW_EVERY) $(SHOW_EVERY) $$(($(STEPS) - 1))) $(STEPS)
snapshot = $(basename $(MODEL))-$1.safetensors
indented = sed G | fold -s -w 76 | sed 's/^./    &/; s/ *$$//'
samples = $(generate) -q -n 2 | tok -d | $(indented)

$(TRAINED): $(OUT)/train.rows $(OUT)/valid.noised $(OUT)/train.settings \
		$(if $(wildcard $(MODEL)),,no_model)
	@cksum < $(OUT)/train.rows | cat $(OUT)/train.settings - > $(MODEL).settings.new
	@set -e; if ! test -e $(MODEL) || ! cmp -s $(MODEL).settings.new $(MODEL).settings; then \
		if test -e $(MODEL); then \
			echo 'The checkpoint of other settings or rows is now $(MODEL).before'; \
			mv $(MODEL) $(MODEL).before; \
		fi; \
		$(if $(SNAPSHOTS),rm -f $(call snapshot,[0-9]*);) \
		mv $(MODEL).settings.new $(MODEL).settings; \
		$(if $(ESTIMATED),:,pipelines/estimate $(STEPS) $(VALID_EVERY) $(SAMPLES) \
			$(call quoted,$(noised)) $(call quoted,$(start)) \
			$(call quoted,$(generate))); \
	fi; \
	for stop in $(stops); do \
		if ! test -e $(MODEL); then \
			$(call printed,$(noised) | $(start),--stop-after $$stop); \
		elif test $(call says,$(MODEL),step: ) -lt $$stop; then \
			$(call printed,$(noised) | $(resume),--stop-after $$stop); \
		else \
			continue; \
		fi; \
		test $(call says,$(MODEL),step: ) -eq $$stop -a $$stop -lt $(STEPS) || break; \
		$(if $(SNAPSHOTS),ln -f $(MODEL) $(call snapshot,$$stop);) \
		printf '\nTwo samples after step %s:\n\n' $$stop; \
		$(samples); \
	done
	@rm -f $(MODEL).settings.new
	@touch $@

.PHONY: no_model

include pipelines/pictures.mk
PICTURES = $(addprefix $(OUT)/,entropy.png schedules.png validation.png story.svg)

$(OUT)/samples.rows: $(TRAINED) $(OUT)/sample.settings
	$(generate) -o $@

$(OUT)/samples.txt: $(OUT)/samples.rows
	tok -d $(OUT)/samples.rows > $@

$(OUT)/trace.csv: $(TRAINED) $(OUT)/sample.settings
	$(denoise) -n 1 --trace $@ -o /dev/null

about_story = How the first of the samples forms from noise. On the terminal: \
	pipelines/watch show -w $(vocab) $(OUT)/trace.csv
$(OUT)/story.svg: $(OUT)/trace.csv
	pipelines/watch svg -w $(vocab) $< > $@

# The page of the run. It is a make of its own, without the settings of this one.
PAGE = $(basename $(MODEL))-report/report.html
page = env -u MAKEFLAGS -u MFLAGS $(MAKE) --no-print-directory -f pipelines/report.mk
$(PAGE): $(TRAINED) $(OUT)/samples.rows $(OUT)/trace.csv
	$(page) MODEL=$(MODEL) BIN=$(BIN)

# --- settings: if they change, the targets that depend on them are made again ---

$(call settings,train,$(SEED) $(PRESET) $(STEPS) $(BATCH) $(LR) $(TRAIN_OPTIONS) $(MASK) $(FAMILY) \
	$(NOISE_OPTIONS) $(ALL_FIRST))
$(call settings,fit,$(FAMILY) $(FIT_EVERY) $(FIT_ROWS))
$(call settings,sample,$(SAMPLES) $(SAMPLER) $(SAMPLE_STEPS) $(TEMPERATURE) / $(CONTEXT) / \
	$(REFINE) $(DENOISE_OPTIONS))
