# cdcd: continuous diffusion for categorical data, as small Unix tools.
#
#   make deps demo    everything: dependencies, build, the embedded experiment
#   make deps test    everything: dependencies, build, the whole suite
#   make MPI=1        a train that runs on several machines; needs MPI's mpicc
#   make help         the other targets

PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DESTDIR =
# Names such as pack and train are generic: make install PROGRAM_PREFIX=cdcd-
PROGRAM_PREFIX =
BUILD = build
# Not empty: train runs under mpirun and srun. To be said to "make install", too.
MPI =

CC = cc
CFLAGS = -O3 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wformat=2
WERROR =
# make test SAN=1: everything again under AddressSanitizer and UndefinedBehaviorSanitizer;
# SAN=thread: under ThreadSanitizer.
ifdef SAN
BUILD = build-san$(if $(filter thread,$(SAN)),-thread)
CFLAGS = -O1 -g
SANITIZE = $(if $(filter thread,$(SAN)),-fsanitize=thread,-fsanitize=address$(COMMA)undefined \
	-fno-sanitize-recover=undefined) -fno-omit-frame-pointer
endif
COMMA = ,
# make coverage: which lines and branches the suite runs.
ifdef COVERAGE
BUILD = build-coverage
CFLAGS = -O0 -g --coverage
# The suite takes hours with kernels that are not optimised.
$(BUILD)/lib/math/%.o $(BUILD)/double/lib/math/%.o: CFLAGS += -O2
endif
# The fuzz targets under libFuzzer: make fuzz.
ifdef FUZZ
BUILD = build-fuzz
CC = clang
CFLAGS = -O2 -g
SANITIZE = -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
endif
# Arithmetic may be reordered into vectors where errno and traps need not be kept, nothing more.
FLOAT = -fno-math-errno -fno-trapping-math -ffp-contract=fast
PKGS = libutf8proc libzstd libxxhash json-c cairo cminpack openblas

include config.mk

TOOLS = tok pack noise train fitsched denoise plotcsv
TOOL_COMMON = $(patsubst %,$(BUILD)/tools/%.o,cli cli_paths progress)
TOOL_BINS = $(TOOLS:%=$(BUILD)/bin/%)

