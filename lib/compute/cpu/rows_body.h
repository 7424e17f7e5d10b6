/*
 * The functions of struct rows, in plain C that the compiler vectorises. One file for each
 * instruction set includes this one. It defines ROWS, the name of the table, and ROWS_NAME. These
 * files are compiled with -fassociative-math, so that sums can be split over the lanes of a vector.
 * With ROWS_BF16 an act is a bf16, otherwise a real.
 */

#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "compute/cpu/rows.h"

/* added to the square of a norm */
#define NORM_EPS ((real)1e-12)

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
 * exp(x) = 2^n p(r), |r| <= ln 2 / 2, with p of degree 5 and a relative error of 2e-7: p is the
 * best approximation with p(0) = p'(0) = 1. The compiler vectorises this; expf of libm would be one
 * call for each number. From x = 60 on, the result is exp(60); up to -60 it is 0. exp(-60) = 1e-26
 * does not matter in a softmax, but products with it soon become denormal, and arithmetic with
 * denormal numbers takes ten times as long.
 *
 * The last bit of SHIFT is worth 1, so the last bits of a sum with it are an integer. This one ends
 * in 127, so these bits become the exponent of 2^n if they are shifted.
 */
#define SHIFT 12583039.0f
#define SHIFT_BITS 0x4b40007fU

static inline real exp_row(real x)
{
	float shifted, n, r, p, power;
	uint32_t bits;

	shifted = x * 1.44269504f + SHIFT;
	memcpy(&bits, &shifted, sizeof bits);
	n = (float)(int32_t)(bits - SHIFT_BITS);
	bits <<= 23;
	memcpy(&power, &bits, sizeof power);
	r = x - n * 0.693147182f;
	p = 0.00831250101f;
	p = p * r + 0.0418903306f;
	p = p * r + 0.166671157f;
	p = p * r + 0.499992311f;
	p = p * r + 1.0f;
	p = p * r + 1.0f;
	p *= power;
	p = x <= -60.0f ? 0.0f : p;
	return x >= 60.0f ? 1.14200739e26f : p;
}
#endif

#ifdef ROWS_BF16
typedef bf16 stored;

static inline real load_act(stored x)
{
	return bf16_to_float(x);
}

static inline stored store_act(real x)
{
	return bf16_from_result(x);
}
#else
typedef real stored;

static inline real load_act(stored x)
{
	return x;
}

static inline stored store_act(real x)
{
	return x;
}
#endif

static void round_row(act *to, const real *restrict x, size_t n)
{
	stored *restrict y = (stored *)to;

	for (size_t i = 0; i < n; i++)
		y[i] = store_act(x[i]);
}

static void widen_row(real *restrict y, const act *from, size_t n)
{
	const stored *restrict x = (const stored *)from;

	for (size_t i = 0; i < n; i++)
		y[i] = load_act(x[i]);
}

static void accumulate_row(real *restrict sum, const act *from, size_t n)
{
	const stored *restrict x = (const stored *)from;

	for (size_t i = 0; i < n; i++)
		sum[i] += load_act(x[i]);
}

static void pack_bf16_row(bf16 *restrict y, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = bf16_from_float((float)x[i]);
}

static void unpack_bf16_row(real *restrict y, const bf16 *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = bf16_to_float(x[i]);
}

static void add_bf16_row(real *restrict y, const bf16 *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += bf16_to_float(x[i]);
}

static inline real sigmoid(real x)
{
	return 1 / (1 + exp_row(-x));
}

/* tanh(z) = 2 sigmoid(2z) - 1, so GELU(x) = x sigmoid(2z) with z = √(2/π)(x + 0.044715 x³). */
#define GELU_A ((real)1.5957691216057308)
#define GELU_B ((real)0.07135481627159502)

static void gelu_row(act *to, const act *from, size_t n)
{
	const stored *restrict x = (const stored *)from;
	stored *restrict y = (stored *)to;

	for (size_t i = 0; i < n; i++) {
		real u = load_act(x[i]);

		y[i] = store_act(u * sigmoid(u * (GELU_A + GELU_B * u * u)));
	}
}

