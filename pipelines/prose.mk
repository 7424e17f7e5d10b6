# Compares models of prose that learn from the same rows, and prints what a report on them needs:
#
#   make -f pipelines/prose.mk STORIES='a.jsonl.zst b.jsonl.zst' VALID=valid.jsonl.zst \
#       VOCAB=vocab.txt
#
# Files are JSON lines, or plain text with <|endoftext|> between stories (.txt), compressed with
# zstd (.zst) or not. STORIES may be several files.
#
# The text. The first HELD stories of VALID are held out: every figure is measured on them. The
# others are the validation stories, for curves during training and for choosing settings. Near
# duplicates of any story of VALID are left out of STORIES: stories of whose first T tokens more
# than the fraction NEAR of the word 5-grams occur in one story of VALID. A fraction JUDGES of the
# stories, evenly spread, is for the judges alone: a 5-gram model and a masked model. The others,
# without near duplicates of those of the judges, are the training stories of all other models.
#
# The models, all of rows of the first T tokens of a story:
#
#   1-gram ... 5-gram  n-gram models (ngram), beside shuffled text, as in eval.mk
#   autoregressive     a transformer (autoregressive.mk) with the layers, width and heads of the
#                      diffusion model, trained for as much processor time, or AR_STEPS steps; left
#                      out if PYTHON has no PyTorch
#   SAMPLER-STEPS-T    the diffusion model (tinystories.mk) as it is sampled, such as exp-100-0.9;
#                      SAMPLER-STEPS-T-W with context guidance of weight W (of CONTEXT)
#
# Output, in $(OUT); results.txt has all tables and samples, and is printed at the end:
#
# text.csv                number of stories of each part, and of near duplicates left out
# models.csv              nats of a held-out row and of a token, parameters, processor time
# sampling/table.*        all measures of all texts (eval.mk, sampling.mk)
# sampling/frontier.*     the judge against the entropy, by temperature, with the held-out text
# sampling/samplers.*     the judge by sampler and number of evaluations
# samples.txt             texts of each model and held-out texts, not picked, side by side
# learning.csv, .png      nats of a token of the validation stories, by processor time
# slopes.csv              the bound of diffusion models trained for SLOPE_STEPS steps, and of those
#                         trained for TEXT_STEPS steps on the fractions SLOPE_TEXT of the stories.
#                         Each has its own decay of the learning rate
# slope-fit.csv           a power law of these bounds in operations and in stories
# slope-*.png             the bounds and the power law
# prediction.txt          the bound that the power law predicts for PREDICT_STORIES stories and
#                         PREDICT_HOURS processor hours
#
# After an interruption, the same command continues all models: the autoregressive one from its last
# validation, the others from their last checkpoints. With make -j N, up to N models train at the
# same time, each on one thread.

STORIES =
VALID =
VOCAB =
# The text
T = 64
HELD = 256
NEAR = 0.5
JUDGES = 0.2
SEED = 1
# The diffusion model and its training, as in tinystories.mk. LAYERS, WIDTH and HEADS are also those
# of the autoregressive model.
PRESET = small
LAYERS = 6
WIDTH = 192
HEADS = 4
STEPS = 8000
BATCH = 64
LR = 2e-3
MASK = mixed
ALL_FIRST = 50
FAMILY = logistic
TRAIN_OPTIONS = -j 1
VALID_EVERY = 500
SAVE_EVERY = 250
# Steps between the checkpoints that are measured for the learning curve
SHOW_EVERY = 1000
# The autoregressive model. If AR_STEPS is empty, its steps take the processor time of the diffusion
# model, according to a trial of AR_TRIAL steps; it is then trained after the diffusion model.
AR_STEPS =
AR_TRIAL = 20
AR_LR = $(LR)
AR_VALID_EVERY = 100
PYTHON = /usr/bin/python3
# The masked judge
MASKED_PRESET = tiny
MASKED_STEPS = 3000
MASKED_OPTIONS = -j 1
# Sampling
SAMPLER = exp
SAMPLE_STEPS = 100
TEMPERATURES = 1 1.05 0.9
# Weights of denoise --context-guidance
CONTEXT = 1 1.6
SAMPLERS = exp ancestral
EVALUATIONS = 50 100
DENOISE_OPTIONS =
# Numbers of stories, at most: for the n-gram models, and for the 5-gram judge
N_TRAIN = 20000
N_JUDGE = 20000
LOSS_EPOCHS = 16
# Number of texts in samples.txt, and the width of its columns
SAMPLES = 10
COLUMN = 32
# Further diffusion models, besides that of STEPS steps on all training stories
SLOPE_STEPS = 1000 3000
SLOPE_TEXT = 0.25 0.5
TEXT_STEPS = $(STEPS)
PREDICT_STORIES = 2000000
PREDICT_HOURS = 24

