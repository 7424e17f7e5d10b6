#include "trace.h"

#include <inttypes.h>

#include "cli.h"

int trace_open(struct trace *t, const char *path, const uint32_t *id, struct err *e)
{
	t->id = id;
	if (output_open(&t->csv, path, e))
		return -1;
	cli_unlink_at_end(t->csv.temporary);
	if (!output_printf(&t->csv, e, "step,t,row,position,id,probability\n"))
		return 0;
	output_abort(&t->csv);
	return -1;
}

static int write_row(struct trace *t, const struct batch *b, size_t i,
    const struct sampler_prediction *now, struct err *e)
{
	for (size_t j = 0; j < b->T; j++) {
		size_t m = i * b->T + j;

		if (output_printf(&t->csv, e, "%" PRId64 ",%.9g,%" PRIu64 ",%zu,%" PRIu32 ",",
		        now->step, now->t[i], t->row + i, j, t->id[now->ids[m]]))
			return -1;
		if (b->noised[m] > 0 ? output_printf(&t->csv, e, "%.4g\n", (double)now->prob[m])
		                     : output_printf(&t->csv, e, "\n"))
			return -1;
	}
	return 0;
}

/* A reader at the other end of a pipe gets each prediction at once. */
int trace_write(
    void *arg, const struct batch *b, const struct sampler_prediction *now, struct err *e)
{
	struct trace *t = arg;

	for (size_t i = 0; i < b->B; i++)
		if (write_row(t, b, i, now, e))
			return -1;
	return output_flush(&t->csv, e);
}
