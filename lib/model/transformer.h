#ifndef CDCD_TRANSFORMER_H
#define CDCD_TRANSFORMER_H

/*
 * The network F of recipe and paper: a transformer without a causal mask, whose blocks are
 * modulated by the noise level (adaLN-zero).
 *
 *   h      = Linear(input)
 *   block    h += g1 ⊙ Attention(mod1(LN h));  h += g2 ⊙ MLP(mod2(LN h))
 *   output = Linear(mod(LN h)), and what the recall adds, where the model has one: recall.h
 *
 * Sources: Dieleman et al. 2022, arXiv:2211.15089, section 4; Peebles & Xie 2022, arXiv:2212.09748.
 *
 * Shapes: B sequences of T positions, M = B T; C the width, H the heads, d the embedding.
 */

#include "math/arena.h"
#include "math/kernels.h"
#include "model/config.h"
#include "model/recall.h"
#include "model/weights.h"

/*
 * What the backward pass wants of a block; the rest it makes again, which costs less than memory.
 * The residual stream itself is not kept: from its end, what each half of a block added is taken
 * off again (to the rounding of the sums; Gomez et al. 2017, arXiv:1707.04585, do so exactly).
 */
struct block_activations {
	real *stats1;      /* [M,2] of the layer norm before attention */
	act *qkv, *o, *y1; /* [M,3C], [M,C], [M,C] */
	real *lse;         /* [B,H,T] */
	real *stats2;      /* [M,2] before the MLP */
	act *u, *y2;       /* [M,4C], [M,C] */
	real *mod;         /* [B,6C] */
};

struct transformer {
	struct kernels *k;
	struct config c;
	size_t B; /* the largest batch */
	bool train;
	struct block_activations *block; /* [L]; all the same buffers unless train */
	struct recall recall;
	real *rope;                         /* [T,C/H] */
	real *cond1, *silu1, *cond2, *cond; /* [B,time_width] */
	act *a, *g;                         /* [M,C], [M,4C] what a map reads: LN modulated, GELU */
	real *h;                            /* [M,C] the residual stream */
	real *stats, *mod;                  /* the head's: [M,2], [B,2C] */
	/* train only */
	real *dh, *dmod, *dcond, *dcond1;
	act *dy, *da, *du, *dqkv, *dout; /* [M,C], [M,C]; [M,4C], [M,3C] in the place of g; [M,d] */
	/* NULL, or what to call in a backward pass when all gradients from offset on are complete
	 */
	void (*ready)(void *arg, size_t offset);
	void *ready_arg;
};

/*
 * transformer_new - for batches of up to B sequences; backward passes only with train.
 * transformer_layout - take its buffers and scratch from the arena; call it before any pass.
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
    const act *input, const real *level, size_t B);

/*
 * transformer_backward - after a forward pass on the same input and level: adds the gradients of
 * the weights to g and writes dinput [M,config_input].
 */
void transformer_backward(struct transformer *tf, const struct weights *w, const struct weights *g,
    real *dinput, const real *dout, const act *input, const real *level, size_t B);

/*
 * transformer_features - the noise level as n features: cos and sin of c_noise at n/2 frequencies
 * spaced evenly in their logarithm from 1 to 100, as for positions in Vaswani et al. 2017.
 */
void transformer_features(double c_noise, real *feature, size_t n);

#endif