BIN = build/bin
OUT = out/prose

show: $(OUT)/results.txt
	@cat $<

include pipelines/common.mk

has_torch := $(torch)

ifneq ($(words $(firstword $(STORIES))) $(words $(VALID)) $(words $(VOCAB)),1 1 1)
$(error say STORIES=, VALID= and VOCAB=; the last two are one file each)
endif

# A make of its own of another experiment, without the settings of this one
other = env -u MAKEFLAGS -u MFLAGS $(MAKE) --no-print-directory -f pipelines/$1.mk BIN=$(BIN)
parts = train judges validation held-out

# --- the text ---

# $(call as_json,FILE): commands that print the stories of FILE as JSON lines
plain = $(call text,$1) > $@.text && awk -v documents=files -v member=story \
	-f pipelines/own_text.awk <(echo $@.text) && rm $@.text
as_json = { $(if $(filter %.txt %.txt.zst,$1),$(call plain,$1),$(call text,$1)); } | \
	sed '/^[[:space:]]*$$/d'

$(eval $(call strict,$(OUT)/stories.jsonl $(OUT)/valid.jsonl $(OUT)/valid.txt $(OUT)/%.beginnings))

$(OUT)/stories.jsonl: $(STORIES) $(OUT)/text.settings
	{ $(foreach f,$(STORIES),$(call as_json,$f) &&) true; } > $@

$(OUT)/valid.jsonl: $(VALID) $(OUT)/text.settings
	$(call as_json,$(VALID)) > $@

$(OUT)/held-out.jsonl: $(OUT)/valid.jsonl
	head -n $(HELD) $< > $@

$(OUT)/validation.jsonl: $(OUT)/valid.jsonl
	tail -n +$$(($(HELD) + 1)) $< > $@
	@test -s $@ || { echo '$(VALID): no stories after the first HELD=$(HELD)' >&2; exit 1; }

# Every story whose number begins another multiple of 1/JUDGES.
spread = int(NR * $1) > int((NR - 1) * $1)

$(OUT)/judges.all.jsonl: $(OUT)/stories.jsonl
	awk '$(call spread,$(JUDGES))' $< > $@

$(OUT)/train.all.jsonl: $(OUT)/stories.jsonl
	awk '!($(call spread,$(JUDGES)))' $< > $@

$(OUT)/valid.txt: $(OUT)/valid.jsonl $(VOCAB)
	tok -q -w $(VOCAB) $< | tok -d > $@

# The first T tokens of each story, which all models see
$(OUT)/%.beginnings: $(OUT)/%.all.jsonl $(VOCAB)
	tok -q -w $(VOCAB) $< | pack -q -T $(T) | tok -d > $@
	@test $$(wc -l < $<) -eq $$(wc -l < $@) || { echo '$<: lines without a story' >&2; exit 1; }

near = awk -v share=$(NEAR) -f pipelines/common.awk -f pipelines/near.awk

$(OUT)/judges.near.csv: $(OUT)/valid.txt $(OUT)/judges.beginnings pipelines/near.awk
	$(near) $(OUT)/valid.txt $(OUT)/judges.beginnings > $@

$(OUT)/train.near.csv: $(OUT)/valid.txt $(OUT)/train.beginnings pipelines/near.awk
	$(near) $(OUT)/valid.txt $(OUT)/train.beginnings > $@

# Stories that are near duplicates of those of the judges
$(OUT)/train.judged.csv: $(OUT)/judges.beginnings $(OUT)/train.beginnings pipelines/near.awk
	$(near) $(OUT)/judges.beginnings $(OUT)/train.beginnings > $@

