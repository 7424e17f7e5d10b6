# Converts stories in many files to rows, in parallel. Each file is a job of its own, for tok and
# pack; cat joins their shards.
#
# On one machine:
#
#   make -j8 -f pipelines/shards.mk FILES='part-*.jsonl.zst' VOCAB=vocab.txt
#
# On several machines that share a disk, with GNU parallel:
#
#   make -s -f pipelines/shards.mk list FILES=... VOCAB=... |
#           parallel --sshloginfile nodes --workdir . \
#                   make -f pipelines/shards.mk FILES=... VOCAB=... {}
#
# or with an array of Slurm jobs, pipelines/slurm/rows.sbatch. After either, run the first command:
# it finds all shards up to date and joins them. FILES are JSON lines or plain text (.txt),
# compressed with zstd (.zst) or not. Without FILES, stories of the grammar are generated, in PARTS
# parts.

FILES =
VOCAB =
T = 72
# Without FILES
PARTS = 4
STORIES = 1000

BIN = build/bin
OUT = out/shards

include pipelines/common.mk

# Without pipefail, a truncated .zst file would be taken for a short one.
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c

# Each word of FILES is a file, or a pattern that matches files.
unmatched = $(strip $(foreach f,$(FILES),$(if $(wildcard $f),,$f)))
$(if $(unmatched),$(error FILES: no such file: $(unmatched)))
generated = $(patsubst %,$(OUT)/stories/%.jsonl,$(shell seq $(PARTS)))
files = $(sort $(or $(wildcard $(FILES)),$(generated)))
vocab = $(or $(VOCAB),$(OUT)/vocab.txt)
# The name of a shard contains the folder, because files in different folders may have the same
# name.
shard = $(OUT)/parts/$(subst /,_-,$(subst _,__,$1)).rows
shards = $(foreach file,$(files),$(call shard,$(file)))

$(OUT)/train.rows: $(shards) $(OUT)/files.settings
	cat $(shards) > $@

list: ## the shards, one per line; each is a target
	@printf '%s\n' $(shards)

define rule
$(call shard,$1): $1 $(vocab) $(OUT)/rows.settings
	@mkdir -p $$(@D)
	$(call reader,$1,$(vocab)) | pack -T $(T) -o $$@
endef
$(foreach file,$(files),$(eval $(call rule,$(file))))

ifndef FILES
$(generated): $(OUT)/stories/%.jsonl: pipelines/stories.grammar $(OUT)/stories.settings
	@mkdir -p $(@D)
	pipelines/stories generate -n $(STORIES) -s $* > $@
endif

ifndef VOCAB
# tok --learn reads all files as one stream, so they must all be plain text or all be JSON lines.
# zstd -f copies files that are not compressed.
plain = $(filter %.txt %.txt.zst,$(files))
mixed = $(if $(plain),$(filter-out $(plain),$(files)))
$(vocab): $(files) $(OUT)/files.settings
	$(if $(mixed),@echo 'shards.mk: cannot learn a vocabulary from plain text and JSON lines' \
		'together; set VOCAB=' >&2; exit 1)
	zstd -dcfq $(files) | tok --learn 1000 $(if $(plain),--text) > $@
endif

$(call settings,files,$(files))
$(call settings,rows,$(T) $(vocab))
$(call settings,stories,$(STORIES))

.PHONY: list
