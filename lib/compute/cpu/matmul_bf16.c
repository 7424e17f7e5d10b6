/*
 * Matrix products in bf16 (bf16.h). Weights are rounded and packed when they are read into the
 * cache; acts are bf16 already. Each thread computes its part of a product block by block:
 *
 *                 COLUMNS of w, packed once, in L2
 *                +---------+
 *     48 rows    |    C    |   summed in registers; bias, GELU and rounding while it is in L1
 *   of x, in L1  +---------+
 *
 * The threads divide the rows of x or the columns of w: see cpu_divides_rows.
 */

#include "compute/cpu/cpu.h"

#ifdef CDCD_BF16

#include <string.h>

#include "base/minmax.h"

enum {
	COLUMNS = 768,          /* maximum columns in a block */
	PACKED = 384 << 10,     /* bytes of packed weights that leave room for the rest in L2 */
	PACKED_EACH = 96 << 10, /* see cpu_divides_rows */
	DEPTH = 512 << 10,      /* bytes of packed x in one pass over a gradient */
	LONGEST = 2048,         /* rows of x in one such pass */
};

/* --- scratch --- */

/* The scratch of one thread: packed weights, rows of x, and a block of C. */
struct block_buffers {
	bf16 *packed, *a;
	float *c;
};

static size_t packed_size(size_t n)
{
	size_t panel = BF16_PANEL * bf16_padded(n);

	return max_size(panel, PACKED / sizeof(bf16));
}

static size_t row_size(size_t n)
{
	return bf16_padded(max_size(n, LONGEST));
}

/* The buffers of a thread for products that sum over up to n elements. */
static struct block_buffers buffers_at(struct kernels *k, int rank, size_t n)
{
	struct block_buffers r;

	r.c = k->scratch[rank];
	r.a = (bf16 *)(r.c + BF16_BLOCK_ROWS * COLUMNS);
	r.packed = r.a + BF16_BLOCK_ROWS * row_size(n);
	return r;
}

static void need_bf16(struct k_need *need, size_t K)
{
	cpu_need(need,
	    BF16_BLOCK_ROWS * COLUMNS + BF16_BLOCK_ROWS * row_size(K) / 2 + packed_size(K) / 2,
	    DEPTH / sizeof(float));
}

/* --- x w^T and x w --- */

struct bf16_job {
	struct kernels *k;
	const struct k_matmul *p;
	/* For logits, x_real and w are each split in two bf16: high + low. K is three parts long:
	 * high w_high + low w_high + high w_low. The product low w_low is left out. */
	bool split;
	size_t K; /* elements to sum over, of the packed operands */
	bool by_rows;
	uint64_t product; /* its number, see cpu_must_pack */
};

/* Write M rows of x_real from row m to a, split: high, low, high. */
static void split_rows_of_x(const struct bf16_job *j, bf16 *a, size_t m, size_t M)
{
	const struct k_matmul *p = j->p;
	size_t part = bf16_padded(p->K);

	for (size_t i = 0; i < M; i++, a += j->K) {
		const float *row = p->x_real + (m + i) * p->K;

		bf16_round(a, part, row, p->K, 1, p->K, BF16_HIGH);
		bf16_round(a + part, part, row, p->K, 1, p->K, BF16_LOW);
		memcpy(a + 2 * part, a, part * sizeof *a);
	}
}

/* M rows of x from row m, zero up to K. If x has this form, the result points to x itself. */
static const bf16 *rows_of_x(
    const struct bf16_job *j, struct block_buffers *buffers, size_t m, size_t M, size_t *lda)
{
	const struct k_matmul *p = j->p;
	const bf16 *x;

	*lda = j->K;
	if (j->split) {
		split_rows_of_x(j, buffers->a, m, M);
		return buffers->a;
	}
	x = (const bf16 *)p->x + m * p->K;
	if (p->K % BF16_PANEL == 0) {
		*lda = p->K;
		return x;
	}
	bf16_copy(buffers->a, j->K, x, p->K, M, p->K);
	return buffers->a;
}

static void pack_weights(const struct bf16_job *j, bf16 *panels, size_t n, size_t N)
{
	const struct k_matmul *p = j->p;
	size_t part = bf16_padded(p->K);
	const float *w = p->w + (p->no_trans ? n : n * p->K);

	if (p->no_trans)
		bf16_pack(panels, w, p->N, p->K, N);
	else
		bf16_pack_transposed(panels, j->K, w, p->K, N, p->K, BF16_HIGH);
	if (!j->split)
		return;
	bf16_pack_transposed(panels + part * BF16_PANEL, j->K, w, p->K, N, p->K, BF16_HIGH);
	bf16_pack_transposed(panels + 2 * part * BF16_PANEL, j->K, w, p->K, N, p->K, BF16_LOW);
}

