#ifndef CDCD_MEM_H
#define CDCD_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "ground/err.h"

/*
 * mem_array - n zeroed elements of size bytes, from calloc; free() releases them.
 * Returns NULL with e set where n * size overflows or memory is short. n = 0 gives one element.
 */
void *mem_array(size_t n, size_t size, struct err *e);

/*
 * mem_grow - make *p hold at least n elements of size bytes, keeping what it holds.
 * *cap is its capacity in elements; growth is geometric. Returns 0, or -1 with *p untouched.
 */
int mem_grow(void *p, size_t *cap, size_t n, size_t size, struct err *e);

/* mem_copy_string - a copy of s from malloc, or NULL with e set. */
char *mem_copy_string(const char *s, struct err *e);

/* mem_physical - bytes of memory of the machine; mem_available - bytes that could be had now: of
 * the machine, under the limits of this process (ulimit -v and -d) and of its control groups. */
uint64_t mem_physical(void);
uint64_t mem_available(void);

/* mem_peak - the largest resident set of this process so far, bytes. */
uint64_t mem_peak(void);

#endif
