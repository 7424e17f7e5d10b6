/*
 * Numbers computed by hand: the coefficients of preconditioning, the inverse of the schedules, the
 * learning rate, the optimiser, and the weight of a position in the loss.
 */
#include <stdlib.h>
#include <string.h>

#include "train/optimizer.h"
#include "tiny.h"

static struct kernels *k;

/* --- preconditioning --- */

static void check_row(enum precond row, double sigma, const double expected[4])
{
	struct precond_coefficients c = precond_at(row, sigma);
	const real got[4] = {(real)c.skip, (real)c.out, (real)c.in, (real)c.noise};

	ok(near(got, expected, 4), "precond: %s has the coefficients of its formula at sigma = %g",
	    precond_names[row], sigma);
}

/* skip, out, in, noise at 0.75, 1 and 2.4: √(1 + σ²) is 1.25, √2 and 2.6 there. */
static void test_precond(void)
{
	static const double sigma[3] = {0.75, 1, 2.4};
	static const double in[3] = {0.8, 0.70710678118654752, 1 / 2.6};
	static const double noise[3] = {-0.07192051811294523, 0, 0.21886718433847496};
	static const double karras_skip[3] = {0.64, 0.5, 1 / 6.76};
	static const double karras_out[3] = {0.6, 0.70710678118654752, 2.4 / 2.6};
	static const double tanh_skip[3] = {0.24491866240370913, 0, -0.885351648202262598};
	static const double tanh_out[3] = {
	    0.635148952387287319, 0.761594155955764888, 0.9836748576936802};
	static const double bayes_skip[3] = {16 / 9.0, 1, 1 / 5.76};

	for (int i = 0; i < 3; i++) {
		check_row(PRECOND_KARRAS, sigma[i],
		    (double[4]){karras_skip[i], karras_out[i], in[i], noise[i]});
		check_row(PRECOND_TANH, sigma[i], (double[4]){tanh_skip[i], tanh_out[i], in[i], 1});
		check_row(PRECOND_CDCD, sigma[i], (double[4]){0, 1, in[i], noise[i]});
		check_row(PRECOND_BAYES, sigma[i], (double[4]){bayes_skip[i], 1, in[i], noise[i]});
	}
}

/* 2.5 times D, less 1.5 times x/σ², which at σ = 0.5 is 4 x. in and noise stay. */
static void test_guide(void)
{
	struct precond_coefficients c = {.skip = 0.2, .out = 3, .in = 7, .noise = 8};

	precond_guide(&c, 0.5, 2.5);
	ok(near((real[4]){(real)c.skip, (real)c.out, (real)c.in, (real)c.noise},
	       (double[4]){-5.5, 7.5, 7, 8}, 4),
	    "precond: context guidance extrapolates from x/sigma^2 to D");
}

/* --- schedules --- */

static void check_inverse(const struct schedule *s, double u, double t)
{
	const char *name = schedule_family_name(s->family);
	const real got[2] = {(real)schedule_t(s, u), (real)schedule_u(s, t)};

	ok(near(got, (double[2]){t, u}, 2), "schedule: %s has u = %g at t = %.4f", name, u, t);
}

static void check_ends(const struct schedule *s)
{
	const real got[6] = {(real)schedule_t(s, 0), (real)schedule_t(s, -1),
	    (real)schedule_t(s, 1), (real)schedule_t(s, 2), (real)schedule_u(s, s->t_min / 2),
	    (real)schedule_u(s, s->t_max * 2)};
	const double ends[6] = {s->t_min, s->t_min, s->t_max, s->t_max, 0, 1};

	ok(near(got, ends, 6), "schedule: %s has u = 0 at t_min and u = 1 at t_max",
	    schedule_family_name(s->family));
}

