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
RUNS = 1-float-off $(foreach n,2 4,$(foreach w,float bf16,$n-$w-off $n-$w-on))
EQUAL_ROWS = 3186

BIN = build/bin
OUT = out/scale
MPIRUN = mpirun
# Open MPI starts more processes than processors only with this option.
LAUNCH = $(MPIRUN) $(if $(shell $(MPIRUN) --version 2>/dev/null | grep 'Open MPI'),--oversubscribe)

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

predict: $(PREDICTED)
	@printf '\n%s\n\n' 'One node, measured:'
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/models.csv
	@printf '\n%s\n\n' 'Efficiency of $(SHOWN), $(BATCH) rows in all, nodes $(SHOWN_SPEED) times as fast as this one:'
	@awk -F, -v wanted='$(SHOWN),strong,$(SHOWN_SPEED),$(SHOWN_PROGRESS)' -f pipelines/efficiency.awk $(OUT)/predicted.csv
	@printf '\n%s' $(PREDICTED:%='Prediction: %'); echo

# --- rows ---

$(OUT)/vocab.txt: pipelines/stories.grammar $(OUT)/rows.settings
	{ printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' && pipelines/stories words && seq -f 'word%.0f' $(WORDS); } | awk 'NR <= $(WORDS)' > $@

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
train = -q -f --vocab full --refit-every 0 -o $(OUT)/model.safetensors -l $@ --loss-log $(OUT)/loss.csv
processors := $(shell getconf _NPROCESSORS_ONLN)

# Names of runs: node/NAME-MODEL-THREADS-ROWS
node = $(foreach m,$(sort $(MODELS) $(RANK_MODEL)),$m-$m-$(processors)) rank-$(RANK_MODEL)-1
node_runs = $(foreach n,$(node),$n-$(FEW) $n-$(MANY))

$(OUT)/node/%.csv: $(OUT)/$(T).noised $(OUT)/node.settings
	@mkdir -p $(@D)
	train $(train) -x $(call part,2,$*) -j $(call part,3,$*) -B $(call part,4,$*) -n $(STEPS) --profile $(@:.csv=.profile) $<

$(OUT)/node.csv: $(node_runs:%=$(OUT)/node/%.csv) pipelines/steps.awk
	@echo 'model,rows,update_s,step_s,comm_s' > $@
	@$(foreach r,$(node_runs),update=$$(awk -F, '$$1 == "adamw" { print $$3 / $(STEPS) }' $(OUT)/node/$r.profile) && awk -v name="$(call part,1,$r),$(call part,4,$r),$$update," -f pipelines/steps.awk $(OUT)/node/$r.csv >> $@ &&) :

$(OUT)/shapes.csv: $(OUT)/$(T).noised $(OUT)/node.settings
	@echo 'model,layers,width,embed,words,row_len,parameters,operations' > $@
	@$(foreach n,$(node),train --dry-run --vocab full -x $(call part,2,$n) $< | awk -v name=$(call part,1,$n) -v row_len=$(T) '$$1 == "parameters:" { shape = substr($$3, 2) "," ($$5 + 0) "," ($$9 + 0) "," $$10; p = $$2 } $$1 == "operations:" { print name "," shape "," row_len "," p "," $$2 }' >> $@ &&) :

$(OUT)/models.csv: $(OUT)/shapes.csv $(OUT)/node.csv pipelines/scale.awk
	awk -v mode=models -f pipelines/scale.awk $(OUT)/shapes.csv $(OUT)/node.csv > $@

# --- prediction ---

$(OUT)/predicted.csv: $(OUT)/models.csv $(OUT)/predict.settings pipelines/scale.awk
	grep -v '^rank,' $< | awk -v mode=predict -v gbit='$(GBIT)' -v latency_us=$(LATENCY_US) -v speeds='$(SPEEDS)' -v batch=$(BATCH) -v rows=$(NODE_ROWS) -v most=$(NODES) -v bucket=$(BUCKET) -f pipelines/scale.awk > $@

shown = --where model=$(SHOWN) --where speed=$(SHOWN_SPEED) --where wire=float --where shard=off --where sums=$(SHOWN_SUMS) --where progress=$(SHOWN_PROGRESS)

$(OUT)/strong.png $(OUT)/weak.png: $(OUT)/%.png: $(OUT)/predicted.csv
	plotcsv -x nodes -y efficiency -g gbit_per_s --discrete $(shown) --where scaling=$* --log-x --ylim 0:1.05 --title '$(SHOWN), $* scaling, by Gbit/s' --ylabel 'efficiency' -o $@ $<

# --- several processes ---

$(mpi_train):
	@command -v $(MPIRUN) >/dev/null || { echo 'scale.mk: no $(MPIRUN) here: "make deps" installs mpirun on Debian; "make -f pipelines/scale.mk predict" does not need it' >&2; exit 1; }
	$(MAKE) --no-print-directory BUILD=$(build) $@

# Two processes: a tiny model, to measure the latency, and short rows, to measure the bandwidth
$(OUT)/calls/%.csv: $(OUT)/8.noised $(OUT)/ranks.settings | $(mpi_train)
	@mkdir -p $(@D)
	$(LAUNCH) -n 2 $(mpi_train) $(train) $(if $(filter latency,$*),-x tiny --vocab active --layers 1 --width 16 --heads 1 -d 8,-x $(RANK_MODEL)) -j 1 -B 2 -n $$((4 * $(RANK_STEPS))) $<

$(OUT)/calls.csv: $(OUT)/calls/latency.csv $(OUT)/calls/bytes.csv pipelines/steps.awk
	@echo 'what,step_s,comm_s' > $@
	@$(foreach c,latency bytes,awk -v name='$c,' -f pipelines/steps.awk $(OUT)/calls/$c.csv >> $@ &&) :

in_model = -v model=rank -v whole=$(RANK_MODEL) -v bucket=$(BUCKET) -v sums=tree -v batch=$(RANK_ROWS) -f pipelines/scale.awk

$(OUT)/machine.csv: $(OUT)/models.csv $(OUT)/calls.csv pipelines/scale.awk
	awk -v mode=machine $(in_model) $(OUT)/models.csv $(OUT)/calls.csv > $@

$(OUT)/ranks/%.csv: $(OUT)/$(T).noised $(OUT)/ranks.settings | $(mpi_train)
	@mkdir -p $(@D)
	$(LAUNCH) -n $(call part,1,$*) $(mpi_train) $(train) -x $(RANK_MODEL) --wire $(call part,2,$*) --shard $(call part,3,$*) -j 1 -B $(RANK_ROWS) -n $(RANK_STEPS) $<

$(OUT)/ranks.csv: $(RUNS:%=$(OUT)/ranks/%.csv) pipelines/steps.awk
	@echo 'ranks,wire,shard,step_s,comm_s' > $@
	@$(foreach r,$(RUNS),awk -v name='$(subst -,$(comma),$r),' -f pipelines/steps.awk $(OUT)/ranks/$r.csv >> $@ &&) :

comma = ,

$(OUT)/compare.csv: $(OUT)/models.csv $(OUT)/machine.csv $(OUT)/ranks.csv pipelines/scale.awk
	awk -v mode=compare $(in_model) $(OUT)/models.csv $(OUT)/machine.csv $(OUT)/ranks.csv > $@

# --- equality ---

# Steps of 16 rows; the last step has 2 rows, fewer than there are ranks. The products are in fp32,
# so that only the order of sums differs. The schedule is fitted to the rows of all ranks.
equal = -q -f -x tiny --layers 2 --width 32 --heads 2 -d 16 -B 16 --refit-every 20 --window 512 --bucket 32 -j 1 --precision fp32 -o $(OUT)/model.safetensors -l $@ --loss-log $(OUT)/loss.csv

$(OUT)/equal.noised: $(OUT)/72.rows $(OUT)/equal.settings
	noise -q -e 8 -s 1 --mask mixed --limit $(EQUAL_ROWS) -o $@ $<

$(OUT)/equal/one.csv: $(OUT)/equal.noised
	@mkdir -p $(@D)
	train $(equal) $<

$(OUT)/equal/%.csv: $(OUT)/equal.noised | $(mpi_train)
	@mkdir -p $(@D)
	$(LAUNCH) -n $(call part,1,$*) $(mpi_train) $(equal) --wire $(call part,2,$*) --shard $(call part,3,$*) $<

$(OUT)/equality.csv: $(OUT)/equal/one.csv $(RUNS:%=$(OUT)/equal/%.csv)
	@echo 'ranks,wire,shard,steps,max_nats,mean_nats' > $@
	@$(foreach r,$(RUNS),paste -d , $< $(OUT)/equal/$r.csv | awk -F, 'NR > 1 { d = $$4 < $$13 ? $$13 - $$4 : $$4 - $$13; if (d > max) max = d; sum += d; n += $$1 == $$10 && $$2 == $$11 } END { printf "$(subst -,$(comma),$r),%d,%.2g,%.2g\n", n, max, sum / (NR - 1) }' >> $@ &&) :

$(call settings,rows,$(WORDS))
$(call settings,node,$(T) $(STEPS) $(FEW) $(MANY) $(MODELS) $(RANK_MODEL))
$(call settings,ranks,$(T) $(RANK_MODEL) $(RANK_ROWS) $(RANK_STEPS) $(LAUNCH))
$(call settings,equal,$(EQUAL_ROWS) $(LAUNCH))
$(call settings,predict,$(MODELS) $(GBIT) / $(LATENCY_US) $(SPEEDS) / $(BATCH) $(NODE_ROWS) $(NODES))

.PHONY: predict
