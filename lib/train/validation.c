#include "train/validation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

int validation_check(const struct trainer *tr, const char *path, struct err *e)
{
	struct shard_reader *rows = shard_open(path, e);
	const struct shard_header *h;
	struct shard_record record;
	uint64_t n = 0;
	int failed = -1;

	if (!rows || shard_expect(rows, SHARD_NOISED, e))
		goto out;
	h = shard_header(rows);
	if (h->vocab_hash != tr->source.vocab_hash || h->row_len != tr->source.row_len)
		err_set(e,
		    "%s: rows of %u tokens of vocabulary %016" PRIx64 ", where the model has %u of "
		    "%016" PRIx64,
		    path, h->row_len, h->vocab_hash, tr->source.row_len, tr->source.vocab_hash);
	else if (h->stride > 1)
		err_set(e,
		    "%s: has the rows of rank %" PRIu64 " of %" PRIu64
		    " only: validation rows are made by noise --world 1",
		    path, h->first % h->stride, h->stride);
	else
		while ((failed = shard_read(rows, &record, e)) > 0)
			n++;
	if (!failed && !n)
		failed = err_set(e, "%s: no rows to validate on", path);
out:
	shard_close(rows);
	return failed;
}

/* The next batch of all ranks: the rows of it that are this rank's, and how many there are. */
static int next_batch(struct trainer *tr, struct shard_reader *rows, size_t *n, struct err *e)
{
	size_t ranks = (size_t)comm_size(tr->o.comm), rank = (size_t)comm_rank(tr->o.comm);
	const struct schedule *s = &tr->schedule;
	struct shard_record r;
	int more = 1;

	tr->batch.B = 0;
	tr->batch.targets = 0;
	for (*n = 0; *n < tr->o.batch && (more = shard_read(rows, &r, e)) > 0; ++*n) {
		if (*n % ranks != rank)
			continue;
		if (isnan(r.t))
			r.t = (float)schedule_spread(s, r.u);
		if (batch_add(&tr->batch, &r, &tr->active, s, tr->o.pad_loss, e))
			return err_prefix(e, "%s", shard_name(rows));
	}
	return more < 0 ? -1 : 0;
}

/* Files of the same name may differ from machine to machine. */
static int check_same(struct trainer *tr, const char *path, size_t n, struct err *e)
{
	size_t first = n;
	int failed = 0;

	comm_broadcast(tr->o.comm, &first, sizeof first);
	if (first != n)
		failed =
		    err_set(e, "%s: a batch of %zu rows, where rank 0 has %zu", path, n, first);
	return comm_agree(tr->o.comm, failed, e);
}

int validation_run(struct trainer *tr, const char *path, validation_seen *seen, void *arg,
    double *mean, struct err *e)
{
	size_t rank = (size_t)comm_rank(tr->o.comm), n = 0, all = 0;
	struct shard_reader *rows = shard_open(path, e);
	double *ce = mem_array(tr->batch.room, sizeof *ce, e), sum = 0;
	int failed = comm_agree(tr->o.comm, !rows || !ce, e);
	bool ended = false;

	if (!failed)
		trainer_average(tr);
	while (!failed && !ended) {
		failed = comm_agree(tr->o.comm, next_batch(tr, rows, &n, e), e) ||
		         check_same(tr, path, n, e);
		if (failed || n == 0)
			break;
		trainer_validate(tr, &tr->batch, ce);
		trainer_collect(tr, ce, rank, n);
		ended = !seen(arg, tr->all, tr->all + n, n);
		for (size_t i = 0; i < n; i++)
			if (isfinite(tr->all[n + i])) {
				sum += tr->all[n + i];
				all++;
			}
	}
	*mean = all && !ended ? sum / (double)all : NAN;
	free(ce);
	shard_close(rows);
	return failed ? -1 : 0;
}
