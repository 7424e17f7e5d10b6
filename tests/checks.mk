# Checks that take long or need further packages; CI runs none of them. tests/README.md says more.

##@ Check slowly
KILLS = 200
## torture: the tests of faults with large counts, for an hour or so (KILLS=200)
torture: all $(UNIT_BINS) $(FUZZ_BINS) $(FAULTS)
	@$(TEST_ENV) KILLS='$(KILLS)' STRIDE=1 EXECUTIONS=1000000 prove -v --timer --exec '' \
		tests/faults-*.t $(addprefix $(BUILD)/tests/,checkpoint finite differential)

FUZZ_EXECUTIONS = 10000000
## fuzz: libFuzzer on every reader and on tok (FUZZ_EXECUTIONS= each, FUZZ_TARGETS=)
fuzz:
	@tests/fuzz/run check
	+@$(MAKE) --no-print-directory FUZZ=1 fuzz-targets
	@BUILD=build-fuzz tests/fuzz/run $(FUZZ_EXECUTIONS) \
		$(or $(FUZZ_TARGETS),$(FUZZ_SRC:tests/fuzz/%.c=%))

fuzz-targets: $(FUZZ_BINS)

# Each deliberate fault is a file tests/mutants/NAME.diff: tests/README.md says how to write one.
MUTANT =
JOBS = 1
## mutants: whether the tests find deliberate faults (MUTANT='NAME...', JOBS=1)
mutants: programs $(FAULTS) $(MPI_TRAIN)
	+@$(TEST_ENV) JOBS='$(JOBS)' HAS_MPI='$(HAS_MPI)' tests/mutants/run $(MUTANT)

## coverage: lines and branches that the suite runs, and those that it does not
coverage:
	+@$(MAKE) --no-print-directory COVERAGE=1 test
	@tests/torture/coverage build-coverage

## analyze: static analysis with gcc -fanalyzer and clang --analyze
analyze:
	@tests/torture/analyze '$(ALL_CPPFLAGS) -std=c11' $(LIB_SRC) $(wildcard tools/*.c)

## valgrind: memcheck on the unit tests and on each tool once
valgrind: all $(UNIT_BINS)
	@BIN='$(BUILD)/bin' BUILD='$(BUILD)' tests/torture/valgrind

# On processors that this one is not. tests/README.md says why these tests and not others.
ARM_TESTS = elsewhere.t $(filter-out training,$(UNIT_SRC:tests/unit/%.c=%)) \
	csv.t fitsched.t noise.t pack.t plotcsv.t safetensors.t shard.t tok.t
## test-arm: tests as an Arm processor runs them, cross-compiled in build-arm, under qemu
test-arm: all
	+@NATIVE='$(BUILD)/bin' MAKE='$(MAKE)' tests/arm $(ARM_TESTS)

# A Haswell has AVX2, a Nehalem not even AVX. What qemu would warn that it lacks is left out.
HASWELL = qemu-x86_64 -cpu Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid
NEHALEM = qemu-x86_64 -cpu Nehalem
PLAIN_TESTS = elsewhere.t kernels gradient64
## test-plain: tests as x86-64 processors without AVX-512 or AVX2 run them, under qemu
test-plain: programs
	@NATIVE='$(BUILD)/bin' BUILD='$(BUILD)' tests/emulated avx2 avx2 '$(HASWELL)' \
		$(PLAIN_TESTS)
	@NATIVE='$(BUILD)/bin' BUILD='$(BUILD)' tests/emulated plain plain '$(NEHALEM)' \
		$(PLAIN_TESTS)

## test-browser: how Chromium shows the animations of pipelines/watch and the page of report.mk
test-browser: all
	@$(TEST_ENV) prove -v --exec '' tests/browser

EXECUTIONS = 3000000
## fuzz-tok: the fast paths of tok against the plain ones (EXECUTIONS= times each)
fuzz-tok: $(BUILD)/tests/differential $(BUILD)/tests/differential_portable
	@for test in $^; do EXECUTIONS='$(EXECUTIONS)' $$test || exit; done

## tidy: clang-tidy
tidy:
	clang-tidy --quiet $(ALL_SRC) -- -std=c11 $(ALL_CPPFLAGS)

.PHONY: torture fuzz fuzz-targets mutants coverage analyze valgrind test-arm test-plain \
	test-browser fuzz-tok tidy
