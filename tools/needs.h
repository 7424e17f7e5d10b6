#ifndef CDCD_NEEDS_H
#define CDCD_NEEDS_H

/* What a run of train takes. */

#include <stdio.h>

#include "formats/shard.h"
#include "math/kernels.h"
#include "model/config.h"
#include "model/trainer.h"

/* needs_print - a line each: parameters, bytes of memory, operations (FLOP) a token, the rows of in
 * (rows: of all ranks; 0: not known), and ranks where there are several. */
void needs_print(FILE *to, struct kernels *k, const struct config *c,
    const struct trainer_options *o, const struct shard_reader *in, uint64_t rows);

/* needs_check - die where it is more memory than can be had, unless -f. */
void needs_check(struct kernels *k, const struct config *c, const struct trainer_options *o);

#endif
