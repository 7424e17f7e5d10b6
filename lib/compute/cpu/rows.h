#ifndef CDCD_CPU_ROWS_H
#define CDCD_CPU_ROWS_H

/*
 * Arithmetic on rows, as tables of functions. The same plain C (rows_body.h) is compiled once
 * for each instruction set, and vectorised by the compiler. n and C are the number of elements in
 * the row. In rows_bf16 an act is a bf16, in the other tables a real.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/bf16.h"
#include "compute/kernels.h"

struct rows {
	const char *name;
	/* acts: y = x, rounded; y = x; sum += x */
	void (*round)(act *y, const real *x, size_t n);
	void (*widen)(real *y, const act *x, size_t n);
	void (*accumulate)(real *sum, const act *x, size_t n);
	/* the same for bf16, whatever an act is: y = x, rounded; y = x; y += x */
	void (*pack_bf16)(bf16 *y, const real *x, size_t n);
	void (*unpack_bf16)(real *y, const bf16 *x, size_t n);
	void (*add_bf16)(real *y, const bf16 *x, size_t n);
	void (*gelu)(act *y, const act *x, size_t n);
	/* dx = dy GELU'(x); dx and dy may be the same memory */
	void (*gelu_backward)(act *dx, const real *dy, const act *x, size_t n);
	void (*silu)(real *y, const real *x, size_t n);
	void (*silu_backward)(real *dx, const real *dy, const real *x, size_t n);
	void (*modulate)(
	    act *y, real *stats, const real *h, const real *shift, const real *scale, size_t C);
	void (*modulate_backward)(real *dh, real *dshift, real *dscale, const act *dy,
	    const real *h, const real *stats, const real *scale, size_t C);
	/* h += sign gate ⊙ y */
	void (*gate)(real *h, real sign, const act *y, const real *gate, size_t C);
	void (*gate_backward)(
	    act *dy, real *dgate, const real *dout, const act *y, const real *gate, size_t C);
	/* y = a x1 + b x2 + c x3; x3 may be NULL */
	void (*mix)(real *y, real a, const real *x1, real b, const real *x2, real c, const real *x3,
	    size_t n);
	real (*dot)(const real *x, const real *y, size_t n);
	void (*add)(real *y, const real *x, size_t n);
	double (*sum_squares)(const real *x, size_t n);
	/* y = weight softmax(p s), unless y is NULL; *top receives the largest p s. Returns
	 * ln sum exp(p s - *top). Overwrites p. */
	real (*softmax)(act *y, real *p, real s, real weight, size_t n, real *top);

	/* p = softmax(p s) */
	void (*softmax_in_place)(real *p, real s, size_t n);
	/*
	 * For attention, on T rows of n elements. ld is the distance between rows.
	 *
	 * load_rotated: y = x; divides each row by its norm, which norms [T] receives, and rotates
	 * its pairs (i, i + n/2) by the angles of rope [T,n/2] (cos, sin). Without norms or rope it
	 * does not.
	 * store_rotated: dx from dy, the gradient of y = load_rotated(x). Overwrites dy. Returns
	 * the sum of dy ⊙ y, or 0 without norms; then y may be NULL.
	 * dot_acts: d [T] = x · y, row by row.
	 * store_scaled: y = x, each row multiplied by its element of scale [T].
	 * exp_columns: with the largest in each column, p = exp((p - largest) s); lse [n] receives
	 * ln sum exp(p s) of each column, and inverse [n] 1 / sum p.
	 * softmax_backward: p = exp(p s - lse) and dp = p (dp - delta) s; lse and delta [n].
	 * The last two compute n columns rounded up to a multiple of 16.
	 */
	void (*load_rotated)(real *y, size_t ldy, real *norms, const act *x, size_t ldx,
	    const real *rope, size_t T, size_t n);
	real (*store_rotated)(act *dx, size_t ldx, real *dy, size_t ldy, const real *y,
	    const real *norms, const real *rope, size_t T, size_t n);
	void (*dot_acts)(real *d, const act *x, const act *y, size_t ld, size_t T, size_t n);
	void (*store_scaled)(
	    act *y, size_t ldy, const real *x, size_t ldx, const real *scale, size_t T, size_t n);
	void (*exp_columns)(
	    real *p, size_t ld, real s, real *lse, real *inverse, size_t T, size_t n);
	void (*softmax_backward)(real *p, real *dp, size_t ld, real s, const real *lse,
	    const real *delta, size_t T, size_t n);
	void (*adamw)(
	    real *p, real *m, real *v, real *ema, const real *g, size_t n, const struct k_adamw *o);
};

extern const struct rows rows_plain, rows_avx2, rows_avx512, rows_bf16;

#endif
