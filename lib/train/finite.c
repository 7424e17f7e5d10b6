#include "train/finite.h"

#include <math.h>
#include <stdbool.h>

static bool finite_all(struct kernels *k, const real *x, size_t n)
{
	return isfinite(k_sum_squares(k, x, n));
}

static const struct tensor *first_bad(struct kernels *k, const struct weights *w, const real *base)
{
	for (size_t i = 0; i < w->n_tensors; i++)
		if (!finite_all(k, base + w->tensor[i].offset, w->tensor[i].n))
			return &w->tensor[i];
	return NULL;
}

int finite_check_weights(
    struct kernels *k, const struct weights *w, const real *base, const char *what, struct err *e)
{
	const struct tensor *bad = first_bad(k, w, base);

	return bad ? err_with(e, ERR_NONFINITE, "%s%s is not finite", what, bad->name) : 0;
}

int finite_check_state(const struct optimizer *opt, const struct weights *w, const real *state,
    const char *what, struct err *e)
{
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct optimizer_piece *p = &opt->piece[i];

		if (!finite_all(opt->k, state + p->state, p->n))
			return err_with(e, ERR_NONFINITE, "%s%s is not finite", what,
			    w->tensor[p->tensor].name);
	}
	return 0;
}
