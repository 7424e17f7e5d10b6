#include "train/loader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"

/* --- the rows of a rank --- */

size_t loader_capacity(const struct comm *comm, size_t n)
{
	size_t ranks = (size_t)comm_size(comm);

	return (n + ranks - 1) / ranks;
}

/* The offset of a rank's first row after row number base of the stream. Its other rows follow at
 * intervals of the number of ranks. */
static uint64_t first_row(uint64_t base, int rank, int ranks)
{
	uint64_t r = (uint64_t)rank, R = (uint64_t)ranks;

	return (r + R - base % R) % R;
}

/* How many of n rows from number base on a rank has. */
static size_t count_rank_rows(uint64_t base, size_t n, int rank, int ranks)
{
	uint64_t first = first_row(base, rank, ranks);

	return n > first ? (size_t)((n - first - 1) / (uint64_t)ranks + 1) : 0;
}

static uint64_t own_first_row(const struct loader *l)
{
	return first_row(l->first, comm_rank(l->comm), comm_size(l->comm));
}

size_t loader_count(const struct loader *l, size_t n)
{
	return count_rank_rows(l->first, n, comm_rank(l->comm), comm_size(l->comm));
}

bool loader_has(const struct loader *l, size_t i)
{
	return (l->first + i) % (uint64_t)comm_size(l->comm) == (uint64_t)comm_rank(l->comm);
}

/* --- reading --- */

/* A stream is whole, or it consists of the rows of this rank. */
static int check_stream(const struct loader *l, const struct shard_reader *rows, struct err *e)
{
	const struct shard_header *h = shard_header(rows);
	uint64_t ranks = (uint64_t)comm_size(l->comm), rank = (uint64_t)comm_rank(l->comm);

	if (h->stride <= 1 || (h->stride == ranks && h->first % ranks == rank))
		return 0;
	return err_set(e,
	    "%s: has the rows of rank %" PRIu64 " of %" PRIu64 ", where this is rank %" PRIu64
	    " of %" PRIu64,
	    shard_name(rows), h->first % h->stride, h->stride, rank, ranks);
}

int loader_open(struct loader *l, struct shard_reader *rows, uint64_t next, struct err *e)
{
	struct shard_record record;
	uint64_t at = shard_header(rows)->first, stride = shard_header(rows)->stride, want;

	if (check_stream(l, rows, e))
		return -1;
	l->rows = rows;
	l->stride = stride = max_u64(stride, 1);
	l->first = next;
	l->n = 0;
	want = stride == 1 ? next : next + own_first_row(l);
	if (at > want)
		return err_set(e,
		    "%s: begins with row %" PRIu64 " of its stream, but row %" PRIu64 " comes next",
		    shard_name(rows), at, want);
	for (; at < want; at += stride) {
		int more = shard_read(rows, &record, e);

		if (more < 0)
			return -1;
		if (more == 0 && stride > 1)
			break; /* the end of this rank's rows; loader_next finds that of all */
		if (more == 0)
			return err_set(e,
			    "%s: ends at row %" PRIu64 ", but row %" PRIu64 " comes next",
			    shard_name(rows), at, want);
	}
	l->at = at;
	return 0;
}

/* Decide an open level, or leave it to batch_add. */
static void set_level(const struct loader *l, struct shard_record *r)
{
	if (!isnan(r->t))
		return;
	if (r->u < l->even)
		r->t = (float)schedule_spread(l->schedule, r->u / l->even);
	else
		r->u = (float)((r->u - l->even) / (1 - l->even));
}

/* This rank's rows of the batch, as far as there are any. */
static int read_rows(struct loader *l, struct batch *b, struct err *e)
{
	uint64_t want = l->first + own_first_row(l), end = l->first + l->size;
	struct shard_record r;

	b->B = 0;
	b->targets = 0;
	while (want < end) {
		int more = shard_read(l->rows, &r, e);
		bool wanted = l->at == want;

		if (more < 0)
			return -1;
		if (more == 0)
			break;
		l->at += l->stride;
		if (!wanted)
			continue;
		set_level(l, &r);
		if (batch_add(b, &r, l->active, l->schedule, l->pad_loss, e))
			return err_prefix(e, "%s: row %" PRIu64, shard_name(l->rows), want);
		want += (uint64_t)comm_size(l->comm);
	}
	return 0;
}

