/* What kernels.h says of products, in terms of the two kinds of them. */

#include "compute/cpu/cpu.h"

void k_need_products(const struct kernels *k, struct k_need *need, size_t longest)
{
	k->products->need(need, longest);
}

void k_project(struct kernels *k, act *y, const act *x, const real *w, const real *b, size_t M,
    size_t N, size_t K)
{
	k->products->multiply(
	    k, &(struct product){.act = y, .x = x, .w = w, .bias = b, .M = M, .N = N, .K = K});
}

void k_project_real(struct kernels *k, real *y, const act *x, const real *w, const real *b,
    size_t M, size_t N, size_t K)
{
	k->products->multiply(
	    k, &(struct product){.real = y, .x = x, .w = w, .bias = b, .M = M, .N = N, .K = K});
}

void k_project_gelu(struct kernels *k, act *u, act *g, const act *x, const real *w, const real *b,
    size_t M, size_t N, size_t K)
{
	k->products->multiply(
	    k, &(struct product){
	           .act = u, .gelu = g, .x = x, .w = w, .bias = b, .M = M, .N = N, .K = K});
}

/* Backward, N and K change places: the result has the K columns of w, and N is summed over. */
void k_project_dx(struct kernels *k, act *dx, const act *dy, const real *w, size_t M, size_t N,
    size_t K, bool add)
{
	k->products->multiply(k,
	    &(struct product){
	        .act = dx, .x = dy, .w = w, .backward = true, .add = add, .M = M, .N = K, .K = N});
}

void k_project_dx_real(struct kernels *k, real *dx, const act *dy, const real *w, size_t M,
    size_t N, size_t K, bool add)
{
	k->products->multiply(k,
	    &(struct product){
	        .real = dx, .x = dy, .w = w, .backward = true, .add = add, .M = M, .N = K, .K = N});
}

void k_project_dx_gelu(struct kernels *k, act *du, const act *dy, const real *w, const act *u,
    size_t M, size_t N, size_t K)
{
	k->products->multiply(
	    k, &(struct product){
	           .act = du, .arg = u, .x = dy, .w = w, .backward = true, .M = M, .N = K, .K = N});
}

void k_project_dw(struct kernels *k, real *dw, real *db, const act *dy, const act *x, size_t M,
    size_t N, size_t K)
{
	k->products->gradient(k, dw, db, dy, x, M, N, K);
}

void k_logits(struct kernels *k, real *y, const real *x, const real *e, const real *b, size_t M,
    size_t V, size_t d)
{
	k->products->logits(k, y, x, e, b, M, V, d);
}
