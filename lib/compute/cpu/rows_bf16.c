/* struct rows for acts in bf16. Only processors with avx512 multiply bf16 fast enough. */
#include <math.h>
#include <string.h>

#include "compute/cpu/bf16.h"
#include "compute/cpu/rows.h"

#ifdef CDCD_BF16

#ifdef __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512")
#endif

#define ROWS rows_bf16
#define ROWS_NAME "bf16"
#define ROWS_BF16
#include "compute/cpu/rows_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif

#endif
