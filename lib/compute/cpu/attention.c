/*
 * Attention. A thread computes one head of one sequence at a time, in its scratch memory; the T x T
 * matrix exists only there. The backward pass recomputes it from q, k and lse. It recomputes its
 * transpose, so that no left factor has to be transposed except in dq:
 *
 *   P^T = exp(s k q^T - lse)    dP^T = v dy^T    dS^T = s P^T ⊙ (dP^T - δ),  δ_i = dy_i · y_i
 *   dv = P^T dy                 dk = dS^T q      dq = (dS^T)^T k
 *
 * Source: Dao 2023, arXiv:2307.08691, Algorithm 2.
 */

#include <math.h>

#include "base/minmax.h"
#include "compute/cpu/cpu.h"

#define NORM_EPS ((real)1e-12)

struct attention_job {
	struct kernels *k;
	const struct k_attention *p;
	real *dscale; /* [B,H] */
};

/* The arrays of one head. Rows are padded: D to ldd and T to ldt, multiples of 32. */
struct head {
	size_t index, b, h;            /* of B H heads; sequence, head in the sequence */
	real *q, *k, *v, *y, *dy, *dx; /* [T,D] */
	real *p, *dp;                  /* [T,T] */
	real *q_norm, *k_norm, *delta; /* [T] */
	real *scratch;
	real s; /* factor of the logits */
	size_t T, D, C, ldt, ldd;
};

/* --- one head --- */

static size_t head_size(size_t T, size_t D)
{
	size_t ldt = bf16_padded(T), ldd = bf16_padded(D), longest = max_size(ldt, ldd);

	return 6 * ldt * ldd + 2 * ldt * ldt + 3 * ldt + 2 * longest * longest;
}

static void head_init(struct head *h, real *at, size_t T, size_t D, size_t C)
{
	size_t ldt = bf16_padded(T), ldd = bf16_padded(D);
	real **part[] = {&h->q, &h->k, &h->v, &h->y, &h->dy, &h->dx};

	for (size_t i = 0; i < sizeof part / sizeof *part; i++, at += ldt * ldd)
		*part[i] = at;
	h->p = at;
	h->dp = h->p + ldt * ldt;
	h->q_norm = h->dp + ldt * ldt;
	h->k_norm = h->q_norm + ldt;
	h->delta = h->k_norm + ldt;
	h->scratch = h->delta + ldt;
	h->T = T;
	h->D = D;
	h->C = C;
	h->ldt = ldt;
	h->ldd = ldd;
}

void k_need_attention(const struct kernels *k, struct k_need *need, struct k_attention_shape s)
{
	(void)k;
	cpu_need(need, head_size(s.T, s.C / s.H), s.B * s.H);
}

/* The element of y [M,C] or, with columns = 3 C, of qkv at which this head begins. */
static size_t head_at(const struct head *h, size_t columns)
{
	return h->b * h->T * columns + h->h * h->D;
}

/* to [T,D] = the columns of one head of an array of acts, whose rows are stride apart. */
static void load_columns(const struct attention_job *a, const struct head *h, real *to,
    const act *from, size_t at, size_t stride)
{
	for (size_t t = 0; t < h->T; t++)
		a->k->rows->widen(to + t * h->ldd, cpu_at(a->k, from, at + t * stride), h->D);
}

/* Load q or k, normalise it (QK-norm) and rotate it. */
static void load_rotated(
    const struct attention_job *a, const struct head *h, real *to, real *norms, size_t at)
{
	const struct rows *rows = a->k->rows;

	load_columns(a, h, to, a->p->qkv, at, 3 * h->C);
	for (size_t t = 0; t < h->T; t++) {
		real *row = to + t * h->ldd;

		if (a->p->scale) {
			norms[t] = (real)sqrt(rows->dot(row, row, h->D) + NORM_EPS);
			rows->scale(row, 1 / norms[t], h->D);
		}
		if (a->p->rope)
			rows->rotate(row, a->p->rope + t * h->D, 1, h->D);
	}
}

static void load_head(const struct attention_job *a, struct head *h, size_t index, int rank)
{
	const struct k_attention_shape *s = &a->p->shape;
	size_t D = s->C / s->H, at;

	head_init(h, a->k->scratch[rank], s->T, D, s->C);
	h->index = index;
	h->b = index / s->H;
	h->h = index % s->H;
	h->s = a->p->scale ? a->p->scale[h->h] : 1 / (real)sqrt((double)D);
	at = head_at(h, 3 * h->C);
	load_rotated(a, h, h->q, h->q_norm, at);
	load_rotated(a, h, h->k, h->k_norm, at + h->C);
	load_columns(a, h, h->v, a->p->qkv, at + 2 * h->C, 3 * h->C);
}

/* NT: c [T,T] = a b^T, with a and b [T,D]. NN: c [T,D] = a b; TN: c [T,D] = a^T b; with a [T,T] and
 * b [T,D]. */
static void multiply_head(const struct attention_job *j, const struct head *h, enum small_form form,
    real *c, const real *a, const real *b)
{
	bool square = form == SMALL_NT;
	struct small_matmul p = {.form = form,
	    .c = c,
	    .a = a,
	    .b = b,
	    .ldc = square ? h->ldt : h->ldd,
	    .lda = square ? h->ldd : h->ldt,
	    .ldb = h->ldd,
	    .M = h->T,
	    .N = square ? h->T : h->D,
	    .K = square ? h->D : h->T,
	    .scratch = h->scratch};

	j->k->matmul->multiply_small(j->k, &p);
}

