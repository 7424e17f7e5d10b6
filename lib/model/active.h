#ifndef CDCD_ACTIVE_H
#define CDCD_ACTIVE_H

/*
 * The active vocabulary: the ids that occur in the training rows, and the special tokens but
 * [MASK]. The softmax runs over these alone; files speak of ids, the model of indices 0 ... n-1.
 */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "ground/err.h"

struct active {
	uint32_t n;
	uint32_t *id;    /* [n] ascending */
	uint64_t *count; /* [n] occurrences in the training rows */
	uint32_t vocab_size;
	int32_t *index;  /* [vocab_size], -1 where not active */
	int32_t unknown; /* the index of [UNK], or -1 */
	int32_t pad;     /* of [PAD], or -1 */
};

/*
 * active_init - from the header and counts of a noised shard; every id with full.
 * Without counts, or with full, all of the vocabulary is active. Returns 0 or -1.
 */
int active_init(struct active *a, const struct shard_header *h, const struct shard_counts *counts,
    int full, struct err *e);

/* active_restore - from n ids and counts (copied), as a checkpoint has them. Returns 0 or -1. */
int active_restore(struct active *a, const struct shard_header *h, uint32_t n, const uint32_t *id,
    const uint64_t *count, struct err *e);
void active_release(struct active *a);

/*
 * active_differs - whether a was made of other rows than those of these counts: then *id is the
 * first id that occurs another number of times, was in the rows of a and is in these. False where
 * it is not known how often an id occurs, in either.
 */
bool active_differs(const struct active *a, const struct shard_counts *counts, uint32_t *id,
    uint64_t *was, uint64_t *is);

/* active_log_prior - ln of each word's share, with 1/2 added to every count. prior [n]. */
void active_log_prior(const struct active *a, double *prior);

/* active_index - of an id; that of [UNK] for an id that is not active; -1 where there is neither.
 */
static inline int32_t active_index(const struct active *a, uint32_t id)
{
	int32_t i = id < a->vocab_size ? a->index[id] : -1;

	return i >= 0 ? i : a->unknown;
}

#endif
