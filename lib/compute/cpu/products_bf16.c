/*
 * Products in bf16 (cpu_bf16.h): weights are rounded and packed on their way into the cache, acts
 * are bf16 already. A thread's part of a product goes block by block:
 *
 *                 COLUMNS of w, packed once, in L2
 *                +---------+
 *   BLOCK_ROWS   |    C    |   summed in registers, finished (bias, GELU, rounding) while in L1
 *   of x, in L1  +---------+
 *
 * Threads share the rows of x where all of w fits in the cache of each, and else the columns, so
 * that every weight is packed once.
 */

#include "compute/cpu/cpu.h"

#ifdef CDCD_BF16

#include <string.h>

enum {
	COLUMNS = 512,          /* at most in a block */
	PACKED = 384 << 10,     /* bytes of packed weights that leave room for the rest in L2 */
	PACKED_EACH = 96 << 10, /* bytes of them that every thread may as well pack for itself */
	DEPTH = 512 << 10,      /* bytes of packed x, of which a gradient is summed at a time */
	LONGEST = 2048,         /* rows of it */
};

/* A thread's scratch, or where its parts lie in it. */
struct room {
	bf16 *packed, *a;
	float *c;
};

static size_t packed_size(size_t n)
{
	size_t least = PANEL * panel_round(n);

	return least > PACKED / sizeof(bf16) ? least : PACKED / sizeof(bf16);
}

static size_t longest(size_t n)
{
	return panel_round(n > LONGEST ? n : LONGEST);
}

static struct room room_at(struct kernels *k, int rank, size_t n)
{
	struct room r;

	r.c = k->scratch[rank];
	r.a = (bf16 *)(r.c + BLOCK_ROWS * COLUMNS);
	r.packed = r.a + BLOCK_ROWS * longest(n);
	return r;
}

static void need_scratch(struct k_need *need, size_t n)
{
	cpu_need(need, BLOCK_ROWS * COLUMNS + BLOCK_ROWS * longest(n) / 2 + packed_size(n) / 2,
	    DEPTH / sizeof(float));
}

/* --- x w^T and x w --- */

struct job {
	struct kernels *k;
	const struct product *p;
	/* logits: x and w in two parts each, (high + low) (high + low) but for low low */
	const real *x, *bias;
	size_t K; /* of the packed operands */
	bool by_rows;
};

/* Rows of x with zeros up to K; where they lie as they are wanted, themselves. */
static const bf16 *rows_of(const struct job *j, struct room *room, size_t m, size_t M, size_t *lda)
{
	const struct product *p = j->p;
	size_t part = panel_round(p->K);

	*lda = j->K;
	if (!j->x && p->K % PANEL == 0) {
		*lda = p->K;
		return (const bf16 *)p->x + m * p->K;
	}
	if (!j->x) {
		bf16_copy(room->a, j->K, (const bf16 *)p->x + m * p->K, p->K, M, p->K);
		return room->a;
	}
	for (size_t i = 0; i < M; i++) {
		bf16 *a = room->a + i * j->K;
		const float *x = j->x + (m + i) * p->K;

		bf16_round(a, part, x, p->K, 1, p->K, BF16_HIGH);
		bf16_round(a + part, part, x, p->K, 1, p->K, BF16_LOW);
		memcpy(a + 2 * part, a, part * sizeof *a);
	}
	return room->a;
}

static void pack(const struct job *j, bf16 *panels, size_t n, size_t N)
{
	const struct product *p = j->p;
	size_t part = panel_round(p->K);
	const float *w = p->w + (p->backward ? n : n * p->K);

	if (p->backward)
		bf16_pack(panels, w, p->N, p->K, N);
	else
		bf16_pack_transposed(panels, j->K, w, p->K, N, p->K, BF16_HIGH);
	if (!j->x)
		return;
	bf16_pack_transposed(panels + part * PANEL, j->K, w, p->K, N, p->K, BF16_HIGH);
	bf16_pack_transposed(panels + 2 * part * PANEL, j->K, w, p->K, N, p->K, BF16_LOW);
}

