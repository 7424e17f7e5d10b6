# Common definitions. Each pipeline includes this file after its settings.

export PATH := $(abspath $(BIN)):$(PATH)
export LC_ALL = C
.DELETE_ON_ERROR:
.SUFFIXES:
comma = ,
space = $(subst ,, )
letters := $(filter-out --%,$(firstword -$(MAKEFLAGS)))
looking := $(strip $(foreach letter,n q t,$(findstring $(letter),$(letters))))
MAKEFLAGS += --no-builtin-rules
can_write = $(shell mkdir -p '$(OUT)' 2>/dev/null && test -w '$(OUT)' && echo yes)
writable := $(or $(looking),$(can_write))
$(if $(writable),,$(error OUT=$(OUT): nothing can be written there))

# $(call settings,NAME,VALUES): writes VALUES to $(OUT)/NAME.settings if they changed, so that
# targets that depend on this file are made again. This happens while make reads the makefile, so
# that make -n and make -q see it too. These must change nothing: they do not write the file, but
# treat it as phony if it would change.
settings = $(call save_settings,$(OUT)/$1.settings,$(subst ','\'',$(strip $2)))
save_settings = $(if $(call settings_differ,$1,$2),$(if $(looking), \
	$(eval .PHONY: $1),$(shell printf '%s\n' '$2' >'$1')))
settings_differ = $(shell printf '%s\n' '$2' | cmp -s - '$1' || echo yes)

# $(eval $(call strict,TARGETS)): the rules of these targets fail if any program of a pipe fails.
# Not for pipes whose last program stops reading before the end of its input, as train -n does.
define strict
$1: private SHELL = /bin/bash
$1: private .SHELLFLAGS = -o pipefail -c
endef

# $(call reader,FILE,VOCAB,OPTIONS): a command that prints the stories of a file as tokens. The file
# is JSON lines or plain text (.txt), compressed with zstd (.zst) or not. Rules that use it are
# strict: otherwise a truncated .zst file would be taken for a short one.
reader = $(call text,$1) | tok $(if $(filter %.txt %.txt.zst,$1),--text) -w $2 $3
text = $(if $(filter %.zst,$1),zstd -dcq,cat) $1

# Not empty: the Python interpreter $(PYTHON) has PyTorch.
torch = $(shell $(PYTHON) -c 'import torch' 2>/dev/null && echo yes)

# $(call says,CHECKPOINT,BEFORE): shell code for the rest of the line of "denoise --info" that
# starts with the pattern BEFORE.
says = $$(denoise -m $1 --info | sed -n 's/^$2//p')

# $(call bound,CHECKPOINT,LOWEST,LOSSES): prints the likelihood bound of cdcd-csv(5), from the
# losses at the lowest level and at evenly spread levels. Rules that use it are strict.
bound = { denoise -m $1 --info && cat $2 && sort -t, -k1,1g $3; } | awk -f pipelines/bound.awk

# $(call left,CHECKPOINT): in a recipe, not empty if an interrupted training left the checkpoint,
# and the prerequisites, which are its rows and settings, have not changed since.
left = $(shell for input in $^; do test $1 -nt $$input || exit; done; echo yes)

# $(call quoted,TEXT): TEXT as one word of the shell.
quoted = '$(subst ','\'',$(strip $1))'

# $(call printed,COMMAND,OPTIONS): the command in the shell, which prints it first. There, variables
# of the shell are expanded in OPTIONS only.
printed = echo $(call quoted,$1) $2; $1 $2

# $(call pictures,FILES): shell code that prints each picture's name and what it shows: for NAME.png
# that is $(about_NAME).
pictures = $(foreach f,$1,printf '%s: %s\n' $f $(call quoted,$(call about,$f));)
about = $(about_$(basename $(notdir $1)))

.PHONY: show
# make deletes intermediate files that only pattern rules mention. $(call kept,FILES) mentions them
# by name, so that make keeps them and checks whether they are up to date.
kept = $(eval keep: $1)
.PHONY: keep
