# What the pipelines share. Included at the end of the settings of each.

export PATH := $(abspath $(BIN)):$(PATH)
export LC_ALL = C
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# $(call settings,NAME,VALUES): what is made of $(OUT)/NAME.settings is made again when they change.
# Kept up to date as the makefile is read, so that make -n and make -q know.
settings = $(shell mkdir -p '$(OUT)'; echo '$2' | cmp -s - '$(OUT)/$1.settings' || echo '$2' >'$(OUT)/$1.settings')

# $(call reader,FILE,VOCAB,OPTIONS): the stories of a file, JSON lines or plain text (.txt), packed by
# zstd or not, as tokens. A packed file that is cut must not pass for a short one: a rule that reads
# needs pipefail.
reader = $(if $(filter %.zst,$1),zstd -dcq,cat) $1 | tok $(if $(filter %.txt %.txt.zst,$1),--text) -w $2 $3

# $(call says,CHECKPOINT,BEFORE): for the shell, what "denoise --info" has behind BEFORE, a pattern.
says = $$(denoise -m $1 --info | sed -n 's/^$2//p')

.PHONY: show
.SECONDARY:
