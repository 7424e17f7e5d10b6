#ifndef CDCD_TRACE_H
#define CDCD_TRACE_H

/* The predictions of the sampler as CSV: step,t,row,position,id,probability; see cdcd-csv(5). */

#include <stdint.h>

#include "base/io.h"
#include "model/sampler.h"

struct trace {
	struct output csv;
	const uint32_t *id; /* id of each index of the active vocabulary */
	uint64_t row;       /* number of the first row of the batch; the caller sets it */
};

/* trace_open - create the file and write its header. id: borrowed. Returns 0, or -1 with nothing to
 * close. */
int trace_open(struct trace *t, const char *path, const uint32_t *id, struct err *e);

/* trace_write - the sampler_hook that writes a prediction; arg is the trace. */
int trace_write(
    void *arg, const struct batch *b, const struct sampler_prediction *now, struct err *e);

#endif