$(OUT)/judges.jsonl: $(OUT)/judges.near.csv $(OUT)/judges.all.jsonl
	awk -f pipelines/without.awk $^ > $@

$(OUT)/train.left.csv: $(OUT)/train.near.csv $(OUT)/train.judged.csv
	cat $^ > $@

$(OUT)/train.jsonl: $(OUT)/train.left.csv $(OUT)/train.all.jsonl
	awk -f pipelines/without.awk $^ > $@

$(SLOPE_TEXT:%=$(OUT)/text-%.jsonl): $(OUT)/text-%.jsonl: $(OUT)/train.jsonl
	awk '$(call spread,$*)' $< > $@

lines = $$(grep -c '^$2' $(OUT)/$1)
$(OUT)/text.csv: $(parts:%=$(OUT)/%.jsonl) $(OUT)/train.left.csv
	@{ echo part,stories,near_valid,near_judges; \
	echo train,$(call lines,train.jsonl),$(call lines,train.near.csv,[0-9]),$(call \
		lines,train.judged.csv,[0-9]); \
	echo judges,$(call lines,judges.jsonl),$(call lines,judges.near.csv,[0-9]),; \
	echo validation,$(call lines,validation.jsonl),,; \
	echo held-out,$(call lines,held-out.jsonl),,; } > $@

$(call settings,text,$(abspath $(STORIES) $(VALID) $(VOCAB)) $(T) $(HELD) $(NEAR) $(JUDGES))

# --- the diffusion models: that of STEPS steps on all training stories, and those of the slopes ---

text_runs = $(addprefix text-,$(filter-out 1,$(SLOPE_TEXT)))
all_steps = $(SLOPE_STEPS) $(if $(text_runs),$(TEXT_STEPS))
step_runs = $(addprefix steps-,$(filter-out $(STEPS),$(sort $(all_steps))))
runs = diffusion $(step_runs) $(text_runs)
# The run on all training stories with the steps of the runs on fewer
text_whole = $(if $(filter $(STEPS),$(TEXT_STEPS)),diffusion,steps-$(TEXT_STEPS))
run_steps = $(patsubst steps-%,%,$(patsubst text-%,$(TEXT_STEPS),$(1:diffusion=$(STEPS))))
run_text = $(OUT)/$(if $(filter text-%,$1),$1,train).jsonl

train_options = $(LAYERS:%=--layers %) $(WIDTH:%=--width %) $(HEADS:%=--heads %) $(TRAIN_OPTIONS)
# So many epochs that the rows never end. The counts are those of all training rows: otherwise a
# model of fewer stories would have fewer ids, and its bound would be that of easier rows, in which
# more tokens are [UNK].
whole_counts = $(if $(filter text-%,$1),NOISE_OPTIONS='--counts $(OUT)/diffusion/train.rows')
snapshots_of = $(if $(filter diffusion,$1),SNAPSHOTS=yes)
training = $(call other,tinystories) OUT=$(OUT)/$1 STORIES=$(call run_text,$1) \
	VALID=$(OUT)/validation.jsonl VOCAB=$(VOCAB) T=$(T) SEED=$(SEED) PRESET=$(PRESET) \
	STEPS=$(call run_steps,$1) BATCH=$(BATCH) LR=$(LR) MASK=$(MASK) \
	ALL_FIRST=$(ALL_FIRST) FAMILY=$(FAMILY) TRAIN_OPTIONS=$(call quoted,$(train_options)) \
	EPOCHS=100000 VALID_EVERY=$(VALID_EVERY) SAVE_EVERY=$(SAVE_EVERY) \
	SHOW_EVERY=$(SHOW_EVERY) ESTIMATED=yes SAMPLER=$(SAMPLER) SAMPLE_STEPS=$(SAMPLE_STEPS) \
	$(snapshots_of) $(whole_counts) \
	DENOISE_OPTIONS=$(call quoted,$(DENOISE_OPTIONS))

# The autoregressive model has the same rows, and need not wait for the end of the training.
$(OUT)/diffusion/train.rows: $(OUT)/train.jsonl $(OUT)/validation.jsonl $(VOCAB) \
		$(OUT)/train.settings
	$(call training,diffusion) $@ $(OUT)/diffusion/valid.rows
