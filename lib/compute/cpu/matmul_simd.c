/*
 * Matrix products of reals with multiply.h, on processors that have it. The shapes of this model
 * are small, and there it is faster than BLAS, which packs both factors in every call: here only a
 * transposed one is packed, and that once for each thread. What it does not compute goes to BLAS:
 * products with a width that is no multiple of a panel, and those of reals in a model in bf16.
 *
 * Each thread computes its rows of a product in blocks:
 *
 *                 columns of w, in L2
 *                +---------+
 *     BLOCK rows |    C    |   summed in registers over DEPTH; bias and GELU while it is in L2
 *     of x       +---------+
 */

#include <string.h>

#include "base/minmax.h"
#include "compute/cpu/cpu.h"
#include "compute/cpu/multiply.h"

enum {
	UNIT = 12,      /* rows that are not divided: those of a tile */
	BLOCK = 48,     /* rows of a block */
	DEPTH = 256,    /* terms summed at one time: a panel of this depth fits in L1 */
	LONGEST = 2048, /* rows and columns of x in one pass over a gradient */
	WIDEST = 512,
	NEAR = 384,         /* columns of dy up to which its rows are near enough in the cache */
	PACKED = 640 << 10, /* bytes of w that leave room for the rest in L2 */
	PACKED_EACH = 256 << 10, /* see cpu_divides_rows */
};

/* --- x w^T and x w --- */

struct simd_job {
	struct kernels *k;
	const struct k_matmul *p;
	const real *x;    /* [M,K] */
	real *y;          /* [M,N] */
	size_t columns;   /* of w that are multiplied at one time */
	bool by_rows;     /* what the threads divide */
	uint64_t product; /* its number, see cpu_must_pack */
};

/* The columns of w of depth K that fit in n bytes. */
static size_t columns_in(const struct kernels *k, size_t n, size_t K)
{
	size_t width = k->vectors->width;

	return max_size(n / sizeof(real) / K / width, 1) * width;
}

static void need_simd(struct k_need *need, size_t K)
{
	enum { PANEL = 32 };

	cpu_need(need, max_size(PACKED / sizeof(real), PANEL * K), LONGEST * WIDEST);
}

/* Pack N columns of w, unless this thread has packed all of them for other rows of the product. */
static const real *pack_weights(const struct simd_job *j, size_t n, size_t N, int rank)
{
	const struct k_matmul *p = j->p;
	const struct multiply *vectors = j->k->vectors;
	real *panels = j->k->scratch[rank];

	if (!cpu_must_pack(j->k, rank, j->product, N == p->N))
		return panels;
	if (p->no_trans)
		vectors->pack(panels, p->w + n, p->N, N, p->K);
	else
		vectors->pack_transposed(panels, p->w + n * p->K, p->K, N, p->K);
	return panels;
}

/* What follows a sum: y [n] is in a row of the result, from element at, column. */
static void finish_simd(const struct simd_job *j, size_t at, size_t column, size_t n)
{
	const struct rows *rows = j->k->rows;
	const struct k_matmul *p = j->p;
	real *y = j->y + at;

	if (p->bias)
		rows->add(y, p->bias + column, n);
	if (p->gelu)
		rows->gelu(cpu_at(j->k, p->gelu, at), (act *)y, n);
	if (p->dgelu)
		rows->gelu_backward((act *)y, y, cpu_at(j->k, p->dgelu, at), n);
}

static void multiply_columns(
    const struct simd_job *j, size_t m0, size_t m1, size_t n, size_t N, int rank)
{
	const struct k_matmul *p = j->p;
	const struct multiply *vectors = j->k->vectors;
	const real *w = pack_weights(j, n, N, rank);
	size_t width = vectors->width;

	for (size_t m = m0; m < m1; m += BLOCK) {
		size_t M = min_size(BLOCK, m1 - m);

		for (size_t k = 0; k < p->K; k += DEPTH)
			for (size_t i = 0; i < N; i += width)
				vectors->multiply(j->y + m * p->N + n + i, p->N,
				    j->x + m * p->K + k, p->K, 1, w + i * p->K + k * width, width,
				    M, min_size(DEPTH, p->K - k), k || p->add);
		for (size_t i = m; i < m + M; i++)
			finish_simd(j, i * p->N + n, n, N);
	}
}

