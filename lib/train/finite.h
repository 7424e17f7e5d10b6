#ifndef CDCD_FINITE_H
#define CDCD_FINITE_H

/*
 * Checks for non-finite numbers, which find the first one for an error message. finite_find_first
 * runs only after a loss was not finite, so it costs a healthy run nothing.
 */

#include "model/denoiser.h"
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

/*
 * finite_find_first - call it after denoiser_loss on batch b: find the first weight or activation,
 * in the order of the forward pass, that is not finite. Writes where to text, and returns text: "in
 * the weight embed.weight", "in the noisy embeddings", "in block 3".
 */
enum { FINITE_ROOM = 96 };
const char *finite_find_first(const struct denoiser *dn, const struct weights *w,
    const struct batch *b, char text[FINITE_ROOM]);

#endif
