# What the pipelines share. Included at the end of the settings of each.

export PATH := $(abspath $(BIN)):$(PATH)
export LC_ALL = C
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# $(call settings,NAME,VALUES): what is made of $(OUT)/NAME.settings is made again when they change.
# Kept up to date as the makefile is read, so that make -n and make -q know.
settings = $(shell mkdir -p '$(OUT)'; echo '$2' | cmp -s - '$(OUT)/$1.settings' || echo '$2' >'$(OUT)/$1.settings')

.PHONY: show
.SECONDARY:
