#ifndef CDCD_MEM_H
#define CDCD_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * mem_array - n zeroed elements of size bytes, from calloc; free() releases them.
 * Returns NULL with e set if n * size overflows or memory is short. n = 0 gives one element.
 */
void *mem_array(size_t n, size_t size, struct err *e);

/*
 * mem_grow - make *p hold at least n elements of size bytes, keeping its contents.
 * *cap is its capacity in elements; growth is geometric. Returns 0, or -1 with *p untouched.
 */
int mem_grow(void *p, size_t *cap, size_t n, size_t size, struct err *e);

/* mem_copy_string - copy s into memory that the caller frees. Returns NULL with e set on error. */
char *mem_copy_string(const char *s, struct err *e);

/* mem_physical - bytes of memory of the machine. mem_available - bytes that this process can still
 * allocate, given the machine, its limits (ulimit -v and -d) and its control groups. */
uint64_t mem_physical(void);
uint64_t mem_available(void);

/* mem_peak - the largest resident set of this process so far, bytes. */
uint64_t mem_peak(void);

#endif
