/* Pointwise kernels: rows of rows.h, shared among the threads. */

#include <string.h>

#include "math/cpu.h"

/* --- elementwise --- */

enum { GRAIN = 1024 }; /* elements a call: a slice begins at a multiple of this */

struct elementwise {
	void (*one)(real *, const real *, size_t);
	void (*two)(real *, const real *, const real *, size_t);
	real *y;
	const real *a, *b;
	size_t n;
};

static void elementwise(void *arg, size_t begin, size_t end, int rank)
{
	struct elementwise *j = arg;
	size_t at = begin * GRAIN, n = (end * GRAIN < j->n ? end * GRAIN : j->n) - at;

	(void)rank;
	if (j->one)
		j->one(j->y + at, j->a + at, n);
	else
		j->two(j->y + at, j->a + at, j->b + at, n);
}

static void run_elementwise(struct kernels *k, struct elementwise j)
{
	pool_for(k->pool, (j.n + GRAIN - 1) / GRAIN, elementwise, &j);
}

void k_gelu(struct kernels *k, real *y, const real *x, size_t n)
{
	run_elementwise(k, (struct elementwise){k->rows->gelu, NULL, y, x, NULL, n});
}

void k_gelu_backward(struct kernels *k, real *dx, const real *dy, const real *x, size_t n)
{
	run_elementwise(k, (struct elementwise){NULL, k->rows->gelu_backward, dx, dy, x, n});
}

void k_silu(struct kernels *k, real *y, const real *x, size_t n)
{
	run_elementwise(k, (struct elementwise){k->rows->silu, NULL, y, x, NULL, n});
}

void k_silu_backward(struct kernels *k, real *dx, const real *dy, const real *x, size_t n)
{
	run_elementwise(k, (struct elementwise){NULL, k->rows->silu_backward, dx, dy, x, n});
}

/* --- with the coefficients of each sequence --- */

struct adaptive {
	const struct rows *rows;
	real *out, *dshift, *dscale;
	const real *x, *y, *shift, *scale;
	real *stats;
	const real *stats_in;
	size_t stride, T, C;
};

static void modulate(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		size_t b = m / j->T * j->stride;

		j->rows->modulate(j->out + m * j->C, j->stats + 2 * m, j->x + m * j->C,
		    j->shift + b, j->scale + b, j->C);
	}
}

void k_modulate(struct kernels *k, real *y, real *stats, const real *h, const real *shift,
    const real *scale, size_t stride, size_t B, size_t T, size_t C)
{
	struct adaptive j = {.rows = k->rows,
	    .out = y,
	    .stats = stats,
	    .x = h,
	    .shift = shift,
	    .scale = scale,
	    .stride = stride,
	    .T = T,
	    .C = C};

	pool_for(k->pool, B * T, modulate, &j);
}

/* Whole sequences, because their rows add to the same dshift and dscale. */
static void modulate_backward(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		real *dshift = j->dshift + b * j->stride, *dscale = j->dscale + b * j->stride;

		memset(dshift, 0, j->C * sizeof *dshift);
		memset(dscale, 0, j->C * sizeof *dscale);
		for (size_t m = b * j->T; m < (b + 1) * j->T; m++)
			j->rows->modulate_backward(j->out + m * j->C, dshift, dscale,
			    j->y + m * j->C, j->x + m * j->C, j->stats_in + 2 * m,
			    j->scale + b * j->stride, j->C);
	}
}

void k_modulate_backward(struct kernels *k, real *dh, real *dshift, real *dscale, const real *dy,
    const real *h, const real *stats, const real *scale, size_t stride, size_t B, size_t T,
    size_t C)
{
	struct adaptive j = {.rows = k->rows,
	    .out = dh,
	    .dshift = dshift,
	    .dscale = dscale,
	    .x = h,
	    .y = dy,
	    .stats_in = stats,
	    .scale = scale,
	    .stride = stride,
	    .T = T,
	    .C = C};

	pool_for(k->pool, B, modulate_backward, &j);
}

static void gate(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->rows->gate(j->out + m * j->C, j->x + m * j->C, j->y + m * j->C,
		    j->scale + m / j->T * j->stride, j->C);
}

void k_gate(struct kernels *k, real *out, const real *h, const real *y, const real *gate_b,
    size_t stride, size_t B, size_t T, size_t C)
{
	struct adaptive j = {.rows = k->rows,
	    .out = out,
	    .x = h,
	    .y = y,
	    .scale = gate_b,
	    .stride = stride,
	    .T = T,
	    .C = C};

	pool_for(k->pool, B * T, gate, &j);
}

