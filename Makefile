# cdcd: continuous diffusion for categorical data, as small Unix tools.
#
#   make deps demo    everything: dependencies, build, the embedded experiment
#   make deps test    everything: dependencies, build, the whole suite
#   make help         the other targets

PREFIX = /usr/local
DESTDIR =
# Names such as pack and train are generic: make install PROGRAM_PREFIX=cdcd-
PROGRAM_PREFIX =
BUILD = build

CC = cc
CFLAGS = -O3 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
WERROR =
# Arithmetic may be reordered into vectors where errno and traps need not be kept, nothing more.
FLOAT = -fno-math-errno -fno-trapping-math -ffp-contract=fast
PKGS = libutf8proc libzstd libxxhash json-c cairo cminpack openblas

include config.mk

TOOLS = tok pack noise train fitsched denoise plotcsv
TOOL_COMMON = $(BUILD)/tools/cli.o $(BUILD)/tools/progress.o
TOOL_BINS = $(TOOLS:%=$(BUILD)/bin/%)

LIB_SRC := $(wildcard lib/*/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
# The same math and model in double precision, for the gradient checks.
LIB64_OBJ := $(LIB_SRC:%.c=$(BUILD)/double/%.o)
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_BINS := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)

ALL_CPPFLAGS = -Ilib -D_GNU_SOURCE $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARNINGS) $(WERROR) $(FLOAT) $(SANITIZE) -pthread
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) -pthread
ALL_LIBS = $(PKG_LIBS) -lcsv -lm $(LDLIBS)

all: $(TOOL_BINS)

help:
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' $(MAKEFILE_LIST) | sort

$(BUILD)/libcdcd.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

$(BUILD)/libcdcd64.a: $(LIB64_OBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIB64_OBJ)

$(BUILD)/bin/%: $(BUILD)/tools/%.o $(TOOL_COMMON) $(BUILD)/libcdcd.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/double/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests whose name ends in 64 see the library in double precision.
$(BUILD)/tests/%64: tests/unit/%64.c tests/unit/tap.h $(BUILD)/libcdcd64.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -DCDCD_DOUBLE $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libcdcd64.a $(ALL_LIBS)

$(BUILD)/tests/%: tests/unit/%.c tests/unit/tap.h $(BUILD)/libcdcd.a $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libcdcd.a $(ALL_LIBS)

# Objects are rebuilt when the flags that made them change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' > $@

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: all help clean FORCE
.SECONDARY:

-include $(LIB_OBJ:.o=.d) $(LIB64_OBJ:.o=.d) $(TOOLS:%=$(BUILD)/tools/%.d) $(TOOL_COMMON:.o=.d)
