# Trains on one's own text. The script pipelines/own calls it: it converts the files to documents
# that tok reads, in $(OUT)/input.
#
# Settings that are empty are chosen by pipelines/own_choose: rows, preset and batch by the lengths
# of the documents and the amount of text, and the steps by MINUTES and the speed of this machine.
# The choice is $(OUT)/chosen.mk; it stays the same until the text or a setting changes, so that an
# interrupted training continues.

# Of documents of more than T tokens, LONG=cut keeps the beginning; LONG=split makes several rows.
T =
LONG =
MINUTES =
VOCAB =
VOCAB_SIZE =
FIELD =
CASED =
SEED = 1
# Model and training
PRESET =
STEPS =
BATCH =
LR =
TRAIN_OPTIONS =
MASK = mixed
ALL_FIRST = 0
VALID_ROWS =
VALID_EVERY =
SAVE_EVERY =
SHOW_EVERY =
FAMILY = logistic
FIT_EVERY = $(VALID_EVERY)
FIT_ROWS = 20000
# Sampling
SAMPLES = 32
SAMPLER = euler
SAMPLE_STEPS = 100
TEMPERATURE =
# Weight of what the other words of a text say: denoise --context-guidance
CONTEXT = 1.3
REFINE = 0
DENOISE_OPTIONS =

BIN = build/bin
OUT = out/own/text

include pipelines/common.mk

inputs = $(sort $(wildcard $(OUT)/input/*.json))
field = $(if $(FIELD),--field $(call quoted,$(FIELD)))
cased = $(if $(CASED),--cased)

# Settings of the command line, for own_choose
choices = T LONG MINUTES PRESET STEPS BATCH LR VALID_ROWS VALID_EVERY SAVE_EVERY SHOW_EVERY
given = $(foreach s,$(choices),$(if $(findstring command,$(origin $s)),$s=$(call quoted,$($s))))
given := $(given)
vocab = $(if $(VOCAB),$(OUT)/given.vocab,$(OUT)/vocab.txt)

# Settings: if they change, the targets that depend on them are made again.
# inputs: the names, sizes and times of the files. A file that replaces another may be older.
$(call settings,vocab,$(VOCAB) / $(VOCAB_SIZE) / $(CASED) / $(FIELD) / \
	$(shell cksum < $(OUT)/inputs))
$(call settings,choose,$(given))

# "make chosen" makes chosen.mk. The other settings are not known before, and are not saved.
ifeq ($(MAKECMDGOALS),chosen)
settings =
else
include $(OUT)/chosen.mk
endif

EPOCHS = $(shell echo $$(( ($(STEPS) * $(BATCH) + $(n_rows) - 1) / $(n_rows) )))
n_rows = $(shell pack --info $(OUT)/train.rows | sed -n 's/^records *//p')

include pipelines/model.mk

show: $(OUT)/samples.txt $(OUT)/figures.txt $(PICTURES)
	@printf '\n%s\n\n' 'Six texts, not picked, that the model wrote:'
	@head -n 6 $(OUT)/samples.txt | $(indented)
	@cat $(OUT)/figures.txt
	@printf 'All texts: %s\n' $(OUT)/samples.txt
	@$(call pictures,$(PICTURES))
	@printf '\n%s\n' 'To write with the model: pipelines/ask $(MODEL)'

# --- vocabulary and rows ---

$(OUT)/vocab.txt: $(inputs) $(OUT)/vocab.settings
	tok --learn $(or $(VOCAB_SIZE),$(vocab_size)) $(cased) $(field) $(inputs) > $@

# More text has more words.
bytes = $(shell cat $(inputs) | wc -c)
vocab_size = $(shell echo $$(( $(bytes) < 300000 ? 1000 : $(bytes) < 3000000 ? 2000 : \
	$(bytes) < 30000000 ? 4000 : 8000 )))

$(OUT)/all.tok: $(inputs) $(vocab) $(OUT)/vocab.settings
	tok -w $(vocab) --literal-special -j 0 $(cased) $(field) -o $@ $(inputs)

.PHONY: chosen
chosen: $(OUT)/chosen.mk
	@:

$(OUT)/chosen.mk: $(OUT)/all.tok $(OUT)/choose.settings
	@pipelines/own_choose $(OUT)/all.tok $(SEED) $(MASK) $(call quoted,$(TRAIN_OPTIONS)) \
		$(SAMPLES) $(call quoted,$(generate)) \
		$(given) > $@

$(OUT)/all.rows: $(OUT)/all.tok $(OUT)/rows.settings
	pack -T $(T) --long $(LONG) --shuffle -s $(SEED) -o $@ $<

$(OUT)/valid.rows: $(OUT)/all.rows $(OUT)/rows.settings
	pack -q --take 0:$(VALID_ROWS) -o $@ $<

$(OUT)/train.rows: $(OUT)/all.rows $(OUT)/rows.settings
	pack -q --take $(VALID_ROWS): -o $@ $<

$(OUT)/valid.noised: $(OUT)/valid.rows
	noise -q -s 7 -o $@ $<

# --- held-out figures ---

$(eval $(call strict,$(OUT)/losses.csv $(OUT)/lowest.csv $(OUT)/bound.csv))

$(OUT)/losses.csv: $(TRAINED) $(OUT)/valid.rows
	noise -q -e 4 -s 7 $(OUT)/valid.rows | denoise -q -m $(MODEL) --loss -o $@

$(OUT)/lowest.csv: $(TRAINED) $(OUT)/valid.rows
	noise -q -u 0 -s 8 $(OUT)/valid.rows | denoise -q -m $(MODEL) --loss -o $@

$(OUT)/bound.csv: pipelines/bound.awk $(OUT)/losses.csv $(OUT)/lowest.csv
	$(call bound,$(MODEL),$(OUT)/lowest.csv,$(OUT)/losses.csv) > $@

$(OUT)/figures.txt: pipelines/own_figures.awk $(OUT)/bound.csv $(OUT)/samples.txt
	@pack --ids $(OUT)/train.rows > $(OUT)/train.ids
	@pack --ids $(OUT)/valid.rows > $(OUT)/valid.ids
	@tok -d $(OUT)/train.rows > $(OUT)/train.txt
	@awk -f pipelines/own_figures.awk part=1 $(OUT)/steps.csv part=2 $(OUT)/train.ids \
		part=3 $(OUT)/valid.ids part=4 $(OUT)/bound.csv part=5 $(OUT)/train.txt \
		part=6 $(OUT)/samples.txt > $@
	@rm -f $(OUT)/train.ids $(OUT)/valid.ids $(OUT)/train.txt

$(call settings,rows,$(T) $(LONG) $(SEED) $(VALID_ROWS))
