#ifndef CDCD_ARENA_H
#define CDCD_ARENA_H

/*
 * All the memory of a thing that computes. Its buffers lie one behind the other in a single
 * allocation. A layout is a function that takes the buffers in turn; run once on an arena without a
 * base it measures, run again it hands them out. What is needed besides is counted by the same
 * function: scratch of the kernels in need, and arrays from malloc in host. So what arena_bytes
 * says before anything is allocated holds for all of it.
 */

#include "math/kernels.h"

struct arena {
	char *base; /* NULL while measuring */
	size_t used;
	struct k_need need;
	size_t host; /* bytes of host memory, which the owner allocates */
};

/* arena_take - room for n elements of size bytes, aligned to 64 bytes; NULL while measuring. */
static inline void *arena_take(struct arena *a, size_t n, size_t size)
{
	void *p = a->base ? a->base + a->used : NULL;

	a->used += (n * size + 63) / 64 * 64;
	return p;
}

/* arena_bytes - memory that an arena that has been measured takes in all. */
static inline size_t arena_bytes(const struct kernels *k, const struct arena *a)
{
	return k_alloc_bytes(k, a->used) + k_need_bytes(k, &a->need) + a->host;
}

/* arena_alloc - allocate the buffers that have been measured, and the scratch; the layout is to be
 * run again. k_release(k, a->base) frees the buffers. Returns 0 or -1. */
static inline int arena_alloc(struct arena *a, struct kernels *k, struct err *e)
{
	char *base = k_alloc(k, a->used, e);

	if (!base || k_reserve(k, &a->need, e)) {
		k_release(k, base);
		return -1;
	}
	*a = (struct arena){.base = base};
	return 0;
}

#endif
