#include "train/validation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "formats/shard.h"
#include "train/trainer.h"

bool validation_improves(struct validation_best *best, uint64_t step, double nats)
{
	if (best->step && !(nats < best->nats)) {
		best->since++;
		return false;
	}
	*best = (struct validation_best){.nats = nats, .step = step};
	return true;
}

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
	if (h->vocab_hash != tr->source.vocab_hash) {
		err_set(e,
		    "%s: has vocabulary %016" PRIx64 ", but the training rows have %016" PRIx64,
		    path, h->vocab_hash, tr->source.vocab_hash);
		if (tr->vocab)
			shard_vocab_explain(tr->vocab, shard_vocab(rows), e);
	} else if (h->row_len != tr->source.row_len)
		err_set(e, "%s: has rows of %u tokens, but the training rows have %u", path,
		    h->row_len, tr->source.row_len);
	else if (h->stride > 1)
		err_set(e,
		    "%s: has the rows of rank %" PRIu64 " of %" PRIu64
		    " only; make validation rows with noise --world 1",
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

int validation_run(struct trainer *tr, const char *path, validation_seen *seen, void *arg,
    double *mean, struct err *e)
{
	struct shard_reader *rows = shard_open(path, e);
	double *ce = mem_array(tr->batch.room, sizeof *ce, e), sum = 0;
	struct loader_results *all = &tr->results;
	struct loader l = tr->loader;
	size_t n_targets = 0;
	bool ended = false;
	int failed, n = 0;

	l.even = 1;
	failed = !rows || !ce || loader_open(&l, rows, shard_header(rows)->first, e);
	failed = comm_agree(l.comm, failed, e);
	if (!failed)
		trainer_average(tr);
	while (!failed && !ended && (n = loader_next(&l, &tr->batch, e)) > 0) {
		trainer_validate(tr, &tr->batch, ce);
		loader_collect(&l, &tr->batch, ce, all);
		ended = !seen(arg, all);
		for (size_t i = 0; i < all->n; i++)
			if (isfinite(all->ce[i])) {
				sum += all->ce[i];
				n_targets++;
			}
	}
	*mean = n_targets && !ended ? sum / (double)n_targets : NAN;
	free(ce);
	shard_close(rows);
	return failed || n < 0 ? -1 : 0;
}
