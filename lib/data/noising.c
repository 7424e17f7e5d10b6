#include "data/noising.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define GOLDEN 0x9e3779b97f4a7c15u /* 2^64 / phi */

/* The second counter of RNG_MASK: which quantity is drawn. DRAW_POSITION + i is for position i. */
enum { DRAW_KIND, DRAW_AMOUNT, DRAW_LAST, DRAW_POSITION };

int noising_init(struct noising *g, const struct noising_options *o, const struct rows *rows,
    uint32_t pad, struct err *e)
{
	memset(g, 0, sizeof *g);
	g->options = *o;
	g->rows = rows;
	g->pad = pad;
	g->epoch = UINT64_MAX;
	g->ids = mem_array(rows->length, sizeof *g->ids, e);
	g->mask = mem_array(rows->length / 8 + 1, 1, e);
	if (g->ids && g->mask && o->shuffle)
		g->order = mem_array(rows->n, sizeof *g->order, e);
	if (!g->ids || !g->mask || (o->shuffle && !g->order)) {
		noising_release(g);
		return -1;
	}
	return 0;
}

void noising_release(struct noising *g)
{
	free(g->order);
	free(g->ids);
	free(g->mask);
	memset(g, 0, sizeof *g);
}

float noising_u(uint64_t seed, uint32_t stream, uint64_t n)
{
	uint64_t u = rng_u64(seed, RNG_LEVEL, stream, 0) + n * GOLDEN;

	return (float)(u >> 40) * 0x1p-24f;
}

/* --- masks --- */

static void mark_given(struct noising *g, uint32_t i)
{
	g->mask[i / 8] &= (uint8_t) ~(1u << i % 8);
}

/* The number of positions before the padding at the end. */
static uint32_t content_length(const struct noising *g)
{
	uint32_t n = g->rows->length;

	while (n > 0 && g->ids[n - 1] == g->pad)
		n--;
	return n;
}

uint32_t noising_max_given(double max_given, uint32_t length)
{
	/* In floating point 0.29 * 100 is a little less than 29. */
	return (uint32_t)(max_given * length * (1 + 1e-12));
}

/* Leave a prefix given: at most the fraction max_given of the content, and never all of it. */
static void mask_prefix(struct noising *g, uint64_t n)
{
	uint32_t length = content_length(g),
	         max_given = noising_max_given(g->options.max_given, length);
	uint32_t given;

	if (max_given >= length)
		max_given = length > 0 ? length - 1 : 0;
	given = (uint32_t)rng_below(g->options.seed, RNG_MASK, DRAW_AMOUNT, n, max_given + 1ull);
	for (uint32_t i = 0; i < given; i++)
		mark_given(g, i);
}

/* Draw each position independently; at least one stays noised. */
static void mask_random(struct noising *g, uint64_t n)
{
	const struct noising_options *o = &g->options;
	uint32_t length = g->rows->length;
	double rate = o->max_given * rng_uniform(o->seed, RNG_MASK, DRAW_AMOUNT, n);
	uint32_t last = (uint32_t)rng_below(o->seed, RNG_MASK, DRAW_LAST, n, length);

	for (uint32_t i = 0; i < length; i++)
		if (i != last && rng_uniform(o->seed, RNG_MASK, DRAW_POSITION + i, n) < rate)
			mark_given(g, i);
}

static void make_mask(struct noising *g, uint64_t n)
{
	static const enum noising_mask third[] = {NOISING_ALL, NOISING_PREFIX, NOISING_RANDOM};
	enum noising_mask mask = n < g->options.all_first ? NOISING_ALL : g->options.mask;
	uint32_t length = g->rows->length;

	memset(g->mask, 0xff, length / 8 + 1);
	if (length % 8)
		g->mask[length / 8] = (uint8_t)((1u << length % 8) - 1);
	if (mask == NOISING_MIXED)
		mask = third[rng_below(g->options.seed, RNG_MASK, DRAW_KIND, n, 3)];
	if (mask == NOISING_PREFIX)
		mask_prefix(g, n);
	if (mask == NOISING_RANDOM)
		mask_random(g, n);
}

/* --- records --- */

void noising_record(struct noising *g, uint64_t n, struct shard_record *record)
{
	const struct noising_options *o = &g->options;
	uint64_t epoch = n / g->rows->n;
	uint32_t row = (uint32_t)(n % g->rows->n);

	if (o->shuffle && g->epoch != epoch) {
		rng_permutation(o->seed, (uint32_t)epoch, g->order, g->rows->n);
		g->epoch = epoch;
	}
	rows_get(g->rows, o->shuffle ? g->order[row] : row, g->ids);
	make_mask(g, n);
	memset(record, 0, sizeof *record);
	record->ids = g->ids;
	record->n = g->rows->length;
	record->t = o->t;
	if (isnan(o->t)) {
		/* If rows keep their order and their number is near a Fibonacci number, each row
		 * would get nearly the same level in all epochs: start each epoch elsewhere. */
		uint32_t stream = o->shuffle ? 0 : (uint32_t)epoch;

		record->u = isnan(o->u) ? noising_u(o->seed, stream, n) : o->u;
	}
	record->noise_seed = rng_u64(o->seed, RNG_SEED, 0, n);
	record->mask = g->mask;
}
