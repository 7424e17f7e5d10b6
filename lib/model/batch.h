#ifndef CDCD_BATCH_H
#define CDCD_BATCH_H

/* A batch of noised rows on the host, in the model's terms. B sequences of T positions. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "math/real.h"
#include "model/active.h"
#include "model/schedule.h"

struct batch {
	size_t B, T;    /* B: sequences in it now */
	size_t room;    /* sequences that it can hold */
	int32_t *ids;   /* [B,T] indices of the active vocabulary */
	real *noised;   /* [B,T] 1: noised, 0: given */
	real *weight;   /* [B,T] of each position in its sequence's mean; sums to 1, or all 0 */
	double *t;      /* [B] noise level */
	uint64_t *seed; /* [B] of its noise */
	size_t targets; /* sequences with a target in all of the step's batch, of which this may be
	                   a rank's share; 0: those of this one */
};

/* batch_init - room for B sequences of T. Returns 0 or -1. */
int batch_init(struct batch *b, size_t B, size_t T, struct err *e);
void batch_release(struct batch *b);

/* batch_bytes - memory that such a batch takes. */
size_t batch_bytes(size_t B, size_t T);

/* batch_has_target - whether any position of sequence i counts in the loss. */
bool batch_has_target(const struct batch *b, size_t i);

/*
 * batch_add - append a noised record. Where its t is open, it becomes F^-1(u) of the schedule.
 * pad_loss: [PAD] at a noised position counts in the loss. Returns 0, or -1 where a token is
 * neither active nor can be [UNK], or t is not a usable level.
 */
int batch_add(struct batch *b, const struct shard_record *r, const struct active *a,
    const struct schedule *s, bool pad_loss, struct err *e);

#endif