static void test_schedules(void)
{
	struct schedule uniform = {SCHEDULE_UNIFORM, {0, 0, 1, 0}, .t_min = 1, .t_max = 5};
	struct schedule cauchy = {SCHEDULE_CAUCHY, {3, 2, 4, -1}, .t_min = 1, .t_max = 5};
	struct schedule logistic = {SCHEDULE_LOGISTIC, {2, 2, 1, 0}, .t_min = 1, .t_max = 4};
	struct schedule frechet = {SCHEDULE_FRECHET, {2, 2, 1, 0}, .t_min = 1, .t_max = 4};
	struct schedule piecewise = {.t_min = 1, .t_max = 100};
	double knot_f[SCHEDULE_KNOTS];

	check_inverse(&uniform, 0.25, 2);
	/* a quarter and three quarters of the angle from -45 to 45 degrees: tan 22.5 = √2 - 1 */
	check_inverse(&cauchy, 0.75, 1 + 2 * sqrt(2));
	check_inverse(&cauchy, 0.25, 5 - 2 * sqrt(2));
	ok(fabs(schedule_nats(&cauchy, 5) - 2) < 1e-12, "schedule: cauchy has F = 4 * 3/4 - 1");
	/* from 1/5 to 4/5 of the whole curve: 0.35 = 1/(1 + (t/2)^-2) */
	check_inverse(&logistic, 0.25, 2 * sqrt(7 / 13.0));
	check_inverse(&logistic, 0.5, 2);
	check_inverse(&frechet, 0.5, 2 / sqrt(-log((exp(-4) + exp(-0.25)) / 2)));
	/* even in ln t, but straight between the knots 10^(25/50) and 10^(26/50) */
	for (int i = 0; i < SCHEDULE_KNOTS; i++)
		knot_f[i] = 2 + 3 * i;
	schedule_set_knots(&piecewise, knot_f);
	check_inverse(&piecewise, 0.255, (pow(10, 0.5) + pow(10, 0.52)) / 2);
	check_ends(&uniform);
	check_ends(&cauchy);
	check_ends(&logistic);
	check_ends(&frechet);
	check_ends(&piecewise);
}

/* --- the learning rate --- */

static void test_lr(void)
{
	struct optimizer_options o = {.lr = 2, .lr_end = 0.1, .warmup = 0.1};
	static const struct {
		uint64_t step;
		double lr;
		const char *where;
	} at[] = {
	    {1, 0.2, "the first step"},
	    {5, 1, "half of the warm-up"},
	    {10, 2, "the end of the warm-up"},
	    {40, 1.55, "a third of the cosine"},
	    {55, 1.1, "half of the cosine"},
	    {70, 0.65, "two thirds of the cosine"},
	    {100, 0.2, "the last step"},
	    {150, 0.2, "a step beyond the last"},
	};

	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		double lr = optimizer_lr(&o, at[i].step, 100);

		ok(fabs(lr - at[i].lr) < 1e-12, "learning rate: %g at %s: %g", at[i].lr,
		    at[i].where, lr);
	}
	o.warmup = 0;
	ok(fabs(optimizer_lr(&o, 0, 100) - 2) < 1e-12 &&
	        fabs(optimizer_lr(&o, 50, 100) - 1.1) < 1e-12,
	    "learning rate: without a warm-up the cosine begins at step 0");
}

/* --- AdamW --- */

/* Of the first three numbers every gradient is ±2 or 0, so that m and √v stay ±1 or 0 corrected. */
static void test_adamw(void)
{
	real p[4] = {1, 1, -1, 0}, m[4] = {0}, v[4] = {0}, ema[4] = {1, 1, -1, 0};
	const real g1[4] = {2, -2, 0, 6}, g2[4] = {2, -2, 0, -2};
	struct k_adamw u = {.lr = 0.2,
	    .beta1 = 0.5,
	    .beta2 = 0.75,
	    .eps = 1,
	    .weight_decay = 0.1,
	    .correction1 = 0.5,
	    .correction2 = 0.25,
	    .grad_scale = 0.5,
	    .ema_decay = 0.75};
	double last = -0.15 - 0.2 * (1 / 3.0 / (sqrt(31 / 7.0) + 1) - 0.1 * 0.15);

	k_adamw(k, p, m, v, ema, g1, 4, &u);
	ok(near(m, (double[4]){0.5, -0.5, 0, 1.5}, 4) &&
	        near(v, (double[4]){0.25, 0.25, 0, 2.25}, 4),
	    "adamw: both moments are correct after one step");
	ok(near(p, (double[4]){0.88, 1.08, -0.98, -0.15}, 4),
	    "adamw: the weights are correct after one step");
	ok(near(ema, (double[4]){0.97, 1.02, -0.995, -0.0375}, 4),
	    "adamw: the average is correct after one step");
	u.correction1 = 0.75;
	u.correction2 = 0.4375;
	k_adamw(k, p, m, v, ema, g2, 4, &u);
	ok(near(m, (double[4]){0.75, -0.75, 0, 0.25}, 4) &&
	        near(v, (double[4]){0.4375, 0.4375, 0, 1.9375}, 4),
	    "adamw: both moments are correct after two steps");
	ok(near(p, (double[4]){0.7624, 1.1584, -0.9604, last}, 4),
	    "adamw: the weights are correct after two steps");
	ok(near(ema, (double[4]){0.9181, 1.0546, -0.98635, 0.75 * -0.0375 + 0.25 * last}, 4),
	    "adamw: the average is correct after two steps");
}

