#ifndef CDCD_BUCKETS_H
#define CDCD_BUCKETS_H

/*
 * Gradient synchronisation between the ranks of a communicator, in buckets, as in PyTorch's DDP. It
 * overlaps with the backward pass, which completes the gradients from the end of the flat array to
 * its beginning: the sum of each bucket over the ranks starts as soon as the bucket is complete.
 *
 * In fp32, MPI computes the sums (all-reduce, or with shard reduce-scatter). In bf16, an all-to-all
 * sends each rank its part of the bucket from every other rank; the rank sums these parts in fp32
 * and rounds the sum to bf16; without shard, an all-gather distributes the sums. So each number is
 * rounded at most twice, for any number of ranks, each time with a relative error of up to 2^-9.
 *
 * With shard, each rank owns one part of every bucket (ZeRO stage 1). It receives only that part of
 * the gradient, keeps the optimiser's state for it and updates its weights; then an all-gather
 * distributes the new weights.
 * Source: Rajbhandari et al. 2019, arXiv:1910.02054, the first stage (ZeRO-1).
 */

#include "compute/arena.h"
#include "comm/comm.h"
#include "model/weights.h"

struct buckets_options {
	bool bf16;  /* send gradients as bf16; sums are fp32 */
	bool shard; /* each rank receives only the sums of the parameters it owns */
	size_t kib; /* minimum size of a bucket, KiB */
};

/* Consecutive parameters of one tensor that this process updates, and where their state is. */
struct buckets_piece {
	size_t tensor; /* its index in weights.tensor */
	size_t at;     /* offset in the flat array of weights */
	size_t state;  /* offset in the arrays of the optimiser's state */
	size_t n;      /* number of parameters */
};

struct buckets;

/* buckets_padded - the length of an array of n parameters, rounded up so that all ranks have parts
 * of equal size. */
size_t buckets_padded(size_t n, const struct comm *comm);

/*
 * buckets_new - divide arrays into buckets; the arrays have the layout of w and are
 * buckets_padded(w->n, comm) long. k and comm belong to the caller and must outlive the result,
 * which the caller frees with buckets_free. All arrays are memory of k. With one rank there are no
 * buckets, and the functions below do nothing. Returns NULL on error.
 * buckets_layout - take the buffers from the arena, which owns them.
 * buckets_is_sharded - whether each rank owns a part of the parameters; false if there is one rank.
 */
struct buckets *buckets_new(struct kernels *k, struct comm *comm, const struct weights *w,
    const struct buckets_options *o, struct err *e);
void buckets_layout(struct buckets *x, struct arena *a);
bool buckets_is_sharded(const struct buckets *x);
void buckets_free(struct buckets *x);

/* buckets_begin - start a step: the caller is about to compute the gradients g, which it owns. All
 * ranks call buckets_begin, buckets_ready and buckets_finish in the same step. */
void buckets_begin(struct buckets *x, real *g);

/* buckets_ready - start the sums of the buckets that lie at or after offset in g: those gradients
 * are complete. The offset must not increase within a step. x is a struct buckets; the type is
 * void because this function is a transformer_gradient_hook. */
void buckets_ready(void *x, size_t offset);

/* buckets_finish - all gradients are complete: start the remaining sums, and wait for all of them.
 * Then g holds the sums over all ranks; with shard, only in the parts that this rank owns. */
void buckets_finish(struct buckets *x);

/* buckets_allgather - all-gather p, an array of the padded length: each rank provides the parts
 * that it owns, and receives all others. Collective. */
void buckets_allgather(struct buckets *x, real *p);

/*
 * buckets_pieces - the parameters that this rank owns with shard, as pieces that each lie in one
 * tensor. *n_pieces receives their number; *n_state the length of the arrays for the optimiser's
 * state, in which the parts of the buckets follow each other without gaps. The caller frees the
 * returned array. Returns NULL on error.
 */
struct buckets_piece *buckets_pieces(const struct buckets *x, const struct weights *w,
    size_t *n_pieces, size_t *n_state, struct err *e);

#endif
