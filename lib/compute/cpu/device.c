/* The context of the CPU: choice of implementations, threads, name. */

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/minmax.h"
#include "compute/cpu/cpu.h"

const char *const k_precisions[] = {"auto", "fp32", "bf16", NULL};

/* The row functions for the best instruction set that this processor has. */
static const struct rows *choose_rows(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		return &rows_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &rows_avx2;
#endif
	return &rows_plain;
}

/* The products of reals for these rows: NULL if only BLAS has them. */
static const struct multiply *choose_vectors(const struct rows *rows)
{
#ifdef __x86_64__
	if (rows == &rows_avx512)
		return &multiply_avx512;
	if (rows == &rows_avx2)
		return &multiply_avx2;
#endif
	(void)rows;
	return NULL;
}

#ifdef CDCD_BF16
/* The fastest bf16 unit that this processor has, or NULL. */
static const struct bf16_unit *choose_bf16_unit(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
		return NULL;
	return amx_usable() ? &bf16_unit_amx : &bf16_unit_avx512;
}

/* Whether products with this unit take less time than those in fp32. The AVX-512 instructions of
 * Intel's processors multiply bf16 at half of the rate of AMD's, or less. */
static bool is_bf16_faster(const struct bf16_unit *unit)
{
	return unit == &bf16_unit_amx || __builtin_cpu_is("amd");
}
#endif

/* Choose all implementations for this processor and precision. */
static int choose_implementations(struct kernels *k, enum k_precision precision, struct err *e)
{
	k->rows = choose_rows();
	k->vectors = choose_vectors(k->rows);
	k->matmul = k->vectors ? &matmul_simd : &matmul_fp32;
	if (precision == K_FP32)
		return 0;
#ifdef CDCD_BF16
	k->unit = choose_bf16_unit();
	if (k->unit && precision == K_AUTO && !is_bf16_faster(k->unit))
		k->unit = NULL;
	if (k->unit) {
		k->rows = &rows_bf16;
		k->matmul = &matmul_bf16;
		return 0;
	}
#endif
	if (precision == K_AUTO)
		return 0;
	return err_set(e, "precision bf16: this processor has neither AVX-512 nor AMX products of "
	                  "bf16; use fp32");
}

static void set_name(struct kernels *k, size_t n)
{
	snprintf(k->name, sizeof k->name, "cpu, %s, %zu thread%s",
	    k->unit ? k->unit->name : k->rows->name, n, n > 1 ? "s" : "");
}

struct kernels *k_new(int threads, enum k_precision precision, struct err *e)
{
	struct kernels *k = mem_array(1, sizeof *k, e);
	size_t n;

	if (!k)
		return NULL;
	n = (size_t)(threads > 0 ? threads : pool_cpus());
	k->scratch = mem_array(n + 1, sizeof *k->scratch, e);
	k->scratch_size = mem_array(n + 1, sizeof *k->scratch_size, e);
	k->packed = mem_array(n, sizeof *k->packed, e);
	if (!k->scratch || !k->scratch_size || !k->packed ||
	    choose_implementations(k, precision, e) || !(k->pool = pool_new((int)n, e)) ||
	    !(k->single = pool_new(1, e)) || cpu_blas_init(k->pool, e)) {
		k_free(k);
		return NULL;
	}
	set_name(k, n);
	return k;
}

void k_free(struct kernels *k)
{
	if (!k)
		return;
	for (int i = 0; k->pool && k->scratch && i <= pool_size(k->pool); i++)
		free(k->scratch[i]);
	pool_free(k->pool);
	pool_free(k->single);
	free(k->scratch);
	free(k->scratch_size);
	free(k->packed);
	free(k);
}

const char *k_name(const struct kernels *k)
{
	return k->name;
}
