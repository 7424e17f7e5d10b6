#ifndef CDCD_CPU_BF16_H
#define CDCD_CPU_BF16_H

/*
 * Products of bf16 with sums in fp32, C [M,N] = A [M,K] B [K,N].
 *
 * A is row-major, lda bf16 from row to row, all of whose rows can be read to a multiple of 32.
 * B is packed into panels of 32 columns, zero beyond K and N. The instructions (VDPBF16PS as well
 * as TDPBF16PS) take two neighbours along K at a time, so pairs of them stand together:
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

/* The processors that may have it; the others compute in fp32 alone. */
#if defined(__x86_64__) && !defined(CDCD_DOUBLE)
#define CDCD_BF16
#endif

enum {
	PANEL = 32,      /* columns of a panel, and what K is rounded up to */
	BLOCK_ROWS = 48, /* rows of A that are multiplied while a panel is near: 4 × 12, 3 × 16 */
};

static inline size_t panel_round(size_t n)
{
	return (n + PANEL - 1) / PANEL * PANEL;
}

struct bf16_unit {
	const char *name;
	/* three products of it take less time than one in fp32 */
	bool fast;
	/* c [M,32], ldc from row to row, = a [M,K] panel [K,32]; K a multiple of 32 */
	void (*multiply)(
	    float *c, size_t ldc, const bf16 *a, size_t lda, const bf16 *panel, size_t M, size_t K);
};

/*
 * The units: VDPBF16PS of AVX-512, and TDPBF16PS of AMX. device.c chooses between them.
 *
 * bf16_unit_plain is for tests only: it does the arithmetic of AMX in plain C, to compare the
 * other units with it. No processor chooses it.
 */
extern const struct bf16_unit bf16_unit_avx512, bf16_unit_amx, bf16_unit_plain;

/* amx_usable - the processor has AMX, the system lets this process use it, and it multiplies. */
bool amx_usable(void);

/* c [M,N] = a [M,K] b, b in panels; ldc at least N rounded up to 32. */
void bf16_multiply(const struct bf16_unit *u, float *c, size_t ldc, const bf16 *a, size_t lda,
    const bf16 *panels, size_t M, size_t N, size_t K);

/* What to keep of a number: its bf16, or that of what this leaves over. */
enum bf16_part { BF16_HIGH, BF16_LOW };

/*
 * Panels of B from w [N,K], ldw from row to row (B = w^T: "transposed"), or from w [K,N]. stride is
 * the length of a panel's columns, where it is longer than K, rounded up, or 0.
 */
void bf16_pack_transposed(bf16 *panels, size_t stride, const float *w, size_t ldw, size_t N,
    size_t K, enum bf16_part part);
void bf16_pack(bf16 *panels, const float *w, size_t ldw, size_t K, size_t N);
void bf16_pack_bf16(bf16 *panels, const bf16 *w, size_t ldw, size_t K, size_t N);

/* a [N,M], lda from row to row, zero from M to M rounded up to 32, = x [M,N]^T. */
void bf16_transpose(bf16 *a, size_t lda, const bf16 *x, size_t ldx, size_t M, size_t N);

/* a [M,K], zero to lda, = x [M,K]. */
void bf16_round(
    bf16 *a, size_t lda, const float *x, size_t ldx, size_t M, size_t K, enum bf16_part part);
void bf16_copy(bf16 *a, size_t lda, const bf16 *x, size_t ldx, size_t M, size_t K);

#endif
