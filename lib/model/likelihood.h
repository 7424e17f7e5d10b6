#ifndef CDCD_LIKELIHOOD_H
#define CDCD_LIKELIHOOD_H

/*
 * Likelihood evaluation: the cross-entropy and squared error of a model on noised rows. The caller
 * computes from them an upper bound of the negative log-likelihood, in nats per token:
 *
 *   d / 2 t_max²  +  CE(t_min)  +  ∫ t^-3 E‖e - x̂0‖² dt   from t_min to t_max
 *
 * Source: Kingma et al. 2021, arXiv:2107.00630, in continuous time, with the signal-to-noise ratio
 * 1/t² and the prior N(0, t_max²).
 */

#include "model/denoiser.h"

struct likelihood;

/* likelihood_new - a new evaluation for batches of up to B sequences. w has the layout of c, stays
 * the caller's and must outlive the result; likelihood_free frees it. Returns NULL on error. */
struct likelihood *likelihood_new(
    struct kernels *k, const struct config *c, const struct weights *w, size_t B, struct err *e);
void likelihood_free(struct likelihood *m);

/* likelihood_bytes - bytes of memory that likelihood_new allocates, which excludes the weights.
 * Returns SIZE_MAX on error. */
size_t likelihood_bytes(struct kernels *k, const struct config *c, size_t B);

/* likelihood_run - compute ce and squared_error, [b->B] each, as denoiser_evaluate does. Returns 0,
 * or -1 with status ERR_NONFINITE if a result of a sequence that has targets is not finite. */
int likelihood_run(
    struct likelihood *m, const struct batch *b, double *ce, double *squared_error, struct err *e);

#endif
