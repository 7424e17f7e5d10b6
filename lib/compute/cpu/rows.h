#ifndef CDCD_CPU_ROWS_H
#define CDCD_CPU_ROWS_H

/*
 * Arithmetic on one row, as tables of functions. The same plain C (rows_body.h) is compiled once
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
	/* p = softmax(p s); returns ln sum exp(p s) */
	real (*softmax_in_place)(real *p, real s, size_t n);
	/* p = exp(p s - lse), element by element */
	void (*exp_below)(real *p, real s, const real *lse, size_t n);
	void (*scale)(real *y, real a, size_t n);
	/* dp = p (dp - delta) s, element by element */
	void (*softmax_backward)(real *dp, const real *p, real s, const real *delta, size_t n);
	/* rotate the pairs (x[i], x[i + n/2]) by the angles of rope [n/2] (cos, sin) */
	void (*rotate)(real *x, const real *rope, real sign, size_t n);
	void (*adamw)(
	    real *p, real *m, real *v, real *ema, const real *g, size_t n, const struct k_adamw *o);
};

extern const struct rows rows_plain, rows_avx2, rows_avx512, rows_bf16;

#endif
