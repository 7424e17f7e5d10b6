#ifndef CDCD_OPTIMIZER_H
#define CDCD_OPTIMIZER_H

/*
 * AdamW with warm-up and cosine decay, a clip of the global norm, and the average of the weights.
 * Source: Loshchilov & Hutter 2019, arXiv:1711.05101; 2017, arXiv:1608.03983 (cosine).
 */

#include <stdint.h>

#include "math/kernels.h"
#include "model/team.h"
#include "model/weights.h"

struct optimizer_options {
	double lr, lr_end; /* peak, and its share that is left at the end */
	double warmup;     /* share of all steps over which lr rises linearly */
	double beta1, beta2, eps, decay;
	double clip; /* of the global gradient norm; 0: none */
	double ema;  /* decay of the average, approached from below in the first steps */
};

/* A run of parameters of one tensor that this process updates, and where their state is. */
struct optimizer_piece {
	size_t tensor;
	size_t at;    /* in the flat array of weights */
	size_t state; /* in those of the moments and the average */
	size_t n;
};

struct optimizer {
	struct kernels *k;
	struct optimizer_options o;
	real *m, *v, *ema; /* [n_state] */
	struct optimizer_piece *piece;
	size_t n_pieces, n_state;
	double *squares;   /* [n_tensors] */
	struct team *team; /* that shares the pieces; NULL where this process has all of them */
};

/*
 * optimizer_init - opt updates the n_pieces pieces, from an array that it takes over, or with NULL
 * all of w, the state being laid out as the weights are. The state's arrays are set by the caller.
 * Returns 0 or -1.
 */
int optimizer_init(struct optimizer *opt, struct kernels *k, const struct optimizer_options *o,
    const struct weights *w, struct optimizer_piece *piece, size_t n_pieces, size_t n_state,
    struct err *e);
void optimizer_release(struct optimizer *opt);

/* optimizer_lr - the learning rate of step (from 1) of total. */
double optimizer_lr(const struct optimizer_options *o, uint64_t step, uint64_t total);

/*
 * optimizer_step - update w from g, which stays as it is. Collective where opt has a team.
 *
 * step       from 1; total: what the cosine is spread over
 * grad_norm  receives the global norm over the tensors that count in it
 *
 * Returns 0, or -1 with nothing changed if a gradient is not finite; the message names the tensor.
 */
int optimizer_step(struct optimizer *opt, const struct weights *w, const struct weights *g,
    uint64_t step, uint64_t total, double *grad_norm, struct err *e);

#endif