/* --- a step of the optimiser --- */

struct update {
	struct tiny m;
	struct optimizer opt;
	struct arena arena; /* m, v and the average */
};

static void update_init(struct update *u, const struct optimizer_options *o)
{
	struct err e = {0};
	size_t n;

	tiny_init(&u->m, k, tiny_config(PRECOND_CDCD, 2, false, false), 1);
	n = u->m.w->n;
	for (size_t i = 0; i < n; i++)
		u->m.base[i] = 1;
	if (optimizer_init(&u->opt, k, o, u->m.w, NULL, 0, 0, &e))
		diag("%s", e.msg);
	u->arena = (struct arena){0};
	optimizer_layout(&u->opt, u->m.w, &u->arena);
	if (arena_alloc(&u->arena, k, &e))
		diag("%s", e.msg);
	optimizer_layout(&u->opt, u->m.w, &u->arena);
	u->m.g->in_w[0] = 3;
	u->m.g->in_b[0] = 4;
	u->m.g->embed[0] = 100;
}

static void update_release(struct update *u)
{
	k_release(k, u->arena.base);
	optimizer_release(&u->opt);
	tiny_release(&u->m);
}

/* The first moments, after one step from nothing, of in.weight, in.bias and embed.weight. */
static void first_moments(const struct update *u, real m[3])
{
	m[0] = u->opt.m[u->m.w->in_w - u->m.base];
	m[1] = u->opt.m[u->m.w->in_b - u->m.base];
	m[2] = u->opt.m[u->m.w->embed - u->m.base];
}

static const struct optimizer_options plain = {
    .lr = 0.5, .lr_end = 1, .beta1 = 0.5, .beta2 = 0.75, .eps = 1e-3, .ema = 0.5};

static void test_clip(void)
{
	struct optimizer_options o = plain;
	struct err e = {0};
	double norm = 0;
	real m[3];

	for (int clipped = 1; clipped >= 0; clipped--) {
		struct update u;
		double scale = clipped ? 0.2 : 1;

		o.clip = clipped ? 1 : 6;
		update_init(&u, &o);
		ok(!optimizer_step(&u.opt, u.m.w, u.m.g, 1, 10, &norm, &e) &&
		        fabs(norm - 5) < 1e-12,
		    "optimizer: the norm is 5, without the gradient of 100 of the embedding (%g)",
		    norm);
		first_moments(&u, m);
		ok(near(m, (double[3]){1.5 * scale, 2 * scale, 50}, 3),
		    "optimizer: a norm of 5 is %s at %g, but never the gradient of the embedding",
		    clipped ? "clipped" : "not clipped", o.clip);
		update_release(&u);
	}
}

static void test_decay(void)
{
	struct optimizer_options o = plain;
	struct update u;
	struct err e = {0};
	double norm;
	real kept[4];

	o.weight_decay = 0.1;
	update_init(&u, &o);
	optimizer_step(&u.opt, u.m.w, u.m.g, 1, 10, &norm, &e);
	kept[0] = u.m.w->in_w[1];
	kept[1] = u.m.w->in_b[1];
	kept[2] = u.m.w->embed[1];
	kept[3] = u.m.w->bias[1];
	ok(near(kept, (double[4]){0.95, 1, 1, 1}, 4),
	    "optimizer: matrices decay, but biases, the embedding and its bias do not");
	update_release(&u);
}

