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
#include <string.h>

#include "base/minmax.h"
#include "compute/cpu/cpu.h"

struct attention_job {
	struct kernels *k;
	const struct k_attention *p;
	real *dscale; /* [B,H] */
};

/* The arrays of one head. Rows are padded: D to ldd and T to ldt, multiples of 32. */
struct head {
	size_t index, b, h;          /* of B H heads; sequence, head in the sequence */
	real *q, *k, *x;             /* [T,D]; x is y or a gradient */
	real *p, *dp;                /* [T,T] */
	real *q_norm, *k_norm;       /* [T]; without QK-norm, NULL */
	real *lse, *delta, *inverse; /* [T] */
	real *scratch;
	struct ahead ahead; /* what the products of this head fetch */
	real s;             /* factor of the logits */
	size_t T, D, C, ldt, ldd;
};

/* --- one head --- */

static size_t head_size(size_t T, size_t D)
{
	size_t ldt = bf16_padded(T), ldd = bf16_padded(D), longest = max_size(ldt, ldd);

	return 3 * ldt * ldd + 2 * ldt * ldt + 5 * ldt + 2 * longest * longest;
}

static void head_init(struct head *h, real *at, size_t T, size_t D, size_t C)
{
	size_t ldt = bf16_padded(T), ldd = bf16_padded(D);
	real **part[] = {&h->q, &h->k, &h->x};

	for (size_t i = 0; i < sizeof part / sizeof *part; i++, at += ldt * ldd)
		*part[i] = at;
	h->p = at;
	h->dp = h->p + ldt * ldt;
	h->q_norm = h->dp + ldt * ldt;
	h->k_norm = h->q_norm + ldt;
	h->delta = h->k_norm + ldt;
	h->inverse = h->delta + ldt;
	h->lse = h->inverse + ldt;
	h->scratch = h->lse + ldt;
	h->T = T;
	h->D = D;
	h->C = C;
	h->ldt = ldt;
	h->ldd = ldd;
	h->ahead.parts = h->ahead.next = 0;
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

/* Load q or k, normalise it (QK-norm) and rotate it. */
static void load_rotated(
    const struct attention_job *a, const struct head *h, real *to, real *norms, size_t at)
{
	a->k->rows->load_rotated(
	    to, h->ldd, norms, cpu_at(a->k, a->p->qkv, at), 3 * h->C, a->p->rope, h->T, h->D);
}

static void load_head(const struct attention_job *a, struct head *h, size_t index, int rank)
{
	const struct k_attention_shape *s = &a->p->shape;
	size_t D = s->C / s->H, at;

	head_init(h, a->k->scratch[rank], s->T, D, s->C);
	h->index = index;
	h->b = index / s->H;
	h->h = index % s->H;
	if (a->p->scale) {
		h->s = a->p->scale[h->h];
	} else {
		h->s = 1 / (real)sqrt((double)D);
		h->q_norm = h->k_norm = NULL;
	}
	at = head_at(h, 3 * h->C);
	load_rotated(a, h, h->q, h->q_norm, at);
	load_rotated(a, h, h->k, h->k_norm, at + h->C);
}

/* Fetch the part of x [M,C], or of qkv [M,3C], that belongs to a head. */
static void fetch_head(const struct attention_job *a, struct head *h, size_t index, const act *x,
    size_t columns, size_t part)
{
	size_t H = h->C / h->D, size = a->k->matmul->act_size;
	size_t at = index / H * h->T * columns + part * h->C + index % H * h->D;

	ahead_add(&h->ahead, cpu_at(a->k, x, at), h->T, h->D * size, columns * size);
}

static void fetch_qkv(const struct attention_job *a, struct head *h, size_t index, const act *qkv)
{
	for (size_t part = 0; part < 3; part++)
		fetch_head(a, h, index, qkv, 3 * h->C, part);
}

/* --- the factors of the products --- */

/* [T,D] */
static struct small_factor narrow(const struct head *h, const real *x)
{
	return (struct small_factor){.x = x, .ld = h->ldd};
}

/* [T,T] */
static struct small_factor wide(const struct head *h, const real *x)
{
	return (struct small_factor){.x = x, .ld = h->ldt};
}

/* v, which is read where it is */
static struct small_factor values(const struct attention_job *a, const struct head *h)
{
	size_t at = head_at(h, 3 * h->C) + 2 * h->C;

	return (struct small_factor){.acts = cpu_at(a->k, a->p->qkv, at), .ld = 3 * h->C};
}

/* y or dy, the same */
static struct small_factor outputs(
    const struct attention_job *a, const struct head *h, const act *y)
{
	return (struct small_factor){.acts = cpu_at(a->k, y, head_at(h, h->C)), .ld = h->C};
}

/* NT: c [T,T] = a b^T, with a and b [T,D]. NN: c [T,D] = a b; TN: c [T,D] = a^T b; with a [T,T] and
 * b [T,D]. */
static void multiply_head(const struct attention_job *j, struct head *h, enum small_form form,
    real *c, struct small_factor a, struct small_factor b)
{
	bool square = form == SMALL_NT;
	struct small_matmul p = {.form = form,
	    .c = c,
	    .a = a,
	    .b = b,
	    .ldc = square ? h->ldt : h->ldd,
	    .M = h->T,
	    .N = square ? h->T : h->D,
	    .K = square ? h->D : h->T,
	    .scratch = h->scratch,
	    .ahead = &h->ahead};

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
		fetch_head(a, &h, i, a->p->y, h.C, 0);
		if (i + 1 < end)
			fetch_qkv(a, &h, i + 1, a->p->qkv);
		multiply_head(a, &h, SMALL_NT, h.p, narrow(&h, h.k), narrow(&h, h.q));
		rows->exp_columns(h.p, h.ldt, h.s, h.lse, h.inverse, h.T, h.T);
		memcpy(a->p->lse + i * h.T, h.lse, h.T * sizeof *h.lse);
		multiply_head(a, &h, SMALL_TN, h.x, wide(&h, h.p), values(a, &h));
		rows->store_scaled(
		    cpu_at(a->k, a->p->y, head_at(&h, h.C)), h.C, h.x, h.ldd, h.inverse, h.T, h.D);
	}
}

