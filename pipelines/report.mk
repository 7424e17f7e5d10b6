# Makes a page of a trained model, report.html: make -f pipelines/report.mk MODEL=...
#
# The page has settings, provenance, learning curves, the cross-entropy by noise level, samples, an
# animation, measures and the cost. It is one file, without scripts. With several models, it also
# compares them:
#
#   make -f pipelines/report.mk MODEL='out/a/model.safetensors out/b/model.safetensors'
#   make -f pipelines/report.mk MODEL='out/sweep/*/model.safetensors'
#
# The checkpoint is enough. These files beside it are used if they exist, and the page says which
# are missing: steps.csv and loss.csv (train --log and --loss-log), summary.csv (stories summary),
# samples.rows and trace.csv (denoise), and model-eval/table.csv of eval.mk, or ../table.csv of an
# experiment. Samples, traces and tables that are older than the checkpoint are not used; new
# samples are then made. Names of files must not contain blanks.

MODEL = out/demo/model.safetensors
# Samples that are made for the page, and how many of a text are shown at most: all but the first
# eight are folded.
SAMPLES = 8
SHOWN = 200
SEED = 1
DENOISE_OPTIONS =
# For a checkpoint of an earlier version, which contains no vocabulary.
VOCAB =

BIN = build/bin

models := $(foreach m,$(MODEL),$(or $(wildcard $m),$(error MODEL: $m does not exist)))
OUT = $(if $(filter 1,$(words $(models))),$(basename $(models))-report,out/report)

show: $(OUT)/report.html
	@echo 'The page: $(OUT)/report.html'

include pipelines/common.mk
.SECONDEXPANSION:

# The files of model 1 are in $(OUT)/1, and so on.
numbers := $(shell seq $(words $(models)))
model = $(word $1,$(models))
beside = $(dir $(call model,$1))$2
existing = $(wildcard $(call beside,$1,$2))

# $(call current,NUMBER,FILE): the file beside the model, if it exists and the model is not newer.
current = $(shell f=$(call quoted,$(call beside,$1,$2)); \
	test -e "$$f" && ! test $(call quoted,$(call model,$1)) -nt "$$f" && echo "$$f")
# The table of eval.mk, or that of an experiment, which has a row for each of its runs.
table = $(or $(call in_experiment,$1),$(notdir $(basename $(call model,$1)))-eval/table.csv)
in_experiment = $(if $(call current,$1,../table.csv),$(shell \
	! grep -q $(call quoted,^$(run)$(comma)) $(call quoted,$(call beside,$1,../table.csv)) || \
	echo ../table.csv))
run = $(notdir $(patsubst %/,%,$(dir $(call model,$1))))
rows = $(or $(call current,$1,samples.rows),$(OUT)/$1/samples.rows)
trace = $(or $(call current,$1,trace.csv),$(OUT)/$1/trace.csv)
denoise = denoise -q -m $(call quoted,$(call model,$1)) -s $(SEED) $(DENOISE_OPTIONS)

# $(call tried,COMMANDS,CHECK): prints the commands and runs them, which write $@. If they or CHECK,
# which comes before them, fail, $@ is empty, and the page has what they printed: $@.why.
tried = @mkdir -p $(@D); \
	{ $(if $2,$2 &&) echo $(call quoted,$1) && ( $(strip $1) ); } 2> $@.why || : > $@

files = info.txt summary.csv table.csv samples.txt story.svg steps.csv learning.svg steps.svg \
	entropy.svg given.svg schedules.svg levels.svg
parts = $(foreach n,$(numbers),$(files:%=$(OUT)/$n/%)) $(OUT)/names.txt \
	$(if $(word 2,$(models)),$(compared))
compared = $(OUT)/learning.svg $(OUT)/elapsed.svg
more = schedule.csv vocab.txt force.csv noised.csv given.csv noised-mean.csv given-mean.csv \
	fits.csv samples.rows trace.csv
$(call kept,$(parts) $(foreach f,$(more),$(numbers:%=$(OUT)/%/$f)))

page_awk = pipelines/html.awk pipelines/page.awk

$(OUT)/report.html: $(parts) $(page_awk) $(OUT)/page.settings
	@OUT=$(call quoted,$(OUT)) MODELS=$(call quoted,$(models)) SHOWN=$(SHOWN) \
		awk $(page_awk:%=-f %) > $@

# --- what the checkpoint contains ---

