#ifndef CDCD_CONFIG_H
#define CDCD_CONFIG_H

/* The configuration of a model: everything that weights depend on. The checkpoint stores it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "diffusion/precond.h"

struct config {
	size_t layers, width, heads; /* L, C, H */
	size_t embed;                /* d, dimension of the embeddings */
	size_t row_len;              /* T, positions in a row */
	size_t active;               /* words in the softmax: size of the active vocabulary */
	size_t time_width;           /* features of the noise level, and width of their MLP */
	enum precond precond;
	bool positions;    /* add learned absolute positions; RoPE encodes only distances */
	bool qk_norm;      /* normalise queries and keys; a learned scale per head */
	bool self_cond;    /* the network's input includes its last estimate */
	bool posterior;    /* the network's input includes the context-free posterior mean */
	size_t copy_heads; /* heads of the copy attention (copy_attention.h); 0: none */
};

/* config_check - check that width / heads is a whole, even number, and that time_width is even; the
 * fields are within the ranges in train/settings.c. Returns 0 or -1. */
int config_check(const struct config *c, struct err *e);

/* config_padded - V, the rows of the embedding table: active, rounded up to a multiple of 64. */
size_t config_padded(const struct config *c);

/* config_slots - the number of embeddings in an input row: noisy, given, and one for each of
 * self_cond and posterior. */
size_t config_slots(const struct config *c);

/* config_input - the length of an input row of the transformer, rounded up to a multiple of 16. */
size_t config_input(const struct config *c);

/* config_flops - floating-point operations per token in a forward pass (2 per multiply-add). A
 * training step takes three times as many. */
double config_flops(const struct config *c);

#endif
