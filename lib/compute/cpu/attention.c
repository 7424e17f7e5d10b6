/*
 * Attention: one (sequence, head) at a time, all of it in the scratch memory of one thread. The
 * T x T matrix lives only there; the backward pass makes it again from q, k and lse, and makes it
 * transposed, so that what it is multiplied by from the left need not be:
 *
 *   P^T = exp(s k q^T - lse)    dP^T = v dy^T    dS^T = s P^T ⊙ (dP^T - δ),  δ_i = dy_i · y_i
 *   dv = P^T dy                 dk = dS^T q      dq = (dS^T)^T k
 *
 * Source: Dao 2023, arXiv:2307.08691, Algorithm 2.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"

#define NORM_EPS ((real)1e-12)

struct attention {
	struct kernels *k;
	act *y, *dqkv;
	real *lse, *dscale;
	const act *dy, *qkv, *y_in;
	const real *lse_in, *scale, *rope;
	struct k_attention_shape s;
};

/* One head's arrays: [T,D] with D, and [T,T] with T, rounded up to 32 from row to row. */
struct head {
	real *q, *k, *v, *y, *dy, *dx;
	real *p, *dp;                  /* [T,T] */
	real *q_norm, *k_norm, *delta; /* [T] */
	real *room;
	real s;
	size_t T, D, C, ldt, ldd;
};

static size_t head_size(size_t T, size_t D)
{
	size_t ldt = panel_round(T), ldd = panel_round(D), longest = ldt > ldd ? ldt : ldd;

	return 6 * ldt * ldd + 2 * ldt * ldt + 3 * ldt + 2 * longest * longest;
}

static void head_init(struct head *h, real *at, size_t T, size_t D, size_t C)
{
	size_t ldt = panel_round(T), ldd = panel_round(D);
	real **part[] = {&h->q, &h->k, &h->v, &h->y, &h->dy, &h->dx};

	for (size_t i = 0; i < sizeof part / sizeof *part; i++, at += ldt * ldd)
		*part[i] = at;
	h->p = at;
	h->dp = h->p + ldt * ldt;
	h->q_norm = h->dp + ldt * ldt;
	h->k_norm = h->q_norm + ldt;
	h->delta = h->k_norm + ldt;
	h->room = h->delta + ldt;
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

/* One head's columns of rows of acts, stride from row to row. */
static void load(const struct attention *a, const struct head *h, real *to, const act *from,
    size_t at, size_t stride)
{
	for (size_t t = 0; t < h->T; t++)
		a->k->rows->widen(to + t * h->ldd, cpu_at(a->k, from, at + t * stride), h->D);
}

/* q or k: normalised (QK-norm) and rotated. */
static void load_rotated(
    const struct attention *a, const struct head *h, real *to, real *norms, size_t at)
{
	const struct rows *rows = a->k->rows;

	load(a, h, to, a->qkv, at, 3 * h->C);
	for (size_t t = 0; t < h->T; t++) {
		real *row = to + t * h->ldd;

		if (a->scale) {
			norms[t] = (real)sqrt(rows->dot(row, row, h->D) + NORM_EPS);
			rows->scale(row, 1 / norms[t], h->D);
		}
		if (a->rope)
			rows->rotate(row, a->rope + t * h->D, 1, h->D);
	}
}

static void load_head(const struct attention *a, struct head *h, size_t job, int rank)
{
	size_t b = job / a->s.H, i = job % a->s.H, D = a->s.C / a->s.H;
	size_t at = b * a->s.T * 3 * a->s.C + i * D;

	head_init(h, a->k->scratch[rank], a->s.T, D, a->s.C);
	h->s = a->scale ? a->scale[i] : 1 / (real)sqrt((double)D);
	load_rotated(a, h, h->q, h->q_norm, at);
	load_rotated(a, h, h->k, h->k_norm, at + h->C);
	load(a, h, h->v, a->qkv, at + 2 * h->C, 3 * h->C);
}

/* c [T,T] = a b^T (NT), for a and b [T,D]; c [T,D] = a b (NN), or a^T b (TN), for a [T,T] and b
 * [T,D]. */
static void multiply_head(const struct attention *t, const struct head *h, enum small_form form,
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
	    .scratch = h->room};

	t->k->matmul->multiply_small(t->k, &p);
}

/* Multiplications and additions in a product of T x T x D in each head. */
static size_t elements(struct k_attention_shape s)
{
	return s.B * s.T * s.T * s.C;
}

static void forward(void *arg, size_t begin, size_t end, int rank)
{
	struct attention *a = arg;
	const struct rows *rows = a->k->rows;

	for (size_t job = begin; job < end; job++) {
		struct head h;
		size_t b = job / a->s.H, i = job % a->s.H;

		load_head(a, &h, job, rank);
		multiply_head(a, &h, SMALL_NT, h.p, h.q, h.k);
		for (size_t t = 0; t < h.T; t++)
			a->lse[job * h.T + t] = rows->softmax_in_place(h.p + t * h.ldt, h.s, h.T);
		multiply_head(a, &h, SMALL_NN, h.y, h.p, h.v);
		for (size_t t = 0; t < h.T; t++)
			rows->round(cpu_at(a->k, a->y, (b * h.T + t) * h.C + i * h.D),
			    h.y + t * h.ldd, h.D);
	}
}

