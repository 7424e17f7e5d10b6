#ifndef CDCD_ARENA_H
#define CDCD_ARENA_H

/*
 * An arena: one allocation that holds all buffers of an object, one after the other. The owner
 * writes a layout function that takes the buffers in turn. The first call, on an arena without a
 * base, measures their size; the second call, after arena_alloc, assigns them. The layout function
 * also counts other memory: kernel scratch in need, and arrays from malloc in host. arena_bytes
 * therefore gives the total before anything is allocated.
 */

#include "compute/kernels.h"

struct arena {
	char *base; /* NULL while measuring */
	size_t used;
	struct k_need need;
	size_t host; /* bytes of host memory, which the owner allocates */
};

/* arena_take - a buffer for n elements of size bytes, aligned to 64 bytes; NULL while measuring. If
 * the buffers need more bytes than a size_t can hold, used becomes SIZE_MAX, and arena_alloc fails.
 */
static inline void *arena_take(struct arena *a, size_t n, size_t size)
{
	void *p = a->base ? a->base + a->used : NULL;
	size_t left = SIZE_MAX - a->used;

	if (left < 64 || n > (left - 63) / size)
		a->used = SIZE_MAX;
	else
		a->used += (n * size + 63) / 64 * 64;
	return p;
}

/* arena_bytes - total memory for a measured arena, bytes; SIZE_MAX if used is. */
static inline size_t arena_bytes(const struct kernels *k, const struct arena *a)
{
	if (a->used == SIZE_MAX)
		return SIZE_MAX;
	return k_alloc_bytes(k, a->used) + k_need_bytes(k, &a->need) + a->host;
}

/* arena_alloc - allocate the measured buffers and the scratch. The caller then runs the layout
 * again. k_release(k, a->base) frees the buffers. Returns 0 or -1. */
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
