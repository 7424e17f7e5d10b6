# What the pipelines share. Included at the end of the settings of each.

export PATH := $(abspath $(BIN)):$(PATH)
export LC_ALL = C
.DELETE_ON_ERROR:
.SUFFIXES:
letters := $(filter-out --%,$(firstword -$(MAKEFLAGS)))
looking := $(strip $(foreach letter,n q t,$(findstring $(letter),$(letters))))
MAKEFLAGS += --no-builtin-rules
writable := $(or $(looking),$(shell mkdir -p '$(OUT)' 2>/dev/null && test -w '$(OUT)' && echo yes))
$(if $(writable),,$(error OUT=$(OUT): nothing can be written there))

# $(call settings,NAME,VALUES): what is made of $(OUT)/NAME.settings is made again when they change.
# Kept up to date as the makefile is read, so that make -n and make -q know; but those only look: a
# file that would change is phony to them, and as it was to the next make.
settings = $(if $(call changed,$1,$(subst ','\'',$(strip $2))),$(if $(looking),$(eval .PHONY: $(OUT)/$1.settings)))
changed = $(shell printf '%s\n' '$2' | cmp -s - '$(OUT)/$1.settings' || { echo new; $(if $(looking),,printf '%s\n' '$2' >'$(OUT)/$1.settings';) })

# $(eval $(call strict,TARGETS)): where a member of a pipe fails, their rules do. Not for where the
# last member takes what it needs and goes, as train -n does.
define strict
$1: private SHELL = /bin/bash
$1: private .SHELLFLAGS = -o pipefail -c
endef

# $(call reader,FILE,VOCAB,OPTIONS): the stories of a file, JSON lines or plain text (.txt), packed by
# zstd or not, as tokens. A packed file that is cut must not pass for a short one: rules that read
# are strict.
reader = $(if $(filter %.zst,$1),zstd -dcq,cat) $1 | tok $(if $(filter %.txt %.txt.zst,$1),--text) -w $2 $3

# $(call says,CHECKPOINT,BEFORE): for the shell, what "denoise --info" has behind BEFORE, a pattern.
says = $$(denoise -m $1 --info | sed -n 's/^$2//p')

.PHONY: show
# What only patterns name would be made again only with what is made of it, and removed after that:
# $(call kept,FILES) names it.
kept = $(eval keep: $1)
.PHONY: keep
