/*
 * Products of reals, in vectors of the compiler that have the width VECTOR in bytes. One file for
 * each instruction set includes this one, and defines MULTIPLY, the name of the table, VECTOR, and
 * TILE, the rows of a tile: TILE x 2 vectors of sums, and three more, fit in the registers.
 */

#include <string.h>

#include "compute/cpu/multiply.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { LANES = VECTOR / sizeof(real), WIDTH = 2 * LANES };

/* Vectors of any alignment */
typedef real lanes __attribute__((vector_size(VECTOR), aligned(sizeof(real))));
typedef real eight __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), unused));

/* R rows of c. The sums stay in registers for all of K, and so do the addresses in a: one for three
 * rows, since an x86 address may have once or twice the register row added. */
ALWAYS_INLINE void multiply_tile(real *c, size_t ldc, const real *a, size_t row, size_t column,
    const real *b, size_t ldb, size_t K, bool add, size_t R)
{
	lanes sum[TILE][2];
	const real *three[TILE / 3];

#pragma GCC unroll 12
	for (size_t i = 0; i < R; i++) {
		sum[i][0] = add ? *(const lanes *)(c + i * ldc) : (lanes){0};
		sum[i][1] = add ? *(const lanes *)(c + i * ldc + LANES) : (lanes){0};
	}
#pragma GCC unroll 12
	for (size_t i = 0; i < R; i += 3)
		three[i / 3] = a + i * row;
	for (size_t k = 0; k < K; k++, b += ldb) {
		lanes left = *(const lanes *)b, right = *(const lanes *)(b + LANES);

#pragma GCC unroll 12
		for (size_t i = 0; i < R; i++) {
			lanes x = three[i / 3][i % 3 * row] - (lanes){0};

			sum[i][0] += x * left;
			sum[i][1] += x * right;
		}
#pragma GCC unroll 12
		for (size_t i = 0; i < R; i += 3)
			three[i / 3] += column;
	}
#pragma GCC unroll 12
	for (size_t i = 0; i < R; i++) {
		*(lanes *)(c + i * ldc) = sum[i][0];
		*(lanes *)(c + i * ldc + LANES) = sum[i][1];
	}
}

static void multiply_panel(real *c, size_t ldc, const real *a, size_t row, size_t column,
    const real *b, size_t ldb, size_t M, size_t K, bool add)
{
	size_t m = 0;

	for (; m + TILE <= M; m += TILE)
		multiply_tile(c + m * ldc, ldc, a + m * row, row, column, b, ldb, K, add, TILE);
	for (; m + 4 <= M; m += 4)
		multiply_tile(c + m * ldc, ldc, a + m * row, row, column, b, ldb, K, add, 4);
	for (; m < M; m++)
		multiply_tile(c + m * ldc, ldc, a + m * row, row, column, b, ldb, K, add, 1);
}

/* R rows of the first half of the columns. */
ALWAYS_INLINE void multiply_half_tile(real *c, size_t ldc, const real *a, size_t row, size_t column,
    const real *b, size_t ldb, size_t K, size_t R)
{
	lanes sum[TILE];

#pragma GCC unroll 12
	for (size_t i = 0; i < R; i++)
		sum[i] = (lanes){0};
	for (size_t k = 0; k < K; k++, a += column, b += ldb) {
		lanes x = *(const lanes *)b;

#pragma GCC unroll 12
		for (size_t i = 0; i < R; i++)
			sum[i] += (a[i * row] - (lanes){0}) * x;
	}
#pragma GCC unroll 12
	for (size_t i = 0; i < R; i++)
		*(lanes *)(c + i * ldc) = sum[i];
}

static void multiply_half_panel(real *c, size_t ldc, const real *a, size_t row, size_t column,
    const real *b, size_t ldb, size_t M, size_t K)
{
	size_t m = 0;

	for (; m + TILE <= M; m += TILE)
		multiply_half_tile(c + m * ldc, ldc, a + m * row, row, column, b, ldb, K, TILE);
	for (; m + 4 <= M; m += 4)
		multiply_half_tile(c + m * ldc, ldc, a + m * row, row, column, b, ldb, K, 4);
	for (; m < M; m++)
		multiply_half_tile(c + m * ldc, ldc, a + m * row, row, column, b, ldb, K, 1);
}

/* y [8,8] = x^T, in three steps of 2 x 2 blocks. */
static inline void transpose8(real *y, size_t ldy, const real *x, size_t ldx)
{
#if __has_builtin(__builtin_shufflevector)
	eight r[8], t[8];

	for (size_t i = 0; i < 8; i++)
		r[i] = *(const eight *)(x + i * ldx);
	for (int i = 0; i < 8; i += 2) {
		t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
		t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
	}
	for (int i = 0; i < 8; i += 4)
		for (int j = i; j < i + 2; j++) {
			r[j] = __builtin_shufflevector(t[j], t[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
			r[j + 2] =
			    __builtin_shufflevector(t[j], t[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
		}
	for (size_t i = 0; i < 4; i++) {
		*(eight *)(y + i * ldy) =
		    __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
		*(eight *)(y + (i + 4) * ldy) =
		    __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
	}
#else
	for (size_t i = 0; i < 8; i++)
		for (size_t j = 0; j < 8; j++)
			y[i * ldy + j] = x[j * ldx + i];
#endif
}

static void pack_transposed(real *panels, const real *w, size_t ldw, size_t N, size_t K)
{
	for (size_t n = 0; n < (N + WIDTH - 1) / WIDTH * WIDTH; n += 8) {
		real *to = panels + n / WIDTH * WIDTH * K + n % WIDTH;
		size_t k = 0;

		for (; n >= N && k < K; k++)
			memset(to + k * WIDTH, 0, 8 * sizeof *to);
		for (; n + 8 <= N && k + 8 <= K; k += 8)
			transpose8(to + k * WIDTH, WIDTH, w + n * ldw + k, ldw);
		for (; k < K; k++)
			for (size_t i = 0; i < 8; i++)
				to[k * WIDTH + i] = n + i < N ? w[(n + i) * ldw + k] : 0;
	}
}

static void pack_columns(real *panels, const real *w, size_t ldw, size_t N, size_t K)
{
	for (size_t n = 0; n < N; n += WIDTH)
		for (size_t k = 0; k < K; k++, panels += WIDTH) {
			if (n + WIDTH <= N) {
				*(lanes *)panels = *(const lanes *)(w + k * ldw + n);
				*(lanes *)(panels + LANES) =
				    *(const lanes *)(w + k * ldw + n + LANES);
			} else {
				memset(panels, 0, WIDTH * sizeof *panels);
				memcpy(panels, w + k * ldw + n, (N - n) * sizeof *panels);
			}
		}
}

const struct multiply MULTIPLY = {.width = WIDTH,
    .multiply = multiply_panel,
    .multiply_half = multiply_half_panel,
    .pack = pack_columns,
    .pack_transposed = pack_transposed};
