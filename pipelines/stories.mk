# Makes text, vocabulary and rows of stories of a known grammar; included. The settings are
# $(GRAMMAR), $(N_TRAIN), $(N_VALID), $(SEED) and $(T).

# --- stories ---

stories_awk = $(addprefix pipelines/,common.awk grammar.awk stories.awk)

$(OUT)/train.jsonl: $(GRAMMAR) $(stories_awk) $(OUT)/data.settings
	pipelines/stories generate -g $(GRAMMAR) -n $(N_TRAIN) -s $(SEED) > $@

$(OUT)/valid.jsonl: $(OUT)/train.jsonl
	pipelines/stories generate -g $(GRAMMAR) -n $(N_VALID) -s $$(($(SEED) + 1)) \
		-x $(OUT)/train.jsonl > $@

$(OUT)/entropy.csv: $(GRAMMAR) $(stories_awk)
	@mkdir -p $(OUT)
	pipelines/stories entropy -g $(GRAMMAR) > $@

$(OUT)/vocab.txt: $(OUT)/train.jsonl
	tok --learn 1000 $(OUT)/train.jsonl > $@

# --- rows ---

$(OUT)/%.rows: $(OUT)/%.jsonl $(OUT)/vocab.txt
	tok -w $(OUT)/vocab.txt $< | pack -T $(T) -o $@

# Held-out rows with fixed noise, so that all validations are comparable.
$(OUT)/valid.noised: $(OUT)/valid.rows
	noise -s 7 -o $@ $<

$(call settings,data,$(GRAMMAR) $(N_TRAIN) $(N_VALID) $(SEED) $(T))
