#ifndef CDCD_TRANSFORMER_H
#define CDCD_TRANSFORMER_H

/*
 * The network F: a transformer without a causal mask, whose blocks are modulated by the noise level
 * (adaLN-zero).
 *
 *   h      = Linear(input)
 *   block    h += g1 ⊙ Attention(mod1(LN h));  h += g2 ⊙ MLP(mod2(LN h))
 *   output = Linear(mod(LN h)) + copy attention, if the model has it (copy_attention.h)
 *
 * Sources: Dieleman et al. 2022, arXiv:2211.15089, section 4; Peebles & Xie 2022, arXiv:2212.09748.
 *
 * Shapes: B sequences of T positions, M = B T rows; C the width, H the number of heads, L the
 * number of blocks, d the dimension of an embedding.
 */

#include "compute/arena.h"
#include "compute/kernels.h"
#include "model/config.h"
#include "model/copy_attention.h"
#include "model/weights.h"

/*
 * The activations of a block that the forward pass keeps for the backward pass. The backward pass
 * recomputes the others, which saves memory. It also reconstructs the residual stream: it starts
 * from the final h and subtracts what each half of a block added. The result is exact up to the
 * rounding of the sums (compare the reversible networks of Gomez et al. 2017, arXiv:1707.04585).
 */
struct block_activations {
	real *stats1;      /* [M,2] mean and 1/deviation of the layer norm before attention */
	act *qkv, *o, *y1; /* [M,3C], [M,C], [M,C] */
	real *lse;         /* [B,H,T] */
	real *stats2;      /* [M,2] the same before the MLP */
	act *u, *y2;       /* [M,4C], [M,C] */
	real *mod;         /* [B,6C] */
};

/* A callback during the backward pass: the gradients at and after offset in the flat array are
 * complete. */
typedef void transformer_gradient_hook(void *arg, size_t offset);

struct transformer {
	struct kernels *k;
	struct config c;
	size_t B; /* the largest batch */
	bool train;
	struct block_activations *block; /* [L]; without train, all use the same buffers */
	struct copy_attention copy;
	real *rope;                         /* [T,C/H] */
	real *cond1, *silu1, *cond2, *cond; /* [B,time_width] */
	act *a, *g;                         /* [M,C] modulated LN, [M,4C] output of GELU */
	real *h;                            /* [M,C] residual stream */
	real *stats, *mod;                  /* of the head: [M,2], [B,2C] */
	/* train only */
	real *dh, *dmod, *dcond, *dcond1;
	act *dy, *da, *du, *dqkv, *dout; /* [M,C], [M,C], [M,4C], [M,3C], [M,d]; du, dqkv use g */
	transformer_gradient_hook *hook; /* NULL: none */
	void *hook_arg;
};

/*
 * transformer_new - a transformer for batches of up to B sequences; train: also for backward
 * passes. k must outlive it. Returns NULL on error.
 * transformer_layout - take its buffers and scratch from the arena, which owns them. Call it once
 * to measure and once after arena_alloc, before any pass. transformer_free - free the transformer,
 * but not the arena. tf may be NULL.
 */
struct transformer *transformer_new(
    struct kernels *k, const struct config *c, size_t B, bool train, struct err *e);
void transformer_layout(struct transformer *tf, struct arena *a);
void transformer_free(struct transformer *tf);

/* transformer_ready - fill the constant tables. Call it after the second transformer_layout, before
 * any pass. Returns 0, or -1 if memory is short. */
int transformer_ready(struct transformer *tf, struct err *e);

/* transformer_set_gradient_hook - call hook with arg during each backward pass from now on. */
void transformer_set_gradient_hook(
    struct transformer *tf, transformer_gradient_hook *hook, void *arg);

/*
 * transformer_forward - compute out [M,d] from input [M,config_input] and level [B,time_width], the
 * features of each sequence's noise level (transformer_features). Device arrays of the caller.
 */
void transformer_forward(struct transformer *tf, const struct weights *w, real *out,
    const act *input, const real *level, size_t B);

/*
 * transformer_backward - after transformer_forward on the same input and level: add the gradients
 * of the weights to g, and write that of the input to dinput [M,config_input], from dout [M,d].
 */
void transformer_backward(struct transformer *tf, const struct weights *w, const struct weights *g,
    real *dinput, const real *dout, const act *input, const real *level, size_t B);

/*
 * transformer_find_nonfinite - after a forward pass, with train: the first block that added a
 * number that is not finite to a sequence whose input [B,T,config_input] is finite; -1 if none did.
 */
int transformer_find_nonfinite(const struct transformer *tf, const act *input, size_t B);

/*
 * transformer_features - feature [n] (host; n is even): cos and sin of c_noise at n/2 frequencies
 * from 1 to 100, evenly spaced in their logarithm, like the position encoding of Vaswani et al.
 * 2017, arXiv:1706.03762.
 */
void transformer_features(double c_noise, real *feature, size_t n);

#endif
