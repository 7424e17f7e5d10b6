#ifndef CDCD_EXCHANGE_H
#define CDCD_EXCHANGE_H

/*
 * The exchange of gradients between the ranks of a team, in buckets, while the backward pass goes
 * on: it completes the gradients from the end of the flat array to its beginning, and each bucket
 * sets out as soon as it is complete.
 *
 * As floats, the sums are MPI's (all-reduce; reduce-scatter with shard). As bf16, every rank sends
 * each other one its part, sums what it gets in fp32, and rounds the sum once more: so each number
 * is rounded twice whatever the number of ranks, to a relative error of 2^-9 each time.
 *
 * With shard every rank owns one part of each bucket: of the gradient it has that part only, keeps
 * the optimiser's state of it, updates it, and the new weights are gathered.
 * Source: Rajbhandari et al. 2019, arXiv:1910.02054, the first stage (ZeRO-1).
 */

#include "math/arena.h"
#include "model/optimizer.h"
#include "model/team.h"
#include "model/weights.h"

struct exchange_options {
	bool bf16;      /* what travels; sums are fp32 */
	bool shard;     /* sums go to their owners only */
	int64_t bucket; /* parameters that travel together at least */
};

struct exchange;

/* exchange_padded - parameters of an array of n that all parts of all ranks fit into. */
size_t exchange_padded(size_t n, const struct team *team);

/*
 * exchange_new - for arrays laid out as w, exchange_padded long. team is the caller's, and outlives
 * it. Returns NULL on error.
 * exchange_layout - take its buffers from the arena.
 */
struct exchange *exchange_new(
    struct team *team, const struct weights *w, const struct exchange_options *o, struct err *e);
void exchange_layout(struct exchange *x, struct arena *a);
void exchange_free(struct exchange *x);

/* exchange_begin - the gradients at g are about to be made. */
void exchange_begin(struct exchange *x, real *g);

/* exchange_ready - those from offset on are complete; offsets only fall. x is a struct exchange. */
void exchange_ready(void *x, size_t offset);

/* exchange_finish - all are: wait for the sums. With shard, only this rank's parts of g are. */
void exchange_finish(struct exchange *x);

/* exchange_gather - p, of which every rank has its own parts, becomes whole. Collective. */
void exchange_gather(struct exchange *x, real *p);

/*
 * exchange_pieces - what this rank owns, cut at the borders of tensors; its state stands without
 * gaps between buckets in arrays of *n_state. The caller frees the array. Returns NULL on error.
 */
struct optimizer_piece *exchange_pieces(const struct exchange *x, const struct weights *w,
    size_t *n_pieces, size_t *n_state, struct err *e);

#endif
