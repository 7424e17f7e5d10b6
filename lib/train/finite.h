#ifndef CDCD_FINITE_H
#define CDCD_FINITE_H

/* Checks that the arrays of a training run are finite. */

#include "train/optimizer.h"
#include "model/weights.h"

/*
 * finite_check_weights - check that all tensors of base, an array with the layout of w, are finite.
 * Returns 0, or -1 with status ERR_NONFINITE and the message "<what><tensor> is not finite" for the
 * first tensor that is not.
 */
int finite_check_weights(
    struct kernels *k, const struct weights *w, const real *base, const char *what, struct err *e);

/* finite_check_state - the same for state, which is opt->m, opt->v or opt->ema; it checks the
 * pieces that this process owns. */
int finite_check_state(const struct optimizer *opt, const struct weights *w, const real *state,
    const char *what, struct err *e);

#endif
