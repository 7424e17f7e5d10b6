#ifndef CDCD_WEIGHTS_H
#define CDCD_WEIGHTS_H

/*
 * The weights of a model: one flat array, a name for every tensor in it, and pointers into it.
 * Gradients, moments and averages are arrays of the same layout.
 */

#include "math/kernels.h"
#include "model/config.h"

enum tensor_flag {
	TENSOR_DECAY = 1, /* weight decay applies: matrices, not the embedding */
	TENSOR_CLIP = 2,  /* its gradient counts in the global norm, and is clipped */
};

struct tensor {
	char name[64];
	size_t rows, cols; /* cols 0: a vector of rows */
	size_t offset, n;  /* in the flat array */
	unsigned flags;
	double deviation; /* of its initial values; 0: constant */
	double constant;
};

struct block_weights {
	real *mod_w, *mod_b;   /* [6C,time_width], [6C]: shift, scale, gate, twice */
	real *qkv_w, *qkv_b;   /* [3C,C], [3C] */
	real *scale;           /* [H]; NULL without QK-norm */
	real *out_w, *out_b;   /* [C,C], [C] */
	real *up_w, *up_b;     /* [4C,C], [4C] */
	real *down_w, *down_b; /* [C,4C], [C] */
};

struct weights {
	real *base; /* the flat array */
	size_t n;
	real *embed; /* [V,d] raw; V is padded */
	real *bias;  /* [V] */
	real *in_w, *in_b;
	real *position; /* [T,C] added to the input of the first block; NULL without */
	real *time1_w, *time1_b, *time2_w, *time2_b;
	real *mod_w, *mod_b;         /* [2C,time_width], [2C]: of the head */
	real *head_w, *head_b;       /* [d,C], [d] */
	real *recall_qk;             /* [2RW,C], W = config_input; NULL without the recall */
	real *recall_scale;          /* [R] */
	real *recall_out;            /* [RW,d] */
	struct block_weights *block; /* [L] */
	struct tensor *tensor;
	size_t n_tensors;
};

/*
 * weights_new - the layout for c; base is not set. Returns NULL on error.
 * weights_map - point into base, which stays the caller's. weights_free frees all but the array.
 */
struct weights *weights_new(const struct config *c, struct err *e);
void weights_map(struct weights *w, const struct config *c, real *base);
void weights_free(struct weights *w);

/* weights_count - parameters of c, padding included. */
size_t weights_count(const struct config *c);

/* weights_largest - numbers of the largest tensor: what is staged on the host at one time. */
size_t weights_largest(const struct weights *w);

/*
 * weights_init - random initial weights for the seed. bias [active] starts at log_prior (NULL: 0),
 * and padding words at a logit that no softmax can see.
 */
int weights_init(struct weights *w, const struct config *c, struct kernels *k, uint64_t seed,
    const double *log_prior, struct err *e);

#endif
