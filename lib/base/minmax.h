#ifndef CDCD_MINMAX_H
#define CDCD_MINMAX_H

/* The smaller and the larger of two numbers. For doubles that may be NAN, see fmin and fmax. */

#include <stddef.h>
#include <stdint.h>

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
