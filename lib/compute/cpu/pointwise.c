/* Kernels that work element by element or row by row. The threads divide the elements or rows; the
 * functions of rows.h do the arithmetic. */

#include <math.h>
#include <string.h>

#include "base/minmax.h"
#include "compute/cpu/cpu.h"

/* --- element by element --- */

/* The threads divide n elements in grains, so that each slice but the last is whole vectors. */
enum { GRAIN = 1024 };

static size_t grains(size_t n)
{
	return (n + GRAIN - 1) / GRAIN;
}

/* The number of elements in the grains [begin, end) of n elements. */
static size_t grain_elements(size_t begin, size_t end, size_t n)
{
	return min_size(end * GRAIN, n) - begin * GRAIN;
}

struct silu_job {
	const struct rows *rows;
	real *y;
	const real *dy; /* NULL: forward */
	const real *x;
	size_t n;
};

static void silu_grains(void *arg, size_t begin, size_t end, int rank)
{
	const struct silu_job *j = arg;
	size_t at = begin * GRAIN, n = grain_elements(begin, end, j->n);

	(void)rank;
	if (j->dy)
		j->rows->silu_backward(j->y + at, j->dy + at, j->x + at, n);
	else
		j->rows->silu(j->y + at, j->x + at, n);
}

void k_silu(struct kernels *k, real *y, const real *x, size_t n)
{
	struct silu_job j = {k->rows, y, NULL, x, n};

	cpu_for(k, CPU_SILU, n, grains(n), silu_grains, &j);
}

void k_silu_backward(struct kernels *k, real *dx, const real *dy, const real *x, size_t n)
{
	struct silu_job j = {k->rows, dx, dy, x, n};

	cpu_for(k, CPU_SILU_BACKWARD, n, grains(n), silu_grains, &j);
}

struct act_job {
	struct kernels *k;
	act *y;
	const real *x; /* round these */
	const act *u;  /* or compute GELU of these */
	size_t n;
};

static void act_grains(void *arg, size_t begin, size_t end, int rank)
{
	const struct act_job *j = arg;
	size_t at = begin * GRAIN, n = grain_elements(begin, end, j->n);
	act *y = cpu_at(j->k, j->y, at);

	(void)rank;
	if (j->x)
		j->k->rows->round(y, j->x + at, n);
	else
		j->k->rows->gelu(y, cpu_at(j->k, j->u, at), n);
}

void k_round(struct kernels *k, act *y, const real *x, size_t n)
{
	struct act_job j = {.k = k, .y = y, .x = x, .n = n};

	cpu_for(k, CPU_ROUND, n, grains(n), act_grains, &j);
}

void k_gelu(struct kernels *k, act *y, const act *x, size_t n)
{
	struct act_job j = {.k = k, .y = y, .u = x, .n = n};

	cpu_for(k, CPU_GELU, n, grains(n), act_grains, &j);
}

bool k_finite(struct kernels *k, const act *a, size_t n)
{
	real chunk[256];

	for (size_t i = 0; i < n; i += 256) {
		size_t m = min_size(n - i, 256);

		k->rows->widen(chunk, cpu_at(k, a, i), m);
		if (!isfinite(k->rows->sum_squares(chunk, m)))
			return false;
	}
	return true;
}

/* --- row by row --- */

struct mix_job {
	const struct rows *rows;
	real *y;
	const real *coef, *x1, *x2, *x3;
	size_t n;
};

static void mix_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct mix_job *j = arg;

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
	struct mix_job j = {k->rows, y, coef, x1, x2, x3, n};

	cpu_for(k, x3 ? CPU_MIX3 : CPU_MIX2, B * n, B, mix_rows, &j);
}

struct scale_job {
	const struct rows *rows;
	real *y;
	const real *a, *x;
	size_t n;
};

static void scale_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct scale_job *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		const real *x = j->x + b * j->n;

		j->rows->mix(j->y + b * j->n, j->a[b], x, 0, x, 0, NULL, j->n);
	}
}

void k_scale_rows(struct kernels *k, real *y, const real *a, const real *x, size_t B, size_t n)
{
	struct scale_job j = {k->rows, y, a, x, n};

	cpu_for(k, CPU_SCALE_ROWS, B * n, B, scale_rows, &j);
}

struct each_job {
	const struct rows *rows;
	real *y;
	const real *x;
	size_t B, n;
};

static void add_to_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct each_job *j = arg;

	(void)rank;
	for (size_t b = begin; b < end; b++)
		j->rows->add(j->y + b * j->n, j->x, j->n);
}

void k_add_each(struct kernels *k, real *y, const real *x, size_t B, size_t n)
{
	struct each_job j = {k->rows, y, x, B, n};

	cpu_for(k, CPU_ADD_EACH, B * n, B, add_to_rows, &j);
}

