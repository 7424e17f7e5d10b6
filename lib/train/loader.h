#ifndef CDCD_LOADER_H
#define CDCD_LOADER_H

/*
 * The loader: reads this rank's rows of a stream of noised rows, a batch at a time, and collects
 * the results of all ranks. It decides which rank has which rows; no other module does.
 *
 * A batch is the same rows of the stream for any number of ranks. Of R ranks, rank r has the rows
 * whose number in the stream is r modulo R. It reads the whole stream and uses its own rows, or it
 * reads a stream that consists of its own rows only (noise --rank).
 */

#include <stdbool.h>
#include <stdint.h>

#include "comm/comm.h"
#include "formats/shard.h"
#include "model/batch.h"

struct loader {
	/* Set by the caller, who owns what is pointed to. */
	struct comm *comm;                 /* NULL: one process */
	size_t size;                       /* rows of a full batch, over all ranks */
	const struct active_vocab *active; /* these three: as in batch_add */
	const struct schedule *schedule;
	bool pad_loss;
	/* Fraction of the rows with an open noise level whose level is that of schedule_spread; the
	 * others have F^-1. Both take their part of the u, stretched to [0, 1]. */
	double even;
	/* Set by loader_open and loader_next. */
	struct shard_reader *rows; /* the caller's */
	uint64_t at, stride;       /* number of its next row; difference to the one after */
	uint64_t first;            /* number, in the stream, of the first row of the batch */
	size_t n;                  /* rows of the batch, over all ranks */
};

/* loader_capacity - the maximum number of rows that one rank has of a batch of n rows. */
size_t loader_capacity(const struct comm *comm, size_t n);

/*
 * loader_open - read from rows, and discard the rows before number next of the stream, with which
 * the first batch begins. rows must outlive the loader's use of it. Not collective. Returns 0, or
 * -1 if the stream begins after that row, ends before it, or contains the rows of another rank.
 */
int loader_open(struct loader *l, struct shard_reader *rows, uint64_t next, struct err *e);

/*
 * loader_next - read the next batch: l->size rows over all ranks, fewer at the end of the stream. b
 * receives those of this rank; its capacity must be loader_capacity(l->comm, l->size). Collective.
 * Returns the number of rows over all ranks, 0 at the end of the stream, or -1 on error; the same
 * on all ranks.
 */
int loader_next(struct loader *l, struct batch *b, struct err *e);

/* loader_count - how many of the first n rows of the batch this rank has. loader_has - whether it
 * has row i of the batch. Not collective. */
size_t loader_count(const struct loader *l, size_t n);
bool loader_has(const struct loader *l, size_t i);

/* Results for the rows of a batch, over all ranks, in the order of the stream. */
struct loader_results {
	size_t n;           /* number of rows */
	double *t;          /* [n] noise levels */
	double *ce;         /* [n] cross-entropies, nats; NAN for a row without targets */
	double *has_target; /* [n] 1 if the row has targets, 0 if not */
	double *given;      /* [n] numbers of given positions */
	double *data;       /* the memory of these arrays */
};

/* loader_results_init - memory for batches of up to size rows. loader_results_release frees it.
 * Returns 0 or -1. */
int loader_results_init(struct loader_results *r, size_t size, struct err *e);
void loader_results_release(struct loader_results *r);

/* loader_collect - fill r with the results of the batch on all ranks. This rank provides ce [b->B]
 * of its rows b. Collective. */
void loader_collect(
    const struct loader *l, const struct batch *b, const double *ce, struct loader_results *r);

/*
 * loader_count_rows - *rows: the number of rows that all ranks have together, by the header h of
 * the stream that each of them reads; *end: one more than the number of the last of them in the
 * stream. Both are 0 if the headers do not say it, and at most 2^63 - 1. Collective. Returns 0 or
 * -1, the same on all ranks.
 */
int loader_count_rows(
    struct comm *comm, const struct shard_header *h, uint64_t *rows, uint64_t *end, struct err *e);

#endif
