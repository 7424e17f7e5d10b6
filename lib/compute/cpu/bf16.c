#include "compute/cpu/bf16.h"

#include "base/minmax.h"

#include <string.h>

#ifdef CDCD_BF16

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,prefer-vector-width=512")
#endif

/* A mask of the first n of 32 lanes. */
static inline __mmask32 mask_first(size_t n)
{
	return n >= 32 ? ~(__mmask32)0 : ((__mmask32)1 << n) - 1;
}

/* --- packing --- */

/* Round n floats, up to 32, to bf16. The others are zero. */
static inline __m512i round32(const float *x, size_t n, enum bf16_part part)
{
	__mmask32 m = mask_first(n);
	__m512 a = _mm512_maskz_loadu_ps((__mmask16)m, x);
	__m512 b = _mm512_maskz_loadu_ps((__mmask16)(m >> 16), x + (m >> 16 ? 16 : 0));
	__m512i high = (__m512i)_mm512_cvtne2ps_pbh(b, a);

	if (part == BF16_LOW) {
		__m256i low_half = _mm512_castsi512_si256(high);
		__m256i high_half = _mm512_extracti64x4_epi64(high, 1);
		__m512i ha = _mm512_slli_epi32(_mm512_cvtepu16_epi32(low_half), 16);
		__m512i hb = _mm512_slli_epi32(_mm512_cvtepu16_epi32(high_half), 16);

		a = _mm512_sub_ps(a, _mm512_castsi512_ps(ha));
		b = _mm512_sub_ps(b, _mm512_castsi512_ps(hb));
		high = (__m512i)_mm512_cvtne2ps_pbh(b, a);
	}
	return high;
}

/* Transpose 16 rows of 16 32-bit numbers, in four steps of 2 x 2 blocks. */
static inline void transpose16(__m512i r[16])
{
	__m512i t[16];

	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
	for (int i = 0; i < 16; i += 4) {
		r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	for (int i = 0; i < 16; i += 8)
		for (int j = 0; j < 4; j++) {
			t[i + j] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0x88);
			t[i + j + 4] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0xdd);
		}
	for (int j = 0; j < 8; j++) {
		r[j] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0x88);
		r[j + 8] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0xdd);
	}
}

void bf16_pack_transposed(bf16 *panels, size_t stride, const float *w, size_t ldw, size_t N,
    size_t K, enum bf16_part part)
{
	size_t length = stride ? stride : bf16_padded(K);

	for (size_t n = 0; n < bf16_padded(N); n += 16) {
		bf16 *to = panels + n / BF16_PANEL * length * BF16_PANEL + n % BF16_PANEL * 2;

		for (size_t k = 0; k < bf16_padded(K); k += 32) {
			__m512i r[16];

			for (size_t i = 0; i < 16; i++)
				r[i] = n + i < N
				           ? round32(w + (n + i) * ldw + k, k < K ? K - k : 0, part)
				           : _mm512_setzero_si512();
			transpose16(r);
			for (size_t i = 0; i < 16; i++)
				_mm512_storeu_si512(to + (k / 2 + i) * 2 * BF16_PANEL, r[i]);
		}
	}
}

void bf16_pack_bf16_transposed(bf16 *panels, const bf16 *w, size_t ldw, size_t N, size_t K)
{
	for (size_t n = 0; n < bf16_padded(N); n += 16) {
		bf16 *to =
		    panels + n / BF16_PANEL * bf16_padded(K) * BF16_PANEL + n % BF16_PANEL * 2;

		for (size_t k = 0; k < K; k += 32) {
			__mmask32 columns = mask_first(K - k);
			__m512i r[16];

			for (size_t i = 0; i < 16; i++)
				r[i] = _mm512_maskz_loadu_epi16(
				    n + i < N ? columns : 0, w + (n + i) * ldw + k);
			transpose16(r);
			for (size_t i = 0; i < 16; i++)
				_mm512_storeu_si512(to + (k / 2 + i) * 2 * BF16_PANEL, r[i]);
		}
	}
}

/* Store two rows of 32 columns as 32 pairs. */
static inline void store_pairs(bf16 *to, __m512i even, __m512i odd)
{
	const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9,
	    40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
	const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));

	_mm512_storeu_si512(to, _mm512_permutex2var_epi16(even, low, odd));
	_mm512_storeu_si512(to + BF16_PANEL, _mm512_permutex2var_epi16(even, high, odd));
}

void bf16_pack(bf16 *panels, const float *w, size_t ldw, size_t K, size_t N)
{
	for (size_t k = 0; k < bf16_padded(K); k += 2)
		for (size_t n = 0; n < N; n += BF16_PANEL) {
			const float *at = w + k * ldw + n;
			__m512i even =
			    round32(at, k < K ? min_size(N - n, BF16_PANEL) : 0, BF16_HIGH);
			__m512i odd = round32(
			    at + ldw, k + 1 < K ? min_size(N - n, BF16_PANEL) : 0, BF16_HIGH);

			store_pairs(panels + n * bf16_padded(K) + k * BF16_PANEL, even, odd);
		}
}

void bf16_pack_bf16(bf16 *panels, const bf16 *w, size_t ldw, size_t K, size_t N)
{
	for (size_t k = 0; k < bf16_padded(K); k += 2)
		for (size_t n = 0; n < N; n += BF16_PANEL) {
			const bf16 *at = w + k * ldw + n;
			__mmask32 m = mask_first(N - n);
			__m512i even = _mm512_maskz_loadu_epi16(k < K ? m : 0, at);
			__m512i odd = _mm512_maskz_loadu_epi16(k + 1 < K ? m : 0, at + ldw);

			store_pairs(panels + n * bf16_padded(K) + k * BF16_PANEL, even, odd);
		}
}

