/* Kernels of the embedding table, the noise, and the vocabulary's end. */

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "compute/cpu/cpu.h"

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

	cpu_for(k, CPU_NORMALIZE, V * d, V, normalize, &j);
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

	cpu_for(k, CPU_NORMALIZE_BACKWARD, V * d, V, normalize_backward, &j);
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

	cpu_for(k, CPU_GAUSSIAN, B * T * d, B * T, gaussian, &j);
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

	cpu_for(k, CPU_DIFFUSE, B * T * d, B * T, diffuse, &j);
}

/* --- the network's input --- */

struct assemble {
	struct kernels *k;
	act *in;
	real *dx, *dgiven;
	const real *x, *e, *m, *p, *q, *c_in, *din;
	const int32_t *ids;
	struct k_input_shape s;
};

/* The next slot of a row: a x, or zeros. */
static size_t put(const struct assemble *j, size_t at, real a, const real *x)
{
	size_t d = j->s.d;
	real part[64];

	for (size_t i = 0; i < d; i += 64) {
		size_t n = d - i < 64 ? d - i : 64;

		for (size_t c = 0; c < n; c++)
			part[c] = x && a != 0 ? a * x[i + c] : 0;
		j->k->rows->round(cpu_at(j->k, j->in, at + i), part, n);
	}
	return at + d;
}

static void assemble(void *arg, size_t begin, size_t end, int rank)
{
	struct assemble *j = arg;
	size_t d = j->s.d, size = k_act_size(j->k);

	(void)rank;
	for (size_t r = begin; r < end; r++) {
		size_t at = r * j->s.width, last = at + j->s.width;
		real m = j->m[r];

		at = put(j, at, j->c_in[r / j->s.T] * m, j->x + r * d);
		at = put(j, at, 1 - m, j->e + (size_t)j->ids[r] * d);
		if (j->s.has_p)
			at = put(j, at, m, j->p ? j->p + r * d : NULL);
		if (j->s.has_q)
			at = put(j, at, m, j->q ? j->q + r * d : NULL);
		j->k->rows->round(cpu_at(j->k, j->in, at), &m, 1);
		memset(cpu_at(j->k, j->in, at + 1), 0, (last - at - 1) * size);
	}
}

void k_input(struct kernels *k, act *in, const real *x, const real *e, const int32_t *ids,
    const real *m, const real *p, const real *q, const real *c_in, struct k_input_shape s)
{
	struct assemble j = {.k = k,
	    .in = in,
	    .x = x,
	    .e = e,
	    .m = m,
	    .p = p,
	    .q = q,
	    .c_in = c_in,
	    .ids = ids,
	    .s = s};

	cpu_for(k, CPU_INPUT, s.B * s.T * s.width, s.B * s.T, assemble, &j);
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

	cpu_for(k, CPU_INPUT_BACKWARD, s.B * s.T * s.d, s.B * s.T, assemble_backward, &j);
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

	cpu_for(k, CPU_SCATTER_ADD, M * d, d, scatter, &j);
}

/* --- the vocabulary's end --- */

struct vocabulary {
	struct kernels *k;
	real *logits, *loss;
	act *out;
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
	for (size_t m = begin; m < end; m++) {
		real top;

		j->k->rows->softmax(
		    cpu_at(j->k, j->out, m * j->V), j->logits + m * j->V, j->s, 1, j->V, &top);
	}
}

void k_softmax(struct kernels *k, act *p, real *logits, real tau, size_t M, size_t V)
{
	struct vocabulary j = {.k = k, .out = p, .logits = logits, .s = 1 / tau, .V = V};

	cpu_for(k, CPU_SOFTMAX, M * V, M, softmax, &j);
}

static void softmax_real(void *arg, size_t begin, size_t end, int rank)
{
	struct vocabulary *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->k->rows->softmax_in_place(j->logits + m * j->V, 1, j->V);
}

void k_softmax_real(struct kernels *k, real *p, size_t M, size_t V)
{
	struct vocabulary j = {.k = k, .logits = p, .V = V};

	cpu_for(k, CPU_SOFTMAX_REAL, M * V, M, softmax_real, &j);
}

/* The loss is (largest - target) + ln sum exp(logit - largest): both terms are small where the loss
 * is. ln sum exp(logit) - target would be the difference of two numbers of hundreds or, with the
 * preconditioning bayes at little noise, many thousands. */
static void cross_entropy(void *arg, size_t begin, size_t end, int rank)
{
	struct vocabulary *j = arg;
	const struct rows *rows = j->k->rows;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		real *row = j->logits + m * j->V, weight = j->weight[m], gradient;
		real target = row[j->ids[m]], top, lse;
		act *out = j->out ? cpu_at(j->k, j->out, m * j->V) : NULL;

		lse = rows->softmax(out, row, 1, weight, j->V, &top);
		j->loss[m] = (top - target) + lse;
		if (!out)
			continue;
		gradient = weight * (real)expm1(-(double)j->loss[m]);
		rows->round(cpu_at(j->k, out, (size_t)j->ids[m]), &gradient, 1);
	}
}

void k_cross_entropy(struct kernels *k, real *loss, act *dlogits, real *logits, const int32_t *ids,
    const real *weight, size_t M, size_t V)
{
	struct vocabulary j = {.k = k,
	    .out = dlogits,
	    .logits = logits,
	    .loss = loss,
	    .weight = weight,
	    .ids = ids,
	    .V = V};

	cpu_for(k, CPU_CROSS_ENTROPY, M * V, M, cross_entropy, &j);
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

	cpu_for(k, CPU_ARGMAX, M * V, M, argmax, &j);
}
