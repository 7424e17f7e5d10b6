#ifndef CDCD_BATCHES_H
#define CDCD_BATCHES_H

/* Collects rows in a batch, passes each full batch to a function, and shows the progress. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/batch.h"
#include "model.h"
#include "progress.h"

/* What is done with a full batch. Returns 0 or -1. */
typedef int batches_function(void *arg, struct batch *b, struct err *e);

struct batches {
	struct batch b;
	const struct model *m;
	bool pad_loss; /* see batch_add */
	batches_function *run;
	void *arg;
	struct progress *progress;
	uint64_t rows;    /* rows of the batches that were run */
	const char *name; /* the file of the records, for messages; NULL for rows without records */
};

/* batches_init - batches of up to B rows of m; everything is borrowed. Returns 0, or -1 with
 * nothing to release. */
int batches_init(struct batches *s, const struct model *m, size_t B, batches_function *run,
    void *arg, struct progress *progress, struct err *e);
void batches_release(struct batches *s);

/* batches_bytes - bytes of memory that batches_init allocates. */
size_t batches_bytes(const struct model *m, size_t B);

/* batches_add - add a row whose noise level is t exactly; r->t is t rounded. record: the number of
 * the record from which it was made, for messages. If the batch is full then, run it. Returns 0 or
 * -1. */
int batches_add(
    struct batches *s, const struct shard_record *r, double t, uint64_t record, struct err *e);

/* batches_finish - run the last batch, if it has any rows. Returns 0 or -1. */
int batches_finish(struct batches *s, struct err *e);

#endif
