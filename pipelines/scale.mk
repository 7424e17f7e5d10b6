# Training on several machines: measures this machine, and predicts the time of a step on up to 64
# nodes with the cost model of cdcd-cluster(7). If you are root, Open MPI needs
# OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 in the environment.
#
#   make -f pipelines/scale.mk            everything; takes two minutes on an otherwise idle machine
#   make -f pipelines/scale.mk predict    only the prediction, without MPI
#
# predicted.csv, strong.png, weak.png   efficiency by number of nodes, network and options
# models.csv   one node: seconds per token, and seconds per step that do not depend on the tokens
# machine.csv  speed of all processors relative to one; latency and bandwidth between processes
# compare.csv  several processes on this machine: measured and predicted times
# equality.csv largest and mean difference of the losses from those of one process, over 200 steps

# A predicted node is SPEEDS times as fast as this machine with all its processors.
MODELS = small base
SPEEDS = 1 16
GBIT = 1 10 100
LATENCY_US = 25
NODES = 64
# Rows per step: of all nodes together (strong scaling), and of each node (weak scaling)
BATCH = 512
NODE_ROWS = 32
# The predictions that the pictures and the last table show
SHOWN = base
SHOWN_SPEED = 16
SHOWN_SUMS = ring
SHOWN_PROGRESS = calls

# The measurement: rows of T ids, a vocabulary of WORDS, steps of FEW and of MANY rows. The first
# step is not counted.
T = 128
WORDS = 8000
FEW = 2
MANY = 8
STEPS = 6
# Processes on this machine: runs RANKS-WIRE-SHARD, one thread per process; RANK_ROWS rows per step
# in all
RANK_MODEL = small
RANK_ROWS = 8
RANK_STEPS = 6
WAYS = float-off float-on bf16-off bf16-on
RUNS = 1-float-off $(WAYS:%=2-%) $(WAYS:%=4-%)
EQUAL_ROWS = 3186

BIN = build/bin
OUT = out/scale
MPIRUN = mpirun
# Open MPI starts more processes than processors only with this option.
open_mpi = $(shell $(MPIRUN) --version 2>/dev/null | grep 'Open MPI')
LAUNCH = $(MPIRUN) $(if $(open_mpi),--oversubscribe)

build = $(patsubst %/,%,$(dir $(BIN)))
# The default of train --bucket, in bytes
BUCKET = 4194304
mpi_train = $(build)/mpi/train
part = $(word $1,$(subst -, ,$2))
PREDICTED = $(OUT)/predicted.csv $(OUT)/strong.png $(OUT)/weak.png

show: predict $(OUT)/compare.csv $(OUT)/equality.csv
	@printf '\n%s\n\n' 'Processes on this machine, measured and predicted:'
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/machine.csv
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/compare.csv
	@printf '\n%s\n\n' 'Difference of the losses from those of one process, over 200 steps:'
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/equality.csv

include pipelines/common.mk

# Measurements must not run at the same time.
.NOTPARALLEL:

stack = awk -v label=$1 -v columns=$2 -f pipelines/stack.awk
# The three parts of the name of a run, as three cells.
cells = $(subst -,$(comma),$1)

predict: $(PREDICTED)
	@printf '\n%s\n\n' 'One node, measured:'
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/models.csv
	@printf '\n%s %s\n\n' 'Efficiency of $(SHOWN), $(BATCH) rows in all,' \
		'nodes $(SHOWN_SPEED) times as fast as this one:'
	@awk -v wanted='$(SHOWN),strong,$(SHOWN_SPEED),$(SHOWN_PROGRESS)' \
		-f pipelines/efficiency.awk $(OUT)/predicted.csv
	@printf '\n%s' $(PREDICTED:%='Prediction: %'); echo

# --- rows ---