/* A row of sums, n of them, becomes what is wanted of it, from element at of the result. */
static void finish(const struct job *j, float *c, size_t at, size_t column, size_t n)
{
	const struct rows *rows = j->k->rows;
	const struct product *p = j->p;
	act *y = p->act ? cpu_at(j->k, p->act, at) : NULL;

	if (p->bias)
		rows->add(c, p->bias + column, n);
	if (p->add && y)
		rows->accumulate(c, y, n);
	if (p->arg)
		rows->gelu_backward(y, c, cpu_at(j->k, p->arg, at), n);
	else if (y)
		rows->round(y, c, n);
	else if (p->add)
		rows->add(p->real + at, c, n);
	else if (p->real && c != p->real + at)
		memcpy(p->real + at, c, n * sizeof *c);
	if (p->gelu)
		rows->gelu(cpu_at(j->k, p->gelu, at), y, n);
}

static void block(const struct job *j, struct room *room, size_t m, size_t M, size_t n, size_t N)
{
	const struct product *p = j->p;
	bool direct = p->real && !p->add && p->N % PANEL == 0;
	float *c = direct ? p->real + m * p->N + n : room->c;
	size_t ldc = direct ? p->N : COLUMNS, lda;
	const bf16 *a = rows_of(j, room, m, M, &lda);

	bf16_multiply(j->k->unit, c, ldc, a, lda, room->packed, M, N, j->K);
	for (size_t i = 0; i < M && !(direct && !p->bias); i++)
		finish(j, c + i * ldc, (m + i) * p->N + n, n, N);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Rows in sixteens, or columns in panels. */
static void part(void *arg, size_t begin, size_t end, int rank)
{
	struct job *j = arg;
	const struct product *p = j->p;
	struct room room = room_at(j->k, rank, j->K);
	size_t columns = packed_size(j->K) / j->K / PANEL * PANEL;
	size_t m0 = j->by_rows ? begin * 16 : 0, m1 = j->by_rows ? least(end * 16, p->M) : p->M;
	size_t n0 = j->by_rows ? 0 : begin * PANEL;
	size_t n1 = j->by_rows ? p->N : least(end * PANEL, p->N);

	columns = least(columns, COLUMNS);
	for (size_t n = n0; n < n1; n += columns) {
		size_t N = least(columns, n1 - n);

		pack(j, room.packed, n, N);
		for (size_t m = m0; m < m1; m += BLOCK_ROWS)
			block(j, &room, m, least(BLOCK_ROWS, m1 - m), n, N);
	}
}

static void run(const char *name, struct job *j)
{
	const struct product *p = j->p;
	double flops = 2.0 * (double)p->M * (double)p->N * (double)p->K;

	j->by_rows = j->K * panel_round(p->N) * sizeof(bf16) <= PACKED_EACH;
	cpu_for(
	    j->k, name, flops, j->by_rows ? (p->M + 15) / 16 : (p->N + PANEL - 1) / PANEL, part, j);
}

static void multiply(struct kernels *k, const struct product *p)
{
	run(p->backward ? "project dx" : "project",
	    &(struct job){.k = k, .p = p, .K = panel_round(p->K)});
}

static void logits(struct kernels *k, real *y, const real *x, const real *e, const real *b,
    size_t M, size_t V, size_t d)
{
	struct product p = {.real = y, .w = e, .bias = b, .M = M, .N = V, .K = d};

	if (!k->unit->fast) {
		products_fp32.logits(k, y, x, e, b, M, V, d);
		return;
	}
	run("logits", &(struct job){.k = k, .p = &p, .x = x, .K = 3 * panel_round(d)});
}

/* --- dy^T x --- */

struct gradient {
	struct kernels *k;
	real *dw, *db;
	const bf16 *dy, *x;
	size_t N, K, ld_x;
	size_t M;     /* rows in this block */
	bf16 *packed; /* x [M,K], shared */
};

/* Pairs of rows of x do not mix: threads pack the panels of some columns each. */
static void pack_x(void *arg, size_t begin, size_t end, int rank)
{
	struct gradient *g = arg;
	size_t k = begin * PANEL, K = least(end * PANEL, g->K) - k;

	(void)rank;
	bf16_pack_bf16(g->packed + k * panel_round(g->M), g->x + k, g->ld_x, g->M, K);
}

/* Rows of dw, in sixteens. */
static void add_gradient(void *arg, size_t begin, size_t end, int rank)
{
	struct gradient *g = arg;
	struct room room = room_at(g->k, rank, 0);
	const struct rows *rows = g->k->rows;
	size_t M = panel_round(g->M), last = least(end * 16, g->N);

	for (size_t n = begin * 16, N; n < last; n += N) {
		N = least(BLOCK_ROWS, last - n);
		bf16_transpose(room.a, M, g->dy + n, g->N, g->M, N);
		bf16_multiply(g->k->unit, room.c, COLUMNS, room.a, M, g->packed, N, g->K, M);
		for (size_t i = 0; i < N; i++)
			rows->add(g->dw + (n + i) * g->ld_x, room.c + i * COLUMNS, g->K);
	}
	for (size_t m = 0; g->db && m < g->M; m++)
		rows->accumulate(g->db + begin * 16, (const act *)(g->dy + m * g->N + begin * 16),
		    last - begin * 16);
}

static void gradient(struct kernels *k, real *dw, real *db, const act *dy, const act *x, size_t M,
    size_t N, size_t K)
{
	size_t columns = least(COLUMNS, panel_round(K));
	size_t depth = least(DEPTH / sizeof(bf16) / columns / PANEL * PANEL, LONGEST);

	for (size_t m = 0; m < M; m += depth)
		for (size_t at = 0; at < K; at += columns) {
			struct gradient g = {.k = k,
			    .dw = dw + at,
			    .db = at ? NULL : db,
			    .dy = (const bf16 *)dy + m * N,
			    .x = (const bf16 *)x + m * K + at,
			    .N = N,
			    .K = least(columns, K - at),
			    .ld_x = K,
			    .M = least(depth, M - m),
			    .packed = (bf16 *)k->scratch[k_threads(k)]};

			cpu_for(k, "project dw", 0, (g.K + PANEL - 1) / PANEL, pack_x, &g);
			cpu_for(k, "project dw", 2.0 * (double)g.M * (double)N * (double)g.K,
			    (N + 15) / 16, add_gradient, &g);
		}
}

/* --- in attention --- */

static void small(const struct kernels *k, const struct small_product *p, real *room)
{
	size_t ld = panel_round(p->K);
	bf16 *a = (bf16 *)room, *b = a + panel_round(p->M) * ld, *straight = b;

	if (p->form == SMALL_ATB) {
		size_t width = panel_round(p->M);

		bf16_round(straight, width, p->a, p->lda, p->K, p->M, BF16_HIGH);
		bf16_transpose(a, ld, straight, width, p->K, p->M);
	} else {
		bf16_round(a, ld, p->a, p->lda, p->M, p->K, BF16_HIGH);
	}
	if (p->form == SMALL_ABT)
		bf16_pack_transposed(b, 0, p->b, p->ldb, p->N, p->K, BF16_HIGH);
	else
		bf16_pack(b, p->b, p->ldb, p->K, p->N);
	bf16_multiply(k->unit, p->c, p->ldc, a, ld, b, p->M, p->N, p->K);
}

const struct products products_bf16 = {
    .act_size = sizeof(bf16),
    .need = need_scratch,
    .multiply = multiply,
    .gradient = gradient,
    .logits = logits,
    .small = small,
};

#endif
