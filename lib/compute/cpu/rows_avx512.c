/* struct rows for x86-64 with avx512. The pragma selects the instruction set, whatever the compiler
 * flags are. */
#include <math.h>
#include <string.h>

#include "compute/cpu/rows.h"

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#elif defined(__x86_64__)
#pragma GCC target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512")
#endif

#define ROWS rows_avx512
#define ROWS_NAME "avx512"
#include "compute/cpu/rows_body.h"

#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute pop
#endif
