#ifndef CDCD_COPY_ATTENTION_H
#define CDCD_COPY_ATTENTION_H

/*
 * Copy attention (--copy-heads): a last attention layer whose values are the embeddings of the
 * input, so that a word can be copied from another position.
 *
 *   q, k = Linear(a)                       a: the input of the transformer's head
 *   r    = softmax(s q k^T) input          q and k are unit vectors; no positions; R heads
 *   out += r W
 *
 * The values are the input's embeddings (noisy, given, estimated). In the first head, W starts as a
 * multiple of the identity on those slots of the input that hold given embeddings or estimates.
 * From the first step, therefore, attending to a position raises the logits of the word at that
 * position, and the model has to learn only where to attend. The queries and keys of the first head
 * start as the same map: a position attends to similar positions, and most of all to itself.
 *
 * In the other heads W starts at 0. They can learn the opposite: that a word occurs elsewhere, and
 * therefore not here. pipelines/README.md compares models with no, one and two heads.
 *
 * Sources: pointer networks, Vinyals et al. 2015, arXiv:1506.03134; copying, See et al. 2017,
 * arXiv:1704.04368. Here the copy is made of embeddings, before the softmax.
 *
 * Shapes: as in transformer.h; W = config_input(c), R = c->copy_heads.
 */

#include "compute/arena.h"
#include "compute/kernels.h"
#include "model/config.h"
#include "model/weights.h"

struct copy_attention {
	size_t T, C, d, W, R;
	act *qk, *qkv, *r; /* [M,2RW], [M,3RW], [M,RW] */
	real *lse;         /* [M,R] */
	/* train only */
	act *dqk, *dqkv, *dr;
};

/* copy_attention_layout - initialise ca for up to B sequences; take its buffers from the arena,
 * which owns them, and add its scratch to a->need. train: also for backward passes. */
void copy_attention_layout(struct copy_attention *ca, const struct kernels *k,
    const struct config *c, size_t B, bool train, struct arena *a);

/* copy_attention_forward - add the output of copy attention to out [M,d], from a [M,C] and input
 * [M,W]. */
void copy_attention_forward(struct kernels *k, struct copy_attention *ca, const struct weights *w,
    real *out, const act *a, const act *input, size_t B);

/*
 * copy_attention_backward - after copy_attention_forward on the same a: add the gradients of the
 * weights to g, and that of a to da [M,C], from the gradient dout [M,d].
 * copy_attention_backward_input - after copy_attention_backward: add the gradient of the input to
 * dinput [M,W].
 */
void copy_attention_backward(struct kernels *k, struct copy_attention *ca, const struct weights *w,
    const struct weights *g, act *da, const act *dout, const act *a, size_t B);
void copy_attention_backward_input(
    struct kernels *k, const struct copy_attention *ca, real *dinput, size_t B);

#endif
