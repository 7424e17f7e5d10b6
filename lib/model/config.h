#ifndef CDCD_CONFIG_H
#define CDCD_CONFIG_H

/* The shape of a model: what must agree for weights to mean anything. Kept in the checkpoint. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/err.h"
#include "ground/fields.h"
#include "model/precond.h"

struct config {
	int64_t layers, width, heads; /* L, C, H */
	int64_t embed;                /* d, components of an embedding */
	int64_t row_len;              /* T, positions of a row */
	int64_t active;               /* words in the softmax */
	int64_t time_width;           /* features of the noise level, and width of their MLP */
	int precond;                  /* enum precond */
	bool positions; /* learned positions beside RoPE, which knows distances only */
	bool qk_norm;   /* attention on unit vectors with a learned scale */
	bool self_cond; /* the network sees its own last estimate */
	bool posterior; /* the network sees the context-free posterior mean */
	int64_t recall; /* heads of a last attention that copies from the input: recall.h */
};

/* The names of the presets, and NULL; config_preset fills c with preset i (but not active). */
extern const char *const config_presets[];
void config_preset(struct config *c, int i);

/* config_check - every size within bounds, heads dividing the width evenly... Returns 0 or -1. */
int config_check(const struct config *c, struct err *e);

/* config_padded - active, rounded up to a multiple of 64: rows of the embedding table. */
size_t config_padded(const struct config *c);

/* config_slots - embeddings side by side in an input row: noisy, given, and estimates. */
size_t config_slots(const struct config *c);

/* config_input - components of an input row of the transformer, padded to a multiple of 16. */
size_t config_input(const struct config *c);

/* config_flops - multiply-adds × 2 of a forward pass, a token. A training step does three. */
double config_flops(const struct config *c);

/* The fields, for the checkpoint; names begin with "model.". */
extern const struct field config_fields[];
extern const size_t config_n_fields;

#endif
