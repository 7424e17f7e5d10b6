/* Products of reals: every thread calls BLAS on its own slice of the result. */

#include <cblas.h>

#include "compute/cpu/cpu.h"

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

/* Rows of dx. */
static void backward_input(void *arg, size_t begin, size_t end, int rank)
{
	struct linear *l = arg;

	(void)rank;
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(end - begin), (int)l->K, (int)l->N, 1,
	    l->a + begin * l->N, (int)l->N, l->b, (int)l->K, l->add ? 1 : 0, l->out + begin * l->K,
	    (int)l->K);
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

static void run(const char *name, const struct linear *l, size_t n, pool_body *body)
{
	cpu_for(l->k, name, 2.0 * (double)l->M * (double)l->N * (double)l->K, n, body, (void *)l);
}

void k_linear(struct kernels *k, real *y, const real *x, const real *w, const real *b, size_t M,
    size_t N, size_t K)
{
	run("linear", &(struct linear){k, y, NULL, x, w, b, M, N, K, false}, M, forward);
}

void k_linear_dx(struct kernels *k, real *dx, const real *dy, const real *w, size_t M, size_t N,
    size_t K, bool add)
{
	run("linear", &(struct linear){k, dx, NULL, dy, w, NULL, M, N, K, add}, M, backward_input);
}

void k_linear_dw(struct kernels *k, real *dw, real *db, const real *dy, const real *x, size_t M,
    size_t N, size_t K)
{
	run("linear", &(struct linear){k, dw, db, dy, x, NULL, M, N, K, true}, N, backward_weight);
}

/* --- acts that are reals --- */

static void need_nothing(struct k_need *need, size_t longest)
{
	(void)need;
	(void)longest;
}

struct finish {
	const struct rows *rows;
	const struct product *p;
};

/* Rows, while they are near. */
static void finish(void *arg, size_t begin, size_t end, int rank)
{
	struct finish *f = arg;
	size_t at = begin * f->p->N, n = (end - begin) * f->p->N;
	real *y = (real *)f->p->act + at;

	(void)rank;
	if (f->p->gelu)
		f->rows->gelu((act *)((real *)f->p->gelu + at), (const act *)y, n);
	else
		f->rows->gelu_backward((act *)y, y, (const act *)((const real *)f->p->arg + at), n);
}

static void multiply(struct kernels *k, const struct product *p)
{
	real *y = p->real ? p->real : (real *)p->act;
	const real *x = (const real *)p->x;
	struct finish f = {k->rows, p};

	if (p->backward)
		run("project dx",
		    &(struct linear){k, y, NULL, x, p->w, NULL, p->M, p->K, p->N, p->add}, p->M,
		    backward_input);
	else
		run("project",
		    &(struct linear){k, y, NULL, x, p->w, p->bias, p->M, p->N, p->K, false}, p->M,
		    forward);
	if (p->gelu || p->arg)
		cpu_stream(k, "gelu", 2 * p->M * p->N * sizeof(real), p->M, finish, &f);
}

static void gradient(struct kernels *k, real *dw, real *db, const act *dy, const act *x, size_t M,
    size_t N, size_t K)
{
	run("project dw",
	    &(struct linear){k, dw, db, (const real *)dy, (const real *)x, NULL, M, N, K, true}, N,
	    backward_weight);
}

static void logits(struct kernels *k, real *y, const real *x, const real *e, const real *b,
    size_t M, size_t V, size_t d)
{
	run("logits", &(struct linear){k, y, NULL, x, e, b, M, V, d, false}, M, forward);
}

static void small(const struct kernels *k, const struct small_product *p, real *room)
{
	(void)k;
	(void)room;
	GEMM(CblasRowMajor, p->form == SMALL_ATB ? CblasTrans : CblasNoTrans,
	    p->form == SMALL_ABT ? CblasTrans : CblasNoTrans, (int)p->M, (int)p->N, (int)p->K, 1,
	    p->a, (int)p->lda, p->b, (int)p->ldb, 0, p->c, (int)p->ldc);
}

const struct products products_fp32 = {
    .act_size = sizeof(real),
    .need = need_nothing,
    .multiply = multiply,
    .gradient = gradient,
    .logits = logits,
    .small = small,
};
