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

generated = $(patsubst %,$(OUT)/stories/%.jsonl,$(shell seq $(PARTS)))
files = $(or $(wildcard $(FILES)),$(generated))
vocab = $(or $(VOCAB),$(OUT)/vocab.txt)
# Files of one name in different folders are different parts.
shard = $(OUT)/parts/$(subst /,_,$1).rows
shards = $(foreach file,$(files),$(call shard,$(file)))

$(OUT)/train.rows: $(shards)
	cat $(shards) > $@

list: ## the shards, one a line: each is a target
	@printf '%s\n' $(shards)

define rule
$(call shard,$1): $1 $(vocab)
	@mkdir -p $$(@D)
	$(call reader,$1,$(vocab)) | pack -T $(T) -o $$@
endef
$(foreach file,$(files),$(eval $(call rule,$(file))))

ifndef FILES
$(generated): $(OUT)/stories/%.jsonl: pipelines/stories.grammar
	@mkdir -p $(@D)
	pipelines/stories generate -n $(STORIES) -s $* > $@
endif

ifndef VOCAB
$(vocab): $(files)
	tok --learn 1000 $(filter-out %.zst,$(files)) $(foreach f,$(filter %.zst,$(files)),<(zstd -dcq $f)) > $@
endif

.PHONY: list
