/*
 * AMX. TDPBF16PS multiplies a tile of 16 rows of 32 bf16 by a tile of 16 pairs of rows, of 16
 * columns each. Four tiles of sums, two of A and two of B use all eight registers:
 *
 *             B: 4 | 5        32 columns, a panel (bf16.h)
 *       A: 6   C: 0 | 1
 *          7      2 | 3       32 rows
 *
 * amx_body.h has the order of the instructions. It is compiled twice: with the instructions, and
 * with plain C that does the same on tiles in memory, following Intel's manual (325462, TDPBF16PS,
 * TILELOADD). So the order is tested on processors without AMX, and AMX is tested against plain C.
 */

#include "base/minmax.h"
#include "compute/cpu/bf16.h"

#ifdef CDCD_BF16

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct tile_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t bytes[16]; /* in a row of each tile */
	uint8_t rows[16];
};

/* The configuration for A with this number of rows in the upper tile (6) and in the lower (7). */
static struct tile_config configure_tiles(size_t upper, size_t lower)
{
	struct tile_config t = {.palette = 1};
	const size_t rows[8] = {upper, upper, lower, lower, 16, 16, upper, lower};

	for (int i = 0; i < 8; i++) {
		t.bytes[i] = 64;
		t.rows[i] = (uint8_t)(rows[i] ? rows[i] : 1);
	}
	return t;
}

/* --- plain C, on tiles in memory --- */

struct tiles {
	struct tile_config config;
	float c[4][16][16];
	bf16 b[2][16][32], a[2][16][32];
};

static void dot_plain_tiles(struct tiles *s, int c, int a, int b)
{
	for (size_t m = 0; m < s->config.rows[c]; m++)
		for (size_t k = 0; k < 16; k++)
			for (size_t n = 0; n < 16; n++) {
				float sum = s->c[c][m][n];

				sum += bf16_to_float(s->a[a - 6][m][2 * k]) *
				       bf16_to_float(s->b[b - 4][k][2 * n]);
				sum += bf16_to_float(s->a[a - 6][m][2 * k + 1]) *
				       bf16_to_float(s->b[b - 4][k][2 * n + 1]);
				s->c[c][m][n] = sum;
			}
}

static void load_plain_tile(struct tiles *s, int tile, const bf16 *from, size_t stride)
{
	bf16(*to)[32] = tile >= 6 ? s->a[tile - 6] : s->b[tile - 4];

	for (size_t r = 0; r < s->config.rows[tile]; r++)
		memcpy(to[r], from + r * stride, sizeof to[r]);
}

static void store_plain_tile(const struct tiles *s, int tile, float *to, size_t stride)
{
	for (size_t r = 0; r < s->config.rows[tile]; r++)
		memcpy(to + r * stride, s->c[tile][r], sizeof s->c[tile][r]);
}

#define TILES struct tiles s
#define CONFIGURE(from) (s.config = *(from))
#define RELEASE() ((void)0)
#define ZERO(tile) memset(s.c[tile], 0, sizeof s.c[tile])
#define LOAD(tile, from, stride) load_plain_tile(&s, tile, from, stride)
#define DOT(c, a, b) dot_plain_tiles(&s, c, a, b)
#define STORE(tile, to, stride) store_plain_tile(&s, tile, to, stride)
#define MULTIPLY multiply_plain
#include "compute/cpu/amx_body.h"
#undef TILES
#undef CONFIGURE
#undef RELEASE
#undef ZERO
#undef LOAD
#undef DOT
#undef STORE
#undef MULTIPLY

const struct bf16_unit bf16_unit_plain = {"plain bf16", true, 32, multiply_plain};

/* --- with the instructions --- */

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC target("amx-tile,amx-bf16")
#endif

/* _tile_loadconfig of gcc 12 names only the first 8 of the 64 bytes as its operand, and _tile_loadd
 * no memory at all. So the compiler could delay or remove stores to the configuration, or to A and
 * B. Here, the operand is the whole configuration, and all stores before it are made. */
#define CONFIGURE(from) __asm__ volatile("ldtilecfg %0" : : "m"(*(from)) : "memory")
#define TILES (void)0
#define RELEASE() _tile_release()
#define ZERO(tile) _tile_zero(tile)
#define LOAD(tile, from, stride) _tile_loadd(tile, from, (stride) * sizeof(bf16))
#define DOT(c, a, b) _tile_dpbf16ps(c, a, b)
#define STORE(tile, to, stride) _tile_stored(tile, to, (stride) * sizeof(float))
#define MULTIPLY multiply_amx
#include "compute/cpu/amx_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

const struct bf16_unit bf16_unit_amx = {"amx bf16", true, 32, multiply_amx};

/* Compare a product with the same in plain C. The feature bits are not enough: some virtual
 * machines show them but do not support the instructions. */
static bool amx_multiplies(void)
{
	bf16 a[40 * 64], b[64 * BF16_PANEL];
	float c[2][40 * BF16_PANEL];

	for (size_t i = 0; i < sizeof a / sizeof *a; i++)
		a[i] = (bf16)(0x3f00 + i * 7 % 128);
	for (size_t i = 0; i < sizeof b / sizeof *b; i++)
		b[i] = (bf16)(0xbf00 + i * 5 % 128);
	multiply_amx(c[0], BF16_PANEL, a, 64, b, 40, BF16_PANEL, 64);
	multiply_plain(c[1], BF16_PANEL, a, 64, b, 40, BF16_PANEL, 64);
	for (size_t i = 0; i < 40 * BF16_PANEL; i++)
		if (!(c[0][i] <= c[1][i] + 0.01f && c[0][i] >= c[1][i] - 0.01f))
			return false;
	return true;
}

bool amx_usable(void)
{
	enum { TILE = 1 << 24, BF16 = 1 << 22, ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
	unsigned a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (TILE | BF16)) != (TILE | BF16))
		return false;
#ifdef __linux__
	if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA))
		return false;
	return amx_multiplies();
#else
	return false;
#endif
}

#endif