/* Transposes pairs of rows as 32-bit numbers: their elements are neighbours in the result. */
void bf16_transpose(bf16 *a, size_t lda, const bf16 *x, size_t ldx, size_t M, size_t N)
{
	for (size_t n = 0; n < N; n += 16)
		for (size_t m = 0; m < bf16_padded(M); m += 32) {
			__mmask32 columns = mask_first(min_size(N - n, 16));
			__m512i r[16];

			for (size_t i = 0; i < 16; i++) {
				const bf16 *at = x + (m + 2 * i) * ldx + n;
				__mmask32 even = m + 2 * i < M ? columns : 0;
				__mmask32 odd = m + 2 * i + 1 < M ? columns : 0;
				__m512i lower = _mm512_cvtepu16_epi32(
				    _mm512_castsi512_si256(_mm512_maskz_loadu_epi16(even, at)));
				__m512i upper = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(
				    _mm512_maskz_loadu_epi16(odd, at + ldx)));

				r[i] = _mm512_or_si512(lower, _mm512_slli_epi32(upper, 16));
			}
			transpose16(r);
			for (size_t i = 0; i < 16 && n + i < N; i++)
				_mm512_storeu_si512(a + (n + i) * lda + m, r[i]);
		}
}

void bf16_round(
    bf16 *a, size_t lda, const float *x, size_t ldx, size_t M, size_t K, enum bf16_part part)
{
	for (size_t m = 0; m < M; m++)
		for (size_t k = 0; k < lda; k += 32)
			_mm512_mask_storeu_epi16(a + m * lda + k, mask_first(lda - k),
			    round32(x + m * ldx + k, k < K ? K - k : 0, part));
}

void bf16_copy(bf16 *a, size_t lda, const bf16 *x, size_t ldx, size_t M, size_t K)
{
	for (size_t m = 0; m < M; m++) {
		memcpy(a + m * lda, x + m * ldx, K * sizeof *a);
		memset(a + m * lda + K, 0, (lda - K) * sizeof *a);
	}
}

/* --- VDPBF16PS --- */

/*
 * Multiply R rows of a by 16 or 32 columns of a panel (H = 1 or 2). The R H vectors of sums stay in
 * registers for all of K. Each pair in a row of a is broadcast to all lanes, and multiplied with
 * the pairs of 16 columns.
 */
static inline __attribute__((always_inline)) void multiply_rows(
    float *c, size_t ldc, const bf16 *a, size_t lda, const bf16 *b, size_t K, size_t R, size_t H)
{
	__m512 sum[12][2];

	for (size_t i = 0; i < R; i++)
		sum[i][0] = sum[i][1] = _mm512_setzero_ps();
	for (size_t k = 0; k < K; k += 2, b += 2 * BF16_PANEL) {
		__m512bh left = (__m512bh)_mm512_loadu_si512(b);
		__m512bh right = (__m512bh)_mm512_loadu_si512(b + BF16_PANEL);

#pragma GCC unroll 12
		for (size_t i = 0; i < R; i++) {
			int32_t two;
			__m512bh pair;

			memcpy(&two, a + i * lda + k, sizeof two);
			pair = (__m512bh)_mm512_set1_epi32(two);
			sum[i][0] = _mm512_dpbf16_ps(sum[i][0], pair, left);
			if (H > 1)
				sum[i][1] = _mm512_dpbf16_ps(sum[i][1], pair, right);
		}
	}
	for (size_t i = 0; i < R; i++) {
		_mm512_storeu_ps(c + i * ldc, sum[i][0]);
		if (H > 1)
			_mm512_storeu_ps(c + i * ldc + 16, sum[i][1]);
	}
}

static inline __attribute__((always_inline)) void multiply_columns(float *c, size_t ldc,
    const bf16 *a, size_t lda, const bf16 *panel, size_t M, size_t K, size_t H)
{
	size_t m = 0;

	for (; m + 12 <= M; m += 12)
		multiply_rows(c + m * ldc, ldc, a + m * lda, lda, panel, K, 12, H);
	for (; m + 4 <= M; m += 4)
		multiply_rows(c + m * ldc, ldc, a + m * lda, lda, panel, K, 4, H);
	for (; m < M; m++)
		multiply_rows(c + m * ldc, ldc, a + m * lda, lda, panel, K, 1, H);
}

static void multiply_avx512(float *c, size_t ldc, const bf16 *a, size_t lda, const bf16 *panel,
    size_t M, size_t N, size_t K)
{
	if (N > 16)
		multiply_columns(c, ldc, a, lda, panel, M, K, 2);
	else
		multiply_columns(c, ldc, a, lda, panel, M, K, 1);
}

const struct bf16_unit bf16_unit_avx512 = {
    .name = "avx512 bf16", .depth = 2, .multiply = multiply_avx512};

#if defined(__clang__)
#pragma clang attribute pop
#endif

/* --- any unit --- */

void bf16_multiply(const struct bf16_unit *u, float *c, size_t ldc, const bf16 *a, size_t lda,
    const bf16 *panels, size_t M, size_t N, size_t K)
{
	size_t depth = (K + u->depth - 1) / u->depth * u->depth;

	for (size_t n = 0; n < N; n += BF16_PANEL)
		u->multiply(c + n, ldc, a, lda, panels + n * bf16_padded(K), M,
		    min_size(N - n, BF16_PANEL), depth);
}

#endif
