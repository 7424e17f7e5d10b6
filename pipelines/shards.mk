# Stories in many files, made into rows by as many processors as there are. Nothing here is of ours
# but tok and pack: each file is a job of its own, and their shards are joined by cat.
#
#   make -j8 -f pipelines/shards.mk FILES='part-*.jsonl.zst' VOCAB=vocab.txt
#
# on one machine; on several that share a disk, by GNU parallel,
#
#   make -s -f pipelines/shards.mk list FILES=... VOCAB=... |
#           parallel --sshloginfile nodes --workdir . make -f pipelines/shards.mk FILES=... VOCAB=... {}
#
# or by an array of Slurm jobs, pipelines/slurm/rows.sbatch; then the first command, which finds all
# done and joins them. FILES may be JSON lines or plain text (.txt), either packed by zstd; without
# FILES, stories of the grammar in PARTS parts.

FILES =
VOCAB =
T = 72
# Without FILES
PARTS = 4
STORIES = 1000

BIN = build/bin
OUT = out/shards

include pipelines/common.mk

# A packed file that is cut must not pass for a short one.
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c

# A name that is there is one, a pattern stands for what it matches.
unmatched = $(strip $(foreach f,$(FILES),$(if $(wildcard $f),,$f)))
$(if $(unmatched),$(error FILES: nothing is there of $(unmatched)))
generated = $(patsubst %,$(OUT)/stories/%.jsonl,$(shell seq $(PARTS)))
files = $(sort $(or $(wildcard $(FILES)),$(generated)))
vocab = $(or $(VOCAB),$(OUT)/vocab.txt)
# Files of one name in different folders are different parts.
shard = $(OUT)/parts/$(subst /,_-,$(subst _,__,$1)).rows
shards = $(foreach file,$(files),$(call shard,$(file)))

$(OUT)/train.rows: $(shards) $(OUT)/files.settings
	cat $(shards) > $@

list: ## the shards, one a line: each is a target
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
# One form of text at a time, as all is one stream.
texts = $(filter %.txt %.txt.zst,$(files))
$(vocab): $(files) $(OUT)/files.settings
	$(if $(texts),$(if $(filter-out $(texts),$(files)),@echo 'shards.mk: plain text and JSON lines: VOCAB= is needed' >&2; exit 1;))
	{ $(foreach f,$(files),$(if $(filter %.zst,$f),zstd -dcq,cat) $f &&) :; } | tok --learn 1000 $(if $(texts),--text) > $@
endif

$(call settings,files,$(files))
$(call settings,rows,$(T) $(vocab))
$(call settings,stories,$(STORIES))

.PHONY: list
