#ifndef CDCD_TOOLS_MODEL_H
#define CDCD_TOOLS_MODEL_H

/* A trained model as denoise uses it: an open checkpoint, and its weights in the memory of the
 * kernels. */

#include <stdbool.h>
#include <stddef.h>

#include "compute/kernels.h"
#include "model/active_vocab.h"
#include "model/weights.h"
#include "train/checkpoint.h"

/* Starts as {0}. */
struct model {
	struct checkpoint cp;
	struct active_vocab active;
	struct kernels *k;
	struct weights *w;
};

/* model_open - open the checkpoint; only m->cp is set. Returns 0 or -1. */
int model_open(struct model *m, const char *path, struct err *e);

/* model_prepare - set the other members, but do not load the weights yet. threads: 0: one per
 * processor. Returns 0 or -1. */
int model_prepare(struct model *m, int threads, enum k_precision precision, struct err *e);

/*
 * model_load - load the weights: their moving average or, with last, those of the last step.
 * further: bytes of memory that the caller will need in addition; SIZE_MAX: more than there can be.
 * Returns 0, or -1 also if both together are more than the memory that is available.
 */
int model_load(struct model *m, bool last, size_t further, struct err *e);

/* model_close - free what the functions above have set, whether or not they succeeded. */
void model_close(struct model *m);

#endif
