#ifndef CDCD_CPU_PRODUCTS_H
#define CDCD_CPU_PRODUCTS_H

/* The products of kernels.h, of which there are two kinds: in fp32 by BLAS, and in bf16. */

#include "compute/kernels.h"

/* A product of acts and weights, and what becomes of it: y = x w^T + bias, or x w (backward). */
struct product {
	real *real;     /* the result in reals, or NULL: */
	act *act;       /* as acts */
	act *gelu;      /* and GELU of them beside, unless NULL */
	const act *arg; /* the result times GELU' of this, unless NULL */
	const act *x;   /* [M,K] */
	const real *w;  /* [N,K], or [K,N] where backward */
	const real *bias;
	bool backward;
	bool add; /* to what is there, unless gelu or arg */
	size_t M, N, K;
};

/* c [M,N] = a b, with a [M,K] or its transpose [K,M], b [K,N] or its transpose [N,K]. */
enum small_form { SMALL_AB, SMALL_ABT, SMALL_ATB };
struct small_product {
	enum small_form form;
	real *c;
	const real *a, *b;
	size_t ldc, lda, ldb; /* reals from row to row; what is behind N in a row of c is lost */
	size_t M, N, K;
};

struct products {
	size_t act_size;
	void (*need)(struct k_need *need, size_t longest); /* see k_need_products */
	void (*multiply)(struct kernels *k, const struct product *p);
	void (*gradient)(struct kernels *k, real *dw, real *db, const act *dy, const act *x,
	    size_t M, size_t N, size_t K);
	void (*logits)(struct kernels *k, real *y, const real *x, const real *e, const real *b,
	    size_t M, size_t V, size_t d);
	/* A small product in reals, on one thread; room has 2 L L reals, L its longest side,
	 * rounded up to 32, as all ld are. */
	void (*small)(const struct kernels *k, const struct small_product *p, real *room);
};

extern const struct products products_fp32, products_bf16;

#endif
