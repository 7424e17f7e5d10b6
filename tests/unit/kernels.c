/*
 * Every kind of product compared with simple loops, for random shapes, also odd ones; every
 * implementation of bf16 products compared with the one in plain C; and pointwise kernels compared
 * with results computed by hand.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "compute/cpu/cpu.h"
#include "compute/kernels.h"
#include "tap.h"

static uint64_t next_seed = 1;

static float *random_array(size_t n)
{
	float *x = malloc((n + 64) * sizeof *x);

	for (size_t i = 0; i < n; i += 64)
		rng_normal_at(next_seed, RNG_TEST, 0, i, x + i, n - i < 64 ? n - i : 64);
	next_seed++;
	return x;
}

static size_t random_size(size_t most)
{
	return 1 + (size_t)rng_below(next_seed++, RNG_TEST, 0, 0, most);
}

/* --- the expected results, in double --- */

struct shape {
	size_t M, N, K;
};

static double naive_at(
    const float *x, const float *w, const float *b, struct shape s, size_t m, size_t n)
{
	double sum = b ? (double)b[n] : 0;

	for (size_t i = 0; i < s.K; i++)
		sum += (double)x[m * s.K + i] * (double)w[n * s.K + i];
	return sum;
}

static double gelu(double x)
{
	return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double gelu_slope(double x)
{
	return (gelu(x + 1e-6) - gelu(x - 1e-6)) / 2e-6;
}

/* --- acts of any type --- */

static float *widened(struct kernels *k, const act *a, size_t n)
{
	float *x = malloc(n * sizeof *x);

	for (size_t i = 0; i < n; i++) {
		const act *at = k_act_at(k, a, i);
		bf16 half;
		uint32_t bits;

		if (k_act_size(k) == sizeof *x) {
			memcpy(&x[i], at, sizeof *x);
			continue;
		}
		memcpy(&half, at, sizeof half);
		bits = (uint32_t)half << 16;
		memcpy(&x[i], &bits, sizeof bits);
	}
	return x;
}

/* Round x to the type of an act. */
static act *rounded(struct kernels *k, float *x, size_t n)
{
	act *a = malloc(n * k_act_size(k));
	float *back;

	k_round(k, a, x, n);
	back = widened(k, a, n);
	memcpy(x, back, n * sizeof *x);
	free(back);
	return a;
}

/* The largest error of y, in units of sqrt(K), the size of a sum of K random products. */
struct error {
	double worst;
};

static void compare(struct error *e, double y, double expected, size_t K)
{
	double error = fabs(y - expected) / sqrt((double)K + 1);

	if (!(error <= e->worst))
		e->worst = error;
}

static void forward(struct kernels *k, struct shape s, struct error *e)
{
	size_t n = s.M * s.N;
	float *x = random_array(s.M * s.K), *w = random_array(s.N * s.K), *b = random_array(s.N);
	float *y = malloc(n * sizeof *y), *u, *g;
	act *xa = rounded(k, x, s.M * s.K), *ua = malloc(n * 4), *ga = malloc(n * 4);

	k_matmul(k, .y = ua, .gelu = ga, .x = xa, .w = w, .bias = b, .M = s.M, .N = s.N, .K = s.K);
	k_matmul(k, .y_real = y, .x = xa, .w = w, .M = s.M, .N = s.N, .K = s.K);
	u = widened(k, ua, n);
	g = widened(k, ga, n);
	for (size_t m = 0; m < s.M; m++)
		for (size_t i = 0; i < s.N; i++) {
			compare(e, (double)y[m * s.N + i], naive_at(x, w, NULL, s, m, i), s.K);
			compare(e, (double)u[m * s.N + i], naive_at(x, w, b, s, m, i), s.K);
			compare(e, (double)g[m * s.N + i], gelu((double)u[m * s.N + i]), s.K);
		}
	free(x), free(w), free(b), free(y), free(u), free(g), free(xa), free(ua), free(ga);
}

/* dx = dy w, du = dy w GELU'(u), dw += dy^T x. */
static void backward(struct kernels *k, struct shape s, struct error *e)
{
	size_t n = s.M * s.N, in = s.M * s.K;
	float *dy = random_array(n), *x = random_array(in), *w = random_array(s.N * s.K);
	float *dw = random_array(s.N * s.K), *db = random_array(s.N), *dx = malloc(in * sizeof *dx),
	      *du;
	float *dw0 = malloc(s.N * s.K * sizeof *dw), *db0 = malloc(s.N * sizeof *db);
	act *dya = rounded(k, dy, n), *xa = rounded(k, x, in), *dua = malloc(in * 4);

	memcpy(dw0, dw, s.N * s.K * sizeof *dw);
	memcpy(db0, db, s.N * sizeof *db);
	k_matmul(k, .y_real = dx, .x = dya, .w = w, .no_trans = true, .M = s.M, .N = s.K, .K = s.N);
	k_matmul(k, .y = dua, .x = dya, .w = w, .no_trans = true, .dgelu = xa, .M = s.M, .N = s.K,
	    .K = s.N);
	k_matmul_dw(k, .dw = dw, .db = db, .dy = dya, .x = xa, .M = s.M, .N = s.N, .K = s.K);
	du = widened(k, dua, in);
	for (size_t m = 0; m < s.M; m++)
		for (size_t i = 0; i < s.K; i++) {
			double sum = 0;

			for (size_t j = 0; j < s.N; j++)
				sum += (double)dy[m * s.N + j] * (double)w[j * s.K + i];
			compare(e, (double)dx[m * s.K + i], sum, s.N);
			compare(e, (double)du[m * s.K + i],
			    sum * gelu_slope((double)x[m * s.K + i]), s.N);
		}
	for (size_t j = 0; j < s.N; j++) {
		double bias = (double)db0[j];

		for (size_t m = 0; m < s.M; m++)
			bias += (double)dy[m * s.N + j];
		compare(e, (double)db[j], bias, s.M);
		for (size_t i = 0; i < s.K; i++) {
			double sum = (double)dw0[j * s.K + i];

			for (size_t m = 0; m < s.M; m++)
				sum += (double)dy[m * s.N + j] * (double)x[m * s.K + i];
			compare(e, (double)dw[j * s.K + i], sum, s.M);
		}
	}
	free(dy), free(x), free(w), free(dw), free(db), free(dx), free(du), free(dw0), free(db0);
	free(dya), free(xa), free(dua);
}

/* Logits of about 100, whose differences of 0.01 matter. */
static void logits(struct kernels *k, struct shape s, struct error *e)
{
	float *x = random_array(s.M * s.K), *w = random_array(s.N * s.K), *b = random_array(s.N);
	float *y = malloc(s.M * s.N * sizeof *y);

	for (size_t i = 0; i < s.M * s.K; i++)
		x[i] *= 100;
	k_logits(k, y, x, w, b, s.M, s.N, s.K);
	for (size_t m = 0; m < s.M; m++)
		for (size_t i = 0; i < s.N; i++)
			compare(
			    e, (double)y[m * s.N + i] / 100, naive_at(x, w, b, s, m, i) / 100, s.K);
	free(x), free(w), free(b), free(y);
}

static void test_products(struct kernels *k, double tolerance, double exact)
{
	static const struct shape fixed[] = {{1, 1, 1}, {48, 32, 32}, {49, 33, 31}, {700, 96, 640},
	    {520, 192, 768}, {5, 700, 64}, {64, 64, 1100}, {33, 1030, 257}, {2100, 64, 32},
	    {20, 1056, 320}};
	struct error products = {0}, precise = {0};
	struct k_need need = {0};
	struct err e;
	size_t cases = 30;

	k_need_matmul(k, &need, 3 * 1120);
	k_reserve(k, &need, &e);
	for (size_t i = 0; i < cases; i++) {
		struct shape s = {random_size(90), random_size(90), random_size(90)};

		if (i < sizeof fixed / sizeof *fixed)
			s = fixed[i];
		forward(k, s, &products);
		backward(k, s, &products);
		logits(k, s, &precise);
	}
	ok(products.worst < tolerance && products.worst > 0,
	    "kernels, %s: products of %zu shapes: error at most %.1e sqrt(K)", k_name(k), cases,
	    products.worst);
	ok(precise.worst < exact, "kernels, %s: logits: error at most %.1e sqrt(K)", k_name(k),
	    precise.worst);
}

/* rope rotates pair i at position t by t (i + 1) / 5. x: the q and k of two heads, rotated in
 * place.
 */
static void turn(float *rope, float *x, size_t T, size_t D)
{
	for (size_t t = 0; t < T; t++)
		for (size_t i = 0; i < D / 2; i++) {
			double angle = (double)(t * (i + 1)) / 5, c = cos(angle), s = sin(angle);

			rope[t * D + 2 * i] = (float)c;
			rope[t * D + 2 * i + 1] = (float)s;
			for (size_t part = 0; part < 4; part++) {
				float *at = x + t * 6 * D + part * D + i;
				double a = (double)at[0], b = (double)at[D / 2];

				at[0] = (float)(c * a - s * b);
				at[D / 2] = (float)(s * a + c * b);
			}
		}
}

struct attention_case {
	size_t T, D, C, n; /* C = 2 D: two heads; n = T C */
	float *qkv, *dy;
	real *lse;
	act *in, *y; /* in: qkv, before a rotation if there is one */
	double *p;   /* [T,T] of one head */
};

static void attention_open(struct attention_case *a, struct kernels *k, size_t T, size_t D)
{
	struct k_need need = {0};
	struct err e;
	size_t n = 2 * T * D;

	*a = (struct attention_case){.T = T, .D = D, .C = 2 * D, .n = n};
	a->qkv = random_array(3 * n);
	a->dy = random_array(n);
	a->lse = malloc(2 * T * sizeof *a->lse);
	a->in = rounded(k, a->qkv, 3 * n);
	a->y = malloc(n * 4);
	a->p = malloc(T * T * sizeof *a->p);
	k_need_attention(k, &need, (struct k_attention_shape){1, T, a->C, 2});
	k_reserve(k, &need, &e);
}

static void attention_close(struct attention_case *a)
{
	free(a->qkv), free(a->dy), free(a->lse), free(a->in), free(a->y), free(a->p);
}

/* The row of head h at position t of q, k or v: part 0, 1 or 2 of x. */
static const float *head_row(
    const struct attention_case *a, const float *x, size_t part, size_t h, size_t t)
{
	return x + t * 3 * a->C + part * a->C + h * a->D;
}

static double dot(const float *x, const float *y, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)y[i];
	return sum;
}

/* a->p of head h; returns the largest error of lse. */
static double naive_probabilities(const struct attention_case *a, size_t h)
{
	struct error e = {0};

	for (size_t t = 0; t < a->T; t++) {
		double *row = a->p + t * a->T, sum = 0;

		for (size_t j = 0; j < a->T; j++) {
			row[j] = exp(
			    dot(head_row(a, a->qkv, 0, h, t), head_row(a, a->qkv, 1, h, j), a->D) /
			    sqrt((double)a->D));
			sum += row[j];
		}
		compare(&e, (double)a->lse[h * a->T + t], log(sum), 0);
		for (size_t j = 0; j < a->T; j++)
			row[j] /= sum;
	}
	return e.worst;
}

/* The largest error of y and lse. */
static double attention_error(struct kernels *k, size_t T, size_t D)
{
	struct attention_case a;
	struct error worst = {0};
	float *rope = malloc(T * D * sizeof *rope), *y;

	attention_open(&a, k, T, D);
	turn(rope, a.qkv, T, D);
	k_attention(k, .y = a.y, .lse = a.lse, .qkv = a.in, .rope = rope, .shape = {1, T, a.C, 2});
	y = widened(k, a.y, a.n);
	for (size_t h = 0; h < 2; h++) {
		worst.worst = fmax(worst.worst, naive_probabilities(&a, h));
		for (size_t t = 0; t < T; t++)
			for (size_t i = 0; i < D; i++) {
				double expected = 0;

				for (size_t j = 0; j < T; j++)
					expected += a.p[t * T + j] *
					            (double)head_row(&a, a.qkv, 2, h, j)[i];
				compare(&worst, (double)y[t * a.C + h * D + i], expected, 0);
			}
	}
	attention_close(&a);
	free(rope), free(y);
	return worst.worst;
}

/* dqkv [T,3C] += the gradient of head h. */
static void naive_attention_backward(const struct attention_case *a, size_t h, double *dqkv)
{
	for (size_t t = 0; t < a->T; t++) {
		const double *p = a->p + t * a->T;
		const float *dy = a->dy + t * a->C + h * a->D;
		double delta = 0;

		for (size_t j = 0; j < a->T; j++)
			delta += p[j] * dot(dy, head_row(a, a->qkv, 2, h, j), a->D);
		for (size_t j = 0; j < a->T; j++) {
			double dp = dot(dy, head_row(a, a->qkv, 2, h, j), a->D);
			double ds = p[j] * (dp - delta) / sqrt((double)a->D);
			double *dq = dqkv + t * 3 * a->C + h * a->D;
			double *dk = dqkv + j * 3 * a->C + a->C + h * a->D;

			for (size_t i = 0; i < a->D; i++) {
				dq[i] += ds * (double)head_row(a, a->qkv, 1, h, j)[i];
				dk[i] += ds * (double)head_row(a, a->qkv, 0, h, t)[i];
				dk[a->C + i] += p[j] * (double)dy[i];
			}
		}
	}
}

/* The largest error of dqkv. */
static double attention_backward_error(struct kernels *k, size_t T, size_t D)
{
	struct attention_case a;
	struct error worst = {0};
	double *expected = calloc(6 * T * D, sizeof *expected);
	act *dy, *out = malloc(6 * T * D * 4);
	float *got;

	attention_open(&a, k, T, D);
	dy = rounded(k, a.dy, a.n);
	k_attention(k, .y = a.y, .lse = a.lse, .qkv = a.in, .shape = {1, T, a.C, 2});
	k_attention_backward(
	    k, .y = a.y, .lse = a.lse, .qkv = a.in, .dy = dy, .dqkv = out, .shape = {1, T, a.C, 2});
	got = widened(k, out, 3 * a.n);
	for (size_t h = 0; h < 2; h++) {
		naive_probabilities(&a, h);
		naive_attention_backward(&a, h, expected);
	}
	for (size_t i = 0; i < 3 * a.n; i++)
		compare(&worst, (double)got[i], expected[i], 0);
	attention_close(&a);
	free(expected), free(dy), free(out), free(got);
	return worst.worst;
}

/* Sizes of all forms: whole panels of a product, parts of one, and less than a vector. */
static void test_attention(struct kernels *k, double tolerance)
{
	static const size_t length[] = {1, 5, 37, 72, 73, 128}, head[] = {2, 8, 12, 32, 40, 64};
	enum { LENGTHS = sizeof length / sizeof *length, HEADS = sizeof head / sizeof *head };
	double worst = 0, backward = 0;

	for (size_t t = 0; t < LENGTHS; t++)
		for (size_t i = 0; i < HEADS; i++) {
			worst = fmax(worst, attention_error(k, length[t], head[i]));
			backward = fmax(backward, attention_backward_error(k, length[t], head[i]));
		}
	ok(worst < tolerance && worst > 0, "kernels, %s: attention of %d sizes: error at most %.1e",
	    k_name(k), LENGTHS * HEADS, worst);
	ok(backward < tolerance && backward > 0,
	    "kernels, %s: attention backward, %d sizes: error at most %.1e", k_name(k),
	    LENGTHS * HEADS, backward);
}

/* --- values by hand --- */

static bool is_near(float got, double wanted)
{
	if (fabs((double)got - wanted) <= 5e-7 * fmax(1, fabs(wanted)))
		return true;
	diag("%.9g, wanted %.9g", (double)got, wanted);
	return false;
}

static void test_softmax(struct kernels *k)
{
	double last = exp(11.0 / 32);
	float x[37], p[37];
	bool good = true;

	for (size_t i = 0; i < 37; i++)
		x[i] = 1000;
	x[36] = 1000.6875f; /* tau 2: exp(11/32) times as likely as each of the others */
	k_softmax(k, (act *)p, x, 2, 1, 37);
	for (size_t i = 0; i < 37; i++)
		good &= is_near(37 * p[i], 37 * (i < 36 ? 1 : last) / (36 + last));
	ok(good, "kernels, %s: softmax with tau 2 of 36 logits of 1000 and one above", k_name(k));
	for (size_t i = 0; i < 37; i++)
		x[i] = i < 36 ? -1000 : 100;
	k_softmax(k, (act *)p, x, 1, 1, 37);
	ok(p[0] == 0 && p[36] == 1, "kernels, %s: softmax with the last logit far above all others",
	    k_name(k));
}

static void test_argmax(struct kernels *k)
{
	const float x[] = {1, 7, 7, 2, 0, 0, 0, 0};
	int32_t best[2] = {9, 9};

	k_argmax(k, best, x, 2, 4);
	ok(best[0] == 1 && best[1] == 0, "kernels, %s: argmax is the first of equal logits",
	    k_name(k));
}

