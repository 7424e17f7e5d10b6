#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ground/mem.h"
#include "math/cpu.h"

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

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

struct kernels *k_new(int threads, struct err *e)
{
	struct kernels *k = mem_array(1, sizeof *k, e);
	size_t n;

	if (!k)
		return NULL;
	n = (size_t)(threads > 0 ? threads : pool_cpus());
	/* Each of our threads calls a serial product on its own slice: two teams would fight. */
	openblas_set_num_threads(1);
	k->rows = choose_rows();
	k->scratch = mem_array(n + 1, sizeof *k->scratch, e);
	k->scratch_size = mem_array(n + 1, sizeof *k->scratch_size, e);
	k->partial = mem_array(n, sizeof *k->partial, e);
	if (!k->scratch || !k->scratch_size || !k->partial || !(k->pool = pool_new((int)n, e))) {
		k_free(k);
		return NULL;
	}
	snprintf(
	    k->name, sizeof k->name, "cpu, %s, %zu thread%s", k->rows->name, n, n > 1 ? "s" : "");
	return k;
}

void k_free(struct kernels *k)
{
	if (!k)
		return;
	for (int i = 0; k->pool && i <= pool_size(k->pool); i++)
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

/* Large blocks sit on huge pages: a first touch of 4 KiB pages costs more than the work. */
void *k_alloc(struct kernels *k, size_t bytes, struct err *e)
{
	size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGN;
	size_t rounded = (bytes + align) / align * align;
	void *p;

	(void)k;
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

const real *k_host(struct kernels *k, const real *x, size_t n)
{
	(void)k;
	(void)n;
	return x;
}

int cpu_reserve(struct kernels *k, int i, size_t n, struct err *e)
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
