/* Kernels of logits: softmax, cross-entropy, argmax. */

#include <math.h>

#include "compute/cpu/cpu.h"

/* --- softmax --- */

struct softmax_job {
	struct kernels *k;
	act *p; /* NULL: in place */
	real *logits;
	real s; /* factor of the logits */
	size_t V;
};

static void softmax_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct softmax_job *j = arg;
	const struct rows *rows = j->k->rows;
	real top;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		real *row = j->logits + m * j->V;

		if (j->p)
			rows->softmax(cpu_at(j->k, j->p, m * j->V), row, j->s, 1, j->V, &top);
		else
			rows->softmax_in_place(row, j->s, j->V);
	}
}

void k_softmax(struct kernels *k, act *p, real *logits, real tau, size_t M, size_t V)
{
	struct softmax_job j = {k, p, logits, 1 / tau, V};

	cpu_for(k, p ? CPU_SOFTMAX : CPU_SOFTMAX_IN_PLACE, M * V, M, softmax_rows, &j);
}

/* --- cross-entropy --- */

struct cross_entropy_job {
	struct kernels *k;
	real *loss;
	act *dlogits;
	real *logits;
	const int32_t *ids;
	const real *weight;
	size_t V;
};

/*
 * The loss is (largest - target) + ln sum exp(logit - largest). Both terms are small if the loss
 * is. ln sum exp(logit) - target would be the difference of two numbers in the hundreds or, with
 * the preconditioning "bayes" at a low noise level, many thousands.
 */
static void cross_entropy_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct cross_entropy_job *j = arg;
	const struct rows *rows = j->k->rows;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		real *row = j->logits + m * j->V, weight = j->weight[m], gradient;
		real target = row[j->ids[m]], top, lse;
		act *out = j->dlogits ? cpu_at(j->k, j->dlogits, m * j->V) : NULL;

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
	struct cross_entropy_job j = {k, loss, dlogits, logits, ids, weight, V};

	cpu_for(k, CPU_CROSS_ENTROPY, M * V, M, cross_entropy_rows, &j);
}

/* --- argmax --- */

struct argmax_job {
	int32_t *ids;
	const real *logits;
	size_t V;
};

static void argmax_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct argmax_job *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		const real *row = j->logits + m * j->V;
		size_t best = 0;

		for (size_t v = 1; v < j->V; v++)
			if (row[v] > row[best])
				best = v;
		j->ids[m] = (int32_t)best;
	}
}

void k_argmax(struct kernels *k, int32_t *ids, const real *logits, size_t M, size_t V)
{
	struct argmax_job j = {ids, logits, V};

	cpu_for(k, CPU_ARGMAX, M * V, M, argmax_rows, &j);
}
