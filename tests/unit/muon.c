/*
 * Muon's kernels: momentum and update by hand; matrices of all forms become orthogonal, in fp32 and
 * in bf16.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "compute/kernels.h"
#include "tap.h"

/* Scratch for any of the matrices below. */
static void reserve(struct kernels *k, size_t rows, size_t cols)
{
	struct k_need need = {0};
	struct err e = {0};

	k_need_muon(k, &need, rows, cols);
	if (k_reserve(k, &need, &e))
		diag("%s", e.msg);
}

static void orthogonalize(struct kernels *k, real *x, size_t rows, size_t cols)
{
	k_muon_orthogonalize(k, &(struct k_matrix){x, rows, cols}, 1);
}

static real *random_matrix(uint64_t seed, size_t n, double scale)
{
	float z[64] = {0};
	real *x = malloc(n * sizeof *x);

	for (size_t i = 0; i < n; i += 64) {
		size_t count = n - i < 64 ? n - i : 64;

		rng_normal_at(seed, RNG_TEST, 0, i, z, count);
		for (size_t j = 0; j < count; j++)
			x[i + j] = (real)(scale * (double)z[j]);
	}
	return x;
}

/* Element i, j of x [rows,cols], or of its transpose if x has more rows than columns. */
static double at(const real *x, size_t rows, size_t cols, size_t i, size_t j)
{
	return (double)(rows > cols ? x[j * cols + i] : x[i * cols + j]);
}

/* The largest |s^2 - 1| of all singular values s of x: the largest eigenvalue of x x^T - 1, by
 * power iteration. */
static double departure(const real *x, size_t rows, size_t cols)
{
	size_t m = rows < cols ? rows : cols, n = rows < cols ? cols : rows;
	double *s = calloc(m * m, sizeof *s), *v = malloc(2 * m * sizeof *v), largest = 0;

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < m; j++) {
			for (size_t l = 0; l < n; l++)
				s[i * m + j] += at(x, rows, cols, i, l) * at(x, rows, cols, j, l);
			s[i * m + j] -= i == j;
		}
	for (size_t i = 0; i < m; i++)
		v[i] = 1 + sin((double)i);
	for (int step = 0; step < 300; step++) {
		double norm = 0, *from = v + (step % 2 ? m : 0), *to = v + (step % 2 ? 0 : m);

		for (size_t i = 0; i < m; i++)
			norm += from[i] * from[i];
		norm = sqrt(norm) + 1e-300;
		largest = 0;
		for (size_t i = 0; i < m; i++) {
			to[i] = 0;
			for (size_t j = 0; j < m; j++)
				to[i] += s[i * m + j] * from[j] / norm;
			largest += to[i] * to[i];
		}
	}
	free(s), free(v);
	return sqrt(largest);
}

/* Numbers that are alone in their rows and columns are singular values; U V^T keeps their signs. */
static void test_direction(struct kernels *k)
{
	enum { ROWS = 5, COLS = 7 };
	static const double singular[ROWS] = {3, -2, 1, 0.5, -0.1};
	real x[ROWS * COLS] = {0};
	double worst = 0, outside = 0;

	for (size_t i = 0; i < ROWS; i++)
		x[i * COLS + (i * 3 + 1) % COLS] = (real)singular[i];
	reserve(k, ROWS, COLS);
	orthogonalize(k, x, ROWS, COLS);
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < COLS; j++) {
			double xi = (double)x[i * COLS + j];

			if (j == (i * 3 + 1) % COLS)
				worst = fmax(worst, fabs(xi - (singular[i] > 0 ? 1 : -1)));
			else
				outside = fmax(outside, fabs(xi));
		}
	ok(worst < 0.15 && outside < 1e-6,
	    "%s: numbers 3, -2, 1, 0.5, -0.1 alone in their rows and columns become 1 or -1, to "
	    "%.2f",
	    k_name(k), worst);
}

static void test_shape(struct kernels *k, size_t rows, size_t cols, double scale)
{
	real *x = random_matrix(rows * 1000 + cols, rows * cols, scale);
	double d;

	reserve(k, rows, cols);
	orthogonalize(k, x, rows, cols);
	d = departure(x, rows, cols);
	ok(d < 0.33, /* 1.15^2 - 1 */
	    "%s: %zu x %zu, of size %g: x x^T is 1 to %.2f", k_name(k), rows, cols, scale, d);
	free(x);
}

/* The transposed matrix has the transposed result. */
static void test_transposed(struct kernels *k)
{
	enum { ROWS = 37, COLS = 70 };
	real *x = random_matrix(5, ROWS * COLS, 1), *t = malloc(ROWS * COLS * sizeof *t);
	double worst = 0;

	for (size_t i = 0; i < ROWS * COLS; i++)
		t[i % COLS * ROWS + i / COLS] = x[i];
	reserve(k, ROWS, COLS);
	orthogonalize(k, x, ROWS, COLS);
	orthogonalize(k, t, COLS, ROWS);
	for (size_t i = 0; i < ROWS * COLS; i++)
		worst = fmax(worst, fabs((double)(t[i % COLS * ROWS + i / COLS] - x[i])));
	ok(worst < 1e-5, "%s: 70 x 37 has the transposed result of 37 x 70, to %.1e", k_name(k),
	    worst);
	free(x), free(t);
}

