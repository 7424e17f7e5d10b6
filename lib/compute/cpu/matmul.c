/* The matrix products of kernels.h: those of reals are always computed in fp32. */

#include "compute/cpu/cpu.h"

bool cpu_divides_rows(const struct kernels *k, size_t M, size_t bytes, size_t each, size_t near)
{
	enum { MANY = 256 }; /* rows: packing then takes less than a tenth of their time */

	return bytes <= each || (bytes <= near && M >= MANY * (size_t)cpu_threads(k));
}

void k_need_matmul(const struct kernels *k, struct k_need *need, size_t K)
{
	k->matmul->need(need, K);
}

void k_matmul_of(struct kernels *k, const struct k_matmul *p)
{
	(p->x_real ? &matmul_fp32 : k->matmul)->multiply(k, p);
}

void k_matmul_dw_of(struct kernels *k, const struct k_matmul_dw *p)
{
	(p->x_real ? &matmul_fp32 : k->matmul)->add_gradient(k, p);
}

void k_logits(struct kernels *k, real *y, const real *x, const real *e, const real *b, size_t M,
    size_t V, size_t d)
{
	k->matmul->logits(
	    k, &(struct k_matmul){
	           .y_real = y, .x_real = x, .w = e, .bias = b, .M = M, .N = V, .K = d});
}
