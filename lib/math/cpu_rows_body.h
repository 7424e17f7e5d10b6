/*
 * The bodies of struct rows, in plain C for the compiler to vectorise. Included by one file an
 * instruction set, which defines ROWS as the table's name and ROWS_NAME. Those files are compiled
 * with -fassociative-math, so that sums may be split over the lanes of a vector.
 */

#include <math.h>
#include <string.h>

#include "math/cpu_rows.h"

#ifdef CDCD_DOUBLE
#define SQRT sqrt
#define LOG log

static inline real exp_row(real x)
{
	return exp(x);
}
#else
#define SQRT sqrtf
#define LOG logf

/*
 * exp by 2^n · p(r), |r| <= ln 2 / 2, p of degree 6: 2e-7 relative, and vectors of it where
 * libm's is a call a number. Beyond ±60 it is clamped, to 0 below: 1e-26 is nothing in a softmax,
 * but what becomes of it soon is denormal, and a product of those takes ten times as long.
 */
static inline real exp_row(real x)
{
	float n, r, p;
	int32_t bits;
	float power;

	x = x < -60.0f ? -60.0f : x > 60.0f ? 60.0f : x;
	n = rintf(x * 1.44269504f);
	r = x - n * 0.693147182f;
	p = 1.0f / 720;
	p = p * r + 1.0f / 120;
	p = p * r + 1.0f / 24;
	p = p * r + 1.0f / 6;
	p = p * r + 0.5f;
	p = p * r + 1.0f;
	p = p * r + 1.0f;
	bits = n == n ? ((int32_t)n + 127) * (1 << 23) : 0;
	memcpy(&power, &bits, sizeof power);
	return x <= -60.0f ? 0.0f : p * power;
}
#endif

static inline real sigmoid(real x)
{
	return 1 / (1 + exp_row(-x));
}

/* tanh(z) = 2 sigmoid(2z) - 1, so GELU(x) = x sigmoid(2z) with z = √(2/π)(x + 0.044715 x³). */
#define GELU_A ((real)1.5957691216057308)
#define GELU_B ((real)0.07135481627159502)

static void gelu(real *restrict y, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * sigmoid(x[i] * (GELU_A + GELU_B * x[i] * x[i]));
}

static void gelu_backward(
    real *restrict dx, const real *restrict dy, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		real s = sigmoid(x[i] * (GELU_A + GELU_B * x[i] * x[i]));
		real slope = GELU_A + 3 * GELU_B * x[i] * x[i];

		dx[i] = dy[i] * (s + x[i] * s * (1 - s) * slope);
	}
}

static void silu(real *restrict y, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * sigmoid(x[i]);
}

static void silu_backward(
    real *restrict dx, const real *restrict dy, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		real s = sigmoid(x[i]);

		dx[i] = dy[i] * s * (1 + x[i] * (1 - s));
	}
}

static void modulate(real *restrict y, real *restrict stats, const real *restrict h,
    const real *restrict shift, const real *restrict scale, size_t C)
{
	real sum = 0, squares = 0, mean, inverse;

	for (size_t i = 0; i < C; i++)
		sum += h[i];
	mean = sum / (real)C;
	for (size_t i = 0; i < C; i++)
		squares += (h[i] - mean) * (h[i] - mean);
	inverse = 1 / SQRT(squares / (real)C + (real)1e-5);
	for (size_t i = 0; i < C; i++)
		y[i] = (1 + scale[i]) * ((h[i] - mean) * inverse) + shift[i];
	stats[0] = mean;
	stats[1] = inverse;
}

static void modulate_backward(real *restrict dh, real *restrict dshift, real *restrict dscale,
    const real *restrict dy, const real *restrict h, const real *restrict stats,
    const real *restrict scale, size_t C)
{
	real mean = stats[0], inverse = stats[1], sum = 0, dot = 0;

	for (size_t i = 0; i < C; i++) {
		real x = (h[i] - mean) * inverse, dx = dy[i] * (1 + scale[i]);

		dshift[i] += dy[i];
		dscale[i] += dy[i] * x;
		sum += dx;
		dot += dx * x;
	}
	sum /= (real)C;
	dot /= (real)C;
	for (size_t i = 0; i < C; i++) {
		real x = (h[i] - mean) * inverse, dx = dy[i] * (1 + scale[i]);

		dh[i] += inverse * (dx - sum - x * dot);
	}
}

static void gate(real *restrict out, const real *restrict h, const real *restrict y,
    const real *restrict g, size_t C)
{
	for (size_t i = 0; i < C; i++)
		out[i] = h[i] + g[i] * y[i];
}

static void gate_backward(real *restrict dy, real *restrict dgate, const real *restrict dout,
    const real *restrict y, const real *restrict g, size_t C)
{
	for (size_t i = 0; i < C; i++) {
		dgate[i] += dout[i] * y[i];
		dy[i] = dout[i] * g[i];
	}
}

static void mix(
    real *y, real a, const real *x1, real b, const real *x2, real c, const real *x3, size_t n)
{
	if (x3)
		for (size_t i = 0; i < n; i++)
			y[i] = a * x1[i] + b * x2[i] + c * x3[i];
	else
		for (size_t i = 0; i < n; i++)
			y[i] = a * x1[i] + b * x2[i];
}

static real dot(const real *restrict x, const real *restrict y, size_t n)
{
	real sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	return sum;
}

static void add(real *restrict y, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}

static double sum_squares(const real *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sum;
}

static void scale(real *y, real a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] *= a;
}

static real softmax(real *p, real s, size_t n)
{
	real largest = p[0], sum = 0, inverse;

	for (size_t i = 1; i < n; i++)
		largest = p[i] > largest ? p[i] : largest;
	for (size_t i = 0; i < n; i++) {
		p[i] = exp_row((p[i] - largest) * s);
		sum += p[i];
	}
	inverse = 1 / sum;
	for (size_t i = 0; i < n; i++)
		p[i] *= inverse;
	return largest * s + LOG(sum);
}

static void softmax_backward(real *restrict dp, const real *restrict p, real s, size_t n)
{
	real sum = dot(p, dp, n);

	for (size_t i = 0; i < n; i++)
		dp[i] = p[i] * (dp[i] - sum) * s;
}

static void adamw(real *restrict p, real *restrict m, real *restrict v, real *restrict ema,
    const real *restrict g, size_t n, const struct k_adamw *o)
{
	real c1 = 1 / o->correction1, c2 = 1 / o->correction2;
	real b1 = o->beta1, b2 = o->beta2, keep = 1 - o->lr * o->decay;

	for (size_t i = 0; i < n; i++) {
		real gi = g[i] * o->grad_scale;
		real mi = b1 * m[i] + (1 - b1) * gi;
		real vi = b2 * v[i] + (1 - b2) * gi * gi;
		real pi = keep * p[i] - o->lr * (mi * c1) / (SQRT(vi * c2) + o->eps);

		m[i] = mi;
		v[i] = vi;
		p[i] = pi;
		ema[i] = o->ema_decay * ema[i] + (1 - o->ema_decay) * pi;
	}
}

const struct rows ROWS = {
    .name = ROWS_NAME,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .silu = silu,
    .silu_backward = silu_backward,
    .modulate = modulate,
    .modulate_backward = modulate_backward,
    .gate = gate,
    .gate_backward = gate_backward,
    .mix = mix,
    .dot = dot,
    .add = add,
    .sum_squares = sum_squares,
    .softmax = softmax,
    .scale = scale,
    .softmax_backward = softmax_backward,
    .adamw = adamw,
};
