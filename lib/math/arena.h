#ifndef CDCD_ARENA_H
#define CDCD_ARENA_H

/*
 * Buffers laid out one behind the other in a single allocation. A layout is a function that takes
 * its buffers in turn; run once on an arena without a base it measures, run again it hands them
 * out.
 */

#include <stddef.h>

struct arena {
	char *base; /* NULL while measuring */
	size_t used;
};

/* arena_take - room for n elements of size bytes, aligned to 64 bytes; NULL while measuring. */
static inline void *arena_take(struct arena *a, size_t n, size_t size)
{
	void *p = a->base ? a->base + a->used : NULL;

	a->used += (n * size + 63) / 64 * 64;
	return p;
}

#endif