$(addprefix $(OUT)/,$(addsuffix /cost.csv,diffusion $(text_runs))): $(OUT)/diffusion/train.rows

# The processor time of all parts of an interrupted training, but not of an earlier one with other
# settings or rows.
$(runs:%=$(OUT)/%/cost.csv): $(OUT)/%/cost.csv: $(OUT)/validation.jsonl $(VOCAB) \
		$(OUT)/train.settings
	@mkdir -p $(@D)
	@test -e $(@D)/model.safetensors || rm -f $(@D)/times.settings
	trap : INT TERM; $(call training,$*) $(@D)/trained; status=$$?; times > $(@D)/times.new; \
		if cmp -s $(@D)/model.safetensors.settings $(@D)/times.settings; then \
			cat $(@D)/times.new >> $(@D)/times; \
		else \
			mv $(@D)/times.new $(@D)/times; \
			cp $(@D)/model.safetensors.settings $(@D)/times.settings; \
		fi; exit $$status
	awk -f pipelines/cost.awk $(@D)/times > $@
$(foreach r,$(runs),$(eval $(OUT)/$r/cost.csv: $(call run_text,$r)))

# The steps, stories, parameters, operations and processor time of a run.
$(eval $(call strict,$(runs:%=$(OUT)/%/run.csv)))
$(runs:%=$(OUT)/%/run.csv): $(OUT)/%/run.csv: $(OUT)/%/cost.csv pipelines/run.awk
	{ pack --info $(@D)/train.rows && denoise -m $(@D)/model.safetensors --info && \
		noise -q --limit 1 $(@D)/train.rows | \
		train -r $(@D)/model.safetensors --dry-run && cat $<; } | \
		awk -F '[ ,]+' -f pipelines/run.awk > $@

# $(call likelihood,MODEL,STORIES,FOLDER): computes the likelihood bound of a model
likelihood = $(call other,eval) MODEL=$1 GRAMMAR= TRAIN=$(OUT)/train.jsonl VALID=$2 HELD=$(all) \
	ORDERS= LOSS_EPOCHS=$(LOSS_EPOCHS) OUT=$3 $3/likelihood.csv
all = 1000000000

$(runs:%=$(OUT)/%/bound/likelihood.csv): $(OUT)/%/bound/likelihood.csv: $(OUT)/%/cost.csv \
		$(OUT)/held-out.jsonl $(OUT)/measure.settings
	$(call likelihood,$(OUT)/$*/model.safetensors,$(OUT)/held-out.jsonl,$(@D))

$(call settings,train,$(T) $(SEED) $(PRESET) $(STEPS) $(TEXT_STEPS) $(BATCH) $(LR) $(MASK) \
	$(ALL_FIRST) $(FAMILY) $(train_options))
$(call settings,measure,$(LOSS_EPOCHS))

# --- the autoregressive model, and the masked judge ---

autoregressive = $(call other,autoregressive) ROWS=$(OUT)/diffusion/train.rows \
	VALID=$(OUT)/diffusion/valid.rows VOCAB=$(VOCAB) HELD=$(all) LAYERS=$(LAYERS) \
	WIDTH=$(WIDTH) HEADS=$(HEADS) BATCH=$(BATCH) LR=$(AR_LR) SEED=$(SEED) PYTHON=$(PYTHON)

$(OUT)/trial/learning.csv: $(OUT)/diffusion/train.rows $(OUT)/autoregressive.settings
	$(autoregressive) OUT=$(@D) STEPS=$(AR_TRIAL) VALID_EVERY=$(AR_TRIAL) $@

ifeq ($(AR_STEPS),)
$(OUT)/autoregressive.steps: pipelines/trial.awk $(OUT)/diffusion/cost.csv $(OUT)/trial/learning.csv
	awk -f $^ > $@
else
$(OUT)/autoregressive.steps: $(OUT)/autoregressive.settings
	echo $(AR_STEPS) > $@
endif

