#ifndef TINY_H
#define TINY_H

/*
 * A model of three words in two dimensions, whose answers can be computed by hand: its network adds
 * nothing until a test gives it weights.
 *
 *   e     √2 (1, 0), √2 (0, 1), √2 (-0.6, -0.8)
 *   bias  the logarithms of 0.5, 0.3, 0.2
 */

#include <math.h>

#include "base/rng.h"
#include "compute/arena.h"
#include "model/denoiser.h"
#include "tap.h"

enum { TINY_WORDS = 3 };

static const double tiny_direction[TINY_WORDS][2] = {{1, 0}, {0, 1}, {-0.6, -0.8}};
static const double tiny_prior[TINY_WORDS] = {0.5, 0.3, 0.2};

struct tiny {
	struct kernels *k;
	struct config c;
	struct weights *w, *g;
	struct denoiser *dn;
	real *base, *gradient;
	void *arena;
};

/* The shape: row is the row of preconditioning. */
static struct config tiny_config(enum precond row, size_t T, bool self_cond, bool posterior)
{
	return (struct config){.layers = 1,
	    .width = 4,
	    .heads = 2,
	    .embed = 2,
	    .row_len = T,
	    .active = TINY_WORDS,
	    .time_width = 4,
	    .precond = (int)row,
	    .self_cond = self_cond,
	    .posterior = posterior};
}

/* The words above, in weights of that shape. */
static void tiny_words(struct weights *w)
{
	for (int v = 0; v < TINY_WORDS; v++) {
		for (int i = 0; i < 2; i++)
			w->embed[2 * v + i] = (real)(0.001 * tiny_direction[v][i]);
		w->bias[v] = (real)log(tiny_prior[v]);
	}
}

/* A network that does something: every weight but those of the words is random. */
__attribute__((unused)) static void tiny_shake(const struct tiny *m)
{
	for (size_t i = 2; i < m->w->n_tensors; i++)
		for (size_t j = 0; j < m->w->tensor[i].n; j++)
			m->w->base[m->w->tensor[i].offset + j] =
			    (real)(2 * rng_uniform(9, RNG_TEST, (uint32_t)i, j) - 1);
}

/* For batches of up to B sequences. Ends the program where memory is short. */
static void tiny_init(struct tiny *m, struct kernels *k, struct config c, size_t B)
{
	struct arena a = {0};
	struct err e = {0};
	size_t bytes = weights_count(&c) * sizeof(real);

	m->k = k;
	m->c = c;
	m->w = weights_new(&c, &e);
	m->g = weights_new(&c, &e);
	m->base = k_alloc(k, bytes, &e);
	m->gradient = k_alloc(k, bytes, &e);
	m->dn = denoiser_new(k, &c, B, true, &e);
	weights_map(m->w, &c, m->base);
	weights_map(m->g, &c, m->gradient);
	denoiser_layout(m->dn, &a);
	if (arena_alloc(&a, k, &e))
		abort();
	m->arena = a.base;
	denoiser_layout(m->dn, &a);
	if (denoiser_ready(m->dn, &e) || weights_init(m->w, &c, k, 1, NULL, &e))
		diag("%s", e.msg);
	tiny_words(m->w);
	denoiser_embed(m->dn, m->w);
}

static void tiny_release(struct tiny *m)
{
	denoiser_free(m->dn);
	weights_free(m->w);
	weights_free(m->g);
	k_release(m->k, m->arena);
	k_release(m->k, m->base);
	k_release(m->k, m->gradient);
}

/* p = softmax((⟨D, e⟩ + bias)/tau) and xhat = Σ p e, from the definition. xhat may be D. */
static void tiny_expect(const double D[2], double tau, double p[TINY_WORDS], double xhat[2])
{
	double sum = 0, mean[2] = {0, 0};

	for (int v = 0; v < TINY_WORDS; v++) {
		const double *e = tiny_direction[v];

		p[v] = exp((sqrt(2) * (D[0] * e[0] + D[1] * e[1]) + log(tiny_prior[v])) / tau);
		sum += p[v];
	}
	for (int v = 0; v < TINY_WORDS; v++) {
		p[v] /= sum;
		for (int i = 0; i < 2; i++)
			mean[i] += sqrt(2) * p[v] * tiny_direction[v][i];
	}
	xhat[0] = mean[0];
	xhat[1] = mean[1];
}

/* The exact posterior of a word behind x = e + t n, and its mean. */
__attribute__((unused)) static void tiny_posterior(
    const double x[2], double t, double p[TINY_WORDS], double xhat[2])
{
	const double D[2] = {x[0] / (t * t), x[1] / (t * t)};

	tiny_expect(D, 1, p, xhat);
}

/* Whether all of a [n] is that of b, to rounding; says which is not. */
__attribute__((unused)) static bool near(const real *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - b[i]) <= 1e-12 * (1 + fabs(b[i])))) {
			diag("number %zu is %.15g, where %.15g is expected", i, (double)a[i], b[i]);
			return false;
		}
	return true;
}

#endif
