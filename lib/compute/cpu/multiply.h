#ifndef CDCD_CPU_MULTIPLY_H
#define CDCD_CPU_MULTIPLY_H

/*
 * Products of reals with the vectors of a processor, C [M,N] = A [M,K] B [K,N]. B is in panels of
 * width columns: either packed panels, one after the other, or columns of a row-major B. The same C
 * (multiply_body.h) is compiled for each instruction set. Nothing here allocates or fails.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

struct multiply {
	size_t width; /* columns of a panel */
	/*
	 * c [M,width] = a b, or with add, c += a b. a[m][k] is at m row + k column. ldb is the
	 * distance between the rows of b, and ldc that of c.
	 */
	void (*multiply)(real *c, size_t ldc, const real *a, size_t row, size_t column,
	    const real *b, size_t ldb, size_t M, size_t K, bool add);
	/* The same for the first half of the columns of b and c; without add. */
	void (*multiply_half)(real *c, size_t ldc, const real *a, size_t row, size_t column,
	    const real *b, size_t ldb, size_t M, size_t K);
	/* Pack panels of w [K,N], or of w^T, from w [N,K]. The columns from N to a whole panel are
	 * zero. */
	void (*pack)(real *panels, const real *w, size_t ldw, size_t N, size_t K);
	void (*pack_transposed)(real *panels, const real *w, size_t ldw, size_t N, size_t K);
};

extern const struct multiply multiply_avx2, multiply_avx512;

#endif
