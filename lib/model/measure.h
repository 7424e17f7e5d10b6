#ifndef CDCD_MEASURE_H
#define CDCD_MEASURE_H

/*
 * What a model makes of text that is given to it: the cross-entropy and the squared error of noised
 * rows. The likelihood bound is made of them (Kingma et al. 2021, arXiv:2107.00630, in continuous
 * time, for the signal-to-noise ratio 1/t² and the prior N(0, t_max²)), in nats a token:
 *
 *   d / 2 t_max²  +  CE(t_min)  +  ∫ t^-3 E‖e - x̂0‖² dt   from t_min to t_max
 */

#include "model/denoiser.h"

struct measure;

/* measure_new - for batches of up to B sequences. w [laid out for c] must outlive it. */
struct measure *measure_new(
    struct kernels *k, const struct config *c, const struct weights *w, size_t B, struct err *e);
void measure_free(struct measure *m);

/* measure_bytes - memory that it takes, without the weights. SIZE_MAX on error. */
size_t measure_bytes(struct kernels *k, const struct config *c, size_t B);

/* measure_run - as denoiser_measure. Returns 0, or -1 with status ERR_NONFINITE. */
int measure_run(
    struct measure *m, const struct batch *b, double *ce, double *squared_error, struct err *e);

#endif
