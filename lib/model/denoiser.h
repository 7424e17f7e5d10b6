#ifndef CDCD_DENOISER_H
#define CDCD_DENOISER_H

/*
 * The denoiser: from noisy embeddings to the words behind them.
 *
 *   e       = √d w/‖w‖                             the embedding table, everywhere; CDCD, 3.1
 *   x       = e[id] + t n                          the forward process, σ(t) = t
 *   D       = c_skip x + c_out F(c_in x, c_noise)  see precond.h
 *   logits  = ⟨D, e_j⟩ + b_j                       loss: cross-entropy at noised positions
 *   x̂0      = Σ_j softmax(logits)_j e_j            score interpolation
 *
 * F also sees the tokens that are given, with self_cond its own last x̂0 (Chen et al. 2022,
 * arXiv:2208.04202), and with posterior the mean of the embedding under the context-free posterior
 * p(j | x) ~ exp(⟨x, e_j⟩/σ² + b_j): each position's own evidence, read off exactly, so that
 * attention need only pool it.
 */

#include "math/arena.h"
#include "math/kernels.h"
#include "model/batch.h"
#include "model/transformer.h"
#include "model/weights.h"

struct denoiser {
	struct kernels *k;
	struct config c;
	size_t B;
	bool train;
	struct transformer *tf;
	real *e;                     /* [V,d] the normalised table */
	real *x, *noise, *p, *q, *D; /* [M,d] */
	act *input;                  /* [M,config_input] */
	real *m;                     /* [M] */
	int32_t *ids;                /* [M] */
	real *logits;                /* [CHUNK,V] */
	act *probabilities, *Da;     /* [CHUNK,V], [CHUNK,d] */
	real *c_in, *mixing, *level; /* [B], [B,3] (c_skip, c_out, 0), [B,time_width] */
	real *t, *posterior_scale;   /* [B], [B] 1/σ² */
	real *loss, *weight;         /* [M] */
	/* train only */
	real *de, *dD, *dx, *dgiven, *dinput, *dF;
	real *skip, *out; /* [B] */
	real *host;       /* staging on the host */
};

/*
 * denoiser_new, denoiser_layout, denoiser_ready, denoiser_free - as for the transformer, whose
 * buffers it lays out too.
 */
struct denoiser *denoiser_new(
    struct kernels *k, const struct config *c, size_t B, bool train, struct err *e);
void denoiser_layout(struct denoiser *dn, struct arena *a);
int denoiser_ready(struct denoiser *dn, struct err *e);
void denoiser_free(struct denoiser *dn);

/* denoiser_embed - make the table e of these weights; to be called whenever they have changed. */
void denoiser_embed(struct denoiser *dn, const struct weights *w);

/* denoiser_rows - take the tokens and the mask of a batch; host arrays [B,T]. */
void denoiser_rows(struct denoiser *dn, const int32_t *ids, const real *noised, size_t B);

/* denoiser_levels - take the noise level of each of B sequences; host array. */
void denoiser_levels(struct denoiser *dn, const double *t, size_t B);

/*
 * denoiser_estimate - x̂0 [M,d] = Σ_j softmax(logits/tau)_j e_j for noisy x [M,d] and the last
 * estimate p [M,d] (NULL: none yet), at the rows and levels set before. xhat may be p.
 */
void denoiser_estimate(struct denoiser *dn, const struct weights *w, real *xhat, const real *x,
    const real *p, double tau, size_t B);

/* denoiser_decide - ids [M] (device) = the likeliest word at every position; arguments as above. */
void denoiser_decide(struct denoiser *dn, const struct weights *w, int32_t *ids, const real *x,
    const real *p, size_t B);

/*
 * denoiser_loss - noise a batch, and measure the cross-entropy of each of its sequences.
 *
 * g     NULL, or gradients of the batch's mean cross-entropy, which are added to
 * n_sc  the first n_sc sequences see the estimate of a first pass, through which no gradient goes
 * ce    [B] nats a noised position, host memory; NAN for a sequence without any
 */
void denoiser_loss(struct denoiser *dn, const struct weights *w, const struct weights *g,
    const struct batch *b, size_t n_sc, double *ce);

/*
 * denoiser_measure - what w makes of a noised batch, which sees its first estimate where the model
 * has self_cond. Both are means over the noised positions of each sequence, host memory [B]; NAN
 * for a sequence without any:
 *
 * ce             cross-entropy, nats
 * squared_error  ‖e - x̂0‖², summed over the d components
 */
void denoiser_measure(struct denoiser *dn, const struct weights *w, const struct batch *b,
    double *ce, double *squared_error);

#endif
