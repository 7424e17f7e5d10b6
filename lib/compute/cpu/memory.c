/* Memory of the CPU: host and device are the same. */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/minmax.h"
#include "compute/cpu/cpu.h"

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

/* Large blocks use huge pages: the page faults of 4 KiB pages cost more than the work. */
static size_t alloc_alignment(size_t bytes)
{
	return bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGN;
}

size_t k_alloc_bytes(const struct kernels *k, size_t bytes)
{
	(void)k;
	return (bytes + alloc_alignment(bytes)) / alloc_alignment(bytes) * alloc_alignment(bytes);
}

void *k_alloc(struct kernels *k, size_t bytes, struct err *e)
{
	size_t align = alloc_alignment(bytes), rounded = k_alloc_bytes(k, bytes);
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
	need->each = max_size(each, need->each);
	need->shared = max_size(shared, need->shared);
}

size_t k_need_bytes(const struct kernels *k, const struct k_need *need)
{
	size_t each = need->each ? k_alloc_bytes(k, need->each * sizeof(real)) : 0;
	size_t shared = need->shared ? k_alloc_bytes(k, need->shared * sizeof(real)) : 0;

	return (size_t)cpu_threads(k) * each + shared;
}

/* Make scratch i at least n elements long. */
static int reserve_scratch(struct kernels *k, int i, size_t n, struct err *e)
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
	for (int i = 0; i < cpu_threads(k); i++)
		if (reserve_scratch(k, i, need->each, e))
			return -1;
	return reserve_scratch(k, cpu_threads(k), need->shared, e);
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
