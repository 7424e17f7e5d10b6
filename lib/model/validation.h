#ifndef CDCD_VALIDATION_H
#define CDCD_VALIDATION_H

/* The averaged weights measured on rows that are kept for it. */

#include <stdbool.h>

#include "formats/shard.h"
#include "model/trainer.h"

/* What is told of each batch of n rows, in the file's order: their levels and cross-entropies.
 * Returns whether to go on, the same on all ranks. */
typedef bool validation_seen(void *arg, const double *t, const double *ce, size_t n);

/*
 * validation_check - whether path holds noised rows such as tr is trained on, all of them sound.
 * Returns 0 or -1.
 *
 * validation_run - go through the noised rows of path; *mean receives the mean cross-entropy of
 * those that have targets, nats, NAN where there are none or seen has ended it. Rows whose level is
 * open get it from an even spread of ln t over the schedule's range, so that the same rows are
 * measured at the same levels each time. Each rank reads the whole file and takes its share of each
 * batch; seen is called on all. tr->batch and tr->all are used. Collective. Returns 0 or -1, the
 * same on all ranks.
 */
int validation_check(const struct trainer *tr, const char *path, struct err *e);
int validation_run(struct trainer *tr, const char *path, validation_seen *seen, void *arg,
    double *mean, struct err *e);

#endif
