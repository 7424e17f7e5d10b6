/* struct multiply for x86-64 with avx512, as rows_avx512.c. */
#include "compute/cpu/multiply.h"

#ifdef __x86_64__

#ifdef __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512")
#endif

#define MULTIPLY multiply_avx512
#define VECTOR 64
#define TILE 12
#include "compute/cpu/multiply_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif

#endif
