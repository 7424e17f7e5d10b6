#include "model/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

const char *const sampler_names[] = {"euler", "exp", "heun", "2m", "ancestral", NULL};

struct sampler {
	struct kernels *k;
	struct config c;
	struct sampler_options o;
	const struct weights *w;
	size_t B;
	struct denoiser *dn;
	struct arena arena;
	real *x, *start, *xhat, *last, *free_xhat, *noise; /* [M,d] */
	real *coef;                                        /* [M,3] */
	/* host */
	real *host_coef, *all_noised; /* [M,3], [M] */
	int32_t *ids;                 /* [M] most probable words */
	real *prob;                   /* [M] their probabilities */
	double *u, *t, *next;         /* [B] u of the start; current and next noise level */
	double *rho;                  /* [B] ratio of the last two steps in ln t, for 2m */
	uint64_t *seed;               /* [B] */
	sampler_hook *hook;           /* NULL: none */
	void *hook_arg;
};

static void layout(struct sampler *s)
{
	size_t n = s->B * s->c.row_len * s->c.embed;
	real **each[] = {&s->x, &s->start, &s->xhat, &s->last, &s->free_xhat, &s->noise};

	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		*each[i] = arena_take(&s->arena, n, sizeof(real));
	s->coef = arena_take(&s->arena, 3 * s->B * s->c.row_len, sizeof(real));
	denoiser_layout(s->dn, &s->arena);
	s->arena.host += s->B * (s->c.row_len * (5 * sizeof(real) + sizeof *s->ids) +
	                            4 * sizeof *s->t + sizeof *s->seed);
}

size_t sampler_bytes(struct kernels *k, const struct config *c, size_t B)
{
	struct sampler s = {.k = k, .c = *c, .B = B};
	struct err e;

	s.dn = denoiser_new(k, c, B, false, &e);
	if (!s.dn)
		return SIZE_MAX;
	layout(&s);
	denoiser_free(s.dn);
	return arena_bytes(k, &s.arena);
}

static int allocate(struct sampler *s, struct err *e)
{
	size_t B = s->B;

	s->dn = denoiser_new(s->k, &s->c, B, false, e);
	s->host_coef = mem_array(3 * B * s->c.row_len, sizeof *s->host_coef, e);
	s->all_noised = mem_array(B * s->c.row_len, sizeof *s->all_noised, e);
	s->ids = mem_array(B * s->c.row_len, sizeof *s->ids, e);
	s->prob = mem_array(B * s->c.row_len, sizeof *s->prob, e);
	s->u = mem_array(B, sizeof *s->u, e);
	s->t = mem_array(B, sizeof *s->t, e);
	s->next = mem_array(B, sizeof *s->next, e);
	s->rho = mem_array(B, sizeof *s->rho, e);
	s->seed = mem_array(B, sizeof *s->seed, e);
	if (!s->dn || !s->host_coef || !s->all_noised || !s->ids || !s->prob || !s->u || !s->t ||
	    !s->next || !s->rho || !s->seed)
		return -1;
	layout(s);
	if (arena_alloc(&s->arena, s->k, e))
		return -1;
	layout(s);
	for (size_t m = 0; m < B * s->c.row_len; m++)
		s->all_noised[m] = 1;
	return denoiser_ready(s->dn, e);
}

struct sampler *sampler_new(struct kernels *k, const struct config *c, const struct weights *w,
    size_t B, const struct sampler_options *o, struct err *e)
{
	struct sampler *s = mem_array(1, sizeof *s, e);

	if (!s)
		return NULL;
	s->k = k;
	s->c = *c;
	s->o = *o;
	s->w = w;
	s->B = B;
	if (allocate(s, e)) {
		sampler_free(s);
		return NULL;
	}
	denoiser_embed(s->dn, w);
	return s;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	denoiser_free(s->dn);
	k_release(s->k, s->arena.base);
	free(s->host_coef);
	free(s->all_noised);
	free(s->ids);
	free(s->prob);
	free(s->u);
	free(s->t);
	free(s->next);
	free(s->rho);
	free(s->seed);
	free(s);
}

void sampler_set_hook(struct sampler *s, sampler_hook *hook, void *arg)
{
	s->hook = hook;
	s->hook_arg = arg;
}

static size_t components(const struct sampler *s)
{
	return s->c.row_len * s->c.embed;
}

static void set_coef(struct sampler *s, size_t b, double a1, double a2, double a3)
{
	s->host_coef[3 * b] = (real)a1;
	s->host_coef[3 * b + 1] = (real)a2;
	s->host_coef[3 * b + 2] = (real)a3;
}

static void mix(
    struct sampler *s, real *y, const real *x1, const real *x2, const real *x3, size_t B)
{
	k_put(s->k, s->coef, s->host_coef, 3 * B * sizeof *s->host_coef);
	k_mix(s->k, y, s->coef, x1, x2, x3, B, components(s));
}

