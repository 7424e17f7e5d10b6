/* Matrix products of reals. Each thread calls BLAS once, for its own part of the result: BLAS packs
 * the other operand of each part anew. */

#include <cblas.h>

#include "compute/cpu/cpu.h"

#ifdef CDCD_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

static void need_nothing(struct k_need *need, size_t K)
{
	(void)need;
	(void)K;
}

/* --- x w^T and x w --- */

struct fp32_job {
	const struct kernels *k;
	const struct k_matmul *p;
	const real *x; /* [M,K] */
	real *y;       /* [M,N] */
};

static void multiply_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct fp32_job *j = arg;
	const struct k_matmul *p = j->p;

	(void)rank;
	for (size_t m = begin; p->bias && m < end; m++)
		for (size_t n = 0; n < p->N; n++)
			j->y[m * p->N + n] = p->bias[n] + (p->add ? j->y[m * p->N + n] : 0);
	GEMM(CblasRowMajor, CblasNoTrans, p->no_trans ? CblasNoTrans : CblasTrans,
	    (int)(end - begin), (int)p->N, (int)p->K, 1, j->x + begin * p->K, (int)p->K, p->w,
	    (int)(p->no_trans ? p->N : p->K), p->bias || p->add ? 1 : 0, j->y + begin * p->N,
	    (int)p->N);
}

/* GELU, or the product with its derivative. */
static void apply_gelu(void *arg, size_t begin, size_t end, int rank)
{
	const struct fp32_job *j = arg;
	size_t at = begin * j->p->N, n = (end - begin) * j->p->N;
	act *y = (act *)(j->y + at);

	(void)rank;
	if (j->p->gelu)
		j->k->rows->gelu((act *)((real *)j->p->gelu + at), y, n);
	else
		j->k->rows->gelu_backward(
		    y, j->y + at, (const act *)((const real *)j->p->dgelu + at), n);
}

static void run_fp32(struct kernels *k, enum cpu_kernel kernel, const struct k_matmul *p)
{
	struct fp32_job j = {k, p, cpu_x(p), cpu_y(p)};

	cpu_for_threads(k, kernel, p->M * p->N * p->K, p->M, multiply_rows, &j);
	if (p->gelu || p->dgelu)
		cpu_for(k, CPU_GELU, p->M * p->N, p->M, apply_gelu, &j);
}

static void multiply_fp32(struct kernels *k, const struct k_matmul *p)
{
	run_fp32(k, cpu_product(p), p);
}

static void logits_fp32(struct kernels *k, const struct k_matmul *p)
{
	run_fp32(k, CPU_LOGITS, p);
}

/* --- dy^T x --- */

struct fp32_gradient {
	const struct kernels *k;
	const struct k_matmul_dw *p;
	const real *dy, *x;
};

/* Rows of dw, which are columns of dy. */
static void add_gradient_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct fp32_gradient *g = arg;
	const struct k_matmul_dw *p = g->p;
	size_t n = end - begin;

	(void)rank;
	GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)n, (int)p->K, (int)p->M, 1,
	    g->dy + begin, (int)p->N, g->x, (int)p->K, 1, p->dw + begin * p->K, (int)p->K);
	for (size_t m = 0; p->db && m < p->M; m++)
		g->k->rows->add(p->db + begin, g->dy + m * p->N + begin, n);
}

static void add_gradient_fp32(struct kernels *k, const struct k_matmul_dw *p)
{
	struct fp32_gradient g = {k, p, p->dy_real ? p->dy_real : (const real *)p->dy,
	    p->x_real ? p->x_real : (const real *)p->x};

	cpu_for_threads(k, p->x_real ? CPU_LINEAR : CPU_PROJECT_DW, p->M * p->N * p->K, p->N,
	    add_gradient_rows, &g);
}

/* --- in attention --- */

static void multiply_small_fp32(const struct kernels *k, const struct small_matmul *p)
{
	(void)k;
	GEMM(CblasRowMajor, p->form == SMALL_TN ? CblasTrans : CblasNoTrans,
	    p->form == SMALL_NT ? CblasTrans : CblasNoTrans, (int)p->M, (int)p->N, (int)p->K, 1,
	    small_elements(&p->a), (int)p->a.ld, small_elements(&p->b), (int)p->b.ld, 0, p->c,
	    (int)p->ldc);
}

const struct matmul matmul_fp32 = {
    .act_size = sizeof(real),
    .need = need_nothing,
    .multiply = multiply_fp32,
    .add_gradient = add_gradient_fp32,
    .logits = logits_fp32,
    .multiply_small = multiply_small_fp32,
};