$(eval $(call strict,$(OUT)/autoregressive/run.csv))
$(OUT)/autoregressive/run.csv: $(OUT)/diffusion/train.rows $(OUT)/autoregressive.steps
	@mkdir -p $(@D)
	$(autoregressive) OUT=$(@D) STEPS=$$(cat $(OUT)/autoregressive.steps) \
		VALID_EVERY=$(AR_VALID_EVERY) $(@D)/learning.csv 2>&1 | tee -a $(@D)/log
	{ echo steps,parameters,processor_s; \
	echo $$(cat $(OUT)/autoregressive.steps),$$(sed -n 's/ parameters,.*//p' $(@D)/log | \
		tail -n 1),$$(tail -n 1 $(@D)/learning.csv | cut -d, -f2); } > $@

$(OUT)/masked/learning.csv: $(OUT)/judges.jsonl $(OUT)/validation.jsonl $(VOCAB) \
		$(OUT)/masked.settings
	$(call other,masked) OUT=$(@D) STORIES=$(OUT)/judges.jsonl VALID=$(OUT)/validation.jsonl \
		VOCAB=$(VOCAB) T=$(T) SEED=$(SEED) PRESET=$(MASKED_PRESET) STEPS=$(MASKED_STEPS) \
		BATCH=$(BATCH) SAVE_EVERY=$(SAVE_EVERY) \
		TRAIN_OPTIONS=$(call quoted,$(MASKED_OPTIONS))

$(call settings,autoregressive,$(T) $(SEED) $(LAYERS) $(WIDTH) $(HEADS) $(BATCH) $(AR_LR) \
	$(AR_STEPS) $(AR_TRIAL) $(AR_VALID_EVERY))
$(call settings,masked,$(T) $(SEED) $(MASKED_PRESET) $(MASKED_STEPS) $(BATCH) $(MASKED_OPTIONS))

# --- the table of all texts ---

main = $(SAMPLER)-$(SAMPLE_STEPS)-$(firstword $(TEMPERATURES))
sampling = $(addprefix $(OUT)/sampling/,table.csv table.txt frontier.csv frontier.png samplers.csv \
	samplers.png)

$(OUT)/sampling/table.csv: $(OUT)/diffusion/cost.csv $(OUT)/train.jsonl $(OUT)/held-out.jsonl \
		$(OUT)/judges.jsonl $(OUT)/masked/learning.csv $(OUT)/sample.settings \
		$(if $(has_torch),$(OUT)/autoregressive/run.csv)
	$(call other,sampling) OUT=$(@D) MODEL=$(OUT)/diffusion/model.safetensors GRAMMAR= \
		TRAIN=$(OUT)/train.jsonl VALID=$(OUT)/held-out.jsonl JUDGE=$(OUT)/judges.jsonl \
		MASKED=$(OUT)/masked/model.safetensors VOCAB=$(VOCAB) HELD=$(HELD) SEED=$(SEED) \
		N_TRAIN=$(N_TRAIN) N_JUDGE=$(N_JUDGE) LOSS_EPOCHS=$(LOSS_EPOCHS) PYTHON=$(PYTHON) \
		AUTOREGRESSIVE=$(if $(has_torch),$(OUT)/autoregressive/model.pt) LOSS_RUNS=$(main) \
		SAMPLER=$(SAMPLER) SAMPLE_STEPS=$(SAMPLE_STEPS) \
		TEMPERATURES='$(TEMPERATURES)' CONTEXT='$(CONTEXT)' SAMPLERS='$(SAMPLERS)' \
		EVALUATIONS='$(EVALUATIONS)' \
		DENOISE_OPTIONS=$(call quoted,$(DENOISE_OPTIONS)) $(sampling)
$(filter-out %/table.csv,$(sampling)): $(OUT)/sampling/table.csv ;

$(call settings,sample,$(SEED) $(SAMPLER) $(SAMPLE_STEPS) $(TEMPERATURES) / $(CONTEXT) / \
	$(SAMPLERS) / $(EVALUATIONS) / $(DENOISE_OPTIONS) / $(N_TRAIN) $(N_JUDGE) \
	$(LOSS_EPOCHS) $(has_torch))

stack = awk -v label=$1 -v columns=$2 -f pipelines/stack.awk
join = awk -v join=1 -f pipelines/table.awk
select = awk -F, -v wanted='$1' -v columns=$2 -f pipelines/select.awk
models = 1-gram 2-gram 3-gram 4-gram 5-gram $(if $(has_torch),autoregressive) $(main)

