#include "evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "batches.h"
#include "cli.h"
#include "base/io.h"
#include "base/mem.h"
#include "model/likelihood.h"

struct evaluation {
	const struct model *m;
	struct likelihood *likelihood;
	struct batches batches;
	struct output csv;
	double *ce, *squared_error; /* [batch] */
};

size_t evaluate_bytes(const struct model *m, size_t batch)
{
	size_t bytes = likelihood_bytes(m->k, &m->cp.c, batch);

	return bytes == SIZE_MAX ? SIZE_MAX
	                         : bytes + batches_bytes(m, batch) + 2 * batch * sizeof(double);
}

/* The number of tokens of row i over which its losses are averaged. */
static size_t count_targets(const struct batch *b, size_t i)
{
	size_t n = 0;

	for (size_t t = 0; t < b->T; t++)
		n += b->weight[i * b->T + t] > 0;
	return n;
}

static int print_row(struct evaluation *v, const struct batch *b, size_t i, struct err *e)
{
	if (output_printf(
	        &v->csv, e, "%.9g,%.9g,", b->t[i], schedule_u(&v->m->cp.schedule, b->t[i])))
		return -1;
	if (!isfinite(v->ce[i]))
		return output_printf(&v->csv, e, ",,0\n");
	return output_printf(
	    &v->csv, e, "%.9g,%.9g,%zu\n", v->ce[i], v->squared_error[i], count_targets(b, i));
}

static int print_batch(void *arg, struct batch *b, struct err *e)
{
	struct evaluation *v = arg;

	if (likelihood_run(v->likelihood, b, v->ce, v->squared_error, e))
		return -1;
	for (size_t i = 0; i < b->B; i++)
		if (print_row(v, b, i, e))
			return -1;
	return output_flush(&v->csv, e);
}

static int evaluate_rows(struct evaluation *v, struct shard_reader *in, struct err *e)
{
	struct shard_record r;
	uint64_t record = 0;
	int more;

	v->batches.name = shard_name(in);
	if (output_printf(&v->csv, e, "t,u,ce_nats,squared_error,targets\n"))
		return -1;
	while ((more = shard_read(in, &r, e)) > 0) {
		if (isnan(r.t))
			r.t = (float)schedule_spread(&v->m->cp.schedule, r.u);
		if (batches_add(&v->batches, &r, r.t, record++, e))
			return -1;
	}
	return more < 0 ? -1 : batches_finish(&v->batches, e);
}

static int write_losses(
    struct evaluation *v, const char *output, struct shard_reader *in, struct err *e)
{
	int failed;

	if (output_open(&v->csv, output, e))
		return -1;
	cli_unlink_at_end(v->csv.temporary);
	failed = evaluate_rows(v, in, e);
	if (failed)
		output_abort(&v->csv);
	else
		failed = output_commit(&v->csv, e);
	cli_unlink_nothing();
	return failed;
}

int evaluate(const struct model *m, size_t batch, const char *output, struct shard_reader *in,
    struct progress *progress, uint64_t *rows, struct err *e)
{
	struct evaluation v = {.m = m};
	int failed = -1;

	if (batches_init(&v.batches, m, batch, print_batch, &v, progress, e))
		return -1;
	v.batches.pad_loss = m->cp.o.pad_loss;
	if ((v.likelihood = likelihood_new(m->k, &m->cp.c, m->w, batch, e)) &&
	    (v.ce = mem_array(batch, sizeof *v.ce, e)) &&
	    (v.squared_error = mem_array(batch, sizeof *v.squared_error, e)))
		failed = write_losses(&v, output, in, e);
	*rows = v.batches.rows;
	likelihood_free(v.likelihood);
	batches_release(&v.batches);
	free(v.ce);
	free(v.squared_error);
	return failed;
}
