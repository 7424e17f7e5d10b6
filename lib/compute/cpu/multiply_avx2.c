/* struct multiply for x86-64 with avx2, as rows_avx2.c. */
#include "compute/cpu/multiply.h"

#ifdef __x86_64__

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define MULTIPLY multiply_avx2
#define VECTOR 32
#define TILE 6
#include "compute/cpu/multiply_body.h"

#ifdef __clang__
#pragma clang attribute pop
#endif

#endif