$(OUT)/nats.csv: $(OUT)/sampling/table.csv
	$(call select,$(models),text$(comma)held_out_nats$(comma)text_token_nats) $< > $@

$(OUT)/costs.csv: $(OUT)/diffusion/run.csv $(if $(has_torch),$(OUT)/autoregressive/run.csv)
	$(call stack,text,steps$(comma)parameters$(comma)processor_s) $(main)=$< \
		$(if $(has_torch),autoregressive=$(OUT)/autoregressive/run.csv) > $@

$(OUT)/models.csv: $(OUT)/nats.csv $(OUT)/costs.csv
	$(join) $^ > $@

# --- samples, side by side ---

references = held-out 5-gram $(if $(has_torch),autoregressive)
named_samples = $1=$(OUT)/sampling/$1/samples.txt
# Of the first and the last temperature, and of the first with each weight of the context guidance
shown_settings = $(sort $(firstword $(TEMPERATURES)) $(lastword $(TEMPERATURES))) \
	$(patsubst %,$(firstword $(TEMPERATURES))-%,$(filter-out 1,$(CONTEXT)))
shown = $(foreach t,$(shown_settings),$(call named_samples,$(SAMPLER)-$(SAMPLE_STEPS)-$t))
$(OUT)/samples.txt: $(OUT)/sampling/table.csv pipelines/beside.awk $(OUT)/shown.settings
	awk -v n=$(SAMPLES) -v width=$(COLUMN) -f pipelines/beside.awk \
		$(foreach t,$(references),$t=$(OUT)/sampling/$t.txt) $(shown) > $@

$(call settings,shown,$(SAMPLES) $(COLUMN))

# --- learning curves ---

# The checkpoints that model.mk kept, and the last
snapshots = $(shell seq $(SHOW_EVERY) $(SHOW_EVERY) $$(($(STEPS) - 1))) $(STEPS)
$(OUT)/bounds.csv: $(OUT)/diffusion/run.csv $(OUT)/validation.jsonl $(OUT)/measure.settings
	set -e; bounds=; for step in $(snapshots); do \
		model=$(OUT)/diffusion/model-$$step.safetensors; \
		test $$step -ne $(STEPS) || model=$(OUT)/diffusion/model.safetensors; \
		test -e $$model || continue; \
		$(call likelihood,$$model,$(OUT)/validation.jsonl,$(OUT)/bounds/$$step); \
		bounds="$$bounds $$step=$(OUT)/bounds/$$step/likelihood.csv"; \
	done; $(call stack,step,held_out_nats$(comma)text_token_nats) $$bounds > $@

$(OUT)/learning.csv: $(OUT)/diffusion/run.csv $(OUT)/bounds.csv \
		$(if $(has_torch),$(OUT)/autoregressive/run.csv)
	awk -f pipelines/learning.awk $(OUT)/diffusion/run.csv $(OUT)/bounds.csv \
		$(if $(has_torch),$(OUT)/autoregressive/learning.csv) > $@

about_learning = Nats of a token of the validation stories, by the processor time of training: \
	a bound for the diffusion model. Lower is better.
$(OUT)/learning.png: $(OUT)/learning.csv
	plotcsv -x processor_s -y token_nats -g model --points --lines --log-x --title 'Learning' \
		--xlabel 'processor time, s' --ylabel 'nats a token of validation text' -o $@ $<

# --- the bound by operations and by stories ---

run_columns = steps$(comma)stories$(comma)parameters$(comma)operations$(comma)processor_s
bound_columns = $(subst $(space),$(comma),held_out_nats text_token_nats bound_token_nats \
	bound_token_error)

$(OUT)/runs.csv: $(runs:%=$(OUT)/%/run.csv) $(OUT)/slopes.settings
	$(call stack,run,$(run_columns)) $(foreach r,$(runs),$r=$(OUT)/$r/run.csv) > $@

$(OUT)/run-bounds.csv: $(runs:%=$(OUT)/%/bound/likelihood.csv) $(OUT)/slopes.settings
	$(call stack,run,$(bound_columns)) \
		$(foreach r,$(runs),$r=$(OUT)/$r/bound/likelihood.csv) > $@

$(OUT)/slopes.csv: $(OUT)/runs.csv $(OUT)/run-bounds.csv
	$(join) $^ > $@