void k_attention(struct kernels *k, act *y, real *lse, const act *qkv, const real *scale,
    const real *rope, struct k_attention_shape s)
{
	struct attention a = {
	    .k = k, .y = y, .lse = lse, .qkv = qkv, .scale = scale, .rope = rope, .s = s};

	cpu_for(k, CPU_ATTENTION, elements(s), s.B * s.H, forward, &a);
}

/* The gradient of q or k of one head into dqkv: rotated back, through the normalisation. */
static void store(
    const struct attention *a, const struct head *h, size_t at, const real *x, const real *norms)
{
	const struct rows *rows = a->k->rows;

	for (size_t t = 0; t < h->T; t++) {
		real *row = h->dx + t * h->ldd;

		if (x && a->scale) {
			/* x is the unit vector, rotated; dx/dq = (1 - x x^T) / norm, in either
			 * frame */
			real along = rows->dot(row, x + t * h->ldd, h->D);

			rows->mix(row, 1 / norms[t], row, -along / norms[t], x + t * h->ldd, 0,
			    NULL, h->D);
		}
		if (x && a->rope)
			rows->rotate(row, a->rope + t * h->D, -1, h->D);
		rows->round(cpu_at(a->k, a->dqkv, at + t * 3 * h->C), row, h->D);
	}
}

/* P^T and dS^T. */
static void weigh(const struct attention *a, struct head *h, size_t job)
{
	const struct rows *rows = a->k->rows;
	const real *lse = a->lse_in + job * h->T;

	for (size_t t = 0; t < h->T; t++)
		h->delta[t] = rows->dot(h->dy + t * h->ldd, h->y + t * h->ldd, h->D);
	multiply_head(a, h, SMALL_NT, h->p, h->k, h->q);
	multiply_head(a, h, SMALL_NT, h->dp, h->v, h->dy);
	for (size_t t = 0; t < h->T; t++) {
		rows->exp_below(h->p + t * h->ldt, h->s, lse, h->T);
		rows->softmax_backward(h->dp + t * h->ldt, h->p + t * h->ldt, h->s, h->delta, h->T);
	}
}

static void backward_head(struct attention *a, struct head *h, size_t job)
{
	const struct rows *rows = a->k->rows;
	size_t b = job / a->s.H, i = job % a->s.H;
	size_t at = b * h->T * 3 * h->C + i * h->D;
	real along = 0;

	load(a, h, h->y, a->y_in, b * h->T * h->C + i * h->D, h->C);
	load(a, h, h->dy, a->dy, b * h->T * h->C + i * h->D, h->C);
	weigh(a, h, job);
	multiply_head(a, h, SMALL_NN, h->dx, h->p, h->dy);
	store(a, h, at + 2 * h->C, NULL, NULL);
	multiply_head(a, h, SMALL_TN, h->dx, h->dp, h->k);
	/* d/ds of sum dlogit_ij q_i·k_j is sum q_i·dq_i / s, for dq holds s sum dlogit_ij k_j. */
	for (size_t t = 0; a->scale && t < h->T; t++)
		along += rows->dot(h->q + t * h->ldd, h->dx + t * h->ldd, h->D);
	if (a->scale)
		a->dscale[job] = along / h->s;
	store(a, h, at, h->q, h->q_norm);
	multiply_head(a, h, SMALL_NN, h->dx, h->dp, h->q);
	store(a, h, at + h->C, h->k, h->k_norm);
}

static void backward(void *arg, size_t begin, size_t end, int rank)
{
	struct attention *a = arg;

	for (size_t job = begin; job < end; job++) {
		struct head h;

		load_head(a, &h, job, rank);
		backward_head(a, &h, job);
	}
}

void k_attention_backward(struct kernels *k, act *dqkv, real *dscale, const act *dy, const act *y,
    const real *lse, const act *qkv, const real *scale, const real *rope,
    struct k_attention_shape s)
{
	real *each = k->scratch[cpu_threads(k)]; /* [B,H], summed below in a fixed order */
	struct attention a = {.k = k,
	    .dqkv = dqkv,
	    .dscale = each,
	    .dy = dy,
	    .qkv = qkv,
	    .y_in = y,
	    .lse_in = lse,
	    .scale = scale,
	    .rope = rope,
	    .s = s};

	cpu_for(k, CPU_ATTENTION_BACKWARD, elements(s), s.B * s.H, backward, &a);
	for (size_t job = 0; scale && job < s.B * s.H; job++)
		dscale[job % s.H] += each[job];
}