# Who talks to other ranks is linked into train alone; the rest calls it through lib/model/team.h.
TEAM_SRC = lib/model/team_single.c lib/model/team_mpi.c
LIB_SRC := $(filter-out $(TEAM_SRC),$(wildcard lib/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
# The same math and model in double precision, for the gradient checks.
LIB64_OBJ := $(LIB_SRC:%.c=$(BUILD)/double/%.o)
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_BINS := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
# Fuzz targets, here with a main of ours that tries their corpus and a few mutations of it.
FUZZ_SRC := $(filter-out tests/fuzz/fuzz.c tests/fuzz/driver.c,$(wildcard tests/fuzz/*.c))
FUZZ_BINS := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FAULTS = $(BUILD)/faults.so
TESTS = $(wildcard tests/*.t) $(UNIT_BINS)
ALL_SRC = $(LIB_SRC) lib/model/team_single.c $(wildcard tools/*.c) $(UNIT_SRC) tests/bench/machine.c \
	$(wildcard tests/fuzz/*.c tests/torture/*.c tests/numpy/*.c)

# MPI's compiler wrapper is asked to use $(CC).
MPICC = mpicc
MPI_CC = OMPI_CC='$(CC)' MPICH_CC='$(CC)' $(MPICC)
HAS_MPI = $(shell command -v $(MPICC))
MPI_TRAIN = $(if $(HAS_MPI),$(BUILD)/mpi/train)
TEAM = $(if $(MPI),mpi,single)

ALL_CPPFLAGS = -Ilib -D_GNU_SOURCE $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARNINGS) $(WERROR) $(FLOAT) $(SANITIZE) -pthread
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) -pthread
ALL_LIBS = $(PKG_LIBS) -lcsv -lm $(LDLIBS)

TRAIN_OBJ = $(patsubst %,$(BUILD)/tools/%.o,train needs origin ranks run runlog stop profile) $(TOOL_COMMON)

# make V=1 shows the commands of the build.
quiet = $(if $(V),,@echo '  $1 $@' &&)

all: $(TOOL_BINS) ## the tools, in $(BUILD)/bin

help:
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile

$(BUILD)/libcdcd.a: $(LIB_OBJ)
	@rm -f $@
	$(call quiet,AR)$(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/libcdcd64.a: $(LIB64_OBJ)
	@rm -f $@
	$(call quiet,AR)$(AR) rcs $@ $(LIB64_OBJ)

$(BUILD)/bin/train: $(TRAIN_OBJ) $(BUILD)/team $(BUILD)/lib/model/team_$(TEAM).o $(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(if $(MPI),$(MPI_CC),$(CC)) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter-out %/team,$^) $(ALL_LIBS)

# The same tools in double precision, and a sampler whose x can be read: for tests/reference.t.
TOOLS64 = $(BUILD)/double/bin/train $(BUILD)/double/bin/denoise $(BUILD)/double/bin/sample64
$(BUILD)/double/bin/train: $(TRAIN_OBJ:$(BUILD)/%=$(BUILD)/double/%) \
	$(BUILD)/double/lib/model/team_single.o
$(BUILD)/double/bin/denoise: $(patsubst %,$(BUILD)/double/tools/%.o,denoise cli cli_paths progress profile)
$(BUILD)/double/bin/sample64: $(BUILD)/double/tests/numpy/sample64.o
$(TOOLS64): $(BUILD)/libcdcd64.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(ALL_LIBS)

# What tests/mpi.t runs, whatever bin/train is.
$(BUILD)/mpi/train: $(TRAIN_OBJ) $(BUILD)/lib/model/team_mpi.o $(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(MPI_CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/lib/model/team_mpi.o: lib/model/team_mpi.c $(BUILD)/flags $(BUILD)/team
	@mkdir -p $(@D)
	$(call quiet,CC)$(MPI_CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bin/%: $(BUILD)/tools/%.o $(TOOL_COMMON) $(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS)

# What single tools are made of besides.
$(BUILD)/bin/pack: $(BUILD)/tools/inspect.o
$(BUILD)/bin/tok: $(BUILD)/tools/encode.o
$(BUILD)/bin/denoise: $(BUILD)/tools/profile.o

# Sums over a row may be split over the lanes of a vector here, and nowhere else.
$(BUILD)/lib/math/cpu_rows_%.o $(BUILD)/double/lib/math/cpu_rows_%.o: FLOAT += -fassociative-math -fno-signed-zeros

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/double/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests whose name ends in 64 see the library in double precision.
$(BUILD)/tests/%64: tests/unit/%64.c $(wildcard tests/unit/*.h) $(BUILD)/libcdcd64.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libcdcd64.a $(ALL_LIBS)

$(BUILD)/tests/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libcdcd.a $(ALL_LIBS)

$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h $(if $(FUZZ),,tests/fuzz/driver.c) $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) $(BUILD)/libcdcd.a $(ALL_LIBS)

# Loaded before a tool, it makes system calls fail: not sanitized, as the tools bring that along.
$(FAULTS): tests/torture/faults.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g $(WARNINGS) $(WERROR) -shared -fPIC -o $@ $< -ldl

# Objects are rebuilt when the flags that made them change.
$(BUILD)/flags: FORCE | $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(@D)
	@$(PKG_CONFIG) --exists $(PKGS) || echo 'Packages are missing: "make deps" installs them.' >&2
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' > $@

# train is linked again when it is to have another team, or another MPI.
$(BUILD)/team: FORCE
	@mkdir -p $(@D)
	@echo '$(TEAM) $(MPICC)' | cmp -s - $@ || echo '$(TEAM) $(MPICC)' > $@

deps: ## install what building and testing need, or say how
	@CC='$(CC)' MPICC='$(MPICC)' CPPFLAGS='$(CPPFLAGS)' PKG_CONFIG='$(PKG_CONFIG)' PKGS='$(PKGS)' pipelines/deps

demo: all ## the embedded experiment: stories of a known grammar, learnt and judged, in minutes
	+@BIN='$(BUILD)/bin' $(MAKE) --no-print-directory -f pipelines/demo.mk

HARD = OUT=out/demo-hard GRAMMAR=pipelines/hard.grammar T=196 STEPS=8000 BATCH=16 LR=2e-3
demo-hard: all ## the same with longer stories of two characters; takes longer
	+@BIN='$(BUILD)/bin' $(MAKE) --no-print-directory -f pipelines/demo.mk $(HARD) $(MAKEOVERRIDES)

programs: all $(UNIT_BINS) $(TOOLS64) ## the tools, and the C programs among the tests

test: programs $(FUZZ_BINS) $(FAULTS) $(MPI_TRAIN) ## every test that CI runs (SAN=1, SAN=thread: under the sanitizers)
	@BIN='$(BUILD)/bin' BUILD='$(BUILD)' CC='$(CC)' SAN='$(SAN)' COVERAGE='$(COVERAGE)' MPICC='$(MPICC)' prove -j2 --exec '' $(TESTS)

# The same scripts with large counts: see CONTRIBUTING.md.
KILLS = 200
torture: all $(UNIT_BINS) $(FUZZ_BINS) $(FAULTS) ## the tests of faults with large counts, for an hour or so (KILLS=200)
	@BIN='$(BUILD)/bin' BUILD='$(BUILD)' CC='$(CC)' SAN='$(SAN)' KILLS='$(KILLS)' STRIDE=1 EXECUTIONS=1000000 \
		prove -v --timer --exec '' tests/faults-*.t $(BUILD)/tests/checkpoint $(BUILD)/tests/watch $(BUILD)/tests/differential

FUZZ_EXECUTIONS = 10000000
fuzz: ## libFuzzer on every reader and on tok, FUZZ_EXECUTIONS= each (FUZZ_TARGETS= for some of them)
	@tests/fuzz/run check
	+@$(MAKE) --no-print-directory FUZZ=1 fuzz-targets
	@BUILD=build-fuzz tests/fuzz/run $(FUZZ_EXECUTIONS) $(or $(FUZZ_TARGETS),$(FUZZ_SRC:tests/fuzz/%.c=%))

fuzz-targets: $(FUZZ_BINS)

# Each deliberate fault is a file tests/mutants/NAME.diff: CONTRIBUTING.md says how to write one.
MUTANT =
JOBS = 1
mutants: programs $(FAULTS) $(MPI_TRAIN) ## whether tests see deliberate faults (MUTANT=NAME, JOBS=1)
	+@BIN='$(BUILD)/bin' BUILD='$(BUILD)' CC='$(CC)' SAN='$(SAN)' MPICC='$(MPICC)' JOBS='$(JOBS)' \
		HAS_MPI='$(HAS_MPI)' tests/mutants/run $(MUTANT)

coverage: ## lines and branches that the suite runs, and those that it does not
	+@$(MAKE) --no-print-directory COVERAGE=1 test
	@tests/torture/coverage build-coverage

analyze: ## static analysis: gcc -fanalyzer and clang --analyze
	@tests/torture/analyze '$(ALL_CPPFLAGS) -std=c11' $(LIB_SRC) $(wildcard tools/*.c)

valgrind: all $(UNIT_BINS) ## memcheck on the unit tests and on each tool once
	@BIN='$(BUILD)/bin' BUILD='$(BUILD)' tests/torture/valgrind

# On processors that this one is not. CONTRIBUTING.md says why these tests and not others.
ARM_TESTS = elsewhere.t $(filter-out training,$(UNIT_SRC:tests/unit/%.c=%)) \
	csv.t fitsched.t noise.t pack.t plotcsv.t safetensors.t shard.t tok.t
test-arm: all ## tests under qemu as an Arm processor runs them, cross-compiled in build-arm
	+@NATIVE='$(BUILD)/bin' MAKE='$(MAKE)' tests/arm $(ARM_TESTS)

# A Haswell has AVX2, a Nehalem not even AVX. What qemu would warn that it lacks is left out.
HASWELL = qemu-x86_64 -cpu Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid
NEHALEM = qemu-x86_64 -cpu Nehalem
PLAIN_TESTS = elsewhere.t kernels gradient64
test-plain: programs ## tests under qemu as x86-64 processors without AVX-512, and without AVX2, run them
	@NATIVE='$(BUILD)/bin' BUILD='$(BUILD)' tests/emulated avx2 avx2 '$(HASWELL)' $(PLAIN_TESTS)
	@NATIVE='$(BUILD)/bin' BUILD='$(BUILD)' tests/emulated plain plain '$(NEHALEM)' $(PLAIN_TESTS)

bench-tok: all ## MB/s of tok beside cat and, where npm has it, Hugging Face tokenizers; peak memory
	@BIN='$(BUILD)/bin' tests/bench/tok

bench: all $(BUILD)/tests/bench/machine ## whole steps and kernels beside the machine's peak and, with python3-torch, beside PyTorch
	@BIN='$(BUILD)/bin' MACHINE='$(BUILD)/tests/bench/machine' tests/bench/all

GROWTH = out/bench/growth
bench-growth: all ## how cost grows with layers, width, length, batch and threads: a CSV and pictures
	@mkdir -p $(GROWTH)
	@BIN='$(BUILD)/bin' tests/bench/growth > $(GROWTH)/growth.csv
	@for axis in layers width length batch threads; do \
		$(BUILD)/bin/plotcsv -x value -y tokens_per_s -g precision --where axis=$$axis --points --log-x --log-y \
			--xlabel $$axis --ylabel 'tokens a second' -o $(GROWTH)/$$axis.svg $(GROWTH)/growth.csv && \
		$(BUILD)/bin/plotcsv -x value -y rss_mib -g precision --where axis=$$axis --points --log-x --log-y \
			--xlabel $$axis --ylabel 'MiB at the peak' -o $(GROWTH)/$$axis-memory.svg $(GROWTH)/growth.csv || exit; \
	done
	@echo $(GROWTH)/growth.csv $(GROWTH)/*.svg

$(BUILD)/tests/bench/machine: tests/bench/machine.c $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libcdcd.a $(ALL_LIBS)

bench-torch: ## tokens/s and memory of the same model in PyTorch, as CSV
	@tests/bench/torch

EXECUTIONS = 3000000
fuzz-tok: $(BUILD)/tests/differential $(BUILD)/tests/differential_portable ## the fast ways of tok against the plain ones, EXECUTIONS= times each
	@for test in $^; do EXECUTIONS='$(EXECUTIONS)' $$test || exit; done

lint: ## everything that can be found without running: compilers, scripts, pages, layers
	@for cc in $(CC) clang; do \
		if command -v $$cc >/dev/null; then \
			$$cc -fsyntax-only -Werror $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(filter-out %64.c,$(ALL_SRC)) && \
			$$cc -fsyntax-only -Werror -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
				$(LIB_SRC) $(filter %64.c,$(ALL_SRC)) || exit; \
		fi; \
	done
	$(if $(HAS_MPI),$(MPI_CC) -fsyntax-only -Werror $(ALL_CPPFLAGS) $(ALL_CFLAGS) lib/model/team_mpi.c)
	tests/mutants/run check
	BIN='$(BUILD)/bin' prove --exec '' tests/layers.t tests/man.t tests/scripts.t

tidy: ## clang-tidy's opinion
	clang-tidy --quiet $(ALL_SRC) -- -std=c11 $(ALL_CPPFLAGS)

format: ## clang-format, in place
	clang-format -i $(ALL_SRC) $(wildcard lib/*/*.h tools/*.h tests/unit/*.h)

install: all ## to $(DESTDIR)$(PREFIX), each name after $(PROGRAM_PREFIX)
	mkdir -p $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7
	for tool in $(TOOLS); do \
		install -m 755 $(BUILD)/bin/$$tool $(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)$$tool && \
		sed $(foreach t,$(TOOLS),-e 's/^\(\.[NX][mr]\) $t$$/\1 $(PROGRAM_PREFIX)$t/' \
			-e 's/^\(\.[NX][mr]\) $t /\1 $(PROGRAM_PREFIX)$t /') man/$$tool.1 \
			>$(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)$$tool.1 || exit; \
	done
	install -m 644 $(wildcard man/*.5) $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(wildcard man/*.7) $(DESTDIR)$(MANDIR)/man7

uninstall: ## what install put there
	rm -f $(TOOLS:%=$(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)%) \
		$(TOOLS:%=$(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)%.1) \
		$(patsubst man/%,$(DESTDIR)$(MANDIR)/man5/%,$(wildcard man/*.5)) \
		$(patsubst man/%,$(DESTDIR)$(MANDIR)/man7/%,$(wildcard man/*.7))

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: all help deps demo demo-hard programs test test-arm test-plain torture fuzz fuzz-targets mutants coverage analyze valgrind bench bench-growth bench-tok bench-torch fuzz-tok lint tidy format install uninstall clean FORCE
.SECONDARY:

-include $(TEAM_SRC:%.c=$(BUILD)/%.d) $(LIB_OBJ:.o=.d) $(LIB64_OBJ:.o=.d) \
	$(foreach at,$(BUILD) $(BUILD)/double,$(patsubst %.c,$(at)/%.d,$(wildcard tools/*.c))) \
	$(BUILD)/double/tests/numpy/sample64.d $(BUILD)/double/lib/model/team_single.d
