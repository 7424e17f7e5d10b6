#ifndef CDCD_DENOISER_H
#define CDCD_DENOISER_H

/*
 * The denoiser: predicts words from noisy embeddings.
 *
 *   e       = √d w/‖w‖                             normalised embedding table; CDCD, section 3.1
 *   x       = e[id] + t n                          the forward process, σ(t) = t
 *   D       = c_skip x + c_out F(c_in x, c_noise)  see precond.h
 *   logits  = ⟨D, e_j⟩ + b_j                       loss: cross-entropy at noised positions
 *   x̂0      = Σ_j softmax(logits)_j e_j            score interpolation
 *
 * The input of F also contains the embeddings of the given tokens; with self_cond, the last x̂0
 * (self-conditioning, Chen et al. 2022, arXiv:2208.04202); with posterior, the mean of the
 * embedding under the context-free posterior p(j | x) ∝ exp(⟨x, e_j⟩/σ² + b_j). That mean is all
 * that x says about a position by itself, so attention has to add only the context.
 *
 * Source of the rest: CDCD, Dieleman et al. 2022, arXiv:2211.15089.
 *
 * Shapes: as in transformer.h; V = config_padded. CHUNK positions have logits at one time.
 */

#include "compute/arena.h"
#include "compute/kernels.h"
#include "model/batch.h"
#include "model/transformer.h"
#include "model/weights.h"

struct denoiser {
	struct kernels *k;
	struct config c;
	size_t B;
	bool train;
	struct transformer *tf;
	real *e;                     /* [V,d] the normalised embedding table */
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
	real *skip, *out;                /* [B] */
	real *host;                      /* host memory, for copies to and from the device */
	transformer_gradient_hook *hook; /* NULL: none */
	void *hook_arg;
};

/*
 * denoiser_new, denoiser_layout, denoiser_ready, denoiser_free - as the functions of the same names
 * in transformer.h. The denoiser owns its transformer and includes it in each of these calls. B is
 * the largest number of sequences in a pass; only denoiser_loss takes larger batches.
 */
struct denoiser *denoiser_new(
    struct kernels *k, const struct config *c, size_t B, bool train, struct err *e);
void denoiser_layout(struct denoiser *dn, struct arena *a);
int denoiser_ready(struct denoiser *dn, struct err *e);
void denoiser_free(struct denoiser *dn);

/*
 * denoiser_micro_batch - the B of a denoiser that trains with batches of up to n sequences: those
 * of at most 1,024 positions, or 4 for each channel if that is more, or one. The micro-batches of n
 * sequences are of nearly equal size. This depends on the shape only, so that results depend
 * neither on the machine nor on its threads.
 */
size_t denoiser_micro_batch(const struct config *c, size_t n);

/* denoiser_set_gradient_hook - as transformer_set_gradient_hook: call hook with arg during each
 * denoiser_loss with gradients from now on, in the last of its micro-batches. */
void denoiser_set_gradient_hook(struct denoiser *dn, transformer_gradient_hook *hook, void *arg);

/* denoiser_embed - compute the table e from w. Call it each time w has changed, before a pass. */
void denoiser_embed(struct denoiser *dn, const struct weights *w);

/* denoiser_set_tokens - set the tokens ids [B,T] and the mask noised [B,T] (1: noised, 0: given)
 * for the next passes. Host arrays, which are copied. */
void denoiser_set_tokens(struct denoiser *dn, const int32_t *ids, const real *noised, size_t B);

/* denoiser_set_levels - set the noise levels t [B], one per sequence, for the next passes. Host
 * array, which is copied. */
void denoiser_set_levels(struct denoiser *dn, const double *t, size_t B);

/* denoiser_set_guided_levels - the same, and the next passes compute D with context guidance of
 * this weight; see precond_guide. Only for estimates: the loss and its gradient need a weight of 1.
 */
void denoiser_set_guided_levels(struct denoiser *dn, const double *t, double context, size_t B);

/* denoiser_diffuse - x [M,d] = e[ids] + t noise [M,d], for the tokens and levels set before. Device
 * arrays. */
void denoiser_diffuse(struct denoiser *dn, real *x, const real *noise, size_t B);

/* denoiser_predict - compute D from the noisy embeddings x [M,d] and the last estimate p [M,d],
 * which are those of denoiser_estimate, for the tokens and levels set before. */
void denoiser_predict(
    struct denoiser *dn, const struct weights *w, const real *x, const real *p, size_t B);

/*
 * denoiser_estimate - xhat [M,d] = x̂0 = Σ_j softmax(logits/tau)_j e_j, from the noisy embeddings
 * x [M,d] and the last estimate p [M,d] (NULL: none yet; ignored without self_cond), for the tokens
 * and levels set before. Device arrays. xhat may be p.
 */
void denoiser_estimate(struct denoiser *dn, const struct weights *w, real *xhat, const real *x,
    const real *p, double tau, size_t B);

/*
 * denoiser_argmax - after denoiser_predict or denoiser_estimate of B sequences: the most probable
 * word of each position. The tokens set before are overwritten. Host arrays:
 *
 * ids   [M] the word with the largest logit
 * prob  [M] its probability, softmax(logits) without tau; or NULL
 */
void denoiser_argmax(
    struct denoiser *dn, const struct weights *w, int32_t *ids, real *prob, size_t B);

/* denoiser_ratio - after denoiser_predict of B sequences: ratio [M] = the probability of the tokens
 * ids [M], divided by that of the most probable word of the position. Host arrays. */
void denoiser_ratio(
    struct denoiser *dn, const struct weights *w, const int32_t *ids, real *ratio, size_t B);

/*
 * denoiser_loss - add noise to a batch and compute the cross-entropy of each sequence. A batch of
 * more than B sequences is computed in micro-batches of B, whose gradients are accumulated.
 *
 * g     NULL, or the gradients, to which those of the batch's mean cross-entropy are added; the
 *       mean is over the sequences with targets, b->targets of them
 * n_sc  number of sequences, from the first, that are self-conditioned on the estimate of a first
 *       pass; no gradient flows through that pass
 * ce    [B] mean over the sequence's targets, nats; host memory; NAN for a sequence without targets
 */
void denoiser_loss(struct denoiser *dn, const struct weights *w, const struct weights *g,
    const struct batch *b, size_t n_sc, double *ce);

/*
 * denoiser_evaluate - evaluate w on a batch, to which it adds noise. With self_cond, all sequences
 * are self-conditioned on a first estimate. Both results are host memory [B], and means over the
 * targets of each sequence; NAN for a sequence without targets:
 *
 * ce             cross-entropy, nats
 * squared_error  ‖e - x̂0‖², summed over the d components
 */
void denoiser_evaluate(struct denoiser *dn, const struct weights *w, const struct batch *b,
    double *ce, double *squared_error);

/*
 * denoiser_find_nonfinite - after denoiser_loss on batch b of up to B sequences, with train: find
 * the first weight or activation, in the order of the forward pass, that is not finite. Writes
 * where to text, and returns text: "in the weight embed.weight", "in the noised embeddings", "in
 * block 3".
 */
enum { DENOISER_WHERE = 96 };
const char *denoiser_find_nonfinite(const struct denoiser *dn, const struct weights *w,
    const struct batch *b, char text[DENOISER_WHERE]);

#endif