/* Write n sums c of a row to the result: at is their element in y, column their column. */
static void finish_row(const struct bf16_job *j, float *c, size_t at, size_t column, size_t n)
{
	const struct rows *rows = j->k->rows;
	const struct k_matmul *p = j->p;
	act *y = p->y ? cpu_at(j->k, p->y, at) : NULL;

	if (p->bias)
		rows->add(c, p->bias + column, n);
	if (p->add && y)
		rows->accumulate(c, y, n);
	if (p->dgelu)
		rows->gelu_backward(y, c, cpu_at(j->k, p->dgelu, at), n);
	else if (y)
		rows->round(y, c, n);
	else if (p->add)
		rows->add(p->y_real + at, c, n);
	else if (p->y_real && c != p->y_real + at)
		memcpy(p->y_real + at, c, n * sizeof *c);
	if (p->gelu)
		rows->gelu(cpu_at(j->k, p->gelu, at), y, n);
}

static void multiply_block(
    const struct bf16_job *j, struct block_buffers *buffers, size_t m, size_t M, size_t n, size_t N)
{
	const struct k_matmul *p = j->p;
	bool direct = p->y_real && !p->add && p->N % BF16_PANEL == 0;
	float *c = direct ? p->y_real + m * p->N + n : buffers->c;
	size_t ldc = direct ? p->N : COLUMNS, lda;
	const bf16 *a = rows_of_x(j, buffers, m, M, &lda);

	bf16_multiply(j->k->unit, c, ldc, a, lda, buffers->packed, M, N, j->K);
	for (size_t i = 0; i < M && !(direct && !p->bias); i++)
		finish_row(j, c + i * ldc, (m + i) * p->N + n, n, N);
}

/* begin and end count 16 rows each, or panels of columns. */
static void multiply_part(void *arg, size_t begin, size_t end, int rank)
{
	const struct bf16_job *j = arg;
	const struct k_matmul *p = j->p;
	struct block_buffers buffers = buffers_at(j->k, rank, j->K);
	size_t columns = packed_size(j->K) / j->K / BF16_PANEL * BF16_PANEL;
	size_t m0 = j->by_rows ? begin * 16 : 0, m1 = j->by_rows ? min_size(end * 16, p->M) : p->M;
	size_t n0 = j->by_rows ? 0 : begin * BF16_PANEL;
	size_t n1 = j->by_rows ? p->N : min_size(end * BF16_PANEL, p->N);

	columns = min_size(columns, COLUMNS);
	for (size_t n = n0; n < n1; n += columns) {
		size_t N = min_size(columns, n1 - n);

		if (cpu_must_pack(j->k, rank, j->product, N == j->p->N))
			pack_weights(j, buffers.packed, n, N);
		for (size_t m = m0; m < m1; m += BF16_BLOCK_ROWS)
			multiply_block(j, &buffers, m, min_size(BF16_BLOCK_ROWS, m1 - m), n, N);
	}
}

static void run_bf16(enum cpu_kernel kernel, struct bf16_job *j)
{
	const struct k_matmul *p = j->p;

	j->product = ++j->k->products;
	/* Weights of several blocks would be packed anew for each piece of the rows. */
	j->by_rows = cpu_divides_rows(j->k, p->M, j->K * bf16_padded(p->N) * sizeof(bf16),
	    PACKED_EACH, p->N <= COLUMNS ? PACKED : 0);
	cpu_for(j->k, kernel, p->M * p->N * p->K,
	    j->by_rows ? (p->M + 15) / 16 : (p->N + BF16_PANEL - 1) / BF16_PANEL, multiply_part, j);
}

static void multiply_bf16(struct kernels *k, const struct k_matmul *p)
{
	run_bf16(cpu_product(p), &(struct bf16_job){.k = k, .p = p, .K = bf16_padded(p->K)});
}

static void logits_bf16(struct kernels *k, const struct k_matmul *p)
{
	if (!k->unit->fast) {
		matmul_fp32.logits(k, p);
		return;
	}
	run_bf16(CPU_LOGITS,
	    &(struct bf16_job){.k = k, .p = p, .split = true, .K = 3 * bf16_padded(p->K)});
}

/* --- dy^T x --- */

struct bf16_gradient {
	struct kernels *k;
	real *dw, *db;
	const bf16 *dy, *x;
	size_t N, K, ld_x;
	size_t M;     /* rows in this pass */
	bf16 *packed; /* x [M,K], for all threads */
};

/* The threads divide the panels, since each pair of rows of x belongs to one row of a panel. */
static void pack_panels_of_x(void *arg, size_t begin, size_t end, int rank)
{
	const struct bf16_gradient *g = arg;
	size_t k = begin * BF16_PANEL, K = min_size(end * BF16_PANEL, g->K) - k;

	(void)rank;
	bf16_pack_bf16(g->packed + k * bf16_padded(g->M), g->x + k, g->ld_x, g->M, K);
}