/* Each thread sums some columns of all rows. */
static void sum_columns(void *arg, size_t begin, size_t end, int rank)
{
	const struct each_job *j = arg;

	(void)rank;
	for (size_t b = 0; b < j->B; b++)
		j->rows->add(j->y + begin, j->x + b * j->n + begin, end - begin);
}

void k_sum_each(struct kernels *k, real *dx, const real *dy, size_t B, size_t n)
{
	struct each_job j = {k->rows, dx, dy, B, n};

	cpu_for(k, CPU_SUM_EACH, B * n, n, sum_columns, &j);
}

struct columns_job {
	struct kernels *k;
	const struct k_columns *p;
};

static void column_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct columns_job *j = arg;
	const struct k_columns *p = j->p;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		const act *x = cpu_at(j->k, p->x, m * p->x_stride);

		if (p->sum)
			j->k->rows->accumulate(p->sum + m * p->y_stride, x, p->n);
		else
			memcpy(cpu_at(j->k, p->y, m * p->y_stride), x, p->n * k_act_size(j->k));
	}
}

void k_columns_of(struct kernels *k, const struct k_columns *p)
{
	struct columns_job j = {k, p};

	cpu_for(k, p->sum ? CPU_ADD_COLUMNS : CPU_COPY_COLUMNS, p->M * p->n, p->M, column_rows, &j);
}

/* --- gradients on their way to other ranks --- */

struct pack_job {
	const struct rows *rows;
	bf16 *y;
	const real *x;
};

static void pack_bf16(void *arg, size_t begin, size_t end, int rank)
{
	const struct pack_job *j = arg;

	(void)rank;
	j->rows->pack_bf16(j->y + begin, j->x + begin, end - begin);
}

void k_pack_bf16(struct kernels *k, bf16 *y, const real *x, size_t n)
{
	struct pack_job j = {k->rows, y, x};

	cpu_for(k, CPU_PACK_BF16, n, n, pack_bf16, &j);
}

struct sum_job {
	const struct rows *rows;
	real *y;
	const bf16 *x;
	size_t parts, n;
};

static void sum_bf16(void *arg, size_t begin, size_t end, int rank)
{
	const struct sum_job *j = arg;

	(void)rank;
	j->rows->unpack_bf16(j->y + begin, j->x + begin, end - begin);
	for (size_t p = 1; p < j->parts; p++)
		j->rows->add_bf16(j->y + begin, j->x + p * j->n + begin, end - begin);
}

void k_sum_bf16(struct kernels *k, real *y, const bf16 *x, size_t parts, size_t n)
{
	struct sum_job j = {k->rows, y, x, parts, n};

	/* An element of the cost has the size of a bf16. */
	cpu_for(k, CPU_SUM_BF16, n * (parts + sizeof *y / sizeof *x), n, sum_bf16, &j);
}

/* --- the optimiser --- */

struct squares_job {
	const struct rows *rows;
	const real *x;
	size_t n, chunk;
	double *partial; /* of each chunk */
};

static void sum_squares(void *arg, size_t begin, size_t end, int rank)
{
	const struct squares_job *j = arg;

	(void)rank;
	for (size_t i = begin; i < end; i++)
		j->partial[i] = j->rows->sum_squares(
		    j->x + i * j->chunk, min_size(j->chunk, j->n - i * j->chunk));
}

/* The order of the sum depends on n alone. */
double k_sum_squares(struct kernels *k, const real *x, size_t n)
{
	enum { PARTS = 64 };
	double partial[PARTS], sum = 0;
	size_t chunk = (n + PARTS * GRAIN - 1) / (PARTS * GRAIN) * GRAIN;
	size_t chunks = n ? (n + chunk - 1) / chunk : 0;
	struct squares_job j = {k->rows, x, n, chunk, partial};

	cpu_for(k, CPU_SUM_SQUARES, n, chunks, sum_squares, &j);
	for (size_t i = 0; i < chunks; i++)
		sum += partial[i];
	return sum;
}

struct adamw_job {
	const struct rows *rows;
	real *p, *m, *v, *ema;
	const real *g;
	const struct k_adamw *o;
};

static void adamw_update(void *arg, size_t begin, size_t end, int rank)
{
	const struct adamw_job *j = arg;

	(void)rank;
	j->rows->adamw(j->p + begin, j->m + begin, j->v + begin, j->ema + begin, j->g + begin,
	    end - begin, j->o);
}

void k_adamw(struct kernels *k, real *p, real *m, real *v, real *ema, const real *g, size_t n,
    const struct k_adamw *o)
{
	struct adamw_job j = {k->rows, p, m, v, ema, g, o};

	cpu_for(k, CPU_ADAMW, n, n, adamw_update, &j);
}