static void test_zero(struct kernels *k)
{
	real x[12] = {0}, y[12];
	bool good = true;

	for (size_t i = 0; i < 12; i++)
		y[i] = (real)1e-36;
	reserve(k, 3, 4);
	orthogonalize(k, x, 3, 4);
	orthogonalize(k, y, 4, 3);
	for (size_t i = 0; i < 12; i++)
		good &= x[i] <= 0 && x[i] >= 0 && y[i] <= 0 && y[i] >= 0;
	ok(good, "%s: a matrix of zeros, or of next to nothing, becomes zero", k_name(k));
}

static void test_small_numbers(struct kernels *k)
{
	real x[2] = {(real)3e-20, (real)-4e-20};

	reserve(k, 1, 2);
	orthogonalize(k, x, 1, 2);
	ok(fabs((double)x[0] - 0.6) < 0.1 && fabs((double)x[1] + 0.8) < 0.12,
	    "%s: the size of a matrix does not matter: 3e-20, -4e-20 become %.3f, %.3f", k_name(k),
	    (double)x[0], (double)x[1]);
}

static void test_shapes(struct kernels *k)
{
	static const size_t shape[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 3}, {31, 65}, {65, 31},
	    {64, 64}, {33, 33}, {100, 12}, {128, 512}, {512, 128}, {96, 200}, {400, 700},
	    {700, 400}};

	for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
		test_shape(k, shape[i][0], shape[i][1], i % 2 ? 1e-6 : 1e3);
	test_transposed(k);
	test_direction(k);
	test_zero(k);
	test_small_numbers(k);
}

static bool is_near(const real *x, double a, double b)
{
	return fabs((double)x[0] - a) < 1e-6 && fabs((double)x[1] - b) < 1e-6;
}

static void test_pointwise(struct kernels *k)
{
	real m[2] = {1, -2}, g[2] = {4, 8}, p[2] = {10, 20}, ema[2] = {8, 8};

	/* gradients 2, 4 after clipping; 0.75 of the moments is kept */
	k_muon_momentum(k, m, g, 2, (real)0.75, (real)0.5);
	ok(is_near(m, 1.25, -0.5) && is_near(g, 1.4375, 0.625), "momentum, and Nesterov's update");
	k_muon_update(k, p, ema, g, 2, 2, (real)0.1, (real)0.5);
	ok(is_near(p, 6.125, 16.75) && is_near(ema, 7.0625, 12.375),
	    "the update: decay, step and average");
}

static void test_repeats(struct kernels *k)
{
	enum { ROWS = 100, COLS = 300 };
	real *x = random_matrix(7, ROWS * COLS, 1), *y = random_matrix(7, ROWS * COLS, 1);

	reserve(k, ROWS, COLS);
	orthogonalize(k, x, ROWS, COLS);
	orthogonalize(k, y, ROWS, COLS);
	ok(!memcmp(x, y, ROWS * COLS * sizeof *x), "%s: the result repeats bit for bit", k_name(k));
	free(x), free(y);
}

/* Small matrices, which each thread computes alone, between large ones. */
static void test_list(struct kernels *k)
{
	static const size_t shape[][2] = {
	    {400, 700}, {32, 96}, {96, 32}, {64, 64}, {128, 512}, {700, 400}, {31, 7}};
	enum { N = sizeof shape / sizeof *shape };
	struct k_matrix list[N], alone[N];
	bool same = true;

	for (size_t i = 0; i < N; i++) {
		size_t rows = shape[i][0], cols = shape[i][1];

		reserve(k, rows, cols);
		list[i] = (struct k_matrix){random_matrix(i, rows * cols, 1), rows, cols};
		alone[i] = (struct k_matrix){random_matrix(i, rows * cols, 1), rows, cols};
		k_muon_orthogonalize(k, &alone[i], 1);
	}
	k_muon_orthogonalize(k, list, N);
	for (size_t i = 0; i < N; i++) {
		same = same && !memcmp(list[i].x, alone[i].x,
		                   shape[i][0] * shape[i][1] * sizeof *list[i].x);
		free(list[i].x), free(alone[i].x);
	}
	ok(same, "%s: small and large matrices in a list have the results that they have alone",
	    k_name(k));
}

/* Products of the model have another name. */
static void test_profile(struct kernels *k)
{
	struct k_share share[K_SHARES];
	size_t n = k_profile(k, share), products = 0, others = 0;

	for (size_t i = 0; i < n; i++) {
		products += !strcmp(share[i].name, "muon products") && share[i].flops > 0;
		others += strcmp(share[i].name, "muon products") != 0 && share[i].flops > 0;
	}
	ok(products == 1 && others == 0, "%s: the profile has the products as those of Muon",
	    k_name(k));
}

int main(void)
{
	struct err e = {0};

	for (int threads = 1; threads < 4; threads += 2) {
		struct kernels *k = k_new(threads, K_FP32, &e);

		test_shapes(k);
		test_repeats(k);
		test_list(k);
		test_profile(k);
		test_pointwise(k);
		k_free(k);
		k = k_new(threads, K_BF16, &e);
		if (!k) {
			skip("products of bf16", e.msg);
			continue;
		}
		test_shapes(k);
		test_repeats(k);
		test_list(k);
		test_profile(k);
		k_free(k);
	}
	return tap_done();
}
