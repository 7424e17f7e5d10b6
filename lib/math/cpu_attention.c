/*
 * Attention: one (sequence, head) at a time, all of it in the scratch memory of one thread. The
 * T x T matrix lives only there; the backward pass makes it again from qkv.
 */

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/cpu.h"

#ifdef CDCD_DOUBLE
#define GEMM cblas_dgemm
#define NORM_EPS 1e-12
#else
#define GEMM cblas_sgemm
#define NORM_EPS 1e-12f
#endif

struct attention {
	struct kernels *k;
	real *y, *dqkv, *dscale;
	const real *dy, *qkv, *scale, *rope;
	struct k_attention_shape s;
};

/* One head's arrays, [T,D] each unless said otherwise. */
struct head {
	real *q, *k, *v, *y;
	real *dq, *dk, *dv;
	real *p, *dp;          /* [T,T] */
	real *q_norm, *k_norm; /* [T] */
	real s;
	size_t D, T, C;
};

static size_t head_size(size_t T, size_t D)
{
	return 7 * T * D + 2 * T * T + 2 * T;
}

static void head_init(struct head *h, real *at, size_t T, size_t D, size_t C)
{
	real **part[] = {&h->q, &h->k, &h->v, &h->y, &h->dq, &h->dk, &h->dv};

	for (size_t i = 0; i < sizeof part / sizeof *part; i++, at += T * D)
		*part[i] = at;
	h->p = at;
	h->dp = at + T * T;
	h->q_norm = at + 2 * T * T;
	h->k_norm = h->q_norm + T;
	h->T = T;
	h->D = D;
	h->C = C;
}

/* c = alpha op(a) op(b), all [T,D] or [T,T]. */
static void product(enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, size_t M, size_t N, size_t K,
    real alpha, const real *a, const real *b, real *c)
{
	GEMM(CblasRowMajor, ta, tb, (int)M, (int)N, (int)K, alpha, a,
	    (int)(ta == CblasNoTrans ? K : M), b, (int)(tb == CblasNoTrans ? N : K), 0, c, (int)N);
}

/* Rotate the pairs (x[i], x[i + D/2]) of a row by its position's angles; sign -1 rotates back. */
static void rotate(real *x, const real *rope, size_t D, real sign)
{
	size_t half = D / 2;

	for (size_t i = 0; i < half; i++) {
		real c = rope[2 * i], s = sign * rope[2 * i + 1];
		real a = x[i], b = x[i + half];

		x[i] = c * a - s * b;
		x[i + half] = s * a + c * b;
	}
}

/* q or k of one head out of qkv: normalised (QK-norm) and rotated. */
static void load(const struct attention *a, struct head *h, real *to, real *norms, const real *from)
{
	for (size_t t = 0; t < h->T; t++) {
		real *row = to + t * h->D;

		memcpy(row, from + t * 3 * h->C, h->D * sizeof *row);
		if (a->scale) {
			norms[t] = (real)sqrt(a->k->rows->dot(row, row, h->D) + NORM_EPS);
			a->k->rows->scale(row, 1 / norms[t], h->D);
		}
		rotate(row, a->rope + t * h->D, h->D, 1);
	}
}

static void load_head(const struct attention *a, struct head *h, size_t job, int rank)
{
	size_t b = job / a->s.H, i = job % a->s.H, D = a->s.C / a->s.H;
	const real *base = a->qkv + b * a->s.T * 3 * a->s.C + i * D;

	head_init(h, a->k->scratch[rank], a->s.T, D, a->s.C);
	h->s = a->scale ? a->scale[i] : 1 / (real)sqrt((double)D);
	load(a, h, h->q, h->q_norm, base);
	load(a, h, h->k, h->k_norm, base + a->s.C);
	for (size_t t = 0; t < h->T; t++)
		memcpy(h->v + t * D, base + 2 * a->s.C + t * 3 * a->s.C, D * sizeof *h->v);
	product(CblasNoTrans, CblasTrans, h->T, h->T, D, 1, h->q, h->k, h->p);
}