/* At step 3, from moments of zero: m = 1.5 / (7/8), v = 2.25 / (37/64). */
static void test_corrections(void)
{
	struct update u;
	struct err e = {0};
	double norm, expected = 1 - 0.5 * (12 / 7.0) / (sqrt(2.25 * 64 / 37) + 1e-3);

	update_init(&u, &plain);
	optimizer_step(&u.opt, u.m.w, u.m.g, 3, 10, &norm, &e);
	ok(near(u.m.w->in_w, &expected, 1), "optimizer: both moments are corrected for step 3");
	update_release(&u);
}

/* The average starts at 0 here, the weight is and stays 1. */
static void test_average(void)
{
	static const struct {
		uint64_t step;
		double ema, decay;
	} at[] = {{1, 0.999, 2 / 11.0}, {8, 0.999, 0.5}, {100, 0.5, 0.5}};

	for (int i = 0; i < 3; i++) {
		struct optimizer_options o = plain;
		struct update u;
		struct err e = {0};
		double norm, expected = 1 - at[i].decay;

		o.ema = at[i].ema;
		update_init(&u, &o);
		optimizer_step(&u.opt, u.m.w, u.m.g, at[i].step, 1000, &norm, &e);
		ok(near(u.opt.ema + (u.m.w->in_w - u.m.base) + 1, &expected, 1),
		    "optimizer: the average keeps %.3f at step %d with a decay of %g", at[i].decay,
		    (int)at[i].step, at[i].ema);
		update_release(&u);
	}
}

/* --- Muon --- */

enum { C = 4 }; /* the width of a tiny model */

/* The elements of a matrix [C,C] on its diagonal, or all others. */
static double largest(const real *w, double expected, bool diagonal)
{
	double most = 0;

	for (int i = 0; i < C * C; i++)
		if ((i / C == i % C) == diagonal)
			most = fmax(most, fabs((double)w[i] - expected));
	return most;
}

/*
 * A step from weights of 1, with lr 0.5, scale 0.1 and no decay. On the diagonals of queries, keys
 * and values the gradients are 4, -0.01 and 0. Each is orthogonalised by itself: 1 becomes 1 -+ 0.5
 * 0.1 sqrt(4), to the 13 % of the polynomials.
 */
static void test_muon_qkv(void)
{
	struct optimizer_options o = plain;
	struct update u;
	struct err e = {0};
	double norm;
	real *qkv;

	o.method = OPTIMIZER_MUON;
	o.muon_scale = 0.1;
	o.muon_momentum = 0.75;
	update_init(&u, &o);
	for (size_t i = 0; i < C; i++) {
		u.m.g->block[0].qkv_w[i * C + i] = 4;
		u.m.g->block[0].qkv_w[C * C + i * C + i] = -0.01;
	}
	optimizer_step(&u.opt, u.m.w, u.m.g, 1, 10, &norm, &e);
	qkv = u.m.w->block[0].qkv_w;
	ok(largest(qkv, 0.9, true) < 0.013 && largest(qkv + C * C, 1.1, true) < 0.013,
	    "muon: queries and keys are separate matrices, and the size of their gradients does "
	    "not matter");
	ok(largest(qkv, 1, false) < 1e-12 && largest(qkv + C * C, 1, false) < 1e-12,
	    "muon: off the diagonal their weights stay");
	ok(largest(qkv + 2 * C * C, 1, true) + largest(qkv + 2 * C * C, 1, false) < 1e-12,
	    "muon: values without a gradient stay");
	ok(near(u.opt.m + (qkv - u.m.base), (double[2]){1, 0}, 2),
	    "muon: a quarter of the gradient is in the momentum");
	update_release(&u);
}

