#ifndef FUZZ_H
#define FUZZ_H

/*
 * What the fuzz targets of this directory share. A target is one function of some bytes, as
 * libFuzzer calls it; it must return 0, and whatever is wrong ends the program. main() is
 * libFuzzer's ("make fuzz") or that of driver.c ("make test").
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* fuzz_file - the path of a file in memory that holds these n bytes; one at a time. */
const char *fuzz_file(const void *data, size_t n);

/* fuzz_input - the bytes as an input that has been read to its end, for input_close. */
void fuzz_input(struct input *in, const void *data, size_t n);

/* fuzz_error - a message is one line, not empty, and not cut in the middle of nowhere. */
void fuzz_error(const struct err *e);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
