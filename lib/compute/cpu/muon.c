/* The kernels of Muon: momentum, the iterations that orthogonalise an update, and the update. */

#include <math.h>

#include "base/minmax.h"
#include "compute/cpu/cpu.h"

/* --- pointwise --- */

struct pointwise {
	const struct rows *rows;
	real *p, *second;
	const real *x;
	real a, b, c;
};

static void momentum(void *arg, size_t begin, size_t end, int rank)
{
	struct pointwise *j = arg;
	real *m = j->p + begin, *g = j->second + begin;

	(void)rank;
	j->rows->mix(m, j->a, m, j->b, g, 0, NULL, end - begin);
	j->rows->mix(g, j->a, m, j->b, g, 0, NULL, end - begin);
}

void k_muon_momentum(struct kernels *k, real *m, real *g, size_t n, real decay, real grad_scale)
{
	struct pointwise j = {
	    .rows = k->rows, .p = m, .second = g, .a = decay, .b = (1 - decay) * grad_scale};

	cpu_for(k, CPU_MUON_MOMENTUM, n, n, momentum, &j);
}

static void update(void *arg, size_t begin, size_t end, int rank)
{
	struct pointwise *j = arg;
	real *p = j->p + begin, *ema = j->second + begin;

	(void)rank;
	j->rows->mix(p, j->a, p, j->b, j->x + begin, 0, NULL, end - begin);
	j->rows->mix(ema, j->c, ema, 1 - j->c, p, 0, NULL, end - begin);
}

void k_muon_update(struct kernels *k, real *p, real *ema, const real *x, size_t n, real rate,
    real decay, real ema_decay)
{
	struct pointwise j = {k->rows, p, ema, x, 1 - decay, -rate, ema_decay};

	cpu_for(k, CPU_MUON_UPDATE, n, n, update, &j);
}

/* y = a x + b y */
static void combine_slice(void *arg, size_t begin, size_t end, int rank)
{
	struct pointwise *j = arg;
	real *y = j->p + begin;

	(void)rank;
	j->rows->mix(y, j->a, j->x + begin, j->b, y, 0, NULL, end - begin);
}

static void combine(struct kernels *k, real *y, real a, const real *x, real b, size_t n)
{
	struct pointwise j = {.rows = k->rows, .p = y, .x = x, .a = a, .b = b};

	cpu_for(k, CPU_MUON_COMBINE, n, n, combine_slice, &j);
}

/* --- the matrix of an update --- */

/* y [cols,rows] = scale x^T, x [rows,cols]; or y [rows,cols] = scale x. */
struct copy {
	real *y;
	const real *x;
	size_t rows, cols;
	real scale;
	bool transpose;
};

/* Rows of y. Tiles, so that the lines of x that a row of y touches stay near for the next. */
static void copy_rows(void *arg, size_t begin, size_t end, int rank)
{
	enum { TILE = 32 };
	const struct copy *j = arg;
	size_t length = j->transpose ? j->rows : j->cols;
	size_t step = j->transpose ? j->cols : 1;

	(void)rank;
	for (size_t from = 0; from < length; from += TILE)
		for (size_t r = begin; r < end; r++) {
			const real *x = j->x + (j->transpose ? r : r * j->cols);
			size_t to = min_size(from + TILE, length);

			for (size_t i = from; i < to; i++)
				j->y[r * length + i] = j->scale * x[i * step];
		}
}

static void copy_matrix(struct kernels *k, const struct copy *j)
{
	cpu_for(k, CPU_MUON_COPY, j->rows * j->cols, j->transpose ? j->cols : j->rows, copy_rows,
	    (void *)(uintptr_t)j);
}

/* --- the iterations --- */

/*
 * The odd polynomials of degree 5 that in turn bring singular values from 1/1000 to 1 nearest to 1:
 * after the fifth they are within 13 % of it. Rounding may lift a value over 1, so all but the last
 * are those of x / SAFETY.
 */
