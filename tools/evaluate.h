#ifndef CDCD_EVALUATE_H
#define CDCD_EVALUATE_H

/* Write the losses of a trained model on noised rows, as CSV; see cdcd-csv(5). */

#include <stddef.h>
#include <stdint.h>

#include "formats/shard.h"
#include "model.h"
#include "progress.h"

/* evaluate_bytes - bytes of memory that evaluate needs, without the weights; SIZE_MAX if that
 * overflows. */
size_t evaluate_bytes(const struct model *m, size_t batch);

/*
 * evaluate - write a row of losses for each noised row. Losses are those of validation in training:
 * open noise levels are spread evenly over ln t, and [PAD] counts in the loss if it did in
 * training.
 *
 * m      with its weights
 * batch  rows that are computed together
 * rows   receives the number of rows
 *
 * Returns 0, or -1 without an output file.
 */
int evaluate(const struct model *m, size_t batch, const char *output, struct shard_reader *in,
    struct progress *progress, uint64_t *rows, struct err *e);

#endif
