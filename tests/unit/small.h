#ifndef CDCD_TEST_SMALL_H
#define CDCD_TEST_SMALL_H

/* A small model for tests of training, and random rows for it. Include after tap.h. */

#include <string.h>

#include "base/rng.h"
#include "train/settings.h"
#include "train/trainer.h"

enum { WORDS = 24, T = 12 };

/* The preset tiny with one layer of width 16 and AdamW, which has a first and a second moment of each
 * weight; callers change what they need. */
static inline void small_preset(struct config *c, struct trainer_options *o)
{
	*c = settings_preset("tiny")->model;
	*o = settings_preset("tiny")->train;
	c->layers = 1;
	c->width = 16;
	c->heads = 2;
	c->embed = 8;
	c->time_width = 8;
	o->optimizer.method = OPTIMIZER_ADAMW;
	o->steps = 100;
	o->window = 64;
}

/* A trainer on this rank (comm NULL: one process) for rows of T ids below WORDS, of which 0 is
 * [PAD] and 1 [UNK]. */
static inline struct trainer *small_trainer(struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, struct err *e)
{
	struct shard_header h = {.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = WORDS,
	    .row_len = T,
	    .special = {0, 1, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID}};
	struct shard_counts none = {0};
	struct trainer *tr = trainer_new(k, c, o, comm, &h, &none, e);

	if (!tr)
		diag("%s", e->msg);
	return tr;
}

/* Move every weight away from its initial value, which may be 0. */
static inline void small_shake(struct trainer *tr)
{
	for (size_t i = 0; tr && i < tr->w->n_tensors; i++)
		for (size_t j = 0; j < tr->w->tensor[i].n; j++)
			tr->w->base[tr->w->tensor[i].offset + j] +=
			    (real)(rng_uniform(9, RNG_TEST, (uint32_t)i, j) - 0.5);
}

/* Append a row of random ids, all noised, at level t, or at u of the schedule if t is NAN. The row
 * number determines the ids, and is the seed of the noise. Returns 0 or -1. */
static inline int small_add(
    struct batch *b, const struct trainer *tr, uint64_t row, double t, float u, struct err *e)
{
	uint8_t mask[(T + 7) / 8];
	uint32_t ids[T];
	struct shard_record r = {ids, T, (float)t, u, row, mask};

	memset(mask, 0xff, sizeof mask);
	mask[T / 8] &= (uint8_t)((1 << T % 8) - 1);
	for (uint32_t j = 0; j < T; j++)
		ids[j] = (uint32_t)rng_below(1, RNG_TEST, (uint32_t)row, j, WORDS);
	return batch_add(b, &r, &tr->active, &tr->schedule, true, e);
}

/* Say that tr->batch has been filled with this process's rows of the next n rows of the stream. */
static inline void small_filled(struct trainer *tr, size_t n)
{
	tr->loader.first = tr->rows;
	tr->loader.n = n;
}

#endif