void k_attention_of(struct kernels *k, const struct k_attention *p)
{
	struct attention_job a = {.k = k, .p = p};

	cpu_for(k, CPU_ATTENTION, product_size(&p->shape), p->shape.B * p->shape.H, attention_heads,
	    &a);
}

/* --- backward --- */

/* h->p = P^T and h->dp = dS^T. */
static void recompute_matrices(const struct attention_job *a, struct head *h)
{
	const struct rows *rows = a->k->rows;
	struct small_factor y = outputs(a, h, a->p->y), dy = outputs(a, h, a->p->dy);

	rows->dot_acts(h->delta, dy.acts, y.acts, h->C, h->T, h->D);
	multiply_head(a, h, SMALL_NT, h->p, narrow(h, h->k), narrow(h, h->q));
	multiply_head(a, h, SMALL_NT, h->dp, values(a, h), dy);
	memcpy(h->lse, a->p->lse + h->index * h->T, h->T * sizeof *h->lse);
	rows->softmax_backward(h->p, h->dp, h->ldt, h->s, h->lse, h->delta, h->T, h->T);
}

static void backward_head(const struct attention_job *a, struct head *h)
{
	const struct rows *rows = a->k->rows;
	const real *rope = a->p->rope;
	size_t ld = 3 * h->C;
	act *dq = cpu_at(a->k, a->p->dqkv, head_at(h, ld));
	act *dk = cpu_at(a->k, dq, h->C), *dv = cpu_at(a->k, dk, h->C);
	real along;

	recompute_matrices(a, h);
	multiply_head(a, h, SMALL_NN, h->x, wide(h, h->p), outputs(a, h, a->p->dy));
	rows->store_rotated(dv, ld, h->x, h->ldd, NULL, NULL, NULL, h->T, h->D);
	multiply_head(a, h, SMALL_TN, h->x, wide(h, h->dp), narrow(h, h->k));
	along = rows->store_rotated(dq, ld, h->x, h->ldd, h->q, h->q_norm, rope, h->T, h->D);
	/* The derivative by s of sum dlogit_ij q_i·k_j is sum q_i·dq_i / s, since dq_i = s sum
	 * dlogit_ij k_j. */
	if (a->p->scale)
		a->dscale[h->index] = along / h->s;
	multiply_head(a, h, SMALL_NN, h->x, wide(h, h->dp), narrow(h, h->q));
	rows->store_rotated(dk, ld, h->x, h->ldd, h->k, h->k_norm, rope, h->T, h->D);
}

static void attention_backward_heads(void *arg, size_t begin, size_t end, int rank)
{
	const struct attention_job *a = arg;

	for (size_t i = begin; i < end; i++) {
		struct head h;

		load_head(a, &h, i, rank);
		fetch_qkv(a, &h, i, a->p->dqkv);
		if (i + 1 < end) {
			fetch_head(a, &h, i + 1, a->p->y, h.C, 0);
			fetch_head(a, &h, i + 1, a->p->dy, h.C, 0);
			fetch_qkv(a, &h, i + 1, a->p->qkv);
		}
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