/* Check that of the batch's rows each rank has those that it must have. count [ranks]. */
static int check_counts(const struct loader *l, const double *count, struct err *e)
{
	int ranks = comm_size(l->comm);

	for (int r = 0; r < ranks; r++) {
		size_t expected = count_rank_rows(l->first, l->n, r, ranks);

		if (count[r] != (double)expected)
			return err_set(e,
			    "%s: rank %d of %d has %g of the %zu rows from row %" PRIu64
			    " on (expected %zu): do all ranks read the same stream?",
			    shard_name(l->rows), r, ranks, count[r], l->n, l->first, expected);
	}
	return 0;
}

/* Add up the rows of all ranks, and those of them that have targets. */
static int add_counts(struct loader *l, struct batch *b, struct err *e)
{
	size_t ranks = (size_t)comm_size(l->comm);
	double *count = mem_array(ranks + 1, sizeof *count, e), n = 0;
	int failed;

	if (comm_agree(l->comm, !count, e) || !count) {
		free(count);
		return -1;
	}
	count[comm_rank(l->comm)] = (double)b->B;
	for (size_t i = 0; i < b->B; i++)
		count[ranks] += batch_has_target(b, i);
	comm_allreduce(l->comm, count, ranks + 1);
	for (size_t r = 0; r < ranks; r++)
		n += count[r];
	l->n = (size_t)n;
	b->targets = (size_t)count[ranks];
	failed = check_counts(l, count, e);
	free(count);
	return failed;
}

int loader_next(struct loader *l, struct batch *b, struct err *e)
{
	l->first += l->n;
	l->n = 0;
	if (comm_agree(l->comm, read_rows(l, b, e), e))
		return -1;
	l->n = b->B;
	if (comm_size(l->comm) > 1 && add_counts(l, b, e))
		return -1;
	return (int)l->n;
}

/* --- results --- */

int loader_results_init(struct loader_results *r, size_t size, struct err *e)
{
	*r = (struct loader_results){.data = mem_array(size, 4 * sizeof *r->data, e)};
	return r->data ? 0 : -1;
}

void loader_results_release(struct loader_results *r)
{
	free(r->data);
	*r = (struct loader_results){0};
}

void loader_collect(
    const struct loader *l, const struct batch *b, const double *ce, struct loader_results *r)
{
	size_t ranks = (size_t)comm_size(l->comm), at = (size_t)own_first_row(l), n = l->n;

	r->n = n;
	r->t = r->data;
	r->ce = r->data + n;
	r->has_target = r->data + 2 * n;
	r->given = r->data + 3 * n;
	memset(r->data, 0, 4 * n * sizeof *r->data);
	for (size_t i = 0; i < b->B; i++, at += ranks) {
		r->t[at] = b->t[i];
		r->ce[at] = ce[i];
		r->has_target[at] = batch_has_target(b, i);
		r->given[at] = (double)batch_given(b, i);
	}
	comm_allreduce(l->comm, r->data, 4 * n);
}

/* --- the number of rows --- */

/* A number of rows, which is a double for comm_allreduce. A header may claim any number. */
static uint64_t to_count(double n)
{
	return n < 0x1p63 ? (uint64_t)n : INT64_MAX;
}

int loader_count_rows(
    struct comm *comm, const struct shard_header *h, uint64_t *rows, uint64_t *end, struct err *e)
{
	size_t ranks = (size_t)comm_size(comm), rank = (size_t)comm_rank(comm);
	double stride = (double)max_u64(h->stride, 1), expected = (double)h->expected;
	double last = 0, whole = 0, parts = 0;
	double *n = mem_array(3 * ranks, sizeof *n, e);

	if (comm_agree(comm, !n, e) || !n) {
		free(n);
		return -1;
	}
	n[rank] = expected > 0 ? (double)h->first + (expected - 1) * stride + 1 : 0;
	n[ranks + rank] = stride > 1 ? 0 : expected;
	n[2 * ranks + rank] = stride > 1 ? expected : 0;
	comm_allreduce(comm, n, 3 * ranks);
	for (size_t i = 0; i < ranks; i++) {
		last = fmax(n[i], last);
		whole = fmax(n[ranks + i], whole);
		parts += n[2 * ranks + i];
	}
	free(n);
	*end = to_count(last);
	*rows = to_count(whole > 0 ? whole : parts);
	return 0;
}
