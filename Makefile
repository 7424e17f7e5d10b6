# cdcd: continuous diffusion for categorical data, as small Unix tools.
#
#   make deps demo    everything: dependencies, build, the embedded experiment
#   make deps test    everything: dependencies, build, the whole suite
#   make MPI=1        a train that runs on several machines; needs MPI's mpicc
#   make help         the other targets

# Directories, compiler and packages: change them there, or on the command line.
include config.mk

BUILD = build
# Not empty: train runs under mpirun and srun. "make install" needs it, too.
MPI =

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wformat=2
WERROR =
# make test SAN=1: everything again under AddressSanitizer and UndefinedBehaviorSanitizer;
# SAN=thread: under ThreadSanitizer.
ifdef SAN
BUILD = build-san$(if $(filter thread,$(SAN)),-thread)
CFLAGS = -O1 -g
SANITIZE = $(if $(filter thread,$(SAN)),-fsanitize=thread, \
	-fsanitize=address$(COMMA)undefined -fno-sanitize-recover=undefined) -fno-omit-frame-pointer
# The inner loops of products are as they are without sanitizers, as those of BLAS are. With a check
# of every element the suite takes about twice as long.
$(BUILD)/lib/compute/cpu/multiply_%.o $(BUILD)/double/lib/compute/cpu/multiply_%.o: CFLAGS = -O3 -g
$(BUILD)/lib/compute/cpu/multiply_%.o $(BUILD)/double/lib/compute/cpu/multiply_%.o: SANITIZE =
endif
COMMA = ,
SPACE = $(subst ,, )
# make coverage: which lines and branches the suite runs.
ifdef COVERAGE
BUILD = build-coverage
CFLAGS = -O0 -g --coverage
# The suite takes hours with kernels that are not optimised.
$(BUILD)/lib/compute/cpu/%.o $(BUILD)/double/lib/compute/cpu/%.o: CFLAGS += -O2
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

TOOLS = tok pack noise train fitsched denoise plotcsv
TOOL_NAMES = $(subst $(SPACE),|,$(TOOLS))
TOOL_COMMON = $(patsubst %,$(BUILD)/tools/%.o,cli cli_values cli_paths progress)
TOOL_BINS = $(TOOLS:%=$(BUILD)/bin/%)

