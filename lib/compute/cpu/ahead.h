#ifndef CDCD_CPU_AHEAD_H
#define CDCD_CPU_AHEAD_H

/*
 * Memory that will be needed soon: rows at a distance, which processors do not foresee. A product
 * in attention fetches some of them into the cache after each of its tiles. Fetched all at one time
 * they would take longer, since only a few lines can be under way.
 */

#include <stddef.h>
#include <stdint.h>

enum { AHEAD_PARTS = 8, AHEAD_LINE = 64 };

struct ahead {
	struct {
		const char *at;
		size_t rows, bytes, ld; /* ld: bytes between rows */
	} part[AHEAD_PARTS];
	size_t parts, next; /* next: the first that has rows left */
};

/* ahead_add - also fetch these rows; at most AHEAD_PARTS times. */
static inline void ahead_add(struct ahead *a, const void *at, size_t rows, size_t bytes, size_t ld)
{
	a->part[a->parts].at = at;
	a->part[a->parts].rows = rows;
	a->part[a->parts].bytes = bytes;
	a->part[a->parts].ld = ld;
	a->parts++;
}

/* ahead_fetch - fetch the next rows, until there are this number of lines. */
static inline void ahead_fetch(struct ahead *a, size_t lines)
{
	size_t n = 0;

	while (n < lines && a->next < a->parts) {
		const char *at = a->part[a->next].at, *end = at + a->part[a->next].bytes;

		for (at -= (uintptr_t)at % AHEAD_LINE; at < end; at += AHEAD_LINE, n++)
			__builtin_prefetch(at, 0, 2);
		a->part[a->next].at += a->part[a->next].ld;
		if (--a->part[a->next].rows == 0)
			a->next++;
	}
}

#endif
