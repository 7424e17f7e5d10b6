#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/mem.h"
#include "compute/cpu/cpu.h"

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

const char *const k_precisions[] = {"auto", "fp32", "bf16", NULL};

static const struct rows *choose_rows(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		return &rows_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &rows_avx2;
#endif
	return &rows_plain;
}

static int choose(struct kernels *k, enum k_precision precision, struct err *e)
{
	k->rows = choose_rows();
	k->matmul = &matmul_fp32;
	if (precision == K_FP32)
		return 0;
#ifdef CDCD_BF16
	k->unit = bf16_unit_best();
	if (k->unit) {
		k->rows = &rows_bf16;
		k->matmul = &matmul_bf16;
		return 0;
	}
#endif
	return precision == K_AUTO
	           ? 0
	           : err_set(e,
	                 "precision bf16: this processor has neither AVX-512 nor AMX products "
	                 "of bf16; use fp32");
}

static void set_name(struct kernels *k, size_t n)
{
	snprintf(k->name, sizeof k->name, "cpu, %s, %zu thread%s",
	    k->unit ? k->unit->name : k->rows->name, n, n > 1 ? "s" : "");
}

struct kernels *k_new(int threads, enum k_precision precision, struct err *e)
{
	struct kernels *k = mem_array(1, sizeof *k, e);
	size_t n;

	if (!k)
		return NULL;
	n = (size_t)(threads > 0 ? threads : pool_cpus());
	k->scratch = mem_array(n + 1, sizeof *k->scratch, e);
	k->scratch_size = mem_array(n + 1, sizeof *k->scratch_size, e);
	k->partial = mem_array(n, sizeof *k->partial, e);
	if (!k->scratch || !k->scratch_size || !k->partial || choose(k, precision, e) ||
	    !(k->pool = pool_new((int)n, e)) || cpu_blas_init(k->pool, e)) {
		k_free(k);
		return NULL;
	}
	set_name(k, n);
	return k;
}

void k_free(struct kernels *k)
{
	if (!k)
		return;
	for (int i = 0; k->pool && k->scratch && i <= pool_size(k->pool); i++)
		free(k->scratch[i]);
	pool_free(k->pool);
	free(k->scratch);
	free(k->scratch_size);
	free(k->partial);
	free(k);
}

int k_threads(const struct kernels *k)
{
	return pool_size(k->pool);
}

const char *k_name(const struct kernels *k)
{
	return k->name;
}

/* --- accounts --- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct k_share *account(struct kernels *k, const char *name)
{
	size_t i = 0;

	while (i < k->n_shares && strcmp(k->share[i].name, name) != 0)
		i++;
	if (i == k->n_shares && i + 1 < K_SHARES)
		k->share[k->n_shares++].name = name;
	return &k->share[i];
}

static void run(struct kernels *k, struct k_share *s, size_t n, pool_body *body, void *arg)
{
	double start = seconds();

	pool_for(k->pool, n, body, arg);
	s->seconds += seconds() - start;
	s->calls++;
}

void cpu_for(
    struct kernels *k, const char *name, double flops, size_t n, pool_body *body, void *arg)
{
	struct k_share *s = account(k, name);

	run(k, s, n, body, arg);
	s->flops += flops;
}

void cpu_stream(
    struct kernels *k, const char *name, size_t bytes, size_t n, pool_body *body, void *arg)
{
	struct k_share *s = account(k, name);

	run(k, s, n, body, arg);
	s->bytes += (double)bytes;
}

size_t k_profile(const struct kernels *k, struct k_share share[K_SHARES])
{
	memcpy(share, k->share, sizeof k->share);
	return k->n_shares;
}

/* --- memory --- */

/* Large blocks sit on huge pages: a first touch of 4 KiB pages costs more than the work. */
static size_t alignment(size_t bytes)
{
	return bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGN;
}

size_t k_alloc_bytes(const struct kernels *k, size_t bytes)
{
	(void)k;
	return (bytes + alignment(bytes)) / alignment(bytes) * alignment(bytes);
}

void *k_alloc(struct kernels *k, size_t bytes, struct err *e)
{
	size_t align = alignment(bytes), rounded = k_alloc_bytes(k, bytes);
	void *p;

	if (rounded < bytes || !(p = aligned_alloc(align, rounded))) {
		err_set(e, "out of memory: %zu bytes", bytes);
		return NULL;
	}
#ifdef MADV_HUGEPAGE
	if (align == HUGE_PAGE)
		madvise(p, rounded, MADV_HUGEPAGE);
#endif
	memset(p, 0, rounded);
	return p;
}

void k_release(struct kernels *k, void *p)
{
	(void)k;
	free(p);
}

void k_put(struct kernels *k, void *device, const void *host, size_t bytes)
{
	(void)k;
	memcpy(device, host, bytes);
}

void k_get(struct kernels *k, void *host, const void *device, size_t bytes)
{
	(void)k;
	memcpy(host, device, bytes);
}

size_t k_act_size(const struct kernels *k)
{
	return k->matmul->act_size;
}

const real *k_host(struct kernels *k, const real *x, size_t n)
{
	(void)k;
	(void)n;
	return x;
}

void *k_map(struct kernels *k, void *p, size_t bytes)
{
	(void)k;
	(void)bytes;
	return p;
}

void k_unmap(struct kernels *k, void *p, size_t bytes)
{
	(void)k;
	(void)p;
	(void)bytes;
}

void cpu_need(struct k_need *need, size_t each, size_t shared)
{
	need->each = each > need->each ? each : need->each;
	need->shared = shared > need->shared ? shared : need->shared;
}

size_t k_need_bytes(const struct kernels *k, const struct k_need *need)
{
	size_t each = need->each ? k_alloc_bytes(k, need->each * sizeof(real)) : 0;
	size_t shared = need->shared ? k_alloc_bytes(k, need->shared * sizeof(real)) : 0;

	return (size_t)k_threads(k) * each + shared;
}

static int reserve(struct kernels *k, int i, size_t n, struct err *e)
{
	if (n <= k->scratch_size[i])
		return 0;
	free(k->scratch[i]);
	k->scratch_size[i] = 0;
	k->scratch[i] = k_alloc(k, n * sizeof **k->scratch, e);
	if (!k->scratch[i])
		return -1;
	k->scratch_size[i] = n;
	return 0;
}

int k_reserve(struct kernels *k, const struct k_need *need, struct err *e)
{
	for (int i = 0; i < k_threads(k); i++)
		if (reserve(k, i, need->each, e))
			return -1;
	return reserve(k, k_threads(k), need->shared, e);
}

void k_zero(struct kernels *k, real *x, size_t n)
{
	(void)k;
	memset(x, 0, n * sizeof *x);
}

void k_copy(struct kernels *k, real *to, const real *from, size_t n)
{
	(void)k;
	memcpy(to, from, n * sizeof *to);
}
