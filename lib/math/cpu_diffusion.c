/* Kernels of the embedding table, the noise, and the vocabulary's end. */

#include <math.h>
#include <string.h>

#include "ground/rng.h"
#include "math/cpu.h"

/* --- the normalised embedding --- */

struct normalize {
	const struct rows *rows;
	real *out;
	const real *w, *de;
	size_t d;
};

static void normalize(void *arg, size_t begin, size_t end, int rank)
{
	struct normalize *j = arg;
	size_t d = j->d;

	(void)rank;
	for (size_t v = begin; v < end; v++) {
		const real *w = j->w + v * d;
		real s = (real)sqrt((double)d / ((double)j->rows->dot(w, w, d) + 1e-30));

		for (size_t i = 0; i < d; i++)
			j->out[v * d + i] = s * w[i];
	}
}

void k_normalize(struct kernels *k, real *e, const real *w, size_t V, size_t d)
{
	struct normalize j = {k->rows, e, w, NULL, d};

	pool_for(k->pool, V, normalize, &j);
}

/* de/dw = √d/‖w‖ (1 - ŵ ŵ^T) */
static void normalize_backward(void *arg, size_t begin, size_t end, int rank)
{
	struct normalize *j = arg;
	size_t d = j->d;

	(void)rank;
	for (size_t v = begin; v < end; v++) {
		const real *w = j->w + v * d, *de = j->de + v * d;
		double squares = (double)j->rows->dot(w, w, d) + 1e-30;
		real s = (real)sqrt((double)d / squares);
		real along = (real)((double)j->rows->dot(w, de, d) / squares);

		for (size_t i = 0; i < d; i++)
			j->out[v * d + i] += s * (de[i] - along * w[i]);
	}
}

void k_normalize_backward(
    struct kernels *k, real *dw, const real *de, const real *w, size_t V, size_t d)
{
	struct normalize j = {k->rows, dw, w, de, d};

	pool_for(k->pool, V, normalize_backward, &j);
}

/* --- noise --- */

struct gaussian {
	real *n;
	const uint64_t *seed;
	int domain;
	size_t T, d;
};

static void gaussian(void *arg, size_t begin, size_t end, int rank)
{
	struct gaussian *j = arg;
	float z[64];

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		uint64_t seed = j->seed[m / j->T];
		uint32_t position = (uint32_t)(m % j->T);
		real *row = j->n + m * j->d;

		for (size_t i = 0; i < j->d; i += 64) {
			size_t n = j->d - i < 64 ? j->d - i : 64;

			rng_normal_at(seed, (enum rng_domain)j->domain, position, i, z, n);
			for (size_t c = 0; c < n; c++)
				row[i + c] = z[c];
		}
	}
}

void k_gaussian(
    struct kernels *k, real *n, const uint64_t *seed, int domain, size_t B, size_t T, size_t d)
{
	struct gaussian j = {n, seed, domain, T, d};

	pool_for(k->pool, B * T, gaussian, &j);
}

struct diffuse {
	const struct rows *rows;
	real *x;
	const real *e, *n, *t;
	const int32_t *ids;
	size_t T, d;
};

static void diffuse(void *arg, size_t begin, size_t end, int rank)
{
	struct diffuse *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->rows->mix(j->x + m * j->d, 1, j->e + (size_t)j->ids[m] * j->d, j->t[m / j->T],
		    j->n + m * j->d, 0, NULL, j->d);
}

void k_diffuse(struct kernels *k, real *x, const real *e, const int32_t *ids, const real *n,
    const real *t, size_t B, size_t T, size_t d)
{
	struct diffuse j = {k->rows, x, e, n, t, ids, T, d};

	pool_for(k->pool, B * T, diffuse, &j);
}

/* --- the network's input --- */

struct assemble {
	real *in, *dx, *dgiven;
	const real *x, *e, *m, *p, *q, *c_in, *din;
	const int32_t *ids;
	struct k_input_shape s;
};

static real *put(real *to, real a, const real *x, size_t d)
{
	for (size_t i = 0; i < d; i++)
		to[i] = x && a != 0 ? a * x[i] : 0;
	return to + d;
}

