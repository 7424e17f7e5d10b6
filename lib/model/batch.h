#ifndef CDCD_BATCH_H
#define CDCD_BATCH_H

/* A batch of noised rows in host memory: B sequences of T positions, with indices of the active
 * vocabulary instead of ids. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "base/real.h"
#include "model/active_vocab.h"
#include "diffusion/schedule.h"

struct batch {
	size_t B, T;  /* B: number of sequences now */
	size_t room;  /* capacity, in sequences */
	int32_t *ids; /* [B,T] indices of the active vocabulary */
	real *noised; /* [B,T] 1: noised, 0: given */
	real *weight; /* [B,T] weight of each position in the mean loss of its sequence; the weights
	                 of a sequence sum to 1, or are all 0 */
	double *t;    /* [B] noise level */
	uint64_t *seed; /* [B] seed of the sequence's noise */
	size_t targets; /* number of sequences with a target in the batch of the whole step, over
	                   all ranks; 0: count the sequences of this batch */
};

/* batch_init - an empty batch with a capacity of B sequences of T positions. It owns its arrays;
 * free them with batch_release. Returns 0, or -1 with nothing to release. */
int batch_init(struct batch *b, size_t B, size_t T, struct err *e);
void batch_release(struct batch *b);

/* batch_bytes - bytes of memory that batch_init allocates for B and T. */
size_t batch_bytes(size_t B, size_t T);

/* batch_has_target - whether the loss counts any position of sequence i. */
bool batch_has_target(const struct batch *b, size_t i);

/* batch_targets - b->targets, or if that is 0, the number of sequences of b that have a target. */
size_t batch_targets(const struct batch *b);

/* batch_slice - the n sequences of b from number first on, as a batch that uses the arrays of b.
 * Its targets are those of b, so that the gradients of its slices add up to the gradient of b. */
struct batch batch_slice(const struct batch *b, size_t first, size_t n);

/* batch_given - the number of given positions of sequence i. */
size_t batch_given(const struct batch *b, size_t i);

/*
 * batch_add - append a noised record; the batch must not be full. If the record's t is open (NAN),
 * the noise level becomes F^-1(u) of the schedule. pad_loss: the loss counts [PAD] at a noised
 * position. Returns 0, or -1 with b->B unchanged if the record's length is not T, if a token is not
 * active and [UNK] is not either, or if the noise level is not positive and finite (with status
 * ERR_NONFINITE if it comes from the schedule).
 */
int batch_add(struct batch *b, const struct shard_record *r, const struct active_vocab *a,
    const struct schedule *s, bool pad_loss, struct err *e);

#endif