/* --- the first x --- */

static void begin(struct sampler *s, const struct batch *b, enum sampler_start start,
    const struct schedule *schedule)
{
	size_t B = b->B;

	denoiser_set_tokens(s->dn, b->ids, b->noised, B);
	denoiser_set_levels(s->dn, b->t, B);
	k_gaussian(s->k, s->noise, b->seed, RNG_NOISE, B, b->T, s->c.embed);
	if (start == SAMPLER_NOISED_TOKENS) {
		denoiser_diffuse(s->dn, s->x, s->noise, B);
	} else {
		for (size_t i = 0; i < B; i++)
			set_coef(s, i, s->o.scale * b->t[i], 0, 0);
		mix(s, s->x, s->noise, s->noise, NULL, B);
	}
	for (size_t i = 0; i < B; i++) {
		s->u[i] = schedule_u(schedule, b->t[i]);
		s->next[i] = b->t[i];
	}
}

/* --- estimates --- */

/* Replace xhat by the guided estimate; at given positions, by the unconditional estimate. */
static void guide(struct sampler *s, const struct batch *b, real *xhat)
{
	size_t M = b->B * b->T;

	for (size_t m = 0; m < M; m++) {
		double with = b->noised[m] > 0 ? s->o.guidance : 0;

		set_coef(s, m, with, 1 - with, 0);
	}
	k_put(s->k, s->coef, s->host_coef, 3 * M * sizeof *s->host_coef);
	k_mix(s->k, xhat, s->coef, xhat, s->free_xhat, NULL, M, s->c.embed);
}

/*
 * Compute x̂ for the noisy x at the levels t; last is the previous estimate, or NULL. With guidance,
 * an unconditional estimate treats all positions as noised; at given positions, x then follows this
 * estimate. It is computed first, so that the denoiser keeps the prediction with the given tokens.
 */
static void estimate(struct sampler *s, const struct batch *b, real *xhat, const real *x,
    const real *last, const double *t)
{
	size_t B = b->B;

	denoiser_set_guided_levels(s->dn, t, s->o.context, B);
	if (s->o.guidance != 1) {
		denoiser_set_tokens(s->dn, b->ids, s->all_noised, B);
		denoiser_estimate(
		    s->dn, s->w, s->free_xhat, x, last ? s->free_xhat : NULL, s->o.tau, B);
	}
	denoiser_set_tokens(s->dn, b->ids, b->noised, B);
	denoiser_estimate(s->dn, s->w, xhat, x, last, s->o.tau, B);
	if (s->o.guidance != 1)
		guide(s, b, xhat);
}

/* Set s->ids and, for the hook, s->prob from the last prediction, which was made after this number
 * of steps at the levels t, and call the hook. */
static int choose_words(
    struct sampler *s, const struct batch *b, int64_t step, const double *t, struct err *e)
{
	const struct sampler_prediction now = {step, t, s->ids, s->prob};

	denoiser_argmax(s->dn, s->w, s->ids, s->hook ? s->prob : NULL, b->B);
	for (size_t m = 0; m < b->B * b->T; m++) {
		if (b->noised[m] > 0)
			continue;
		s->ids[m] = b->ids[m];
		s->prob[m] = 1;
	}
	return s->hook ? s->hook(s->hook_arg, b, &now, e) : 0;
}

/* --- steps from t to next --- */

static void step_euler(struct sampler *s, size_t B)
{
	for (size_t b = 0; b < B; b++) {
		double a = (s->next[b] - s->t[b]) / (s->o.temperature * s->t[b]);

		set_coef(s, b, 1 + a, -a, 0);
	}
	mix(s, s->x, s->x, s->xhat, NULL, B);
}

static void step_exp(struct sampler *s, size_t B)
{
	for (size_t b = 0; b < B; b++) {
		double r = pow(s->next[b] / s->t[b], 1 / s->o.temperature);

		set_coef(s, b, r, 1 - r, 0);
	}
	mix(s, s->x, s->x, s->xhat, NULL, B);
}

static void step_heun(struct sampler *s, const struct batch *b)
{
	size_t B = b->B;

	k_copy(s->k, s->start, s->x, B * components(s));
	step_euler(s, B);
	k_copy(s->k, s->last, s->xhat, B * components(s));
	estimate(s, b, s->xhat, s->x, s->last, s->next);
	/* x = x0 + h/2 (x0 - x̂0)/t + h/2 (x1 - x̂1)/s, each slope divided by T; here the terms of x0
	 * and x̂0 */
	for (size_t i = 0; i < B; i++) {
		double a = 0.5 * (s->next[i] - s->t[i]) / (s->o.temperature * s->t[i]);

		set_coef(s, i, 1 + a, -a, 0);
	}
	mix(s, s->start, s->start, s->last, NULL, B);
	for (size_t i = 0; i < B; i++) {
		double a = 0.5 * (s->next[i] - s->t[i]) / (s->o.temperature * s->next[i]);

		set_coef(s, i, 1, a, -a);
	}
	mix(s, s->x, s->start, s->x, s->xhat, B);
}

