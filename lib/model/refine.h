#ifndef CDCD_REFINE_H
#define CDCD_REFINE_H

/*
 * Refinement of sampled rows. The sampler chooses all words of a row at the same time, so some of
 * them may not agree. Each round hides a random half of the generated words of each row, and
 * evaluates the model on the other half at the highest noise level. If a hidden word is much less
 * probable than the most probable word of its position, the hidden half is sampled again, given the
 * other half. Otherwise the row does not change: this is a step of Gibbs sampling in blocks, made
 * only where the row is improbable.
 */

#include "model/sampler.h"

/* A hidden word is improbable below this ratio of its probability to the largest one. */
#define REFINE_RATIO 0.01

/*
 * refine - after sampler_run on b: make this number of rounds, with the sampler's options. Changes
 * b->ids at noised positions. The result for a sequence depends only on its own row and seed, as
 * that of sampler_run. s must not have a hook. Returns 0, or -1 as sampler_run.
 */
int refine(struct sampler *s, struct batch *b, int64_t rounds, const struct schedule *schedule,
    struct err *e);

/* refine_bytes - bytes of memory that refine allocates for B sequences of T positions; 0 without
 * rounds. */
size_t refine_bytes(size_t B, size_t T, int64_t rounds);

#endif
