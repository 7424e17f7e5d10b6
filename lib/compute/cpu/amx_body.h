/* MULTIPLY: c [M,32] = a [M,K] panel [K,32], as struct bf16_unit describes, whatever N is. amx.c
 * includes this and defines the macros. */

static void MULTIPLY(float *c, size_t ldc, const bf16 *a, size_t lda, const bf16 *panel, size_t M,
    size_t N, size_t K)
{
	struct tile_config config;
	size_t upper = 0, lower = 0;
	TILES;

	(void)N;
	for (size_t m = 0; m < M; m += 32) {
		size_t rows = min_size(M - m, 32);
		size_t half = min_size(rows, 16);
		const bf16 *top = a + m * lda;
		/* Without a lower half, read the upper half twice, and drop these sums. */
		const bf16 *bottom = rows > 16 ? top + 16 * lda : top;

		if (half != upper || rows - half != lower) {
			upper = half;
			lower = rows - half;
			config = configure_tiles(upper, lower);
			CONFIGURE(&config);
		}
		ZERO(0);
		ZERO(1);
		ZERO(2);
		ZERO(3);
		for (size_t k = 0; k < K; k += 32) {
			LOAD(4, panel + k * BF16_PANEL, 2 * BF16_PANEL);
			LOAD(5, panel + k * BF16_PANEL + BF16_PANEL, 2 * BF16_PANEL);
			LOAD(6, top + k, lda);
			LOAD(7, bottom + k, lda);
			DOT(0, 6, 4);
			DOT(1, 6, 5);
			DOT(2, 7, 4);
			DOT(3, 7, 5);
		}
		STORE(0, c + m * ldc, ldc);
		STORE(1, c + m * ldc + 16, ldc);
		if (!lower)
			continue;
		STORE(2, c + (m + 16) * ldc, ldc);
		STORE(3, c + (m + 16) * ldc + 16, ldc);
	}
	RELEASE();
}
