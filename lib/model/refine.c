#include "model/refine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

struct rows {
	struct batch b; /* rows of which a half is hidden */
	bool *improbable;
	size_t *of; /* [b.B] the row of the whole batch */
};

size_t refine_bytes(size_t B, size_t T, int64_t rounds)
{
	struct rows r;

	if (rounds == 0)
		return 0;
	return batch_bytes(B, T) + B * (sizeof *r.improbable + sizeof *r.of);
}

static void rows_release(struct rows *r)
{
	batch_release(&r->b);
	free(r->improbable);
	free(r->of);
}

static int rows_init(struct rows *r, const struct batch *b, struct err *e)
{
	*r = (struct rows){0};
	if (!batch_init(&r->b, b->B, b->T, e) &&
	    (r->improbable = mem_array(b->B, sizeof *r->improbable, e)) &&
	    (r->of = mem_array(b->B, sizeof *r->of, e)))
		return 0;
	rows_release(r);
	return -1;
}

/* Copy all rows of b, with a random half of the noised positions hidden. */
static void hide(struct rows *r, const struct batch *b, uint32_t round, double t_max)
{
	size_t T = b->T;

	r->b.B = b->B;
	memcpy(r->b.ids, b->ids, b->B * T * sizeof *b->ids);
	for (size_t i = 0; i < b->B; i++) {
		for (size_t j = 0; j < T; j++) {
			bool hidden = rng_u64(b->seed[i], RNG_REFINE, round, j) & 1;

			r->b.noised[i * T + j] = hidden ? b->noised[i * T + j] : 0;
		}
		r->b.t[i] = t_max;
		r->b.seed[i] = rng_u64(b->seed[i], RNG_REFINE, round, T);
		r->of[i] = i;
	}
}

/* Keep only the rows that have an improbable word. */
static void select_improbable(struct rows *r)
{
	size_t n = 0, T = r->b.T;

	for (size_t i = 0; i < r->b.B; i++) {
		if (!r->improbable[i])
			continue;
		memmove(r->b.ids + n * T, r->b.ids + i * T, T * sizeof *r->b.ids);
		memmove(r->b.noised + n * T, r->b.noised + i * T, T * sizeof *r->b.noised);
		r->b.seed[n] = r->b.seed[i];
		r->of[n++] = i;
	}
	r->b.B = n;
}

int refine(struct sampler *s, struct batch *b, int64_t rounds, const struct schedule *schedule,
    struct err *e)
{
	struct rows r;
	int failed = 0;

	if (rounds == 0)
		return 0;
	if (rows_init(&r, b, e))
		return -1;
	for (int64_t round = 0; round < rounds && !failed; round++) {
		hide(&r, b, (uint32_t)round, schedule->t_max);
		sampler_find_improbable(s, &r.b, schedule, REFINE_RATIO, r.improbable);
		select_improbable(&r);
		if (r.b.B > 0)
			failed = sampler_run(s, &r.b, SAMPLER_NOISE, schedule, e);
		for (size_t n = 0; n < r.b.B && !failed; n++)
			memcpy(b->ids + r.of[n] * b->T, r.b.ids + n * b->T, b->T * sizeof *b->ids);
	}
	rows_release(&r);
	return failed ? -1 : 0;
}
