/* struct rows for x86-64 with avx2. The pragma selects the instruction set, whatever the compiler
 * flags are. */
#include <math.h>
#include <string.h>

#include "compute/cpu/rows.h"

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__x86_64__)
#pragma GCC target("avx2,fma")
#endif

#define ROWS rows_avx2
#define ROWS_NAME "avx2"
#include "compute/cpu/rows_body.h"

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