static void forward(void *arg, size_t begin, size_t end, int rank)
{
	struct attention *a = arg;

	for (size_t job = begin; job < end; job++) {
		struct head h;
		size_t b = job / a->s.H, i = job % a->s.H;

		load_head(a, &h, job, rank);
		for (size_t t = 0; t < h.T; t++)
			a->k->rows->softmax(h.p + t * h.T, h.s, h.T);
		product(CblasNoTrans, CblasNoTrans, h.T, h.D, h.T, 1, h.p, h.v, h.y);
		for (size_t t = 0; t < h.T; t++)
			memcpy(
			    a->y + (b * h.T + t) * h.C + i * h.D, h.y + t * h.D, h.D * sizeof *h.y);
	}
}

/* The gradient of q or k of one head into dqkv: rotated back, through the normalisation. */
static void store(const struct attention *a, const struct head *h, real *to, real *dx,
    const real *x, const real *norms)
{
	const struct rows *rows = a->k->rows;

	for (size_t t = 0; t < h->T; t++) {
		real *row = dx + t * h->D;

		if (a->scale) {
			/* x is the unit vector, rotated; dx/dq = (1 - x x^T) / norm, in either
			 * frame */
			real along = rows->dot(row, x + t * h->D, h->D);

			rows->mix(
			    row, 1 / norms[t], row, -along / norms[t], x + t * h->D, 0, NULL, h->D);
		}
		rotate(row, a->rope + t * h->D, h->D, -1);
		memcpy(to + t * 3 * h->C, row, h->D * sizeof *row);
	}
}

static void backward_head(struct attention *a, struct head *h, size_t b, size_t i)
{
	const struct rows *rows = a->k->rows;
	size_t T = h->T, D = h->D;
	real *to = a->dqkv + b * T * 3 * h->C + i * D;

	for (size_t t = 0; t < T; t++)
		memcpy(h->y + t * D, a->dy + (b * T + t) * h->C + i * D, D * sizeof *h->y);
	product(CblasNoTrans, CblasTrans, T, T, D, 1, h->y, h->v, h->dp);
	for (size_t t = 0; t < T; t++) {
		rows->softmax(h->p + t * T, h->s, T);
		rows->softmax_backward(h->dp + t * T, h->p + t * T, h->s, T);
	}
	product(CblasTrans, CblasNoTrans, T, D, T, 1, h->p, h->y, h->dv);
	product(CblasNoTrans, CblasNoTrans, T, D, T, 1, h->dp, h->k, h->dq);
	product(CblasTrans, CblasNoTrans, T, D, T, 1, h->dp, h->q, h->dk);
	/* d/ds of sum dlogit_ij q_i·k_j is sum q_i·dq_i / s, for dq holds s sum dlogit_ij k_j. */
	if (a->scale)
		a->dscale[b * a->s.H + i] = rows->dot(h->q, h->dq, T * D) / h->s;
	store(a, h, to, h->dq, h->q, h->q_norm);
	store(a, h, to + h->C, h->dk, h->k, h->k_norm);
	for (size_t t = 0; t < T; t++)
		memcpy(to + 2 * h->C + t * 3 * h->C, h->dv + t * D, D * sizeof *h->dv);
}

static void backward(void *arg, size_t begin, size_t end, int rank)
{
	struct attention *a = arg;

	for (size_t job = begin; job < end; job++) {
		struct head h;

		load_head(a, &h, job, rank);
		backward_head(a, &h, job / a->s.H, job % a->s.H);
	}
}

void k_attention(struct kernels *k, real *y, const real *qkv, const real *scale, const real *rope,
    struct k_attention_shape s)
{
	struct attention a = {.k = k, .y = y, .qkv = qkv, .scale = scale, .rope = rope, .s = s};

	pool_for(k->pool, s.B * s.H, forward, &a);
}

void k_attention_backward(struct kernels *k, real *dqkv, real *dscale, const real *dy,
    const real *qkv, const real *scale, const real *rope, struct k_attention_shape s)
{
	real *each = k->scratch[k_threads(k)]; /* [B,H], summed below in a fixed order */
	struct attention a = {k, NULL, dqkv, each, dy, qkv, scale, rope, s};

	pool_for(k->pool, s.B * s.H, backward, &a);
	for (size_t job = 0; scale && job < s.B * s.H; job++)
		dscale[job % s.H] += each[job];
}

int k_reserve_attention(struct kernels *k, struct k_attention_shape s, struct err *e)
{
	size_t n = head_size(s.T, s.C / s.H);

	for (int i = 0; i <= k_threads(k); i++)
		if (cpu_reserve(k, i, i < k_threads(k) ? n : s.B * s.H, e))
			return -1;
	return 0;
}