/* s->last is the estimate of the previous step; rho[b] is the length of that step divided by the
 * length of this one, or 0 in the first step. */
static void step_2m(struct sampler *s, size_t B)
{
	for (size_t b = 0; b < B; b++) {
		double r = s->next[b] / s->t[b];
		double half = s->rho[b] > 0 ? 1 / (2 * s->rho[b]) : 0;

		set_coef(s, b, r, (1 - r) * (1 + half), -(1 - r) * half);
	}
	mix(s, s->x, s->x, s->xhat, s->last, B);
	k_copy(s->k, s->last, s->xhat, B * components(s));
}

static void step_ancestral(struct sampler *s, const struct batch *batch, int64_t i)
{
	size_t B = batch->B;

	for (size_t b = 0; b < B; b++) {
		double t = s->t[b], next = s->next[b];
		double up = fmin(next, s->o.eta * next * sqrt(t * t - next * next) / t);
		double r = pow(sqrt(next * next - up * up) / t, 1 / s->o.temperature);

		s->seed[b] = rng_u64(batch->seed[b], RNG_SAMPLE, 0, (uint64_t)i);
		set_coef(s, b, r, 1 - r, up);
	}
	k_gaussian(s->k, s->noise, s->seed, RNG_SAMPLE, B, batch->T, s->c.embed);
	mix(s, s->x, s->x, s->xhat, s->noise, B);
}

static void step(struct sampler *s, const struct batch *b, int64_t i)
{
	switch (s->o.method) {
	case SAMPLER_EULER:
		step_euler(s, b->B);
		break;
	case SAMPLER_EXP:
		step_exp(s, b->B);
		break;
	case SAMPLER_HEUN:
		step_heun(s, b);
		break;
	case SAMPLER_2M:
		step_2m(s, b->B);
		break;
	case SAMPLER_ANCESTRAL:
		step_ancestral(s, b, i);
		break;
	}
}

/* Set the levels of step i: t to next of the previous step, and next by the schedule. */
static void advance(struct sampler *s, const struct schedule *schedule, size_t B, int64_t i)
{
	for (size_t b = 0; b < B; b++) {
		double share = 1 - (double)(i + 1) / (double)s->o.steps;
		double before = s->t[b], t = s->next[b];
		double next = fmin(t, schedule_t(schedule, s->u[b] * share));

		s->rho[b] = i > 0 && t > next ? log(before / t) / log(t / next) : 0;
		s->t[b] = t;
		s->next[b] = next;
	}
}

static int finish(struct sampler *s, struct batch *b, struct err *e)
{
	if (!isfinite(k_sum_squares(s->k, s->x, b->B * components(s))))
		return err_with(e, ERR_NONFINITE, "sampling: the noised embeddings are not finite");
	denoiser_set_levels(s->dn, s->next, b->B);
	denoiser_set_tokens(s->dn, b->ids, b->noised, b->B);
	denoiser_predict(s->dn, s->w, s->x, s->xhat, b->B);
	if (choose_words(s, b, s->o.steps, s->next, e))
		return -1;
	memcpy(b->ids, s->ids, b->B * b->T * sizeof *b->ids);
	return 0;
}

int sampler_run(struct sampler *s, struct batch *b, enum sampler_start start,
    const struct schedule *schedule, struct err *e)
{
	begin(s, b, start, schedule);
	k_zero(s->k, s->last, b->B * components(s));
	for (int64_t i = 0; i < s->o.steps; i++) {
		advance(s, schedule, b->B, i);
		estimate(s, b, s->xhat, s->x, i ? s->xhat : NULL, s->t);
		if (s->hook && choose_words(s, b, i, s->t, e))
			return -1;
		step(s, b, i);
	}
	return finish(s, b, e);
}

void sampler_find_improbable(struct sampler *s, const struct batch *b,
    const struct schedule *schedule, double ratio, bool *improbable)
{
	begin(s, b, SAMPLER_NOISE, schedule);
	denoiser_predict(s->dn, s->w, s->x, NULL, b->B);
	denoiser_ratio(s->dn, s->w, b->ids, s->prob, b->B);
	for (size_t i = 0; i < b->B; i++) {
		improbable[i] = false;
		for (size_t m = i * b->T; m < (i + 1) * b->T; m++)
			if (b->noised[m] > 0 && (double)s->prob[m] < ratio)
				improbable[i] = true;
	}
}

const real *sampler_x(const struct sampler *s)
{
	return k_host(s->k, s->x, s->B * components(s));
}
