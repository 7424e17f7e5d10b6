#ifndef CDCD_NEEDS_H
#define CDCD_NEEDS_H

/* Memory and work that a run of train needs. */

#include <stdio.h>

#include "formats/shard.h"
#include "compute/kernels.h"
#include "model/config.h"
#include "train/trainer.h"

/* needs_print - print one line each: parameters, memory in MiB, FLOP per token, rows and steps, and
 * the number of ranks if there are several. rows: rows of all ranks together; 0: unknown. */
void needs_print(FILE *to, struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, const struct shard_reader *in,
    uint64_t rows);

/* needs_check - an error if the run needs more memory than is available, unless -f was given.
 * Returns 0 or -1. */
int needs_check(struct kernels *k, const struct config *c, const struct trainer_options *o,
    struct comm *comm, struct err *e);

#endif
