#ifndef CDCD_INSPECT_H
#define CDCD_INSPECT_H

/* What is in a shard, as text. path: NULL or "-" for standard input. All return 0 or -1. */

#include <stdbool.h>
#include <stdint.h>

#include "ground/err.h"
#include "ground/io.h"

/* inspect_info - read it to its end, which checks it, and print a summary to out. */
int inspect_info(const char *path, struct output *out, struct err *e);

struct inspection {
	bool noise;        /* levels, seeds and masks, of noised rows, as a row of CSV; else ids */
	uint64_t from, to; /* records from to to - 1 only, counted through all files */
};

/* inspect_records - print records, a line each. *n: how many were in the files before; counted on.
 */
int inspect_records(const char *path, const struct inspection *what, uint64_t *n,
    struct output *out, struct err *e);

/* inspect_check - read it to its end, which checks it. */
int inspect_check(const char *path, struct err *e);

#endif
