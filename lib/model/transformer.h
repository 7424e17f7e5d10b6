#ifndef CDCD_TRANSFORMER_H
#define CDCD_TRANSFORMER_H

/*
 * The network F of recipe and paper: a transformer without a causal mask, whose blocks are
 * modulated by the noise level (adaLN-zero).
 *
 *   h      = Linear(input)
 *   block    h += g1 ⊙ Attention(mod1(LN h));  h += g2 ⊙ MLP(mod2(LN h))
 *   output = Linear(mod(LN h))
 *
 * Sources: Dieleman et al. 2022, arXiv:2211.15089, section 4; Peebles & Xie 2022, arXiv:2212.09748.
 *
 * Shapes: B sequences of T positions, M = B T; C the width, H the heads, d the embedding.
 */

#include "math/arena.h"
#include "math/kernels.h"
#include "model/config.h"
#include "model/weights.h"

struct block_activations {
	real *h;            /* [M,C] the residual stream before the block */
	real *a1, *stats1;  /* [M,C], [M,2] */
	real *qkv, *o, *y1; /* [M,3C], [M,C], [M,C] */
	real *middle;       /* [M,C] the residual stream between attention and MLP */
	real *a2, *stats2;
	real *u, *g, *y2; /* [M,4C], [M,4C], [M,C] */
	real *mod;        /* [B,6C] */
};

struct transformer {
	struct kernels *k;
	struct config c;
	size_t B; /* the largest batch */
	bool train;
	struct block_activations *block;    /* [L]; all the same buffers unless train */
	real *rope;                         /* [T,C/H] */
	real *cond1, *silu1, *cond2, *cond; /* [B,time_width] */
	real *h, *stats, *a, *mod;          /* the head's: [M,C], [M,2], [M,C], [B,2C] */
	/* train only */
	real *dh, *dy, *da, *d4, *dqkv, *dmod, *dcond, *dcond1;
};

/*
 * transformer_new - for batches of up to B sequences; backward passes only with train.
 * transformer_layout - take its buffers from the arena; call it before any pass.
 * Returns NULL on error.
 */
struct transformer *transformer_new(
    struct kernels *k, const struct config *c, size_t B, bool train, struct err *e);
void transformer_layout(struct transformer *tf, struct arena *a);
void transformer_free(struct transformer *tf);

/* transformer_ready - fill the constant tables, once the arena has its memory. Returns 0 or -1. */
int transformer_ready(struct transformer *tf, struct err *e);

/*
 * transformer_forward - out [M,d] from input [M,config_input] and level [B,time_width], the
 * features of each sequence's noise level (see transformer_features).
 */
void transformer_forward(struct transformer *tf, const struct weights *w, real *out,
    const real *input, const real *level, size_t B);

/*
 * transformer_backward - after a forward pass on the same input and level: adds the gradients of
 * the weights to g and writes dinput [M,config_input].
 */
void transformer_backward(struct transformer *tf, const struct weights *w, const struct weights *g,
    real *dinput, const real *dout, const real *input, const real *level, size_t B);

/*
 * transformer_features - the noise level as n features: cos and sin of c_noise at n/2 frequencies
 * spaced evenly in their logarithm from 1 to 100, as for positions in Vaswani et al. 2017.
 */
void transformer_features(double c_noise, real *feature, size_t n);

#endif
