#ifndef CDCD_WATCH_H
#define CDCD_WATCH_H

/*
 * Numbers that should be finite, and where they first are not: for messages, after the fact, so
 * that looking costs a healthy run nothing.
 */

#include "model/denoiser.h"
#include "model/optimizer.h"
#include "model/weights.h"

/*
 * watch_array - whether each tensor of base, which is laid out as w, is finite. Returns 0, or -1
 * with status ERR_NONFINITE and the first one that is not, as "<what><its name> is not finite".
 */
int watch_array(
    struct kernels *k, const struct weights *w, const real *base, const char *what, struct err *e);

/* watch_state - the same of an array of opt's state, of which this process may have pieces only. */
int watch_state(const struct optimizer *opt, const struct weights *w, const real *state,
    const char *what, struct err *e);

/*
 * watch_forward - after denoiser_loss: the first of the weights and activations that is not finite,
 * in the order of the forward pass: "in the weight embed.weight", "in the noisy embeddings", "in
 * block 3". b is the batch that went through.
 */
enum { WATCH_ROOM = 96 };
const char *watch_forward(const struct denoiser *dn, const struct weights *w, const struct batch *b,
    char text[WATCH_ROOM]);

#endif