$(OUT)/%/info.txt: $$(call model,$$*) $(OUT)/models.settings
	@mkdir -p $(@D)
	denoise -m $(call quoted,$<) --info > $@

$(OUT)/%/schedule.csv: $$(call model,$$*) $(OUT)/models.settings
	$(call tried,pipelines/checkpoint schedule $(call quoted,$<) > $@)

$(OUT)/%/force.csv: $(OUT)/%/schedule.csv
	$(call tried,fitsched --curve $< > $@)

$(OUT)/%/vocab.txt: $$(call model,$$*) $(OUT)/models.settings
	$(call tried,$(if $(VOCAB),cat $(VOCAB),pipelines/checkpoint vocab $(call quoted,$<)) > $@)

# --- what other makefiles measured ---

# $(call copied,FILE,HOW): copies a file that is beside the model, unless the model is newer. HOW
# says how to make it.
copied = $(call tried,cp $(call quoted,$(call beside,$*,$1)) $@, \
	$(if $(call current,$*,$1),:,{ echo $(call quoted,$(call beside,$*,$1)) \
		'does not exist or is older than the checkpoint;' $(call quoted,$2) >&2; false; }))

$(OUT)/%/summary.csv: $$(call model,$$*) $$(call existing,$$*,summary.csv) $(OUT)/models.settings
	$(call copied,summary.csv,stories summary makes it)

$(OUT)/%/table.csv: $$(call model,$$*) $$(call existing,$$*,$$(call table,$$*)) \
		$(OUT)/models.settings
	$(call copied,$(call table,$*),make -f pipelines/eval.mk MODEL=$(call model,$*) makes it)

# --- samples ---

$(OUT)/%/samples.rows: $$(call model,$$*) $(OUT)/samples.settings $(OUT)/models.settings
	$(call tried,$(call denoise,$*) -n $(SAMPLES) -o $@)

$(OUT)/%/samples.txt: $$(call rows,$$*) $(OUT)/page.settings
	$(call tried,pack --info $(call quoted,$<) > $@.info && \
		pack -q --take 0:$(SHOWN) $(call quoted,$<) | tok -d $(addprefix -w ,$(VOCAB)) > $@)

$(OUT)/%/trace.csv: $$(call model,$$*) $(OUT)/samples.settings $(OUT)/models.settings
	$(call tried,$(call denoise,$*) -n 1 --trace $@ -o /dev/null)

$(OUT)/%/story.svg: $$(call trace,$$*) $(OUT)/%/vocab.txt
	$(call tried,pipelines/watch svg -c 40 -w $(OUT)/$*/vocab.txt $(call quoted,$<) > $@)

# --- pictures of the logs ---

plot = plotcsv -q --size 800x500 --background none
steps_log = $(call quoted,$(call beside,$1,steps.csv))
loss_log = $(call quoted,$(call beside,$1,loss.csv))
# Those of the columns $1 of a file that have numbers.
some = $(shell awk -v wanted=$1 -f pipelines/columns.awk $2)

# $(call needed,FILE,OPTION): fails if the log does not exist; OPTION of train writes it.
needed = { test -e $(call quoted,$(call beside,$*,$1)) || { echo \
	$(call quoted,$(call beside,$*,$1)) 'does not exist; train $2 writes it' >&2; false; }; }

# The log of steps, with the seconds of all runs that continued the training.
$(OUT)/%/steps.csv: $$(call existing,$$*,steps.csv) pipelines/elapsed.awk $(OUT)/models.settings
	$(call tried,awk -f pipelines/elapsed.awk $(call steps_log,$*) > $@, \
		$(call needed,steps.csv,--log))

# $(call drawn,COLUMNS,OPTIONS): a picture of those columns of $< that have numbers. If $< is empty,
# it has a reason of its own.
drawn = $(call tried,$(plot) -y $(call some,$1,$<) $2 -o $@ $<,$(if $(call some,$1,$<),:, \
	{ test ! -s $< || echo 'no numbers in a column $1' >&2; false; }))

$(OUT)/%/learning.svg: $(OUT)/%/steps.csv pipelines/columns.awk
	$(call drawn,valid_nats$(comma)even_nats,-x step --lines --ylabel 'cross-entropy (nats)')

$(OUT)/%/steps.svg: $(OUT)/%/steps.csv pipelines/columns.awk
	$(call drawn,loss_nats$(comma)grad_norm$(comma)lr,-x step --lines --panels)

