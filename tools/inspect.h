#ifndef CDCD_INSPECT_H
#define CDCD_INSPECT_H

/* Print the contents of a shard as text. path: NULL or "-" for standard input. All functions return
 * 0 or -1. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

/* inspect_info - read the shard to its end, which checks it, and print a summary to out. */
int inspect_info(const char *path, struct output *out, struct err *e);

struct inspection {
	bool noise;        /* print level, seed and mask of noised rows as CSV; else print ids */
	uint64_t from, to; /* print records [from, to) only, counted over all files from 0 */
};

/* inspect_records - print records, one per line. *n: number of records in the files before; the
 * records of this file are added to it. */
int inspect_records(const char *path, const struct inspection *what, uint64_t *n,
    struct output *out, struct err *e);

/* inspect_check - read the shard to its end, which checks it. */
int inspect_check(const char *path, struct err *e);

#endif
