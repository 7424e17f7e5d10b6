#ifndef CDCD_CPU_MATMUL_H
#define CDCD_CPU_MATMUL_H

/* The implementations of matrix products: of reals, with BLAS on any processor and with multiply.h
 * on those that have it, and of bf16. */

#include "compute/cpu/ahead.h"
#include "compute/kernels.h"

/* A factor, in reals or in acts: one of the two pointers is set. ld is the distance between rows,
 * in elements. */
struct small_factor {
	const real *x;
	const act *acts;
	size_t ld;
};

/* small_elements - the elements of a factor whose acts are reals. */
static inline const real *small_elements(const struct small_factor *f)
{
	return f->x ? f->x : (const real *)f->acts;
}

/*
 * A product computed by one thread: c [M,N] = a b, in reals.
 *
 * NN: a [M,K], b [K,N]. NT: b is stored transposed, [N,K]. TN: a is stored transposed, [K,M], and
 * in reals. ldc is a multiple of 32: in a row of c, the elements after N are overwritten. scratch
 * has 2 L L reals, where L is the largest of M, N and K, rounded up to 32. The product may
 * fetch what is in ahead.
 */
enum small_form { SMALL_NN, SMALL_NT, SMALL_TN };
struct small_matmul {
	enum small_form form;
	real *c;
	struct small_factor a, b;
	size_t ldc, M, N, K;
	real *scratch;
	struct ahead *ahead;
};

struct matmul {
	size_t act_size;                             /* bytes of an act */
	void (*need)(struct k_need *need, size_t K); /* see k_need_matmul */
	void (*multiply)(struct kernels *k, const struct k_matmul *p);
	void (*add_gradient)(struct kernels *k, const struct k_matmul_dw *p);
	void (*logits)(struct kernels *k, const struct k_matmul *p); /* see k_logits; p->x_real */
	void (*multiply_small)(const struct kernels *k, const struct small_matmul *p);
};

extern const struct matmul matmul_fp32, matmul_simd, matmul_bf16;

#endif