#define SAFETY 1.01
static const double polar_express[][3] = {
    {8.205160414005574, -22.90193498705605, 16.460724910180314},
    {4.066395159942775, -2.8611540867551426, 0.5183995226694741},
    {3.9095949044379155, -2.823351735039516, 0.5250369769390025},
    {3.2855640171986153, -2.415301959635945, 0.48529406552790866},
    {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
};
enum { ITERATIONS = sizeof polar_express / sizeof *polar_express };

/* Arrays in scratch memory, for a matrix of m rows and n >= m columns. */
struct iteration {
	size_t m, n;
	real *x, *y; /* [m,n] */
	real *a, *b; /* [m,m] */
	act *act;    /* [m,n]: the left operand of a product */
};

static size_t aligned(size_t n)
{
	return (n + 15) / 16 * 16;
}

static size_t iteration_size(size_t rows, size_t cols)
{
	size_t m = min_size(rows, cols);

	return 3 * aligned(rows * cols) + 2 * aligned(m * m);
}

static struct iteration iteration_at(real *scratch, size_t rows, size_t cols)
{
	struct iteration it = {.m = min_size(rows, cols), .n = max_size(rows, cols)};

	it.x = scratch;
	it.y = it.x + aligned(it.m * it.n);
	it.a = it.y + aligned(it.m * it.n);
	it.b = it.a + aligned(it.m * it.m);
	it.act = (act *)(it.b + aligned(it.m * it.m));
	return it;
}

/* Whether one thread orthogonalises a matrix alone: there are many such matrices, whose
 * loops are so short that the threads would often wait for each other, and the arrays of a matrix
 * for each thread take little memory. */
static bool is_small_matrix(size_t rows, size_t cols)
{
	return iteration_size(rows, cols) * sizeof(real) <= 4 << 20;
}

void k_need_muon(const struct kernels *k, struct k_need *need, size_t rows, size_t cols)
{
	size_t size = iteration_size(rows, cols);
	struct k_need products = {0};

	k_need_matmul(k, &products, max_size(rows, cols));
	if (is_small_matrix(rows, cols))
		cpu_need(need, size + products.each, 0);
	else
		cpu_need(need, products.each, max_size(size, products.shared));
}

double k_muon_flops(size_t rows, size_t cols)
{
	double m = (double)min_size(rows, cols), n = (double)max_size(rows, cols);

	return ITERATIONS * (4 * m * m * n + 2 * m * m * m);
}

/* y [M,N] = x [M,K] w, with w [K,N], or with trans the transpose of w [N,K]. */
static void multiply(struct kernels *k, const struct iteration *it, real *y, const real *x,
    const real *w, bool trans, size_t M, size_t N, size_t K)
{
	const act *left = (const act *)x;

	if (k_act_size(k) != sizeof *x) {
		k_round(k, it->act, x, M * K);
		left = it->act;
	}
	k_matmul(k, .y_real = y, .x = left, .w = w, .no_trans = !trans, .update = true, .M = M,
	    .N = N, .K = K);
}

/* X = a X + (b A + c A A) X, A = X X^T: every singular value s becomes a s + b s^3 + c s^5. */
static void iterate(struct kernels *k, struct iteration *it, const double c[3])
{
	size_t m = it->m, n = it->n;
	real *next = it->y;

	multiply(k, it, it->a, it->x, it->x, true, m, m, n);
	multiply(k, it, it->b, it->a, it->a, true, m, m, m);
	combine(k, it->b, (real)c[1], it->a, (real)c[2], m * m);
	multiply(k, it, next, it->b, it->x, false, m, n, m);
	combine(k, next, (real)c[0], it->x, 1, m * n);
	it->y = it->x;
	it->x = next;
}

/* Below this norm a matrix is zero: its inverse would overflow. */
#define LEAST_NORM 1e-30

static void orthogonalize(struct kernels *k, const struct k_matrix *a, real *scratch)
{
	size_t rows = a->rows, cols = a->cols;
	struct iteration it = iteration_at(scratch, rows, cols);
	double norm = sqrt(k_sum_squares(k, a->x, rows * cols));
	bool tall = rows > cols;

	if (norm < LEAST_NORM) {
		k_zero(k, a->x, rows * cols);
		return;
	}
	copy_matrix(k, &(struct copy){it.x, a->x, rows, cols, (real)(1 / (SAFETY * norm)), tall});
	for (int i = 0; i < ITERATIONS; i++)
		iterate(k, &it, polar_express[i]);
	copy_matrix(k, &(struct copy){a->x, it.x, it.m, it.n, 1, tall});
}

struct small_job {
	struct kernels *k;
	const struct k_matrix *matrix;
};

/* Whole matrices, each with kernels of this thread alone, whose scratch is the rest of that of the
 * thread. */
static void orthogonalize_small(void *arg, size_t begin, size_t end, int rank)
{
	const struct small_job *j = arg;
	const struct kernels *k = j->k;

	for (size_t i = begin; i < end; i++) {
		const struct k_matrix *a = &j->matrix[i];
		real *scratch[2] = {k->scratch[rank] + iteration_size(a->rows, a->cols)};
		uint64_t packed = 0;
		struct kernels alone = {.pool = k->single,
		    .rows = k->rows,
		    .matmul = k->matmul,
		    .unit = k->unit,
		    .vectors = k->vectors,
		    .scratch = scratch,
		    .packed = &packed};

		orthogonalize(&alone, a, k->scratch[rank]);
	}
}

void k_muon_orthogonalize(struct kernels *k, const struct k_matrix *matrix, size_t n)
{
	/* The threads divide each run of small matrices. */
	for (size_t i = 0, end; i < n; i = end) {
		struct small_job j = {k, matrix + i};
		double flops = 0;

		for (end = i; end < n && is_small_matrix(matrix[end].rows, matrix[end].cols); end++)
			flops += k_muon_flops(matrix[end].rows, matrix[end].cols);
		cpu_for(k, CPU_MUON_PRODUCT, (size_t)(flops / 2), end - i, orthogonalize_small, &j);
		if (end == i)
			orthogonalize(k, &matrix[end++], k->scratch[cpu_threads(k)]);
	}
}
