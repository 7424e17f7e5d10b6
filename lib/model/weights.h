#ifndef CDCD_WEIGHTS_H
#define CDCD_WEIGHTS_H

/*
 * The weights of a model: one flat array, the name and shape of every tensor in it, and pointers to
 * the tensors. Gradients, moments and the EMA are arrays of the same layout.
 */

#include "compute/kernels.h"
#include "model/config.h"

enum tensor_flag {
	TENSOR_DECAY = 1, /* weight decay applies: matrices, not the embedding */
	TENSOR_CLIP = 2,  /* its gradient is part of the global norm, and is clipped */
};

struct tensor {
	char name[64];
	size_t rows, cols; /* cols 0: a vector of length rows */
	size_t offset, n;  /* first element in the flat array, number of elements */
	unsigned flags;    /* of enum tensor_flag */
	size_t matrices; /* number of matrices [rows/matrices,cols] that the optimiser Muon updates,
	                    one after the other in its rows; 0: not a tensor for Muon */
	double init_std; /* standard deviation of the initial values; 0: all have the mean */
	double init_mean; /* mean of the initial values */
};

struct block_weights {
	real *mod_w, *mod_b;   /* [6C,time_width], [6C]: shift, scale, gate, for each half */
	real *qkv_w, *qkv_b;   /* [3C,C], [3C] */
	real *scale;           /* [H]; NULL without QK-norm */
	real *out_w, *out_b;   /* [C,C], [C] */
	real *up_w, *up_b;     /* [4C,C], [4C] */
	real *down_w, *down_b; /* [C,4C], [C] */
};

struct weights {
	real *base; /* the flat array */
	size_t n;
	real *embed;       /* [V,d] not normalised; V = config_padded */
	real *bias;        /* [V] */
	real *in_w, *in_b; /* [C,config_input], [C] */
	real *position;    /* [T,C] added to the first block's input; NULL without positions */
	real *time1_w, *time1_b, *time2_w, *time2_b; /* [F,F], [F], F = time_width */
	real *mod_w, *mod_b;         /* [2C,time_width], [2C]: modulation of the head */
	real *head_w, *head_b;       /* [d,C], [d] */
	real *copy_qk;               /* [2RW,C], W = config_input; NULL without copy attention */
	real *copy_scale;            /* [R] */
	real *copy_out;              /* [RW,d] */
	struct block_weights *block; /* [L] */
	struct tensor *tensor;
	size_t n_tensors;
};

/*
 * weights_new - the layout of the weights for c, without an array: base and all tensor pointers are
 * NULL. Returns NULL on error.
 * weights_map - set the pointers to the tensors in base, an array of w->n numbers (device memory)
 * that stays the caller's.
 * weights_free - free w, but not the array.
 */
struct weights *weights_new(const struct config *c, struct err *e);
void weights_map(struct weights *w, const struct config *c, real *base);
void weights_free(struct weights *w);

/* weights_count - length of the flat array for c, including padding. */
size_t weights_count(const struct config *c);

/* weights_largest - number of elements of the largest tensor: the size of a buffer in host memory
 * through which tensors are copied one at a time. */
size_t weights_largest(const struct weights *w);

/*
 * weights_init - set w to random initial weights, a function of c and seed. The bias of each active
 * word starts at log_prior [active] (0 if log_prior is NULL). The bias of padding words is so low
 * that their probability is 0. Returns 0, or -1 if memory is short.
 */
int weights_init(struct weights *w, const struct config *c, struct kernels *k, uint64_t seed,
    const double *log_prior, struct err *e);

#endif
