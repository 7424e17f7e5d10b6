#ifndef CDCD_CPU_BF16_H
#define CDCD_CPU_BF16_H

/*
 * Products of bf16 with sums in fp32, C [M,N] = A [M,K] B [K,N]. The ld of an array is the distance
 * between its rows, in elements.
 *
 * A is row-major. Each row can be read up to K rounded up to 32, and is zero there.
 * B is packed into panels of 32 columns, zero beyond K and N. Both VDPBF16PS and TDPBF16PS multiply
 * two neighbours along K at a time, so a panel stores these as pairs:
 *
 *   panel of columns n ... n+31:
 *       k = 0,1    | B[0][n] B[1][n] | B[0][n+1] B[1][n+1] | ... | B[0][n+31] B[1][n+31] |
 *       k = 2,3    | B[2][n] B[3][n] | B[2][n+1] B[3][n+1] | ...
 *       ...          up to K, rounded up to 32
 *
 * Nothing here allocates or fails.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bf16.h"

/* Only on these processors; the others compute only in fp32. */
#if defined(__x86_64__) && !defined(CDCD_DOUBLE)
#define CDCD_BF16
#endif

enum {
	BF16_PANEL = 32, /* columns of a panel; K is rounded up to a multiple of this */
	BF16_BLOCK_ROWS =
	    48, /* rows of A multiplied by a panel in L1: 4 × 12 (AVX-512), 3 × 16 (AMX) */
};

/* bf16_padded - n, rounded up to a multiple of 32. */
static inline size_t bf16_padded(size_t n)
{
	return (n + BF16_PANEL - 1) / BF16_PANEL * BF16_PANEL;
}

struct bf16_unit {
	const char *name;
	/* three products take less time than one in fp32 */
	bool fast;
	size_t depth; /* K is a multiple of this */
	/* c [M,N] = a [M,K] panel [K,N], N at most 32; may write all 32 columns of c */
	void (*multiply)(float *c, size_t ldc, const bf16 *a, size_t lda, const bf16 *panel,
	    size_t M, size_t N, size_t K);
};

/*
 * The units: VDPBF16PS of AVX-512, and TDPBF16PS of AMX. device.c chooses between them.
 *
 * bf16_unit_plain is for tests only: it does the arithmetic of AMX in plain C, to compare the
 * other units with it. No processor chooses it.
 */
extern const struct bf16_unit bf16_unit_avx512, bf16_unit_amx, bf16_unit_plain;

/* amx_usable - whether the processor has AMX, the system lets this process use it, and a test
 * product is right. */
bool amx_usable(void);

/* bf16_multiply - c [M,N] = a [M,K] b, with b in panels. ldc is at least N rounded up to 32; the
 * elements between are overwritten. */
void bf16_multiply(const struct bf16_unit *u, float *c, size_t ldc, const bf16 *a, size_t lda,
    const bf16 *panels, size_t M, size_t N, size_t K);

/* BF16_HIGH: x rounded to bf16. BF16_LOW: the error of this, x - BF16_HIGH, rounded to bf16. */
enum bf16_part { BF16_HIGH, BF16_LOW };

/*
 * Pack panels of B.
 *
 * bf16_pack_transposed       B = w^T, from w [N,K]. stride is the number of rows in a panel if it
 *                            is more than K rounded up to 32, otherwise 0
 * bf16_pack_bf16_transposed  B = w^T, from w [N,K] in bf16
 * bf16_pack                  B = w, from w [K,N]
 * bf16_pack_bf16             B = w, from w [K,N] in bf16
 */
void bf16_pack_transposed(bf16 *panels, size_t stride, const float *w, size_t ldw, size_t N,
    size_t K, enum bf16_part part);
void bf16_pack_bf16_transposed(bf16 *panels, const bf16 *w, size_t ldw, size_t N, size_t K);
void bf16_pack(bf16 *panels, const float *w, size_t ldw, size_t K, size_t N);
void bf16_pack_bf16(bf16 *panels, const bf16 *w, size_t ldw, size_t K, size_t N);

/* bf16_transpose - a [N,M] = x [M,N]^T, zero from M to M rounded up to 32. */
void bf16_transpose(bf16 *a, size_t lda, const bf16 *x, size_t ldx, size_t M, size_t N);

/* bf16_round, bf16_copy - a [M,K] = x [M,K], zero from K to lda. */
void bf16_round(
    bf16 *a, size_t lda, const float *x, size_t ldx, size_t M, size_t K, enum bf16_part part);
void bf16_copy(bf16 *a, size_t lda, const bf16 *x, size_t ldx, size_t M, size_t K);

#endif