/* begin and end count UNIT rows each, or panels of columns. */
static void multiply_part(void *arg, size_t begin, size_t end, int rank)
{
	const struct simd_job *j = arg;
	const struct k_matmul *p = j->p;
	size_t width = j->k->vectors->width;
	size_t m0 = j->by_rows ? begin * UNIT : 0,
	       m1 = j->by_rows ? min_size(end * UNIT, p->M) : p->M;
	size_t n0 = j->by_rows ? 0 : begin * width, n1 = j->by_rows ? p->N : end * width;

	for (size_t n = n0; n < n1; n += j->columns)
		multiply_columns(j, m0, m1, n, min_size(j->columns, n1 - n), rank);
}

static void run_simd(struct kernels *k, enum cpu_kernel kernel, const struct k_matmul *p)
{
	struct simd_job j = {.k = k,
	    .p = p,
	    .x = cpu_x(p),
	    .y = cpu_y(p),
	    .columns = columns_in(k, PACKED, p->K),
	    .by_rows = cpu_divides_rows(k, p->M, p->K * p->N * sizeof(real), PACKED_EACH, PACKED),
	    .product = ++k->products};

	cpu_for(k, kernel, p->M * p->N * p->K,
	    j.by_rows ? (p->M + UNIT - 1) / UNIT : p->N / k->vectors->width, multiply_part, &j);
}

static void multiply_simd(struct kernels *k, const struct k_matmul *p)
{
	if (p->N % k->vectors->width)
		matmul_fp32.multiply(k, p);
	else
		run_simd(k, cpu_product(p), p);
}

static void logits_simd(struct kernels *k, const struct k_matmul *p)
{
	if (p->N % k->vectors->width)
		matmul_fp32.logits(k, p);
	else
		run_simd(k, CPU_LOGITS, p);
}

/* --- dy^T x --- */

/* One pass: dw [N,K] += dy^T x, where x has up to LONGEST rows and WIDEST columns. */
struct simd_gradient {
	struct kernels *k;
	real *dw, *db; /* db may be NULL */
	const real *dy, *x;
	size_t M, N, K, ld; /* ld: of x and dw */
	real *packed;       /* x, for all threads: DEPTH rows in panels, then the next */
};

/* begin and end count panels of x. */
static void pack_x(void *arg, size_t begin, size_t end, int rank)
{
	const struct simd_gradient *g = arg;
	const struct multiply *vectors = g->k->vectors;
	size_t k = begin * vectors->width, K = end * vectors->width - k;

	(void)rank;
	for (size_t m = 0, M; m < g->M; m += M) {
		M = min_size(DEPTH, g->M - m);
		vectors->pack(g->packed + m * g->K + k * M, g->x + m * g->ld + k, g->ld, K, M);
	}
}

/* Rows [n, n + N) of dw, over M rows of x from row m on. */
static void add_gradient_block(
    const struct simd_gradient *g, real *a, size_t m, size_t M, size_t n, size_t N)
{
	const struct multiply *vectors = g->k->vectors;
	const real *dy = g->dy + m * g->N + n, *left = dy;
	size_t ld = g->N;

	if (ld > NEAR) {
		/* A constant number of bytes is copied without a call. */
		for (size_t i = 0; i < M; i++, dy += g->N)
			if (N == BLOCK)
				memcpy(a + i * BLOCK, dy, BLOCK * sizeof *a);
			else
				memcpy(a + i * BLOCK, dy, N * sizeof *a);
		left = a;
		ld = BLOCK;
	}
	for (size_t k = 0; k < g->K; k += vectors->width)
		vectors->multiply(g->dw + n * g->ld + k, g->ld, left, 1, ld,
		    g->packed + m * g->K + k * M, vectors->width, N, M, true);
}

