#ifndef CDCD_RECALL_H
#define CDCD_RECALL_H

/*
 * The recall: a last attention that reads the input itself, so that a word which stands elsewhere
 * can be copied from there.
 *
 *   q, k = Linear(a)                       a: what the head of the transformer sees
 *   r    = softmax(s q k^T) input          q and k on unit vectors, no positions, R heads
 *   out += r W
 *
 * The values are the input's own embeddings (noisy, given, estimated), and of the first head W
 * begins as a multiple of the identity on those of its slots that hold clean ones or estimates. So
 * whatever a position attends to raises the logits of the word that stands there from the first
 * step, and all that is left to learn is where to look. Its queries and keys begin as the same map:
 * like looks at like, and most of all at itself, as long as nothing else is alike. On the stories
 * of pipelines/, the cross-entropy of a name that also stands elsewhere, in rows of which 85 % are
 * given, falls to 0.4 nats in 1,500 steps of 32 rows; without the recall it stayed at the 2.3 of
 * all names.
 *
 * The other heads begin with W = 0, and can learn the opposite: what stands elsewhere, and so not
 * here. Of 256 stories of the demo's model, sampled at temperature 0.8, 31 had two characters or
 * things in them that must differ and were the same, as often as chance has it, after 12,000 steps
 * with one head; after 6,000 with two, 2 had.
 *
 * After the pointer networks of Vinyals et al. 2015, arXiv:1506.03134, and the copying of See et
 * al. 2017, arXiv:1704.04368, here in the space of embeddings, ahead of the softmax.
 *
 * Shapes: as in transformer.h; W = config_input(c), R = c->recall.
 */

#include "math/arena.h"
#include "math/kernels.h"
#include "model/config.h"
#include "model/weights.h"

struct recall {
	size_t T, C, d, W, R;
	act *qk, *qkv, *r; /* [M,2RW], [M,3RW], [M,RW] */
	real *lse;         /* [M,R] */
	/* train only */
	act *dqk, *dqkv, *dr;
};

/* recall_layout - take the buffers and scratch for up to B sequences from the arena. */
void recall_layout(struct recall *rc, const struct kernels *k, const struct config *c, size_t B,
    bool train, struct arena *a);

/* recall_forward - add to out [M,d] what a [M,C] recalls of input [M,W]. */
void recall_forward(struct kernels *k, struct recall *rc, const struct weights *w, real *out,
    const act *a, const act *input, size_t B);

/*
 * recall_backward - after a forward pass on the same a: adds the gradients of the weights to g and
 * that of a to da. recall_backward_input - after it: adds the gradient of the input to dinput.
 */
void recall_backward(struct kernels *k, struct recall *rc, const struct weights *w,
    const struct weights *g, act *da, const act *dout, const act *a, size_t B);
void recall_backward_input(struct kernels *k, const struct recall *rc, real *dinput, size_t B);

#endif
