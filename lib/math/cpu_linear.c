/* Linear maps: every thread calls BLAS on its own slice of the result. */

#include <cblas.h>

#include "math/cpu.h"

#ifdef CDCD_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

struct linear {
	struct kernels *k;
	real *out, *db;
	const real *a, *b, *bias;
	size_t M, N, K;
	bool add;
};

/* Rows of y. */
static void forward(void *arg, size_t begin, size_t end, int rank)
{
	struct linear *l = arg;
	real *y = l->out + begin * l->N;

	(void)rank;
	for (size_t m = begin; l->bias && m < end; m++)
		for (size_t n = 0; n < l->N; n++)
			l->out[m * l->N + n] = l->bias[n];
	GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, (int)(end - begin), (int)l->N, (int)l->K, 1,
	    l->a + begin * l->K, (int)l->K, l->b, (int)l->K, l->bias ? 1 : 0, y, (int)l->N);
}

void k_linear(struct kernels *k, real *y, const real *x, const real *w, const real *b, size_t M,
    size_t N, size_t K)
{
	struct linear l = {k, y, NULL, x, w, b, M, N, K, false};

	pool_for(k->pool, M, forward, &l);
}

/* Rows of dx. */
static void backward_input(void *arg, size_t begin, size_t end, int rank)
{
	struct linear *l = arg;

	(void)rank;
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(end - begin), (int)l->K, (int)l->N, 1,
	    l->a + begin * l->N, (int)l->N, l->b, (int)l->K, l->add ? 1 : 0, l->out + begin * l->K,
	    (int)l->K);
}

void k_linear_dx(struct kernels *k, real *dx, const real *dy, const real *w, size_t M, size_t N,
    size_t K, bool add)
{
	struct linear l = {k, dx, NULL, dy, w, NULL, M, N, K, add};

	pool_for(k->pool, M, backward_input, &l);
}

/* Rows of dw, that is columns of dy. */
static void backward_weight(void *arg, size_t begin, size_t end, int rank)
{
	struct linear *l = arg;
	size_t n = end - begin;

	(void)rank;
	GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)n, (int)l->K, (int)l->M, 1, l->a + begin,
	    (int)l->N, l->b, (int)l->K, 1, l->out + begin * l->K, (int)l->K);
	for (size_t m = 0; l->db && m < l->M; m++)
		l->k->rows->add(l->db + begin, l->a + m * l->N + begin, n);
}

void k_linear_dw(struct kernels *k, real *dw, real *db, const real *dy, const real *x, size_t M,
    size_t N, size_t K)
{
	struct linear l = {k, dw, db, dy, x, NULL, M, N, K, true};

	pool_for(k->pool, N, backward_weight, &l);
}