/* begin and end count UNIT rows of dw each, which are columns of dy. */
static void add_gradient_part(void *arg, size_t begin, size_t end, int rank)
{
	const struct simd_gradient *g = arg;
	size_t last = min_size(end * UNIT, g->N);

	for (size_t m = 0; m < g->M; m += DEPTH)
		for (size_t n = begin * UNIT; n < last; n += BLOCK)
			add_gradient_block(g, g->k->scratch[rank], m, min_size(DEPTH, g->M - m), n,
			    min_size(BLOCK, last - n));
	for (size_t m = 0; g->db && m < g->M; m++)
		g->k->rows->add(
		    g->db + begin * UNIT, g->dy + m * g->N + begin * UNIT, last - begin * UNIT);
}

static void add_gradient_simd(struct kernels *k, const struct k_matmul_dw *p)
{
	size_t width = k->vectors->width;

	if (p->K % width) {
		matmul_fp32.add_gradient(k, p);
		return;
	}
	for (size_t m = 0; m < p->M; m += LONGEST)
		for (size_t at = 0; at < p->K; at += WIDEST) {
			struct simd_gradient g = {.k = k,
			    .dw = p->dw + at,
			    .db = at ? NULL : p->db,
			    .dy = (const real *)p->dy + m * p->N,
			    .x = (const real *)p->x + m * p->K + at,
			    .M = min_size(LONGEST, p->M - m),
			    .N = p->N,
			    .K = min_size(WIDEST, p->K - at),
			    .ld = p->K,
			    .packed = k->scratch[cpu_threads(k)]};

			cpu_for(k, CPU_PROJECT_DW_PACK, g.M * g.K, g.K / width, pack_x, &g);
			cpu_for(k, CPU_PROJECT_DW, g.M * g.N * g.K, (g.N + UNIT - 1) / UNIT,
			    add_gradient_part, &g);
		}
}

/* --- in attention --- */

/* The right factor of a product, in panels: ld is the distance between rows, next that between
 * panels. */
struct panels {
	const real *b;
	size_t ld, next;
};

/* Packed, unless the factor is row-major and consists of whole panels. */
static struct panels right_panels(const struct multiply *vectors, const struct small_matmul *p)
{
	const real *b = small_elements(&p->b);
	size_t width = vectors->width;

	if (p->form == SMALL_NT)
		vectors->pack_transposed(p->scratch, b, p->b.ld, p->N, p->K);
	else if (p->N % width)
		vectors->pack(p->scratch, b, p->b.ld, p->N, p->K);
	else
		return (struct panels){b, p->b.ld, width};
	return (struct panels){p->scratch, width, width * p->K};
}

/* A panel of c, or half of one. */
static void multiply_small_panel(const struct multiply *vectors, const struct small_matmul *p,
    real *c, const real *b, size_t ldb, bool half)
{
	bool transposed = p->form == SMALL_TN;
	size_t row = transposed ? 1 : p->a.ld, column = transposed ? p->a.ld : 1;
	const real *a = small_elements(&p->a);

	for (size_t m = 0, M; m < p->M; m += M, a += M * row, c += M * p->ldc) {
		M = min_size(UNIT, p->M - m);
		if (half)
			vectors->multiply_half(c, p->ldc, a, row, column, b, ldb, M, p->K);
		else
			vectors->multiply(c, p->ldc, a, row, column, b, ldb, M, p->K, false);
		/* A line in 24 cycles: multiply takes 12 K. */
		ahead_fetch(p->ahead, p->K / 2);
	}
}

static void multiply_small_simd(const struct kernels *k, const struct small_matmul *p)
{
	const struct multiply *vectors = k->vectors;
	struct panels right = right_panels(vectors, p);
	size_t width = vectors->width;

	for (size_t n = 0; n < p->N; n += width, right.b += right.next)
		multiply_small_panel(
		    vectors, p, p->c + n, right.b, right.ld, n + width / 2 >= p->N);
}

const struct matmul matmul_simd = {
    .act_size = sizeof(real),
    .need = need_simd,
    .multiply = multiply_simd,
    .add_gradient = add_gradient_simd,
    .logits = logits_simd,
    .multiply_small = multiply_small_simd,
};
