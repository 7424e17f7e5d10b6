#include "base/rng.h"

#include <math.h>
#include <Random123/philox.h>

static philox4x32_ctr_t random_block(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b)
{
	philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
	philox4x32_ctr_t ctr = {{(uint32_t)b, (uint32_t)(b >> 32), a, (uint32_t)domain}};

	return philox4x32(ctr, key);
}

uint64_t rng_u64(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b)
{
	philox4x32_ctr_t r = random_block(seed, domain, a, b);

	return (uint64_t)r.v[1] << 32 | r.v[0];
}

double rng_uniform(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b)
{
	return (double)(rng_u64(seed, domain, a, b) >> 11) * 0x1p-53;
}

/* Source: Lemire 2019, arXiv:1805.10941. Retries count in the upper 16 bits of b. */
uint64_t rng_below(uint64_t seed, enum rng_domain domain, uint32_t a, uint64_t b, uint64_t n)
{
	for (uint64_t attempt = 0;; attempt++) {
		uint64_t x = rng_u64(seed, domain, a, b + (attempt << 48));
		unsigned __int128 m = (unsigned __int128)x * n;

		if ((uint64_t)m >= -n % n)
			return (uint64_t)(m >> 64);
	}
}

void rng_normal(uint64_t seed, enum rng_domain domain, uint32_t position, float *out, size_t n)
{
	rng_normal_at(seed, domain, position, 0, out, n);
}

void rng_normal_at(
    uint64_t seed, enum rng_domain domain, uint32_t position, size_t first, float *out, size_t n)
{
	for (size_t i = 0; i < n; i += 4) {
		philox4x32_ctr_t r = random_block(seed, domain, position, (first + i) / 4);
		float z[4];

		for (int k = 0; k < 4; k += 2) {
			float u = ((float)(r.v[k] >> 8) + 0.5f) * 0x1p-24f;
			float angle = (float)(r.v[k + 1] >> 8) * (6.283185307179586f * 0x1p-24f);
			float radius = sqrtf(-2.0f * logf(u));

			z[k] = radius * cosf(angle);
			z[k + 1] = radius * sinf(angle);
		}
		for (size_t k = 0; k < 4 && i + k < n; k++)
			out[i + k] = z[k];
	}
}

void rng_permutation(uint64_t seed, uint32_t round, uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)rng_below(seed, RNG_SHUFFLE, round, i, i);
		uint32_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}