static void assemble(void *arg, size_t begin, size_t end, int rank)
{
	struct assemble *j = arg;
	size_t d = j->s.d;

	(void)rank;
	for (size_t r = begin; r < end; r++) {
		real *row = j->in + r * j->s.width, *to = row, m = j->m[r];

		to = put(to, j->c_in[r / j->s.T] * m, j->x + r * d, d);
		to = put(to, 1 - m, j->e + (size_t)j->ids[r] * d, d);
		if (j->s.has_p)
			to = put(to, m, j->p ? j->p + r * d : NULL, d);
		if (j->s.has_q)
			to = put(to, m, j->q ? j->q + r * d : NULL, d);
		*to++ = m;
		memset(to, 0, (j->s.width - (size_t)(to - row)) * sizeof *to);
	}
}

void k_input(struct kernels *k, real *in, const real *x, const real *e, const int32_t *ids,
    const real *m, const real *p, const real *q, const real *c_in, struct k_input_shape s)
{
	struct assemble j = {
	    .in = in, .x = x, .e = e, .m = m, .p = p, .q = q, .c_in = c_in, .ids = ids, .s = s};

	pool_for(k->pool, s.B * s.T, assemble, &j);
}

static void assemble_backward(void *arg, size_t begin, size_t end, int rank)
{
	struct assemble *j = arg;
	size_t d = j->s.d;

	(void)rank;
	for (size_t r = begin; r < end; r++) {
		const real *row = j->din + r * j->s.width;
		real m = j->m[r], c = j->c_in[r / j->s.T] * m;

		for (size_t i = 0; i < d; i++) {
			j->dx[r * d + i] += c * row[i];
			j->dgiven[r * d + i] = (1 - m) * row[d + i];
		}
	}
}

void k_input_backward(struct kernels *k, real *dx, real *dgiven, const real *din, const real *m,
    const real *c_in, struct k_input_shape s)
{
	struct assemble j = {.dx = dx, .dgiven = dgiven, .din = din, .m = m, .c_in = c_in, .s = s};

	pool_for(k->pool, s.B * s.T, assemble_backward, &j);
}

struct scatter {
	real *de;
	const real *dx;
	const int32_t *ids;
	size_t M, d;
};

/* Threads share the components, so that the rows of one word add up in their order. */
static void scatter(void *arg, size_t begin, size_t end, int rank)
{
	struct scatter *j = arg;

	(void)rank;
	for (size_t m = 0; m < j->M; m++) {
		real *de = j->de + (size_t)j->ids[m] * j->d;
		const real *dx = j->dx + m * j->d;

		for (size_t i = begin; i < end; i++)
			de[i] += dx[i];
	}
}

void k_scatter_add(
    struct kernels *k, real *de, const real *dx, const int32_t *ids, size_t M, size_t d)
{
	struct scatter j = {de, dx, ids, M, d};

	pool_for(k->pool, d, scatter, &j);
}

/* --- the vocabulary's end --- */

struct vocabulary {
	const struct rows *rows;
	real *logits, *loss;
	const real *weight;
	const int32_t *ids;
	int32_t *best;
	real s;
	size_t V;
};

static void softmax(void *arg, size_t begin, size_t end, int rank)
{
	struct vocabulary *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->rows->softmax(j->logits + m * j->V, j->s, j->V);
}

void k_softmax(struct kernels *k, real *p, real tau, size_t M, size_t V)
{
	struct vocabulary j = {.rows = k->rows, .logits = p, .s = 1 / tau, .V = V};

	pool_for(k->pool, M, softmax, &j);
}

static void cross_entropy(void *arg, size_t begin, size_t end, int rank)
{
	struct vocabulary *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		real *row = j->logits + m * j->V, w = j->weight[m];
		real target = row[j->ids[m]];

		j->loss[m] = j->rows->softmax(row, 1, j->V) - target;
		row[j->ids[m]] -= 1;
		j->rows->scale(row, w, j->V);
	}
}

void k_cross_entropy(struct kernels *k, real *loss, real *logits, const int32_t *ids,
    const real *weight, size_t M, size_t V)
{
	struct vocabulary j = {
	    .rows = k->rows, .logits = logits, .loss = loss, .weight = weight, .ids = ids, .V = V};

	pool_for(k->pool, M, cross_entropy, &j);
}

static void argmax(void *arg, size_t begin, size_t end, int rank)
{
	struct vocabulary *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		const real *row = j->logits + m * j->V;
		size_t best = 0;

		for (size_t v = 1; v < j->V; v++)
			if (row[v] > row[best])
				best = v;
		j->best[m] = (int32_t)best;
	}
}

void k_argmax(struct kernels *k, int32_t *ids, const real *logits, size_t M, size_t V)
{
	struct vocabulary j = {.logits = (real *)(uintptr_t)logits, .best = ids, .V = V};

	pool_for(k->pool, M, argmax, &j);
}