static void gate_backward(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		real *dgate = j->dscale + b * j->stride;

		memset(dgate, 0, j->C * sizeof *dgate);
		for (size_t m = b * j->T; m < (b + 1) * j->T; m++)
			j->rows->gate_backward(j->out + m * j->C, dgate, j->x + m * j->C,
			    j->y + m * j->C, j->scale + b * j->stride, j->C);
	}
}

void k_gate_backward(struct kernels *k, real *dy, real *dgate, const real *dout, const real *y,
    const real *gate_b, size_t stride, size_t B, size_t T, size_t C)
{
	struct adaptive j = {.rows = k->rows,
	    .out = dy,
	    .dscale = dgate,
	    .x = dout,
	    .y = y,
	    .scale = gate_b,
	    .stride = stride,
	    .T = T,
	    .C = C};

	pool_for(k->pool, B, gate_backward, &j);
}

struct mixing {
	const struct rows *rows;
	real *y;
	const real *coef, *x1, *x2, *x3;
	size_t n;
};

static void mixing(void *arg, size_t begin, size_t end, int rank)
{
	struct mixing *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		const real *c = j->coef + 3 * b;
		size_t at = b * j->n;

		j->rows->mix(j->y + at, c[0], j->x1 + at, c[1], j->x2 + at, c[2],
		    j->x3 ? j->x3 + at : NULL, j->n);
	}
}

void k_mix(struct kernels *k, real *y, const real *coef, const real *x1, const real *x2,
    const real *x3, size_t B, size_t n)
{
	struct mixing j = {k->rows, y, coef, x1, x2, x3, n};

	pool_for(k->pool, B, mixing, &j);
}

struct scaling {
	const struct rows *rows;
	real *y;
	const real *a, *x;
	size_t n;
	bool add;
};

static void scaling(void *arg, size_t begin, size_t end, int rank)
{
	struct scaling *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		real *y = j->y + b * j->n;

		j->rows->mix(y, j->a[b], j->x + b * j->n, j->add ? 1 : 0,
		    j->add ? y : j->x + b * j->n, 0, NULL, j->n);
	}
}

void k_scale_rows(
    struct kernels *k, real *y, const real *a, const real *x, size_t B, size_t n, bool add)
{
	struct scaling j = {k->rows, y, a, x, n, add};

	pool_for(k->pool, B, scaling, &j);
}

struct each {
	const struct rows *rows;
	real *y;
	const real *x;
	size_t B, n;
};

static void add_each(void *arg, size_t begin, size_t end, int rank)
{
	struct each *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++)
		j->rows->add(j->y + b * j->n, j->x, j->n);
}

void k_add_each(struct kernels *k, real *y, const real *x, size_t B, size_t n)
{
	struct each j = {k->rows, y, x, B, n};

	pool_for(k->pool, B, add_each, &j);
}

static void sum_each(void *arg, size_t begin, size_t end, int rank)
{
	struct each *j = arg;

	(void)rank;
	for (size_t b = 0; b < j->B; b++)
		j->rows->add(j->y + begin, j->x + b * j->n + begin, end - begin);
}

void k_sum_each(struct kernels *k, real *dx, const real *dy, size_t B, size_t n)
{
	struct each j = {k->rows, dx, dy, B, n};

	pool_for(k->pool, n, sum_each, &j);
}

/* --- the optimiser --- */

struct squares {
	struct kernels *k;
	const real *x;
};

static void squares(void *arg, size_t begin, size_t end, int rank)
{
	struct squares *j = arg;

	j->k->partial[rank] = j->k->rows->sum_squares(j->x + begin, end - begin);
}

double k_sum_squares(struct kernels *k, const real *x, size_t n)
{
	struct squares j = {k, x};
	double sum = 0;

	memset(k->partial, 0, (size_t)k_threads(k) * sizeof *k->partial);
	pool_for(k->pool, n, squares, &j);
	for (int i = 0; i < k_threads(k); i++)
		sum += k->partial[i];
	return sum;
}

struct update {
	const struct rows *rows;
	real *p, *m, *v, *ema;
	const real *g;
	const struct k_adamw *o;
};

static void update(void *arg, size_t begin, size_t end, int rank)
{
	struct update *j = arg;

	(void)rank;
	j->rows->adamw(j->p + begin, j->m + begin, j->v + begin, j->ema + begin, j->g + begin,
	    end - begin, j->o);
}

void k_adamw(struct kernels *k, real *p, real *m, real *v, real *ema, const real *g, size_t n,
    const struct k_adamw *o)
{
	struct update j = {k->rows, p, m, v, ema, g, o};

	pool_for(k->pool, n, update, &j);
}
