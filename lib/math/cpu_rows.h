#ifndef CDCD_CPU_ROWS_H
#define CDCD_CPU_ROWS_H

/*
 * The pointwise work on one row, compiled once for every instruction set that is worth it from the
 * same plain C (cpu_rows_body.h): the compiler vectorises it. n, C, V: elements of the row.
 */

#include <stddef.h>
#include <stdint.h>

#include "math/kernels.h"

struct rows {
	const char *name;
	void (*gelu)(real *y, const real *x, size_t n);
	void (*gelu_backward)(real *dx, const real *dy, const real *x, size_t n);
	void (*silu)(real *y, const real *x, size_t n);
	void (*silu_backward)(real *dx, const real *dy, const real *x, size_t n);
	void (*modulate)(
	    real *y, real *stats, const real *h, const real *shift, const real *scale, size_t C);
	void (*modulate_backward)(real *dh, real *dshift, real *dscale, const real *dy,
	    const real *h, const real *stats, const real *scale, size_t C);
	void (*gate)(real *out, const real *h, const real *y, const real *gate, size_t C);
	void (*gate_backward)(
	    real *dy, real *dgate, const real *dout, const real *y, const real *gate, size_t C);
	/* y = a x1 + b x2 + c x3; x3 may be NULL */
	void (*mix)(real *y, real a, const real *x1, real b, const real *x2, real c, const real *x3,
	    size_t n);
	real (*dot)(const real *x, const real *y, size_t n);
	void (*add)(real *y, const real *x, size_t n);
	double (*sum_squares)(const real *x, size_t n);
	/* p = softmax(p s); returns ln sum exp(p s) */
	real (*softmax)(real *p, real s, size_t n);
	void (*scale)(real *y, real a, size_t n);
	/* dp = p (dp - sum p dp) s, in place */
	void (*softmax_backward)(real *dp, const real *p, real s, size_t n);
	void (*adamw)(
	    real *p, real *m, real *v, real *ema, const real *g, size_t n, const struct k_adamw *o);
};

extern const struct rows rows_plain, rows_avx2, rows_avx512;

#endif