/* [C,4C] with the gradient on C of its columns: 0.5 0.1 sqrt(16). Before that decay takes 5 %. */
static void test_muon_shape(void)
{
	struct optimizer_options o = plain;
	struct update u;
	struct err e = {0};
	double norm, most[2] = {0};

	o.method = OPTIMIZER_MUON;
	o.muon_scale = 0.1;
	o.weight_decay = 0.1;
	update_init(&u, &o);
	for (size_t i = 0; i < C; i++) {
		u.m.g->block[0].down_w[i * 4 * C + i] = 1;
		u.m.g->block[0].up_w[i * C + i] = 1;
	}
	optimizer_step(&u.opt, u.m.w, u.m.g, 1, 10, &norm, &e);
	for (size_t i = 0; i < C; i++) {
		double down = (double)u.m.w->block[0].down_w[i * 4 * C + i];
		double up = (double)u.m.w->block[0].up_w[i * C + i];

		most[0] = fmax(most[0], fabs(down - 0.75));
		most[1] = fmax(most[1], fabs(up - 0.75));
	}
	ok(most[0] < 0.026 && most[1] < 0.026,
	    "muon: the step grows with the square root of the longer side, wide (%.3f) and tall "
	    "(%.3f)",
	    most[0], most[1]);
	ok(near(u.m.w->block[0].down_w + 4 * C, (double[1]){0.95}, 1),
	    "muon: matrices decay by lr times decay");
	ok(near(u.opt.ema + (u.m.w->block[0].down_w - u.m.base) + 4 * C, (double[1]){0.95 * 9 / 11},
	       1),
	    "muon: the average follows, at the rate of step 1");
	update_release(&u);
}

/* The second moment of the weight with this place in the flat array, which AdamW updates. */
static const real *second_moment(const struct optimizer *opt, size_t at)
{
	size_t i = 0;

	while (at >= opt->piece[i].at + opt->piece[i].n)
		i++;
	return opt->v + opt->second[i] + (at - opt->piece[i].at);
}

static bool is_same_as_adamw(const struct update *a, const struct update *b, const real *slot)
{
	size_t at = (size_t)(slot - a->m.base);

	return !memcmp(a->m.base + at, b->m.base + at, sizeof *slot) &&
	       !memcmp(second_moment(&a->opt, at), second_moment(&b->opt, at), sizeof *slot);
}

/* With a gradient of 1 everywhere: what Muon leaves to AdamW changes as with AdamW. */
static void test_muon_rest(void)
{
	struct optimizer_options o = plain;
	struct update u[2];
	struct err e = {0};
	double norm;
	const struct weights *w;
	bool same, others;

	for (int method = OPTIMIZER_ADAMW; method <= OPTIMIZER_MUON; method++) {
		o.method = (enum optimizer_method)method;
		o.muon_scale = 0.1;
		update_init(&u[method], &o);
		for (size_t i = 0; i < u[method].m.w->n; i++)
			u[method].m.gradient[i] = 1;
		optimizer_step(&u[method].opt, u[method].m.w, u[method].m.g, 1, 10, &norm, &e);
	}
	w = u[0].m.w;
	same =
	    is_same_as_adamw(&u[0], &u[1], w->embed) && is_same_as_adamw(&u[0], &u[1], w->bias) &&
	    is_same_as_adamw(&u[0], &u[1], w->in_b) && is_same_as_adamw(&u[0], &u[1], w->time1_w) &&
	    is_same_as_adamw(&u[0], &u[1], w->time2_w) &&
	    is_same_as_adamw(&u[0], &u[1], w->mod_w) && is_same_as_adamw(&u[0], &u[1], w->head_w) &&
	    is_same_as_adamw(&u[0], &u[1], w->block[0].mod_w) &&
	    is_same_as_adamw(&u[0], &u[1], w->block[0].qkv_b);
	others = is_same_as_adamw(&u[0], &u[1], w->in_w) ||
	         is_same_as_adamw(&u[0], &u[1], w->block[0].qkv_w) ||
	         is_same_as_adamw(&u[0], &u[1], w->block[0].out_w) ||
	         is_same_as_adamw(&u[0], &u[1], w->block[0].up_w) ||
	         is_same_as_adamw(&u[0], &u[1], w->block[0].down_w);
	ok(same, "muon: embeddings, vectors, the network of the level and the head are AdamW's");
	ok(!others, "muon: input, attention and MLP are not");
	update_release(&u[0]);
	update_release(&u[1]);
}

/* --- gradients that are not finite --- */

