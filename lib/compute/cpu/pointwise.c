/* Pointwise kernels: rows of rows.h, shared among the threads. */

#include <math.h>
#include <string.h>

#include "compute/cpu/cpu.h"

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
	cpu_for(k, j.two ? CPU_SILU_BACKWARD : CPU_SILU, j.n, (j.n + GRAIN - 1) / GRAIN,
	    elementwise, &j);
}

void k_silu(struct kernels *k, real *y, const real *x, size_t n)
{
	run_elementwise(k, (struct elementwise){k->rows->silu, NULL, y, x, NULL, n});
}

void k_silu_backward(struct kernels *k, real *dx, const real *dy, const real *x, size_t n)
{
	run_elementwise(k, (struct elementwise){NULL, k->rows->silu_backward, dx, dy, x, n});
}

struct convert {
	struct kernels *k;
	act *y;
	const real *x;
	const act *u;
	size_t n;
};

/* y = x rounded, or GELU(u). */
static void convert(void *arg, size_t begin, size_t end, int rank)
{
	struct convert *j = arg;
	size_t at = begin * GRAIN, n = (end * GRAIN < j->n ? end * GRAIN : j->n) - at;
	act *y = cpu_at(j->k, j->y, at);

	(void)rank;
	if (j->x)
		j->k->rows->round(y, j->x + at, n);
	else
		j->k->rows->gelu(y, cpu_at(j->k, j->u, at), n);
}

void k_round(struct kernels *k, act *y, const real *x, size_t n)
{
	struct convert j = {k, y, x, NULL, n};

	cpu_for(k, CPU_ROUND, n, (n + GRAIN - 1) / GRAIN, convert, &j);
}

void k_gelu(struct kernels *k, act *y, const act *x, size_t n)
{
	struct convert j = {k, y, NULL, x, n};

	cpu_for(k, CPU_GELU, n, (n + GRAIN - 1) / GRAIN, convert, &j);
}

bool k_finite(struct kernels *k, const act *a, size_t n)
{
	real part[256];

	for (size_t i = 0; i < n; i += 256) {
		size_t m = n - i < 256 ? n - i : 256;

		k->rows->widen(part, cpu_at(k, a, i), m);
		if (!isfinite(k->rows->sum_squares(part, m)))
			return false;
	}
	return true;
}

/* --- with the coefficients of each sequence --- */

struct adaptive {
	struct kernels *k;
	real *out, *dshift, *dscale;
	act *act;
	const act *act_in;
	const real *x, *shift, *scale;
	real sign, *stats;
	const real *stats_in;
	size_t stride, T, C;
};

static void modulate(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		size_t b = m / j->T * j->stride;

		j->k->rows->modulate(cpu_at(j->k, j->act, m * j->C), j->stats + 2 * m,
		    j->x + m * j->C, j->shift + b, j->scale + b, j->C);
	}
}

void k_modulate(struct kernels *k, act *y, real *stats, const real *h, const real *shift,
    const real *scale, size_t stride, size_t B, size_t T, size_t C)
{
	struct adaptive j = {.k = k,
	    .act = y,
	    .stats = stats,
	    .x = h,
	    .shift = shift,
	    .scale = scale,
	    .stride = stride,
	    .T = T,
	    .C = C};

	cpu_for(k, CPU_MODULATE, B * T * C, B * T, modulate, &j);
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
			j->k->rows->modulate_backward(j->out + m * j->C, dshift, dscale,
			    cpu_at(j->k, j->act_in, m * j->C), j->x + m * j->C, j->stats_in + 2 * m,
			    j->scale + b * j->stride, j->C);
	}
}

void k_modulate_backward(struct kernels *k, real *dh, real *dshift, real *dscale, const act *dy,
    const real *h, const real *stats, const real *scale, size_t stride, size_t B, size_t T,
    size_t C)
{
	struct adaptive j = {.k = k,
	    .out = dh,
	    .dshift = dshift,
	    .dscale = dscale,
	    .x = h,
	    .act_in = dy,
	    .stats_in = stats,
	    .scale = scale,
	    .stride = stride,
	    .T = T,
	    .C = C};

	cpu_for(k, CPU_MODULATE_BACKWARD, B * T * C, B, modulate_backward, &j);
}

static void gate(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->k->rows->gate(j->out + m * j->C, j->sign, cpu_at(j->k, j->act_in, m * j->C),
		    j->scale + m / j->T * j->stride, j->C);
}

void k_gate(struct kernels *k, real *h, real sign, const act *y, const real *gate_b, size_t stride,
    size_t B, size_t T, size_t C)
{
	struct adaptive j = {.k = k,
	    .out = h,
	    .sign = sign,
	    .act_in = y,
	    .scale = gate_b,
	    .stride = stride,
	    .T = T,
	    .C = C};

	cpu_for(k, CPU_GATE, B * T * C, B * T, gate, &j);
}

