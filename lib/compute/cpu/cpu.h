#ifndef CDCD_CPU_H
#define CDCD_CPU_H

/* Shared by the files of this implementation of kernels.h. No other file includes it except tests,
 * which replace rows and unit. */

#include "base/pool.h"
#include "compute/cpu/bf16.h"
#include "compute/cpu/matmul.h"
#include "compute/cpu/multiply.h"
#include "compute/cpu/profile.h"
#include "compute/cpu/rows.h"
#include "compute/kernels.h"

struct kernels {
	struct pool *pool;
	struct pool *single;            /* of one thread, for kernels that a thread of pool calls */
	const struct rows *rows;        /* for this processor and precision */
	const struct matmul *matmul;    /* for this precision */
	const struct bf16_unit *unit;   /* NULL: fp32 */
	const struct multiply *vectors; /* for products of reals; NULL: BLAS */
	real **scratch;       /* [threads + 1] one for each thread, and one for all together */
	size_t *scratch_size; /* [threads + 1], elements */
	uint64_t products;    /* number of products that packed weights */
	uint64_t *packed;     /* [threads] the one whose weights a thread has packed; 0: none */
	char name[64];
	struct cpu_cost cost[CPU_KERNELS];
};

/* cpu_blas_init - prepare BLAS for products on each thread of the pool. Returns 0, or -1 if memory
 * is short. */
int cpu_blas_init(struct pool *pool, struct err *e);

static inline int cpu_threads(const struct kernels *k)
{
	return pool_size(k->pool);
}

/*
 * cpu_divides_rows - whether the threads divide the M rows of a product, and not its columns. Each
 * thread then reads only its rows of the left factor, many of which it has just written, but it
 * packs all of the weights, which takes as long as the products of about 20 rows.
 *
 * bytes  size of the packed weights
 * each   rows are divided if bytes is at most this
 * near   rows are also divided if bytes is at most this, so that the packed weights stay in the
 *        cache of a thread, and each thread has many rows; 0: they are not
 */
bool cpu_divides_rows(const struct kernels *k, size_t M, size_t bytes, size_t each, size_t near);

/*
 * cpu_must_pack - whether a thread has to pack weights of a product. With all, what it packs is all
 * of them, and it has to only once for this product, whatever rows of it the thread computes.
 */
static inline bool cpu_must_pack(struct kernels *k, int rank, uint64_t product, bool all)
{
	bool packed = all && k->packed[rank] == product;

	k->packed[rank] = all ? product : 0;
	return !packed;
}

/* cpu_x, cpu_y - the factor and the result of a product whose acts are reals. */
static inline const real *cpu_x(const struct k_matmul *p)
{
	return p->x_real ? p->x_real : (const real *)p->x;
}

static inline real *cpu_y(const struct k_matmul *p)
{
	return p->y_real ? p->y_real : (real *)p->y;
}

/* cpu_need - enlarge need to these numbers of elements. */
void cpu_need(struct k_need *need, size_t each, size_t shared);

/* cpu_at - the address n acts after a; const if a is. */
static inline act *cpu_at_mutable(const struct kernels *k, act *a, size_t n)
{
	return (act *)((char *)a + n * k->matmul->act_size);
}

static inline const act *cpu_at_const(const struct kernels *k, const act *a, size_t n)
{
	return (const act *)((const char *)a + n * k->matmul->act_size);
}

#define cpu_at(k, a, n) _Generic((a), act * : cpu_at_mutable, const act * : cpu_at_const)(k, a, n)

#endif