$(OUT)/vocab.txt: pipelines/stories.grammar $(OUT)/rows.settings
	{ printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' && pipelines/stories words && \
		seq -f 'word%.0f' $(WORDS); } | sed -n '1,$(WORDS)p' > $@

$(OUT)/stories.jsonl: pipelines/stories.grammar $(OUT)/rows.settings
	pipelines/stories generate -n 400 -s 1 > $@

$(OUT)/%.rows: $(OUT)/stories.jsonl $(OUT)/vocab.txt
	tok -q -w $(OUT)/vocab.txt $< | pack -q -T $* -o $@

$(OUT)/%.noised: $(OUT)/%.rows
	noise -q -e 8 -s 1 --mask mixed -o $@ $<

$(call kept,$(OUT)/8.rows $(OUT)/$(T).rows $(OUT)/8.noised)

# --- one node ---

# The softmax covers the whole vocabulary, although the stories have few of its words. Only the logs
# are used.
logs = -q -f -o $(OUT)/model.safetensors -l $@ --loss-log $(OUT)/loss.csv
train = $(logs) --full-vocab on --refit-every 0
processors := $(shell getconf _NPROCESSORS_ONLN)

# A node is NAME-MODEL-THREADS, and its runs are NAME-MODEL-THREADS-ROWS.
nodes = $(foreach m,$(sort $(MODELS) $(RANK_MODEL)),$m-$m-$(processors)) rank-$(RANK_MODEL)-1
node_runs = $(foreach n,$(nodes),$n-$(FEW) $n-$(MANY))
name_and_rows = $(call part,1,$1)$(comma)$(call part,4,$1)

$(OUT)/node/%.csv: $(OUT)/$(T).noised $(OUT)/node.settings
	@mkdir -p $(@D)
	train $(train) -x $(call part,2,$*) -j $(call part,3,$*) -B $(call part,4,$*) -n $(STEPS) \
		--profile $(@:.csv=.profile) $<

$(OUT)/node/%.times: pipelines/steps.awk $(OUT)/node/%.csv
	awk -f pipelines/steps.awk $(OUT)/node/$*.profile $(OUT)/node/$*.csv > $@

$(OUT)/%.times: pipelines/steps.awk $(OUT)/%.csv
	awk -f pipelines/steps.awk $(OUT)/$*.csv > $@

$(OUT)/node.csv: $(node_runs:%=$(OUT)/node/%.times)
	$(call stack,model$(comma)rows,update_s$(comma)step_s$(comma)comm_s) \
		$(foreach r,$(node_runs),$(call name_and_rows,$r)=$(OUT)/node/$r.times) > $@

$(OUT)/shape/%.csv: $(OUT)/$(T).noised $(OUT)/node.settings pipelines/shape.awk
	@mkdir -p $(@D)
	train --dry-run --full-vocab on -x $(call part,2,$*) $< | \
		awk -v row_len=$(T) -f pipelines/shape.awk > $@

shape = layers,width,embed,words,row_len,parameters,operations
$(OUT)/shapes.csv: $(nodes:%=$(OUT)/shape/%.csv)
	$(call stack,model,$(shape)) \
		$(foreach n,$(nodes),$(call part,1,$n)=$(OUT)/shape/$n.csv) > $@

$(eval $(call strict,$(OUT)/shape/%.csv $(OUT)/equal/%.difference))

$(OUT)/models.csv: $(OUT)/shapes.csv $(OUT)/node.csv pipelines/scale.awk
	awk -v mode=models -f pipelines/scale.awk $(OUT)/shapes.csv $(OUT)/node.csv > $@

# --- prediction ---

$(OUT)/predicted.csv: $(OUT)/models.csv $(OUT)/predict.settings pipelines/scale.awk
	grep -v '^rank,' $< | awk -v mode=predict -v gbit='$(GBIT)' -v latency_us=$(LATENCY_US) \
		-v speeds='$(SPEEDS)' -v batch=$(BATCH) -v rows=$(NODE_ROWS) -v most=$(NODES) \
		-v bucket=$(BUCKET) -f pipelines/scale.awk > $@

shown = --where model=$(SHOWN) --where speed=$(SHOWN_SPEED) --where wire=float \
	--where shard=off --where sums=$(SHOWN_SUMS) --where progress=$(SHOWN_PROGRESS)

$(OUT)/strong.png $(OUT)/weak.png: $(OUT)/%.png: $(OUT)/predicted.csv
	plotcsv -x nodes -y efficiency -g gbit_per_s --discrete $(shown) --where scaling=$* \
		--log-x --ylim 0:1.05 --title '$(SHOWN), $* scaling, by Gbit/s' \
		--ylabel 'efficiency' -o $@ $<

# --- several processes ---

$(mpi_train):
	@command -v $(MPIRUN) >/dev/null || { echo 'scale.mk: no $(MPIRUN) here: "make deps"' \
		'installs mpirun on Debian; "make -f pipelines/scale.mk predict" does not need it' \
		>&2; exit 1; }
	$(MAKE) --no-print-directory BUILD=$(build) $@

ranks = $(LAUNCH) -n $1 $(mpi_train)

# Two processes: a tiny model, to measure the latency, and short rows, to measure the bandwidth
latency_model = -x tiny --full-vocab off --layers 1 --width 16 --heads 1 --embed 8
bytes_model = -x $(RANK_MODEL)
$(OUT)/calls/%.csv: $(OUT)/8.noised $(OUT)/ranks.settings | $(mpi_train)
	@mkdir -p $(@D)
	$(call ranks,2) $(train) $($*_model) -j 1 -B 2 -n $$((4 * $(RANK_STEPS))) $<

$(OUT)/calls.csv: $(OUT)/calls/latency.times $(OUT)/calls/bytes.times
	$(call stack,what,step_s$(comma)comm_s) latency=$(OUT)/calls/latency.times \
		bytes=$(OUT)/calls/bytes.times > $@

in_model = -v model=rank -v whole=$(RANK_MODEL) -v bucket=$(BUCKET) -v sums=tree \
	-v batch=$(RANK_ROWS) -f pipelines/scale.awk

$(OUT)/machine.csv: $(OUT)/models.csv $(OUT)/calls.csv pipelines/scale.awk
	awk -v mode=machine $(in_model) $(OUT)/models.csv $(OUT)/calls.csv > $@

way = --wire $(call part,2,$1) --shard $(call part,3,$1)
$(OUT)/ranks/%.csv: $(OUT)/$(T).noised $(OUT)/ranks.settings | $(mpi_train)
	@mkdir -p $(@D)
	$(call ranks,$(call part,1,$*)) $(train) -x $(RANK_MODEL) $(call way,$*) -j 1 \
		-B $(RANK_ROWS) -n $(RANK_STEPS) $<

$(OUT)/ranks.csv: $(RUNS:%=$(OUT)/ranks/%.times)
	$(call stack,ranks$(comma)wire$(comma)shard,step_s$(comma)comm_s) \
		$(foreach r,$(RUNS),$(call cells,$r)=$(OUT)/ranks/$r.times) > $@

$(OUT)/compare.csv: $(OUT)/models.csv $(OUT)/machine.csv $(OUT)/ranks.csv pipelines/scale.awk
	awk -v mode=compare $(in_model) $(OUT)/models.csv $(OUT)/machine.csv $(OUT)/ranks.csv > $@

# --- equality ---

# Steps of 16 rows; the last step has 2 rows, fewer than there are ranks. The products are in fp32,
# so that only the order of sums differs. The schedule is fitted to the rows of all ranks.
equal = $(logs) -x tiny --optimizer adamw --layers 2 --width 32 --heads 2 --embed 16 -B 16 \
	--refit-every 20 --window 512 --bucket 32 -j 1 --precision fp32

$(OUT)/equal.noised: $(OUT)/72.rows $(OUT)/equal.settings
	noise -q -e 8 -s 1 --mask mixed --limit $(EQUAL_ROWS) -o $@ $<

$(OUT)/equal/one.csv: $(OUT)/equal.noised
	@mkdir -p $(@D)
	train $(equal) $<

$(OUT)/equal/%.csv: $(OUT)/equal.noised | $(mpi_train)
	@mkdir -p $(@D)
	$(call ranks,$(call part,1,$*)) $(equal) $(call way,$*) $<

$(OUT)/equal/%.difference: $(OUT)/equal/one.csv $(OUT)/equal/%.csv
	paste -d , $^ | awk -f pipelines/difference.awk > $@

$(OUT)/equality.csv: $(RUNS:%=$(OUT)/equal/%.difference)
	$(call stack,ranks$(comma)wire$(comma)shard,steps$(comma)max_nats$(comma)mean_nats) \
		$(foreach r,$(RUNS),$(call cells,$r)=$(OUT)/equal/$r.difference) > $@

# make would delete the logs of the runs, which only pattern rules mention.
$(call kept,$(node_runs:%=$(OUT)/node/%.csv) $(RUNS:%=$(OUT)/ranks/%.csv))
$(call kept,$(RUNS:%=$(OUT)/equal/%.csv) $(OUT)/calls/latency.csv $(OUT)/calls/bytes.csv)

$(call settings,rows,$(WORDS))
$(call settings,node,$(T) $(STEPS) $(FEW) $(MANY) $(MODELS) $(RANK_MODEL))
$(call settings,ranks,$(T) $(RANK_MODEL) $(RANK_ROWS) $(RANK_STEPS) $(LAUNCH))
$(call settings,equal,$(EQUAL_ROWS) $(LAUNCH))
$(call settings,predict,$(MODELS) $(GBIT) / $(LATENCY_US) $(SPEEDS) / $(BATCH) $(NODE_ROWS) \
	$(NODES))

.PHONY: predict