static void gate_backward(void *arg, size_t begin, size_t end, int rank)
{
	struct adaptive *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		real *dgate = j->dscale + b * j->stride;

		memset(dgate, 0, j->C * sizeof *dgate);
		for (size_t m = b * j->T; m < (b + 1) * j->T; m++)
			j->k->rows->gate_backward(cpu_at(j->k, j->act, m * j->C), dgate,
			    j->x + m * j->C, cpu_at(j->k, j->act_in, m * j->C),
			    j->scale + b * j->stride, j->C);
	}
}

void k_gate_backward(struct kernels *k, act *dy, real *dgate, const real *dout, const act *y,
    const real *gate_b, size_t stride, size_t B, size_t T, size_t C)
{
	struct adaptive j = {.k = k,
	    .act = dy,
	    .dscale = dgate,
	    .x = dout,
	    .act_in = y,
	    .scale = gate_b,
	    .stride = stride,
	    .T = T,
	    .C = C};

	cpu_for(k, CPU_GATE_BACKWARD, B * T * C, B, gate_backward, &j);
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

	cpu_for(k, x3 ? CPU_MIX3 : CPU_MIX2, B * n, B, mixing, &j);
}

struct scaling {
	const struct rows *rows;
	real *y;
	const real *a, *x;
	size_t n;
};

static void scaling(void *arg, size_t begin, size_t end, int rank)
{
	struct scaling *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		const real *x = j->x + b * j->n;

		j->rows->mix(j->y + b * j->n, j->a[b], x, 0, x, 0, NULL, j->n);
	}
}

void k_scale_rows(struct kernels *k, real *y, const real *a, const real *x, size_t B, size_t n)
{
	struct scaling j = {k->rows, y, a, x, n};

	cpu_for(k, CPU_SCALE_ROWS, B * n, B, scaling, &j);
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

	cpu_for(k, CPU_ADD_EACH, B * n, B, add_each, &j);
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

	cpu_for(k, CPU_SUM_EACH, B * n, n, sum_each, &j);
}

struct columns {
	struct kernels *k;
	act *y;
	real *sum;
	const act *x;
	size_t y_stride, x_stride, n;
};

static void columns(void *arg, size_t begin, size_t end, int rank)
{
	struct columns *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		const act *x = cpu_at(j->k, j->x, m * j->x_stride);

		if (j->sum)
			j->k->rows->accumulate(j->sum + m * j->y_stride, x, j->n);
		else
			memcpy(cpu_at(j->k, j->y, m * j->y_stride), x, j->n * k_act_size(j->k));
	}
}

void k_columns(
    struct kernels *k, act *y, size_t y_stride, const act *x, size_t x_stride, size_t M, size_t n)
{
	struct columns j = {k, y, NULL, x, y_stride, x_stride, n};

	cpu_for(k, CPU_COLUMNS, M * n, M, columns, &j);
}

void k_add_columns(
    struct kernels *k, real *y, size_t y_stride, const act *x, size_t x_stride, size_t M, size_t n)
{
	struct columns j = {k, NULL, y, x, y_stride, x_stride, n};

	cpu_for(k, CPU_ADD_COLUMNS, M * n, M, columns, &j);
}

/* --- bf16 for other ranks --- */

struct pack {
	const struct rows *rows;
	bf16 *y;
	const real *x;
};

static void pack_bf16(void *arg, size_t begin, size_t end, int rank)
{
	struct pack *j = arg;

	(void)rank;
	j->rows->pack_bf16(j->y + begin, j->x + begin, end - begin);
}

void k_pack_bf16(struct kernels *k, bf16 *y, const real *x, size_t n)
{
	struct pack j = {k->rows, y, x};

	cpu_for(k, CPU_PACK_BF16, n, n, pack_bf16, &j);
}

struct sum_parts {
	const struct rows *rows;
	real *y;
	const bf16 *x;
	size_t parts, n;
};

static void sum_bf16(void *arg, size_t begin, size_t end, int rank)
{
	struct sum_parts *j = arg;

	(void)rank;
	j->rows->unpack_bf16(j->y + begin, j->x + begin, end - begin);
	for (size_t p = 1; p < j->parts; p++)
		j->rows->add_bf16(j->y + begin, j->x + p * j->n + begin, end - begin);
}

void k_sum_bf16(struct kernels *k, real *y, const bf16 *x, size_t parts, size_t n)
{
	struct sum_parts j = {k->rows, y, x, parts, n};

	/* The cost is in numbers of the size of a bf16. */
	cpu_for(k, CPU_SUM_BF16, n * (parts + sizeof *y / sizeof *x), n, sum_bf16, &j);
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

	memset(k->partial, 0, (size_t)cpu_threads(k) * sizeof *k->partial);
	cpu_for(k, CPU_SUM_SQUARES, n, n, squares, &j);
	for (int i = 0; i < cpu_threads(k); i++)
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

	cpu_for(k, CPU_ADAMW, n, n, update, &j);
}
