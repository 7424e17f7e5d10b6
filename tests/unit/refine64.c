/* Refinement of sampled rows: which rows are improbable, and what a round does, with numbers
 * computed by hand. */
#include <stdlib.h>

#include "model/refine.h"
#include "base/rng.h"
#include "tiny.h"

enum { SEED = 7 };

static struct kernels *cpu;

struct rows {
	struct tiny m;
	struct sampler *s;
	struct batch b;
	struct schedule schedule;
};

/*
 * Three rows of eight positions, of which the last is given. The probabilities of the words are
 * 0.5, 0.3 and 0.2 for every x, but word 2 has only e^-20 times as much.
 */
static void rows_init(struct rows *o)
{
	const struct sampler_options so = {
	    .steps = 4, .temperature = 1, .tau = 1, .scale = 1, .guidance = 1, .context = 1};
	struct err e = {0};
	struct config c = tiny_config(PRECOND_CDCD, 8, false, false);

	tiny_init(&o->m, cpu, c, 1);
	o->m.w->bias[2] -= 20;
	o->s = sampler_new(cpu, &c, o->m.w, 3, &so, &e);
	if (!o->s || batch_init(&o->b, 3, 8, &e))
		diag("%s", e.msg);
	o->b.B = 3;
	for (size_t i = 0; i < 3; i++) {
		o->b.t[i] = 2;
		o->b.seed[i] = SEED + i;
		for (size_t j = 0; j < 8; j++)
			o->b.noised[8 * i + j] = j < 7;
	}
	schedule_init(&o->schedule, SCHEDULE_UNIFORM, 2, 1, 0.5, 2);
}

static void rows_release(struct rows *o)
{
	sampler_free(o->s);
	batch_release(&o->b);
	tiny_release(&o->m);
}

/* The ratios are 1, 0.6 and 0.4 e^-20. */
static void test_improbable(void)
{
	struct rows o;
	bool probable[3], all_probable[3];

	rows_init(&o);
	for (size_t m = 0; m < 24; m++)
		o.b.ids[m] = m == 7 ? 2 : m == 9;
	o.b.ids[18] = 2;
	sampler_find_improbable(o.s, &o.b, &o.schedule, 0.59, probable);
	ok(!probable[0] && !probable[1] && probable[2],
	    "sampler: a row is improbable if a noised word has too low a ratio, but not a given "
	    "one");
	sampler_find_improbable(o.s, &o.b, &o.schedule, 0.61, all_probable);
	ok(!all_probable[0] && all_probable[1] && all_probable[2],
	    "sampler: the ratio of a word is that to the most probable one");
	rows_release(&o);
}

/* The words of row i after a round: a hidden improbable word becomes word 0. */
static bool is_refined(const struct rows *o, size_t i, int32_t word)
{
	for (uint64_t j = 0; j < 8; j++) {
		bool hidden = j < 7 && rng_u64(SEED + i, RNG_REFINE, 0, j) & 1;
		int32_t expected = word == 2 && hidden ? 0 : word;

		if (o->b.ids[8 * i + j] != expected)
			return false;
	}
	return true;
}

static void test_refine(void)
{
	static const int32_t words[3] = {2, 1, 2};
	struct rows o;
	struct err e = {0};
	int left = 0;

	rows_init(&o);
	for (size_t m = 0; m < 24; m++)
		o.b.ids[m] = words[m / 8];
	ok(!refine(o.s, &o.b, 0, &o.schedule, &e) && o.b.ids[0] == 2 && o.b.ids[16] == 2,
	    "refine: no rounds change nothing %s", e.msg);
	ok(!refine(o.s, &o.b, 1, &o.schedule, &e) && is_refined(&o, 0, 2) && is_refined(&o, 2, 2),
	    "refine: a round samples the hidden half of improbable rows again %s", e.msg);
	ok(is_refined(&o, 1, 1), "refine: a probable row does not change");
	if (refine(o.s, &o.b, 8, &o.schedule, &e))
		diag("%s", e.msg);
	for (size_t m = 0; m < 24; m++)
		left += o.b.ids[m] == 2;
	ok(left == 2 && o.b.ids[7] == 2 && o.b.ids[23] == 2,
	    "refine: each round hides other positions, and given words stay (%d left)", left);
	rows_release(&o);
}

int main(void)
{
	struct err e;

	cpu = k_new(1, K_AUTO, &e);
	test_improbable();
	test_refine();
	k_free(cpu);
	return tap_done();
}