/* Multiplications and additions in a product of T x T x D in each head. */
static size_t product_size(const struct k_attention_shape *s)
{
	return s->B * s->T * s->T * s->C;
}

/* --- forward --- */

static void attention_heads(void *arg, size_t begin, size_t end, int rank)
{
	const struct attention_job *a = arg;
	const struct rows *rows = a->k->rows;

	for (size_t i = begin; i < end; i++) {
		struct head h;

		load_head(a, &h, i, rank);
		multiply_head(a, &h, SMALL_NT, h.p, h.q, h.k);
		for (size_t t = 0; t < h.T; t++)
			a->p->lse[i * h.T + t] = rows->softmax_in_place(h.p + t * h.ldt, h.s, h.T);
		multiply_head(a, &h, SMALL_NN, h.y, h.p, h.v);
		for (size_t t = 0; t < h.T; t++)
			rows->round(cpu_at(a->k, a->p->y, head_at(&h, h.C) + t * h.C),
			    h.y + t * h.ldd, h.D);
	}
}

void k_attention_of(struct kernels *k, const struct k_attention *p)
{
	struct attention_job a = {.k = k, .p = p};

	cpu_for(k, CPU_ATTENTION, product_size(&p->shape), p->shape.B * p->shape.H, attention_heads,
	    &a);
}

/* --- backward --- */

/*
 * Write the gradient h->dx of v, or of q or k, to dqkv from at. For q and k, x holds the normalised
 * and rotated vectors, and the gradient passes back through the rotation and the normalisation.
 */
static void store_gradient(const struct attention_job *a, const struct head *h, size_t at,
    const real *x, const real *norms)
{
	const struct rows *rows = a->k->rows;

	for (size_t t = 0; t < h->T; t++) {
		real *row = h->dx + t * h->ldd;

		if (x && a->p->scale) {
			/* dx/dq = (1 - x x^T) / norm. A rotation of both x and the gradient does
			 * not change this. */
			real along = rows->dot(row, x + t * h->ldd, h->D);

			rows->mix(row, 1 / norms[t], row, -along / norms[t], x + t * h->ldd, 0,
			    NULL, h->D);
		}
		if (x && a->p->rope)
			rows->rotate(row, a->p->rope + t * h->D, -1, h->D);
		rows->round(cpu_at(a->k, a->p->dqkv, at + t * 3 * h->C), row, h->D);
	}
}

/* h->p = P^T and h->dp = dS^T. */
static void recompute_matrices(const struct attention_job *a, struct head *h)
{
	const struct rows *rows = a->k->rows;
	const real *lse = a->p->lse + h->index * h->T;

	for (size_t t = 0; t < h->T; t++)
		h->delta[t] = rows->dot(h->dy + t * h->ldd, h->y + t * h->ldd, h->D);
	multiply_head(a, h, SMALL_NT, h->p, h->k, h->q);
	multiply_head(a, h, SMALL_NT, h->dp, h->v, h->dy);
	for (size_t t = 0; t < h->T; t++) {
		rows->exp_below(h->p + t * h->ldt, h->s, lse, h->T);
		rows->softmax_backward(h->dp + t * h->ldt, h->p + t * h->ldt, h->s, h->delta, h->T);
	}
}

static void backward_head(const struct attention_job *a, struct head *h)
{
	const struct rows *rows = a->k->rows;
	size_t at = head_at(h, 3 * h->C);
	real along = 0;

	load_columns(a, h, h->y, a->p->y, head_at(h, h->C), h->C);
	load_columns(a, h, h->dy, a->p->dy, head_at(h, h->C), h->C);
	recompute_matrices(a, h);
	multiply_head(a, h, SMALL_NN, h->dx, h->p, h->dy);
	store_gradient(a, h, at + 2 * h->C, NULL, NULL);
	multiply_head(a, h, SMALL_TN, h->dx, h->dp, h->k);
	/* The derivative by s of sum dlogit_ij q_i·k_j is sum q_i·dq_i / s, since dq_i = s sum
	 * dlogit_ij k_j. */
	for (size_t t = 0; a->p->scale && t < h->T; t++)
		along += rows->dot(h->q + t * h->ldd, h->dx + t * h->ldd, h->D);
	if (a->p->scale)
		a->dscale[h->index] = along / h->s;
	store_gradient(a, h, at, h->q, h->q_norm);
	multiply_head(a, h, SMALL_NN, h->dx, h->dp, h->q);
	store_gradient(a, h, at + h->C, h->k, h->k_norm);
}

static void attention_backward_heads(void *arg, size_t begin, size_t end, int rank)
{
	const struct attention_job *a = arg;

	for (size_t i = begin; i < end; i++) {
		struct head h;

		load_head(a, &h, i, rank);
		backward_head(a, &h);
	}
}

void k_attention_backward_of(struct kernels *k, const struct k_attention *p)
{
	size_t H = p->shape.H, n = p->shape.B * H;
	struct attention_job a = {.k = k, .p = p, .dscale = k->scratch[cpu_threads(k)]};

	cpu_for(
	    k, CPU_ATTENTION_BACKWARD, product_size(&p->shape), n, attention_backward_heads, &a);
	/* Summed here, so that the order does not depend on the threads. */
	for (size_t i = 0; p->scale && i < n; i++)
		p->dscale[i % H] += a.dscale[i];
}
