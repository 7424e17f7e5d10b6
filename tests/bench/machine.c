/*
 * What this machine can do at most, as CSV (what,unit,value), with as many threads as are asked
 * for: multiply-adds in fp32 and of bf16 out of registers or tiles, copying of memory, and how long
 * it takes to start and to end a loop of all threads. The best of some short runs, for whoever
 * shares the machine only takes away. Run by "make bench" and "make bench-threads".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "compute/cpu/bf16.h"

enum { REPEAT = 7, LOOPS = 400000, COPY = 64 << 20 };

#if defined(__x86_64__)
#include <immintrin.h>

/* Twelve sums, so that none waits for itself. */
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define ADD512(i) "vfmadd231ps %%zmm30, %%zmm31, %%zmm" #i "\n\t"
#define ADD256(i) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #i "\n\t"
#define DOT512(i) "vdpbf16ps %%zmm30, %%zmm31, %%zmm" #i "\n\t"
#define SUMS                                                                                       \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",   \
	    "xmm11"

static void fp32_512(void *arg, size_t begin, size_t end, int rank)
{
	(void)arg, (void)begin, (void)end, (void)rank;
	for (int i = 0; i < LOOPS; i++)
		__asm__ volatile(EACH(ADD512) : : : SUMS);
}

static void fp32_256(void *arg, size_t begin, size_t end, int rank)
{
	(void)arg, (void)begin, (void)end, (void)rank;
	for (int i = 0; i < LOOPS; i++)
		__asm__ volatile(EACH(ADD256) : : : SUMS);
}

static void bf16_512(void *arg, size_t begin, size_t end, int rank)
{
	(void)arg, (void)begin, (void)end, (void)rank;
	for (int i = 0; i < LOOPS; i++)
		__asm__ volatile(EACH(DOT512) : : : SUMS);
}

/* Tiles that stay in L1: the unit has no way to load nothing. */
static void bf16_tiles(void *arg, size_t begin, size_t end, int rank)
{
	static _Thread_local bf16 a[32 * 256], panel[256 * BF16_PANEL];
	static _Thread_local float c[32 * BF16_PANEL];

	(void)arg, (void)begin, (void)end, (void)rank;
	for (int i = 0; i < LOOPS / 64; i++)
		bf16_unit_amx.multiply(c, BF16_PANEL, a, 256, panel, 32, BF16_PANEL, 256);
}
#endif

struct copy {
	char *to, *from;
};

static void copy(void *arg, size_t begin, size_t end, int rank)
{
	struct copy *c = arg;

	(void)rank;
	memcpy(c->to + begin, c->from + begin, end - begin);
}

static void report(const char *what, const char *unit, struct pool *p, pool_body *body, void *arg,
    size_t n, double work)
{
	double best = 0;

	for (int i = 0; i < REPEAT; i++) {
		double start = clock_seconds(), rate;

		pool_for(p, n, body, arg);
		rate = work / (clock_seconds() - start);
		best = rate > best ? rate : best;
	}
	printf("%s,%s,%.1f\n", what, unit, 1e-9 * best);
}

#define PIECE_SECONDS 5e-6

static void wait_pieces(void *arg, size_t begin, size_t end, int rank)
{
	double until = clock_seconds() + PIECE_SECONDS * (double)(end - begin);

	(void)arg, (void)rank;
	while (clock_seconds() < until)
		;
}

/* What loops take longer than the work of one thread, four pieces: the best of short series, in
 * which all threads have a processor. */
static void report_loop(struct pool *p)
{
	enum { SERIES = 5000, LENGTH = 10, PIECES = 4 };
	double best = 1;

	for (int i = 0; i < SERIES; i++) {
		double start = clock_seconds(), took;

		for (int j = 0; j < LENGTH; j++)
			pool_for(p, (size_t)pool_size(p) * PIECES, wait_pieces, NULL);
		took = (clock_seconds() - start) / LENGTH - PIECES * PIECE_SECONDS;
		best = took < best ? took : best;
	}
	printf("loop,us,%.3f\n", 1e6 * best);
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : pool_cpus();
	struct err e;
	struct pool *p = pool_new(threads > 0 ? threads : 1, &e);
	struct copy c = {malloc(COPY), malloc(COPY)};
	size_t n = p ? (size_t)pool_size(p) : 0;

	if (!p || !c.to || !c.from)
		return 1;
	memset(c.to, 1, COPY);
	memset(c.from, 2, COPY);
	puts("what,unit,value");
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		report("fp32 multiply-add", "GFLOP/s", p, fp32_512, NULL, n,
		    12.0 * 32 * LOOPS * (double)n);
	else if (__builtin_cpu_supports("fma"))
		report("fp32 multiply-add", "GFLOP/s", p, fp32_256, NULL, n,
		    12.0 * 16 * LOOPS * (double)n);
	if (amx_usable())
		report("bf16 multiply-add", "GFLOP/s", p, bf16_tiles, NULL, n,
		    2.0 * 32 * BF16_PANEL * 256 * (LOOPS / 64) * (double)n);
	else if (__builtin_cpu_supports("avx512bf16"))
		report("bf16 multiply-add", "GFLOP/s", p, bf16_512, NULL, n,
		    12.0 * 64 * LOOPS * (double)n);
#endif
	report("copy (read and write)", "GB/s", p, copy, &c, COPY, 2.0 * COPY);
	report_loop(p);
	free(c.to);
	free(c.from);
	pool_free(p);
	return 0;
}
