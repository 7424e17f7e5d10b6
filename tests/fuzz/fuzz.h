#ifndef FUZZ_H
#define FUZZ_H

/*
 * Functions for the fuzz targets. A target is a function of some bytes, which libFuzzer calls. It
 * returns 0, and ends the program if anything is wrong. main() is that of libFuzzer ("make fuzz")
 * or of driver.c ("make test").
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* fuzz_file - the path of a file in memory with these n bytes; the next call replaces it. */
const char *fuzz_file(const void *data, size_t n);

/* fuzz_input - the bytes as an input that has been read to its end. Close it with input_close. */
void fuzz_input(struct input *in, const void *data, size_t n);

/* fuzz_error - check that a message is one line, not empty, and complete. */
void fuzz_error(const struct err *e);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
