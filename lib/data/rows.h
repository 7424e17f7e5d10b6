#ifndef CDCD_ROWS_H
#define CDCD_ROWS_H

/* Rows of ids, kept in memory for access in any order. */

#include <stddef.h>
#include <stdint.h>

#include "formats/shard.h"
#include "base/err.h"

#define ROWS_MAX UINT32_MAX

struct rows {
	uint32_t length;    /* ids in a row */
	uint32_t id_bytes;  /* size of an id in the shard and in memory: 2 or 4 */
	uint32_t n;         /* number of rows */
	unsigned char *ids; /* [n][length] of id_bytes, little-endian */
	size_t cap;         /* bytes */
};

/* rows_init - start with no rows; length and id_bytes are those of h. */
void rows_init(struct rows *r, const struct shard_header *h);
void rows_release(struct rows *r);

/*
 * rows_add - append a row, ids [length].
 *
 * Returns 0, or -1 if there are ROWS_MAX rows already, or if memory is short: if the allocation
 * fails, or would exceed the available memory. The message says how much was requested.
 */
int rows_add(struct rows *r, const uint32_t *ids, struct err *e);

/* rows_get - ids [length] of row i < n. */
void rows_get(const struct rows *r, uint32_t i, uint32_t *ids);

/*
 * rows_count - how often each id below vocab_size occurs in all rows. The caller frees what c
 * holds with rows_counts_release. Returns 0 or -1.
 */
int rows_count(const struct rows *r, uint32_t vocab_size, struct shard_counts *c, struct err *e);
void rows_counts_release(struct shard_counts *c);

#endif