setting = $(shell sed -n 's/^$1: //p' $(OUT)/$*/info.txt)
twentieth = $(shell echo $$(( ($(call setting,step) + 19) / 20 )))

# The rows that are noised as a whole, and those with given positions; and the mean of those that
# the schedule was last fitted to.
fitsched = fitsched --window $(call setting,train.window)
kind = $(call tried,awk -v given=$1 -f pipelines/given.awk $(call loss_log,$*) > $@, \
	$(call needed,loss.csv,--loss-log))
rows_left = [ $$(wc -l < $<) -gt 1 ]
recent = $(shell echo $$(( $(call setting,step) - \
	$(call setting,train.window) / $(call setting,train.batch) )))
mean = $(call tried,awk -v given=$1 -v after=$(recent) -f pipelines/given.awk $< | \
	fitsched --schedule piecewise | fitsched --curve > $@,$(rows_left))

$(OUT)/%/noised.csv: $$(call existing,$$*,loss.csv) pipelines/given.awk $(OUT)/models.settings
	$(call kind,0)

$(OUT)/%/given.csv: $$(call existing,$$*,loss.csv) pipelines/given.awk $(OUT)/models.settings
	$(call kind,1)

$(OUT)/%/noised-mean.csv: $(OUT)/%/noised.csv $(OUT)/%/info.txt
	$(call mean,0)

$(OUT)/%/given-mean.csv: $(OUT)/%/given.csv $(OUT)/%/info.txt
	$(call mean,1)

# $(call line,FILE,LABEL): the option that draws this curve, if there is one.
line = $(shell ! test -s $(OUT)/$*/$1 || echo --line $(OUT)/$*/$1:t,f_nats:$2)
points = $(call tried,$(plot) -x t -y ce_nats -c step --log-x --ylim 0:99.8% --max-points 3000 \
	$(call line,$1-mean.csv,mean) $(call line,force.csv,F) -o $@ $<,$(rows_left))

$(OUT)/%/entropy.svg: $(OUT)/%/noised.csv $(OUT)/%/noised-mean.csv $(OUT)/%/force.csv
	$(call points,noised)

$(OUT)/%/given.svg: $(OUT)/%/given.csv $(OUT)/%/given-mean.csv $(OUT)/%/force.csv
	$(call points,given)

# The schedule as training went on.
$(OUT)/%/fits.csv: $$(call existing,$$*,loss.csv) $(OUT)/%/info.txt
	$(call tried,$(fitsched) --schedule $(call setting,train.schedule) --every $(twentieth) \
		$(call loss_log,$*) | fitsched --curve --history > $@, \
		$(call needed,loss.csv,--loss-log))

$(OUT)/%/schedules.svg: $(OUT)/%/fits.csv
	$(call drawn,f_nats,-x t -g step --log-x --ylim 0:)

$(OUT)/%/levels.svg: $(OUT)/%/force.csv
	$(call drawn,f_nats$(comma)density,-x t --lines --panels --log-x)

# --- the comparison ---

# What tells the paths of the models apart, one per line.
$(OUT)/names.txt: pipelines/names.awk $(OUT)/models.settings
	MODELS=$(call quoted,$(models)) awk -f $< > $@

# LABEL=FILE for the logs that have validations.
label = $(shell sed -n '$1{s/[\\=:$(comma)]/\\&/g;p;}' $(OUT)/names.txt)
labelled = $(foreach n,$(numbers),$(if $(call some,valid_nats,$(OUT)/$n/steps.csv), \
	$(call quoted,$(call label,$n)=$(OUT)/$n/steps.csv)))
together = $(call tried,$(plot) -y valid_nats --lines $1 -o $@ $(labelled), \
	$(if $(labelled),:,{ echo 'no log has numbers in a column valid_nats' >&2; false; }))

$(OUT)/learning.svg: $(numbers:%=$(OUT)/%/steps.csv) $(OUT)/names.txt pipelines/columns.awk
	$(call together,-x step)

$(OUT)/elapsed.svg: $(numbers:%=$(OUT)/%/steps.csv) $(OUT)/names.txt pipelines/columns.awk
	$(call together,-x elapsed_s --xlabel 'time of training (s)')

# --- settings ---

$(call settings,models,$(models))
$(call settings,samples,$(SAMPLES) $(SEED) $(DENOISE_OPTIONS))
$(call settings,page,$(SHOWN) $(VOCAB))
