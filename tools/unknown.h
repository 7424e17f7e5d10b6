#ifndef CDCD_UNKNOWN_H
#define CDCD_UNKNOWN_H

/* Warns about tokens of prompts that a model does not know: it reads each of them as [UNK]. A model
 * without [UNK] refuses them, and nothing is said here. */

#include "formats/shard.h"
#include "model.h"

/* Starts as {0}. */
struct unknown {
	uint64_t records, of; /* records with such tokens, of all */
};

/*
 * unknown_check - count the record r of the file name; the first one with unknown tokens causes a
 * warning that names them. generated: the id of tokens that are not given but generated, or
 * SHARD_NO_ID.
 *
 * unknown_end - after the last record: if there were several such records, say how many.
 */
void unknown_check(struct unknown *u, const struct model *m, const char *name,
    const struct shard_record *r, uint32_t generated);
void unknown_end(const struct unknown *u, const char *name);

#endif
