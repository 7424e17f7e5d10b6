#ifndef CDCD_RNG_H
#define CDCD_RNG_H

/*
 * Counter-based random numbers: Philox4x32-10 from Random123.
 * Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
 *
 * A value is a pure function of (seed, domain, counters). No state is stored between calls, so the
 * noise of any record can be computed in any process, in any order, by any number of threads.
 */

#include <stddef.h>
#include <stdint.h>

/* Each use has its own domain, so that two uses of one seed never get the same numbers. */
enum rng_domain {
	RNG_NOISE = 1,   /* the Gaussian noise of a record */
	RNG_SHUFFLE = 2, /* orders of rows */
	RNG_LEVEL = 3,   /* noise levels */
	RNG_MASK = 4,    /* masks */
	RNG_SEED = 5,    /* seeds derived from seeds */
	RNG_INIT = 6,    /* weights */
	RNG_SAMPLE = 7,  /* noise that a sampler adds */
	RNG_TEST = 8,
	RNG_START = 9,   /* seeds of the initial noise of samples: not that of training */
	RNG_REFINE = 10, /* hidden positions and seeds of the refinement of samples */
};

/* rng_u64 - 64 random bits for (seed, domain, a, b). */
uint64_t rng_u64(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b);

/* rng_uniform - a double in [0, 1) for (seed, domain, a, b). */
double rng_uniform(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b);

/* rng_below - an unbiased integer in [0, n), n > 0, for (seed, domain, a, b). */
uint64_t rng_below(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b, uint64_t n);

/*
 * rng_normal - n independent samples of N(0, 1) for (seed, domain, position): component i is a
 * function only of (seed, domain, position, i). Box-Muller on pairs of 32-bit words, so |z| < 5.9.
 */
void rng_normal(uint64_t seed, enum rng_domain domain, uint32_t position, float *out, size_t n);

/* rng_normal_at - as rng_normal, from component first, which must be a multiple of 4. */
void rng_normal_at(
    uint64_t seed, enum rng_domain domain, uint32_t position, size_t first, float *out, size_t n);

/* rng_permutation - a uniformly random order of 0 ... n-1 for (seed, round); Fisher-Yates. */
void rng_permutation(uint64_t seed, uint32_t round, uint32_t *order, uint32_t n);

#endif