power = awk -v mode=$1 -v of=$2 -v run=$3 -v for_stories=$(PREDICT_STORIES) \
	-v for_hours=$(PREDICT_HOURS) -f pipelines/power.awk $(OUT)/slopes.csv
$(OUT)/slope-fit.csv: $(OUT)/slopes.csv pipelines/power.awk
	$(call power,fit) > $@

$(OUT)/prediction.txt: $(OUT)/slopes.csv pipelines/power.awk $(OUT)/prediction.settings
	$(call power,predict) > $@

# The runs of each slope, and the line that fits all runs
$(OUT)/slope-operations.csv: $(OUT)/slopes.csv
	$(call select,diffusion $(step_runs),run$(comma)operations$(comma)held_out_nats) $< > $@

$(OUT)/slope-text.csv: $(OUT)/slopes.csv
	$(call select,$(text_whole) $(text_runs),run$(comma)stories$(comma)held_out_nats) $< > $@

$(OUT)/line-operations.csv: $(OUT)/slopes.csv pipelines/power.awk
	$(call power,line,operations,diffusion) > $@

$(OUT)/line-text.csv: $(OUT)/slopes.csv pipelines/power.awk
	$(call power,line,stories,$(text_whole)) > $@

about_slope-operations = The bound of runs of different lengths, and the power law of slope-fit.csv.
about_slope-text = The bound of runs on parts of the stories, and the power law of slope-fit.csv.
slope_picture = plotcsv -x $1 -y held_out_nats --points --log-x --log-y --dot 5 \
	--line $(OUT)/line-$2.csv:$1,held_out_nats:fit \
	--ylabel 'bound$(comma) nats a held-out row' -o $@ $<
$(OUT)/slope-operations.png: $(OUT)/slope-operations.csv $(OUT)/line-operations.csv
	$(call slope_picture,operations,operations) --title 'Operations' --xlabel 'operations'

$(OUT)/slope-text.png: $(OUT)/slope-text.csv $(OUT)/line-text.csv
	$(call slope_picture,stories,text) --title 'Text' --xlabel 'training stories'

$(call settings,slopes,$(runs))
$(call settings,prediction,$(PREDICT_STORIES) $(PREDICT_HOURS))

# --- all of it as text ---

pictures_made = $(addprefix $(OUT)/,sampling/frontier.png sampling/samplers.png learning.png \
	slope-operations.png slope-text.png)
about_frontier = A lower temperature makes text likelier and less varied. At equal entropy, lower \
	is better.
about_samplers = The judge of each sampler, by the work for each story. Lower is better.
section = printf '\n%s\n\n' $(call quoted,$1)
as_rows = awk -v rows=1 -f pipelines/table.awk $(OUT)/$1
as_columns = awk -f pipelines/table.awk $(OUT)/$1
bounded = $(main) is the diffusion model; its nats are a bound
why_none = $(if $(has_torch),,; no autoregressive model: $(PYTHON) has no PyTorch)

$(OUT)/results.txt: $(OUT)/text.csv $(OUT)/models.csv $(OUT)/samples.txt $(OUT)/learning.csv \
		$(OUT)/slope-fit.csv $(OUT)/prediction.txt $(pictures_made)
	@{ $(call section,The text: stories$(comma) and near duplicates that were left out); \
	$(call as_rows,text.csv); \
	$(call section,The models ($(bounded))$(why_none)); \
	$(call as_columns,models.csv); \
	$(call section,All measures of all texts); \
	cat $(OUT)/sampling/table.txt; \
	$(call section,Temperatures); \
	$(call as_rows,sampling/frontier.csv); \
	$(call section,Samplers); \
	$(call as_rows,sampling/samplers.csv); \
	$(call section,Learning: nats of a token of the validation stories); \
	$(call as_rows,learning.csv); \
	$(call section,The bound by operations and by stories); \
	$(call as_columns,slopes.csv); \
	$(call section,Nats as a power of operations and of stories); \
	$(call as_columns,slope-fit.csv); \
	echo; cat $(OUT)/prediction.txt; \
	$(call section,$(SAMPLES) texts of each$(comma) not picked); \
	cat $(OUT)/samples.txt; \
	$(call pictures,$(pictures_made)) } > $@
