# Trains an autoregressive transformer with PyTorch, a baseline for eval.mk:
# make -f pipelines/autoregressive.mk ROWS=... VALID=... VOCAB=...
#
# For the demo, with the rows that "make demo" made and about the parameters of its model:
#
#   make -f pipelines/autoregressive.mk ROWS=out/demo/train.rows VALID=out/demo/valid.rows \
#       VOCAB=out/demo/vocab.txt GRAMMAR=pipelines/stories.grammar
#
# It runs on one thread; learning.csv has the processor time. After an interruption, the same
# command continues from the last validation. Without PyTorch it does nothing, and says so. With
# GRAMMAR, the grammar and the consistency of SAMPLES texts are checked.

ROWS =
VALID =
VOCAB =
GRAMMAR =
# The number of held-out rows, from the start of VALID
HELD = 256
LAYERS = 7
WIDTH = 128
HEADS = 4
STEPS = 1100
BATCH = 32
LR = 3e-3
VALID_EVERY = 100
SEED = 1
SAMPLES = 1000
TEMPERATURE = 1
PYTHON = /usr/bin/python3

BIN = build/bin
OUT = out/autoregressive
MODEL = $(OUT)/model.pt
STATE = $(OUT)/training.pt

include pipelines/common.mk

ifeq ($(torch),)
show:
	@echo 'skipped: $(PYTHON) has no PyTorch (Debian: python3-torch)'
else
show: $(OUT)/learning.csv $(OUT)/samples.txt $(if $(GRAMMAR),$(OUT)/summary.csv)
	@printf '\n%s\n\n' 'Nats per held-out row, and per token of text, by the step:'
	@awk -v rows=1 -f pipelines/table.awk $<
	@printf '\n%s\n\n' 'Four texts, not picked, that the model wrote:'
	@head -n 4 $(OUT)/samples.txt
	@$(if $(GRAMMAR),awk -f pipelines/summary.awk $(OUT)/summary.csv)
	@printf '\n%s\n' 'Model: $(MODEL)'
endif

ifneq ($(words $(ROWS) $(VALID) $(VOCAB)),3)
$(error say ROWS=, VALID= and VOCAB=)
endif

$(eval $(call strict,$(OUT)/valid.ids $(OUT)/samples.txt))

$(OUT)/train.ids: $(ROWS) $(OUT)/rows.settings
	pack --ids $(ROWS) > $@

$(OUT)/valid.ids: $(VALID) $(OUT)/rows.settings
	pack -q --take 0:$(HELD) $(VALID) | pack --ids > $@

$(OUT)/learning.csv: $(OUT)/train.ids $(OUT)/valid.ids $(OUT)/train.settings
	$(if $(call left,$(STATE)),,rm -f $(STATE))
	$(PYTHON) pipelines/autoregressive.py train -w $(VOCAB) --layers $(LAYERS) \
		--width $(WIDTH) --heads $(HEADS) -n $(STEPS) -B $(BATCH) --lr $(LR) -s $(SEED) \
		--valid-every $(VALID_EVERY) --valid $(OUT)/valid.ids --state $(STATE) \
		-o $(MODEL) $(OUT)/train.ids > $@
	rm $(STATE)

$(OUT)/samples.txt: $(OUT)/learning.csv $(OUT)/sample.settings
	$(PYTHON) pipelines/autoregressive.py sample -m $(MODEL) -n $(SAMPLES) -s $(SEED) \
		-T $(TEMPERATURE) | tok -q --lines -w $(VOCAB) | tok -d > $@

$(OUT)/summary.csv: $(OUT)/samples.txt
	pipelines/stories summary -g $(GRAMMAR) $< > $@

$(call settings,rows,$(abspath $(ROWS) $(VALID) $(VOCAB)) $(HELD))
$(call settings,train,$(LAYERS) $(WIDTH) $(HEADS) $(STEPS) $(BATCH) $(LR) $(SEED) $(VALID_EVERY))
$(call settings,sample,$(SAMPLES) $(SEED) $(TEMPERATURE) $(GRAMMAR))