static void test_not_finite(enum optimizer_method method)
{
	struct optimizer_options o = plain;
	struct update u;
	struct err e = {0};
	double norm;
	real *before;
	const real seven = 7;
	size_t n;
	int failed;

	o.method = method;
	update_init(&u, &o);
	n = u.m.w->n;
	before = malloc(n * sizeof *before);
	memcpy(before, u.m.base, n * sizeof *before);
	for (size_t i = 0; i < n; i++)
		u.opt.m[i] = u.opt.ema[i] = seven;
	for (size_t i = 0; i < u.opt.n_second; i++)
		u.opt.v[i] = seven;
	u.m.g->block[0].up_w[1] = (real)NAN;
	failed = optimizer_step(&u.opt, u.m.w, u.m.g, 1, 10, &norm, &e);
	ok(failed && e.status == ERR_NONFINITE && strstr(e.msg, "blocks.0.mlp.up.weight"),
	    "%s: a gradient that is not finite is refused, with the name of its tensor: %s",
	    optimizer_methods[method], e.msg);
	failed = memcmp(before, u.m.base, n * sizeof *before) != 0;
	for (size_t i = 0; i < n; i++)
		failed |= memcmp(&u.opt.m[i], &seven, sizeof seven) ||
		          memcmp(&u.opt.ema[i], &seven, sizeof seven);
	for (size_t i = 0; i < u.opt.n_second; i++)
		failed |= memcmp(&u.opt.v[i], &seven, sizeof seven) != 0;
	ok(!failed, "%s: a gradient that is not finite changes nothing", optimizer_methods[method]);
	free(before);
	update_release(&u);
}

/* --- batches --- */

/* Ids 0 ... 4, 0 is [PAD]; positions 0 ... 5, of which 1 2 3 5 are noised, and 3 and 5 are [PAD].
 */
static void check_weights(bool pad_loss, const double expected[6])
{
	struct shard_header h = {.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = 5,
	    .row_len = 6,
	    .special = {0, 1, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID}};
	struct shard_counts none = {0};
	struct schedule s = {SCHEDULE_UNIFORM, {0, 0, 1, 0}, .t_min = 1, .t_max = 5};
	const uint32_t ids[6] = {2, 3, 4, 0, 0, 0};
	const uint8_t mask[1] = {0x2e};
	struct shard_record open = {ids, 6, NAN, 0.25f, 11, mask},
	                    fixed = {ids, 6, 3, 0.25f, 12, mask};
	static const double noised[6] = {0, 1, 1, 1, 0, 1};
	struct active_vocab a;
	struct batch b;
	struct err e = {0};

	active_vocab_init(&a, &h, &none, 1, &e);
	batch_init(&b, 2, 6, &e);
	ok(!batch_add(&b, &open, &a, &s, pad_loss, &e) &&
	        !batch_add(&b, &fixed, &a, &s, pad_loss, &e),
	    "batch: two rows are added %s", e.msg);
	ok(near(b.weight, expected, 6) && near(b.weight + 6, expected, 6),
	    "batch: noised [PAD] %s in the loss", pad_loss ? "counts" : "does not count");
	ok(near(b.noised, noised, 6),
	    "batch: bit i of the mask, lowest first, decides whether position i is noised");
	ok(fabs(b.t[0] - 2) < 1e-12 && fabs(b.t[1] - 3) < 1e-12 && b.seed[1] == 12,
	    "batch: the schedule decides an open level, and a given level stays");
	batch_release(&b);
	active_vocab_release(&a);
}

int main(void)
{
	struct err e;

	k = k_new(1, K_AUTO, &e);
	test_precond();
	test_guide();
	test_schedules();
	test_lr();
	test_adamw();
	test_clip();
	test_decay();
	test_corrections();
	test_average();
	test_muon_qkv();
	test_muon_shape();
	test_muon_rest();
	test_not_finite(OPTIMIZER_ADAMW);
	test_not_finite(OPTIMIZER_MUON);
	check_weights(true, (double[6]){0, 0.25, 0.25, 0.25, 0, 0.25});
	check_weights(false, (double[6]){0, 0.5, 0.5, 0, 0, 0});
	k_free(k);
	return tap_done();
}