/* Mean 3 and variance 14/3, divided by the number of components. */
static void test_modulate(struct kernels *k)
{
	const float h[] = {1, 2, 6}, shift[] = {0, 1, 0}, scale[] = {0, 1, -1};
	double inverse = 1 / sqrt(14.0 / 3 + 1e-5);
	float y[3], stats[2];

	k_modulate(k, .y = (act *)y, .stats = stats, .h = h, .shift = shift, .scale = scale,
	    .shape = {1, 1, 3, 3});
	ok(is_near(y[0], -2 * inverse) && is_near(y[1], 1 - 2 * inverse) && is_near(y[2], 0) &&
	        is_near(stats[0], 3) && is_near(stats[1], inverse),
	    "kernels, %s: layer norm of 1, 2, 6, scaled and shifted", k_name(k));
}

static void test_normalize(struct kernels *k)
{
	const float w[] = {3, 4, 0, -2};
	float e[4];

	k_normalize(k, e, w, 2, 2);
	ok(is_near(e[0], 0.6 * M_SQRT2) && is_near(e[1], 0.8 * M_SQRT2) && is_near(e[2], 0) &&
	        is_near(e[3], -M_SQRT2),
	    "kernels, %s: embeddings are normalised to sqrt(d)", k_name(k));
}

static void test_noise(struct kernels *k)
{
	enum { T = 2, D = 130 };
	const uint64_t seed[] = {5, 6};
	float n[2 * T * D], expected[D];
	bool good = true;

	k_gaussian(k, n, seed, RNG_NOISE, 2, T, D);
	for (uint32_t m = 0; m < 2 * T; m++) {
		rng_normal(seed[m / T], RNG_NOISE, m % T, expected, D);
		good &= !memcmp(n + m * D, expected, sizeof expected);
	}
	ok(good, "kernels, %s: noise of %d components depends only on seed and position", k_name(k),
	    D);
}

/* 1 + n/256 is a bf16 number for even n, and a tie for odd n. */
static void test_rounding(struct kernels *k)
{
	const float from[] = {1, 257.0f / 256, 259.0f / 256, 1.004f, -259.0f / 256};
	const float to[] = {1, 1, 260.0f / 256, 258.0f / 256, -260.0f / 256};
	act *a = malloc(sizeof from);
	float *back;

	k_round(k, a, from, 5);
	back = widened(k, a, 5);
	ok(!memcmp(back, to, sizeof to),
	    "kernels, %s: conversion to bf16 rounds to nearest, ties to even", k_name(k));
	free(a), free(back);
}

static void test_values(struct kernels *k)
{
	test_softmax(k);
	test_argmax(k);
	test_modulate(k);
	test_normalize(k);
	test_noise(k);
}

/* The implementations for older processors, which this one can run too. */
static void test_lesser_rows(struct kernels *k)
{
	const struct kernels chosen = *k;

#ifdef __x86_64__
	if (chosen.rows == &rows_avx512) {
		k->rows = &rows_avx2;
		k->vectors = &multiply_avx2;
		diag("with rows and products of avx2:");
		test_products(k, 1e-5, 1e-5);
		test_attention(k, 1e-5);
		test_values(k);
	}
#endif
	if (chosen.rows != &rows_plain) {
		k->rows = &rows_plain;
		k->matmul = &matmul_fp32;
		diag("with plain rows and BLAS:");
		test_products(k, 1e-5, 1e-5);
		test_attention(k, 1e-5);
		test_values(k);
	}
	k->rows = chosen.rows;
	k->vectors = chosen.vectors;
	k->matmul = chosen.matmul;
}

#ifdef CDCD_BF16
/* The same bf16 products by two implementations. */
static void test_unit(const struct bf16_unit *unit)
{
	double worst = 0;

	for (int i = 0; i < 40; i++) {
		size_t M = random_size(100), N = random_size(70), K = random_size(200);
		size_t lda = bf16_padded(K), ldc = bf16_padded(N), n = M * ldc;
		float *x = random_array(M * K), *w = random_array(N * K);
		float *c = malloc(n * sizeof *c), *expected = malloc(n * sizeof *c);
		bf16 *a = malloc(M * lda * sizeof *a), *b = malloc(ldc * lda * sizeof *b);

		bf16_round(a, lda, x, K, M, K, BF16_HIGH);
		bf16_pack_transposed(b, 0, w, K, N, K, BF16_HIGH);
		bf16_multiply(unit, c, ldc, a, lda, b, M, N, K);
		bf16_multiply(&bf16_unit_plain, expected, ldc, a, lda, b, M, N, K);
		for (size_t m = 0; m < M; m++)
			for (size_t j = 0; j < N; j++) {
				double error =
				    fabs((double)c[m * ldc + j] - (double)expected[m * ldc + j]);

				worst = error > worst ? error : worst;
			}
		free(x), free(w), free(c), free(expected), free(a), free(b);
	}
	ok(worst < 1e-4, "kernels, %s: products are those of plain C: error at most %.1e",
	    unit->name, worst);
}