/* begin and end count 16 rows of dw each. */
static void add_gradient_part(void *arg, size_t begin, size_t end, int rank)
{
	const struct bf16_gradient *g = arg;
	struct block_buffers buffers = buffers_at(g->k, rank, 0);
	const struct rows *rows = g->k->rows;
	size_t M = bf16_padded(g->M), last = min_size(end * 16, g->N);

	for (size_t n = begin * 16, N; n < last; n += N) {
		N = min_size(BF16_BLOCK_ROWS, last - n);
		bf16_transpose(buffers.a, M, g->dy + n, g->N, g->M, N);
		bf16_multiply(g->k->unit, buffers.c, COLUMNS, buffers.a, M, g->packed, N, g->K, M);
		for (size_t i = 0; i < N; i++)
			rows->add(g->dw + (n + i) * g->ld_x, buffers.c + i * COLUMNS, g->K);
	}
	for (size_t m = 0; g->db && m < g->M; m++)
		rows->accumulate(g->db + begin * 16, (const act *)(g->dy + m * g->N + begin * 16),
		    last - begin * 16);
}

static void add_gradient_bf16(struct kernels *k, const struct k_matmul_dw *p)
{
	size_t columns = min_size(COLUMNS, bf16_padded(p->K));
	size_t depth = min_size(DEPTH / sizeof(bf16) / columns / BF16_PANEL * BF16_PANEL, LONGEST);

	for (size_t m = 0; m < p->M; m += depth)
		for (size_t at = 0; at < p->K; at += columns) {
			struct bf16_gradient g = {.k = k,
			    .dw = p->dw + at,
			    .db = at ? NULL : p->db,
			    .dy = (const bf16 *)p->dy + m * p->N,
			    .x = (const bf16 *)p->x + m * p->K + at,
			    .N = p->N,
			    .K = min_size(columns, p->K - at),
			    .ld_x = p->K,
			    .M = min_size(depth, p->M - m),
			    .packed = (bf16 *)k->scratch[cpu_threads(k)]};

			cpu_for(k, CPU_PROJECT_DW_PACK, g.M * g.K,
			    (g.K + BF16_PANEL - 1) / BF16_PANEL, pack_panels_of_x, &g);
			cpu_for(k, CPU_PROJECT_DW, g.M * g.N * g.K, (g.N + 15) / 16,
			    add_gradient_part, &g);
		}
}

/* --- in attention --- */

/* a [M,K], with rows of *ld elements that are zero from K on; at to unless f has this form. */
static const bf16 *round_left(const struct small_matmul *p, bf16 *to, size_t *ld)
{
	const struct small_factor *f = &p->a;
	size_t width = bf16_padded(p->M), K = bf16_padded(p->K);

	*ld = K;
	if (p->form == SMALL_TN) {
		bf16 *straight = to + width * K;

		bf16_round(straight, width, f->x, f->ld, p->K, p->M, BF16_HIGH);
		bf16_transpose(to, K, straight, width, p->K, p->M);
	} else if (f->x) {
		bf16_round(to, K, f->x, f->ld, p->M, p->K, BF16_HIGH);
	} else if (p->K == K) {
		*ld = f->ld;
		return (const bf16 *)f->acts;
	} else {
		bf16_copy(to, K, (const bf16 *)f->acts, f->ld, p->M, p->K);
	}
	return to;
}

static void pack_right(const struct small_matmul *p, bf16 *panels)
{
	const struct small_factor *f = &p->b;
	const bf16 *acts = (const bf16 *)f->acts;

	if (p->form == SMALL_NT && f->x)
		bf16_pack_transposed(panels, 0, f->x, f->ld, p->N, p->K, BF16_HIGH);
	else if (p->form == SMALL_NT)
		bf16_pack_bf16_transposed(panels, acts, f->ld, p->N, p->K);
	else if (f->x)
		bf16_pack(panels, f->x, f->ld, p->K, p->N);
	else
		bf16_pack_bf16(panels, acts, f->ld, p->K, p->N);
}

static void multiply_small_bf16(const struct kernels *k, const struct small_matmul *p)
{
	bf16 *a = (bf16 *)p->scratch, *b = a + bf16_padded(p->M) * bf16_padded(p->K);
	size_t lda;
	const bf16 *left = round_left(p, a, &lda);

	pack_right(p, b);
	bf16_multiply(k->unit, p->c, p->ldc, left, lda, b, p->M, p->N, p->K);
}

const struct matmul matmul_bf16 = {
    .act_size = sizeof(bf16),
    .need = need_bf16,
    .multiply = multiply_bf16,
    .add_gradient = add_gradient_bf16,
    .logits = logits_bf16,
    .multiply_small = multiply_small_bf16,
};

#endif
