#ifndef CDCD_ACTIVE_VOCAB_H
#define CDCD_ACTIVE_VOCAB_H

/*
 * The active vocabulary: the ids that occur in the training rows, and the special tokens except
 * [MASK]. The softmax runs over these words only. Files contain ids; the model uses indices 0 to
 * n - 1 into the active vocabulary.
 */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "base/err.h"

struct active_vocab {
	uint32_t n;
	uint32_t *id;    /* [n] ascending */
	uint64_t *count; /* [n] occurrences in the training rows */
	uint32_t vocab_size;
	int32_t *index;  /* [vocab_size] index of each id, -1 if it is not active */
	int32_t unknown; /* index of [UNK], -1 if it is not active */
	int32_t pad;     /* index of [PAD], -1 if it is not active */
};

/*
 * active_vocab_init - make the active vocabulary from the header and counts of a noised shard. With
 * full, or if the shard has no counts, all ids of the vocabulary are active. The caller frees the
 * arrays with active_vocab_release. Returns 0, or -1 with nothing to release.
 */
int active_vocab_init(struct active_vocab *a, const struct shard_header *h,
    const struct shard_counts *counts, int full, struct err *e);

/* active_vocab_restore - make it from n ids, which must ascend and be below h->vocab_size, and
 * their counts, as a checkpoint stores them. Both arrays are copied. Returns as active_vocab_init
 * does. */
int active_vocab_restore(struct active_vocab *a, const struct shard_header *h, uint32_t n,
    const uint32_t *id, const uint64_t *count, struct err *e);
void active_vocab_release(struct active_vocab *a);

/*
 * active_vocab_differs - whether a was made from other rows than those with these counts. If so,
 * *id is the first id whose number of occurrences differs, *was its number in a, and *is its number
 * in counts. Returns false if either side has no counts.
 */
bool active_vocab_differs(const struct active_vocab *a, const struct shard_counts *counts,
    uint32_t *id, uint64_t *was, uint64_t *is);

/* active_vocab_log_prior - prior [n]: the natural logarithm of each word's relative frequency, with
 * 1/2 added to each count. */
void active_vocab_log_prior(const struct active_vocab *a, double *prior);

/* active_vocab_index - the index of id; the index of [UNK] if id is not active; -1 if [UNK] is not
 * active either. */
static inline int32_t active_vocab_index(const struct active_vocab *a, uint32_t id)
{
	int32_t i = id < a->vocab_size ? a->index[id] : -1;

	return i >= 0 ? i : a->unknown;
}

#endif