/* The products in plain C are correct. */
static void test_plain_unit(void)
{
	size_t M = 37, N = 45, K = 71, lda = bf16_padded(K), ldc = bf16_padded(N);
	float *x = random_array(M * K), *w = random_array(N * K), *c = malloc(M * ldc * sizeof *c);
	bf16 *a = malloc(M * lda * sizeof *a), *b = malloc(ldc * lda * sizeof *b);
	struct error e = {0};

	for (size_t i = 0; i < M * K; i++)
		x[i] = rintf(4 * x[i]); /* exact in bf16 */
	for (size_t i = 0; i < N * K; i++)
		w[i] = rintf(4 * w[i]);
	bf16_round(a, lda, x, K, M, K, BF16_HIGH);
	bf16_pack_transposed(b, 0, w, K, N, K, BF16_HIGH);
	bf16_multiply(&bf16_unit_plain, c, ldc, a, lda, b, M, N, K);
	for (size_t m = 0; m < M; m++)
		for (size_t n = 0; n < N; n++)
			compare(&e, (double)c[m * ldc + n],
			    naive_at(x, w, NULL, (struct shape){M, N, K}, m, n), K);
	ok(e.worst == 0, "kernels: plain bf16 products of integers are exact");
	free(x), free(w), free(c), free(a), free(b);
}

static void test_units(struct kernels *k)
{
	const struct bf16_unit *chosen = k->unit;

	test_plain_unit();
	test_unit(&bf16_unit_avx512);
	if (amx_usable())
		test_unit(&bf16_unit_amx);
	else
		skip("the unit of AMX", "this processor has none");
	k->unit = &bf16_unit_plain;
	diag("with plain tiles, and logits in three parts:");
	test_products(k, 0.03, 2e-4);
	test_attention(k, 0.02);
	k->unit = chosen;
}
#endif

/* ln(1 + exp(-2)) = 0.126928, for logits at which neighbouring floats differ by 1/32. */
static void test_cross_entropy(struct kernels *k)
{
	static const int32_t ids[2] = {0, 1};
	real logits[4] = {300000, 299998, 300000, 299998}, weight[2] = {1, 1}, loss[2];

	k_cross_entropy(k, loss, NULL, logits, ids, weight, 2, 2);
	ok(fabs((double)loss[0] - 0.126928) < 2e-6 && fabs((double)loss[1] - 2.126928) < 2e-6,
	    "kernels, %s: cross-entropy of large logits: %.6f and %.6f nats", k_name(k),
	    (double)loss[0], (double)loss[1]);
}

static void test_softmax_real(struct kernels *k)
{
	real p[3] = {1, 0, 2};

	k_softmax(k, NULL, p, 1, 1, 3);
	ok(fabs((double)p[0] - 0.244728) < 1e-6 && fabs((double)p[1] - 0.090031) < 1e-6 &&
	        fabs((double)p[2] - 0.665241) < 1e-6,
	    "kernels, %s: softmax of reals is not rounded: %.6f %.6f %.6f", k_name(k), (double)p[0],
	    (double)p[1], (double)p[2]);
}

int main(void)
{
	struct err e = {0};
	struct kernels *k = k_new(2, K_FP32, &e);
	const char *expected = getenv("EXPECT_ROWS"); /* tests/emulated knows which */

	if (expected)
		ok(!strcmp(k->rows->name, expected),
		    "kernels: the best rows for this processor are chosen: %s, chosen %s", expected,
		    k->rows->name);
	test_products(k, 1e-5, 1e-5);
	test_attention(k, 1e-5);
	test_values(k);
	test_lesser_rows(k);
	test_cross_entropy(k);
	test_softmax_real(k);
	k_free(k);
	k = k_new(2, K_BF16, &e);
	if (!k) {
		skip("kernels: products in bf16", e.msg);
		return tap_done();
	}
	test_rounding(k);
#ifdef CDCD_BF16
	test_units(k);
#endif
	test_products(k, 0.03, 2e-4);
	test_attention(k, 0.02);
	test_cross_entropy(k);
	test_softmax_real(k);
	k_free(k);
	return tap_done();
}
