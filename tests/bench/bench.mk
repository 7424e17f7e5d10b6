# Measurements of speed and memory, as CSV and pictures in out/bench.

##@ Measure
## bench: steps and kernels beside the machine's peak and, with python3-torch, PyTorch
bench: all $(BUILD)/tests/bench/machine
	@BIN='$(BUILD)/bin' MACHINE='$(BUILD)/tests/bench/machine' tests/bench/all

## bench-tok: MB/s of tok beside cat and, where npm has it, Hugging Face tokenizers
bench-tok: all
	@BIN='$(BUILD)/bin' tests/bench/tok

## bench-torch: tokens a second and memory of the same model in PyTorch
bench-torch:
	@tests/bench/torch

GROWTH = out/bench/growth
## bench-growth: how cost grows with layers, width, length, batch and threads
bench-growth: all
	@mkdir -p $(GROWTH)
	@BIN='$(BUILD)/bin' tests/bench/growth > $(GROWTH)/growth.csv
	@BIN='$(BUILD)/bin' tests/bench/growth-pictures $(GROWTH)

## bench-threads: training with 1 thread and with all, and predictions for up to 64
bench-threads: all $(BUILD)/tests/bench/machine
	@BIN='$(BUILD)/bin' MACHINE='$(BUILD)/tests/bench/machine' tests/bench/threads

$(BUILD)/tests/bench/machine: tests/bench/machine.c $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK) $(ALL_CPPFLAGS) $< $(BUILD)/libcdcd.a $(ALL_LIBS)

.PHONY: bench bench-tok bench-torch bench-growth bench-threads