# What talks to other ranks is linked into train alone; the rest calls it through lib/comm/comm.h.
COMM_SRC = lib/comm/comm_single.c lib/comm/comm_mpi.c
LIB_SRC := $(filter-out $(COMM_SRC),$(wildcard lib/*/*.c lib/*/*/*.c))
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
ALL_SRC = $(LIB_SRC) lib/comm/comm_single.c $(wildcard tools/*.c) $(UNIT_SRC) \
	tests/bench/machine.c $(wildcard tests/fuzz/*.c tests/torture/*.c tests/numpy/*.c)

# MPI's compiler wrapper is asked to use $(CC).
MPI_CC = OMPI_CC='$(CC)' MPICH_CC='$(CC)' $(MPICC)
HAS_MPI = $(shell command -v $(MPICC))
MPI_TRAIN = $(if $(HAS_MPI),$(BUILD)/mpi/train)
COMM = $(if $(MPI),mpi,single)

ALL_CPPFLAGS = -Ilib -D_GNU_SOURCE $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARNINGS) $(WERROR) $(FLOAT) $(SANITIZE) -pthread
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) -pthread
ALL_LIBS = $(PKG_LIBS) -lcsv -lm $(LDLIBS)

TRAIN_OBJ = $(TOOL_COMMON) \
	$(patsubst %,$(BUILD)/tools/%.o,train train_options needs origin ranks run run_open runlog \
		stop profile)
DENOISE_OBJ = $(TOOL_COMMON) \
	$(patsubst %,$(BUILD)/tools/%.o,denoise generate trace unknown evaluate batches model \
		profile)

# LINK: a program from its sources, objects and archives.
LINK = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@
LINK_MPI = $(MPI_CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@

# make V=1 shows the commands of the build.
quiet = $(if $(V),,@echo '  $1 $@' &&)

##@ Use
## all: build the tools, in build/bin
all: $(TOOL_BINS)

$(BUILD)/libcdcd.a: $(LIB_OBJ)
	@rm -f $@
	$(call quiet,AR)$(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/libcdcd64.a: $(LIB64_OBJ)
	@rm -f $@
	$(call quiet,AR)$(AR) rcs $@ $(LIB64_OBJ)

$(BUILD)/bin/train: $(TRAIN_OBJ) $(BUILD)/comm $(BUILD)/lib/comm/comm_$(COMM).o \
	$(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(if $(MPI),$(LINK_MPI),$(LINK)) $(filter-out %/comm,$^) $(ALL_LIBS)

# The same tools in double precision, and a sampler whose x can be read: for tests/reference.t.
TOOLS64 = $(BUILD)/double/bin/train $(BUILD)/double/bin/denoise $(BUILD)/double/bin/sample64
$(BUILD)/double/bin/train: $(TRAIN_OBJ:$(BUILD)/%=$(BUILD)/double/%) \
	$(BUILD)/double/lib/comm/comm_single.o
$(BUILD)/double/bin/denoise: $(DENOISE_OBJ:$(BUILD)/%=$(BUILD)/double/%)
$(BUILD)/double/bin/sample64: $(BUILD)/double/tests/numpy/sample64.o
$(TOOLS64): $(BUILD)/libcdcd64.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS)

# What tests/mpi.t runs, whatever bin/train is.
$(BUILD)/mpi/train: $(TRAIN_OBJ) $(BUILD)/lib/comm/comm_mpi.o $(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK_MPI) $^ $(ALL_LIBS)

$(BUILD)/lib/comm/comm_mpi.o: lib/comm/comm_mpi.c $(BUILD)/flags $(BUILD)/comm
	@mkdir -p $(@D)
	$(call quiet,CC)$(MPI_CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bin/%: $(BUILD)/tools/%.o $(TOOL_COMMON) $(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS)

# What single tools are made of besides.
$(BUILD)/bin/pack: $(BUILD)/tools/inspect.o
$(BUILD)/bin/tok: $(patsubst %,$(BUILD)/tools/%.o,encode vocab_carried vocab_file)
$(BUILD)/bin/denoise: $(DENOISE_OBJ)
$(BUILD)/bin/plotcsv: $(patsubst %,$(BUILD)/tools/%.o,figure source)

# Sums over a row may be split over the lanes of a vector here, and nowhere else.
$(BUILD)/lib/compute/cpu/rows_%.o $(BUILD)/double/lib/compute/cpu/rows_%.o: \
	FLOAT += -fassociative-math -fno-signed-zeros

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/double/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests whose name ends in 64 see the library in double precision.
$(BUILD)/tests/%64: tests/unit/%64.c $(wildcard tests/unit/*.h) $(BUILD)/libcdcd64.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK) -DCDCD_DOUBLE $(ALL_CPPFLAGS) $< $(BUILD)/libcdcd64.a $(ALL_LIBS)

$(BUILD)/tests/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK) $(ALL_CPPFLAGS) $< $(BUILD)/libcdcd.a $(ALL_LIBS)

$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.c tests/fuzz/fuzz.h \
	$(if $(FUZZ),,tests/fuzz/driver.c) $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(LINK) $(ALL_CPPFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) $(filter %.c,$^) \
		$(BUILD)/libcdcd.a $(ALL_LIBS)

# Loaded before a tool, it makes system calls fail: not sanitized, as the tools bring that along.
$(FAULTS): tests/torture/faults.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g $(WARNINGS) $(WERROR) -shared -fPIC \
		-o $@ $< -ldl

# Objects are rebuilt when the flags that made them change.
$(BUILD)/flags: FORCE | $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(@D)
	@$(PKG_CONFIG) --exists $(PKGS) || \
		echo 'Packages are missing: "make deps" installs them.' >&2
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' > $@

# train is linked again when it is to have another communicator, or another MPI.
$(BUILD)/comm: FORCE
	@mkdir -p $(@D)
	@echo '$(COMM) $(MPICC)' | cmp -s - $@ || echo '$(COMM) $(MPICC)' > $@

## deps: install what building and testing need, or say how
deps:
	@CC='$(CC)' MPICC='$(MPICC)' CPPFLAGS='$(CPPFLAGS)' PKG_CONFIG='$(PKG_CONFIG)' \
		PKGS='$(PKGS)' pipelines/deps

DEMO = $(MAKE) --no-print-directory -f pipelines/demo.mk BIN='$(BUILD)/bin'
## demo: train on the embedded stories of a known grammar, generate and judge stories
demo: all
	+@$(DEMO) $(MAKEOVERRIDES)

HARD = OUT=out/demo-hard GRAMMAR=pipelines/hard.grammar T=196 STEPS=8000 BATCH=16 LR=2e-3
## demo-hard: the same with longer stories of two characters; takes longer
demo-hard: all
	+@$(DEMO) $(HARD) $(MAKEOVERRIDES)

## install: copy tools and pages to DESTDIR and PREFIX, names prefixed by PROGRAM_PREFIX
install: all
	mkdir -p $(DESTDIR)$(BINDIR) $(addprefix $(DESTDIR)$(MANDIR)/man,1 5 7)
	for tool in $(TOOLS); do \
		install -m 755 $(BUILD)/bin/$$tool $(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)$$tool && \
		sed -E 's/^(\.[NX][mr]) ($(TOOL_NAMES))( |$$)/\1 $(PROGRAM_PREFIX)\2\3/' \
			man/$$tool.1 >$(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)$$tool.1 || exit; \
	done
	install -m 644 $(wildcard man/*.5) $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(wildcard man/*.7) $(DESTDIR)$(MANDIR)/man7

## uninstall: remove what install copied
uninstall:
	rm -f $(TOOLS:%=$(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)%) \
		$(TOOLS:%=$(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)%.1) \
		$(patsubst man/%,$(DESTDIR)$(MANDIR)/man5/%,$(wildcard man/*.5)) \
		$(patsubst man/%,$(DESTDIR)$(MANDIR)/man7/%,$(wildcard man/*.7))

## deb: build the Debian package in build/deb, from a copy of the sources; needs debhelper
deb:
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/cdcd
	tar -c --exclude=./$(BUILD) --exclude='./build*' --exclude=./out --exclude=./.git . | \
		tar -xC $(BUILD)/deb/cdcd
	cd $(BUILD)/deb/cdcd && unset MAKEFLAGS MFLAGS && \
		DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b -Pnocheck
	ls $(BUILD)/deb/*.deb

## clean: remove what was built
clean:
	rm -rf $(BUILD)

## help: list the targets
help:
	@sed -n -e 's/^##@ \(.*\)/\n\1/p' -e 's/^## \([a-z-]*\): /  \1\t/p' \
		Makefile tests/checks.mk tests/bench/bench.mk | expand -t 18

##@ Change
## test: every test that CI runs (SAN=1, SAN=thread: under the sanitizers)
programs: all $(UNIT_BINS) $(TOOLS64)

# What tests and the scripts around them need to know.
TEST_ENV = BIN='$(BUILD)/bin' BUILD='$(BUILD)' CC='$(CC)' SAN='$(SAN)' MPICC='$(MPICC)'
test: programs $(FUZZ_BINS) $(FAULTS) $(MPI_TRAIN)
	@$(TEST_ENV) COVERAGE='$(COVERAGE)' prove -j2 --exec '' $(TESTS)

## lint: find what can be found without running: compilers, scripts, pages, layers, mutants
lint:
	@for cc in $(CC) clang; do \
		if command -v $$cc >/dev/null; then \
			$$cc -fsyntax-only -Werror $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
				$(filter-out %64.c,$(ALL_SRC)) && \
			$$cc -fsyntax-only -Werror -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
				$(LIB_SRC) $(filter %64.c,$(ALL_SRC)) || exit; \
		fi; \
	done
	$(if $(HAS_MPI),$(MPI_CC) -fsyntax-only -Werror $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
		lib/comm/comm_mpi.c)
	tests/mutants/run check
	BIN='$(BUILD)/bin' prove --exec '' tests/layers.t tests/man.t tests/scripts.t

## format: run clang-format in place
format:
	clang-format -i $(ALL_SRC) $(wildcard lib/*/*.h lib/*/*/*.h tools/*.h tests/unit/*.h)

include tests/checks.mk tests/bench/bench.mk

.PHONY: all help deps demo demo-hard programs test lint format install uninstall deb clean FORCE
.SECONDARY:

-include $(COMM_SRC:%.c=$(BUILD)/%.d) $(LIB_OBJ:.o=.d) $(LIB64_OBJ:.o=.d) \
	$(foreach at,$(BUILD) $(BUILD)/double,$(patsubst %.c,$(at)/%.d,$(wildcard tools/*.c))) \
	$(BUILD)/double/tests/numpy/sample64.d $(BUILD)/double/lib/comm/comm_single.d