static void gelu_backward_row(act *to, const real *dy, const act *from, size_t n)
{
	const stored *restrict x = (const stored *)from;
	stored *dx = (stored *)to;

	for (size_t i = 0; i < n; i++) {
		real u = load_act(x[i]), s = sigmoid(u * (GELU_A + GELU_B * u * u));
		real slope = GELU_A + 3 * GELU_B * u * u;

		dx[i] = store_act(dy[i] * (s + u * s * (1 - s) * slope));
	}
}

static void silu_row(real *restrict y, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * sigmoid(x[i]);
}

static void silu_backward_row(
    real *restrict dx, const real *restrict dy, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		real s = sigmoid(x[i]);

		dx[i] = dy[i] * s * (1 + x[i] * (1 - s));
	}
}

static void modulate_row(act *to, real *restrict stats, const real *restrict h,
    const real *restrict shift, const real *restrict scale, size_t C)
{
	stored *restrict y = (stored *)to;
	real sum = 0, squares = 0, mean, inverse;

	for (size_t i = 0; i < C; i++)
		sum += h[i];
	mean = sum / (real)C;
	for (size_t i = 0; i < C; i++)
		squares += (h[i] - mean) * (h[i] - mean);
	inverse = 1 / SQRT(squares / (real)C + (real)1e-5);
	for (size_t i = 0; i < C; i++)
		y[i] = store_act((1 + scale[i]) * ((h[i] - mean) * inverse) + shift[i]);
	stats[0] = mean;
	stats[1] = inverse;
}

static void modulate_backward_row(real *restrict dh, real *restrict dshift, real *restrict dscale,
    const act *from, const real *restrict h, const real *restrict stats, const real *restrict scale,
    size_t C)
{
	const stored *restrict dy = (const stored *)from;
	real mean = stats[0], inverse = stats[1], sum = 0, dot = 0;

	for (size_t i = 0; i < C; i++) {
		real x = (h[i] - mean) * inverse, dx = load_act(dy[i]) * (1 + scale[i]);

		dshift[i] += load_act(dy[i]);
		dscale[i] += load_act(dy[i]) * x;
		sum += dx;
		dot += dx * x;
	}
	sum /= (real)C;
	dot /= (real)C;
	for (size_t i = 0; i < C; i++) {
		real x = (h[i] - mean) * inverse, dx = load_act(dy[i]) * (1 + scale[i]);

		dh[i] += inverse * (dx - sum - x * dot);
	}
}

static void gate_row(real *restrict h, real sign, const act *from, const real *restrict g, size_t C)
{
	const stored *restrict y = (const stored *)from;

	for (size_t i = 0; i < C; i++)
		h[i] += sign * g[i] * load_act(y[i]);
}

static void gate_backward_row(act *to, real *restrict dgate, const real *restrict dout,
    const act *from, const real *restrict g, size_t C)
{
	const stored *restrict y = (const stored *)from;
	stored *restrict dy = (stored *)to;

	for (size_t i = 0; i < C; i++) {
		dgate[i] += dout[i] * load_act(y[i]);
		dy[i] = store_act(dout[i] * g[i]);
	}
}

static void mix_row(
    real *y, real a, const real *x1, real b, const real *x2, real c, const real *x3, size_t n)
{
	if (x3)
		for (size_t i = 0; i < n; i++)
			y[i] = a * x1[i] + b * x2[i] + c * x3[i];
	else
		for (size_t i = 0; i < n; i++)
			y[i] = a * x1[i] + b * x2[i];
}

static real dot_row(const real *restrict x, const real *restrict y, size_t n)
{
	real sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	return sum;
}

static void add_row(real *restrict y, const real *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}

static double sum_squares_row(const real *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sum;
}

