#ifndef CDCD_VALIDATION_H
#define CDCD_VALIDATION_H

/* Validation: the cross-entropy of the averaged weights on held-out rows. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loader_results;
struct trainer;

/* The validation with the lowest mean, the first of them if several are equal. */
struct validation_best {
	double nats;    /* its mean */
	uint64_t step;  /* after this step; 0: none yet */
	uint64_t since; /* number of validations since then */
};

/* validation_improves - count a validation after step, whose mean is nats. Returns whether it is
 * now the best. */
bool validation_improves(struct validation_best *best, uint64_t step, double nats);

/* Callback for each batch of rows, in the order of the file. rows is valid during the call only.
 * Returns false to end validation; it must return the same on all ranks. */
typedef bool validation_seen(void *arg, const struct loader_results *rows);

/*
 * validation_check - read all of path, and check that it contains noised rows, at least one, with
 * tr's vocabulary and row length, and not those of one rank only. Not collective. Returns 0 or -1.
 *
 * validation_run - measure the cross-entropy of the noised rows in path. *mean receives the mean
 * over the rows that have targets, in nats; NAN if there are none, or if seen returned false. A row
 * with an open noise level gets one by schedule_spread, so that the same rows are measured at the
 * same levels each time. Each rank reads the whole file and evaluates its own rows of each batch;
 * seen is called on all ranks with the results of all. tr->batch and tr->results are overwritten.
 * Collective. Returns 0 or -1, the same on all ranks.
 */
int validation_check(const struct trainer *tr, const char *path, struct err *e);
int validation_run(struct trainer *tr, const char *path, validation_seen *seen, void *arg,
    double *mean, struct err *e);

#endif
