#ifndef CDCD_OPTIMIZER_H
#define CDCD_OPTIMIZER_H

/*
 * AdamW; or Muon for the matrices of the network, and AdamW for all other weights. Both with linear
 * warm-up and cosine decay of the learning rate, clipping by the global gradient norm, and an
 * exponential moving average (EMA) of the weights.
 *
 * Muon updates each matrix W [r,c] of a tensor (struct tensor, matrices) from its gradient G and
 * its momentum M:
 *
 *   M = μ M + (1 - μ) G
 *   U = orthogonalised(μ M + (1 - μ) G)            k_muon_orthogonalize
 *   W = W - lr (scale √max(r,c) U + decay W)
 *
 * The root mean square of the elements of scale √max(r,c) U is about scale, for every shape.
 *
 * Sources: Loshchilov & Hutter 2019, arXiv:1711.05101 (AdamW); 2017, arXiv:1608.03983 (cosine);
 * Jordan et al. 2024, kellerjordan.github.io/posts/muon (Muon); Liu et al. 2025, arXiv:2502.16982
 * (its scale and weight decay).
 */

#include <stdint.h>

#include "compute/arena.h"
#include "compute/kernels.h"
#include "comm/comm.h"
#include "model/weights.h"
#include "train/buckets.h"
#include "train/state.h"

enum optimizer_method { OPTIMIZER_ADAMW, OPTIMIZER_MUON };
extern const char *const optimizer_methods[]; /* the names, and NULL */

struct optimizer_options {
	enum optimizer_method method;
	double lr, lr_end; /* peak learning rate; final one, as a fraction of lr */
	double warmup;     /* fraction of all steps over which the learning rate rises linearly */
	double beta1, beta2, eps, weight_decay; /* weight_decay, for tensors with TENSOR_DECAY */
	double clip;          /* maximum of the global gradient norm; 0: no clipping */
	double ema;           /* decay of the EMA; step s uses at most (1 + s) / (10 + s) */
	double muon_scale;    /* root mean square of Muon's updates, as a fraction of lr */
	double muon_momentum; /* decay of Muon's momentum */
};

/* The number of arrays of a state, and the prefix of the names of the EMA's tensors. */
enum { OPTIMIZER_ARRAYS = 3 };
#define OPTIMIZER_EMA "ema."

struct optimizer {
	struct kernels *k;
	struct optimizer_options o;
	/* Moments and EMA: OPTIMIZER_ARRAYS arrays of the arena. m and ema have n_state elements;
	 * of a matrix of Muon, m has the momentum. v has n_second: no matrices of Muon. */
	real *m, *v, *ema;
	struct buckets_piece *piece;
	struct k_matrix *matrix; /* [n_matrices] those of Muon that this rank orthogonalises */
	size_t *second; /* [n_pieces] where each piece begins in v; unused for matrices of Muon */
	size_t n_pieces, n_state, n_second, n_matrices;
	double *squares; /* [n_tensors] sums of squared gradients */
	/* The ranks that divide the pieces, and what gathers an array from them; NULL if this
	 * process has all pieces. */
	struct comm *comm;
	struct buckets *buckets;
};

/*
 * optimizer_init - initialise opt to update the parameters in piece [n_pieces], with state arrays
 * of up to n_state. opt takes ownership of piece, which malloc allocated. If piece is NULL, opt
 * updates all of w, and the state arrays have the layout of w. The caller then sets opt->comm and
 * opt->buckets if ranks divide the pieces. Call optimizer_release in any case; it does not free the
 * state arrays. Returns 0 or -1.
 * optimizer_layout - take the state arrays from the arena, which owns them, and add the scratch of
 * optimizer_step to what the arena needs.
 * optimizer_register - append the state to the list s, by names; w is borrowed. Returns 0 or -1.
 */
int optimizer_init(struct optimizer *opt, struct kernels *k, const struct optimizer_options *o,
    const struct weights *w, struct buckets_piece *piece, size_t n_pieces, size_t n_state,
    struct err *e);
void optimizer_layout(struct optimizer *opt, const struct weights *w, struct arena *a);
int optimizer_register(
    const struct optimizer *opt, const struct weights *w, struct state *s, struct err *e);
void optimizer_release(struct optimizer *opt);

/* optimizer_flops - floating-point operations of the matrix products of one step; 0 for AdamW,
 * which has none. */
double optimizer_flops(const struct optimizer_options *o, const struct weights *w);

/* optimizer_lr - the learning rate of step (from 1) in a run of total steps. */
double optimizer_lr(const struct optimizer_options *o, uint64_t step, uint64_t total);

/*
 * optimizer_step - update w, the moments and the EMA from the gradients g. Muon overwrites the
 * gradients of its matrices. Collective if opt has a communicator.
 *
 * step       number of this step, from 1
 * total      number of steps of the run, at which the cosine ends
 * grad_norm  receives the global gradient norm before clipping, over tensors with TENSOR_CLIP
 *
 * Returns 0, or -1 with status ERR_NONFINITE and w, g and the state unchanged if a gradient is not
 * finite; the message names the tensor.
 */
int optimizer_step(struct optimizer *opt, const struct weights *w, const struct weights *g,
    uint64_t step, uint64_t total, double *grad_norm, struct err *e);

#endif