/* In lanes, because the compiler does not vectorise a single chain of comparisons. */
static real largest_in_row(const real *p, size_t n)
{
	enum { LANES = 32 };
	real lane[LANES], largest = p[0];
	size_t i = 0;

	for (size_t j = 0; j < LANES; j++)
		lane[j] = p[0];
	for (; i + LANES <= n; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			lane[j] = p[i + j] > lane[j] ? p[i + j] : lane[j];
	for (size_t j = 0; j < LANES; j++)
		largest = lane[j] > largest ? lane[j] : largest;
	for (; i < n; i++)
		largest = p[i] > largest ? p[i] : largest;
	return largest;
}

/* p = exp((p - largest) s), and their sum. */
static real exponentials_of_row(real *p, real s, real largest, size_t n)
{
	real sum = 0;

	for (size_t i = 0; i < n; i++) {
		p[i] = exp_row((p[i] - largest) * s);
		sum += p[i];
	}
	return sum;
}

static real softmax_row(act *to, real *restrict p, real s, real weight, size_t n, real *top)
{
	stored *restrict y = (stored *)to;
	real largest = largest_in_row(p, n), sum = exponentials_of_row(p, s, largest, n),
	     scale = weight / sum;

	for (size_t i = 0; to && i < n; i++)
		y[i] = store_act(p[i] * scale);
	*top = largest * s;
	return LOG(sum);
}

static void softmax_in_place_row(real *p, real s, size_t n)
{
	real scale = 1 / exponentials_of_row(p, s, largest_in_row(p, n), n);

	for (size_t i = 0; i < n; i++)
		p[i] *= scale;
}

/* --- attention --- */

/* n, rounded up to whole vectors: the rest of a row would be computed one by one. */
static inline size_t whole(size_t n)
{
	return (n + 15) / 16 * 16;
}

static void exp_columns_rows(real *restrict p, size_t ld, real s, real *restrict lse,
    real *restrict inverse, size_t T, size_t columns)
{
	size_t n = whole(columns);
	real *restrict row = p;

	for (size_t i = 0; i < n; i++) {
		lse[i] = p[i];
		inverse[i] = 0;
	}
	for (size_t t = 1; t < T; t++) {
		row += ld;
		for (size_t i = 0; i < n; i++)
			lse[i] = row[i] > lse[i] ? row[i] : lse[i];
	}
	for (size_t t = 0; t < T; t++, p += ld)
		for (size_t i = 0; i < n; i++) {
			p[i] = exp_row((p[i] - lse[i]) * s);
			inverse[i] += p[i];
		}
	for (size_t i = 0; i < n; i++)
		lse[i] = lse[i] * s + LOG(inverse[i]);
	for (size_t i = 0; i < n; i++)
		inverse[i] = 1 / inverse[i];
}

static void softmax_backward_rows(real *restrict p, real *restrict dp, size_t ld, real s,
    const real *restrict lse, const real *restrict delta, size_t T, size_t columns)
{
	size_t n = whole(columns);

	for (size_t t = 0; t < T; t++, p += ld, dp += ld)
		for (size_t i = 0; i < n; i++) {
			p[i] = exp_row(p[i] * s - lse[i]);
			dp[i] = p[i] * (dp[i] - delta[i]) * s;
		}
}

static inline void rotate(real *restrict x, const real *restrict rope, size_t n)
{
	real *restrict y = x + n / 2;

	for (size_t i = 0; i < n / 2; i++) {
		real c = rope[2 * i], s = rope[2 * i + 1];
		real a = x[i], b = y[i];

		x[i] = c * a - s * b;
		y[i] = s * a + c * b;
	}
}

static inline void rotate_back(
    stored *restrict x, const real *restrict y, const real *restrict rope, size_t n)
{
	/* If gcc unrolled this, it would gather the vectors from single elements. */
#pragma GCC unroll 1
	for (size_t i = 0; i < n / 2; i++) {
		real c = rope[2 * i], s = rope[2 * i + 1];
		real a = y[i], b = y[i + n / 2];

		x[i] = store_act(c * a + s * b);
		x[i + n / 2] = store_act(c * b - s * a);
	}
}

/* If n is constant, the compiler unrolls the loops over a row and keeps it in registers. */
#define CONSTANT_WIDTH(n, call)                                                                    \
	do {                                                                                       \
		if (n == 32)                                                                       \
			call(32);                                                                  \
		else if (n == 64)                                                                  \
			call(64);                                                                  \
		else                                                                               \
			call(n);                                                                   \
	} while (0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void load_rotated(real *restrict y, size_t ldy, real *restrict norms, const act *from,
    size_t ldx, const real *restrict rope, size_t T, size_t n)
{
	const stored *restrict x = (const stored *)from;

	/* The loads from far have a loop of their own, so that more of them are under way at a
	 * time. */
	for (size_t t = 0; t < T; t++) {
		real sum = NORM_EPS;

		for (size_t i = 0; i < n; i++) {
			y[t * ldy + i] = load_act(x[t * ldx + i]);
			sum += y[t * ldy + i] * y[t * ldy + i];
		}
		if (norms)
			norms[t] = sum;
	}
	for (size_t t = 0; norms && t < T; t++)
		norms[t] = SQRT(norms[t]);
	for (size_t t = 0; t < T; t++, y += ldy) {
		if (norms)
			for (size_t i = 0; i < n; i++)
				y[i] *= 1 / norms[t];
		if (rope)
			rotate(y, rope + t * n, n);
	}
}

static void load_rotated_rows(real *y, size_t ldy, real *norms, const act *x, size_t ldx,
    const real *rope, size_t T, size_t n)
{
#define CALL(width) load_rotated(y, ldy, norms, x, ldx, rope, T, width)
	CONSTANT_WIDTH(n, CALL);
#undef CALL
}

ALWAYS_INLINE real store_rotated(act *to, size_t ldx, real *restrict dy, size_t ldy,
    const real *restrict y, const real *restrict norms, const real *restrict rope, size_t T,
    size_t n)
{
	stored *restrict dx = (stored *)to;
	real total = 0;

	/* dy/dx = (1 - y y^T) / norm. A rotation of both y and the gradient does not change this.
	 */
	for (size_t t = 0; norms && t < T; t++) {
		size_t at = t * ldy;
		real along = dot_row(dy + at, y + at, n), scale = 1 / norms[t];

		for (size_t i = 0; i < n; i++)
			dy[at + i] = scale * (dy[at + i] - along * y[at + i]);
		total += along;
	}
	for (size_t t = 0; rope && t < T; t++)
		rotate_back(dx + t * ldx, dy + t * ldy, rope + t * n, n);
	for (size_t t = 0; !rope && t < T; t++)
		for (size_t i = 0; i < n; i++)
			dx[t * ldx + i] = store_act(dy[t * ldy + i]);
	return total;
}

static real store_rotated_rows(act *dx, size_t ldx, real *dy, size_t ldy, const real *y,
    const real *norms, const real *rope, size_t T, size_t n)
{
	real sum;

#define CALL(width) sum = store_rotated(dx, ldx, dy, ldy, y, norms, rope, T, width)
	CONSTANT_WIDTH(n, CALL);
#undef CALL
	return sum;
}

static void store_scaled_rows(act *to, size_t ldy, const real *restrict x, size_t ldx,
    const real *restrict scale, size_t T, size_t n)
{
	stored *restrict y = (stored *)to;

	for (size_t t = 0; t < T; t++, x += ldx, y += ldy)
		for (size_t i = 0; i < n; i++)
			y[i] = store_act(x[i] * scale[t]);
}

static void dot_acts_rows(
    real *restrict d, const act *left, const act *right, size_t ld, size_t T, size_t n)
{
	const stored *restrict x = (const stored *)left, *restrict y = (const stored *)right;

	for (size_t t = 0; t < T; t++, x += ld, y += ld) {
		real sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += load_act(x[i]) * load_act(y[i]);
		d[t] = sum;
	}
}

static void adamw_row(real *restrict p, real *restrict m, real *restrict v, real *restrict ema,
    const real *restrict g, size_t n, const struct k_adamw *o)
{
	real c1 = 1 / o->correction1, c2 = 1 / o->correction2;
	real b1 = o->beta1, b2 = o->beta2, keep = 1 - o->lr * o->weight_decay;

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
    .round = round_row,
    .widen = widen_row,
    .accumulate = accumulate_row,
    .pack_bf16 = pack_bf16_row,
    .unpack_bf16 = unpack_bf16_row,
    .add_bf16 = add_bf16_row,
    .gelu = gelu_row,
    .gelu_backward = gelu_backward_row,
    .silu = silu_row,
    .silu_backward = silu_backward_row,
    .modulate = modulate_row,
    .modulate_backward = modulate_backward_row,
    .gate = gate_row,
    .gate_backward = gate_backward_row,
    .mix = mix_row,
    .dot = dot_row,
    .add = add_row,
    .sum_squares = sum_squares_row,
    .softmax = softmax_row,
    .softmax_in_place = softmax_in_place_row,
    .load_rotated = load_rotated_rows,
    .store_rotated = store_rotated_rows,
    .dot_acts = dot_acts_rows,
    .store_scaled = store_scaled_rows,
    .exp_columns = exp_columns_rows,
    .softmax_backward = softmax_backward_rows,
    .adamw = adamw_row,
};
