#include "train/buckets.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/minmax.h"

/* LINE: a part is a whole number of cache lines. MOST: elements in a bucket; a call of MPI takes at
 * most 2^31 - 1 of anything. */
enum { LINE = 16, MOST = 1 << 26, BUCKETS = COMM_SLOTS / 2 };

struct bucket {
	size_t at, n; /* in the flat array; n is a multiple of LINE times the ranks */
};

struct buckets {
	struct kernels *k;
	struct comm *comm;
	struct buckets_options o;
	size_t n; /* length of the flat array, padded */
	struct bucket bucket[BUCKETS];
	int n_buckets;
	real *g;
	int started, summed, gathered; /* number of buckets past each stage; they go in order */
	real *own;                     /* [n / ranks] sums in fp32; with shard */
	bf16 *out, *in;                /* [n] sent, received */
};

/* --- the division into buckets --- */

static size_t padding_unit(const struct comm *comm)
{
	return LINE * (size_t)comm_size(comm);
}

size_t buckets_padded(size_t n, const struct comm *comm)
{
	return (n + padding_unit(comm) - 1) / padding_unit(comm) * padding_unit(comm);
}

static int add_bucket(struct buckets *x, size_t from, size_t to, struct err *e)
{
	for (size_t n; to > from; to -= n) {
		n = to - from < MOST ? to - from
		                     : MOST / padding_unit(x->comm) * padding_unit(x->comm);
		if (x->n_buckets == BUCKETS)
			return err_set(e, "more than %d buckets", BUCKETS);
		x->bucket[x->n_buckets++] = (struct bucket){to - n, n};
	}
	return 0;
}

/* A bucket may begin at any tensor. If tensors become complete together, it waits for those before
 * it; that takes little time. */
static int plan_buckets(struct buckets *x, const struct weights *w, struct err *e)
{
	size_t least = max_size(x->o.kib * 1024 / sizeof(real), x->n / (BUCKETS / 2)), end = x->n;

	for (size_t i = w->n_tensors; i-- > 0;) {
		/* Rounded up: the tensor before this one may not be complete. */
		size_t from = buckets_padded(w->tensor[i].offset, x->comm);

		if (i > 0 && (from >= end || end - from < least))
			continue;
		if (add_bucket(x, from, end, e))
			return -1;
		end = from;
	}
	return 0;
}

struct buckets *buckets_new(struct kernels *k, struct comm *comm, const struct weights *w,
    const struct buckets_options *o, struct err *e)
{
	struct buckets *x = mem_array(1, sizeof *x, e);

	if (!x)
		return NULL;
	x->k = k;
	x->comm = comm;
	x->n = buckets_padded(w->n, comm);
	if (comm_size(comm) == 1)
		return x;
	x->o = *o;
	if (plan_buckets(x, w, e)) {
		buckets_free(x);
		return NULL;
	}
	return x;
}

void buckets_layout(struct buckets *x, struct arena *a)
{
	if (x->o.bf16) {
		x->out = arena_take(a, x->n, sizeof *x->out);
		x->in = arena_take(a, x->n, sizeof *x->in);
	} else if (x->o.shard) {
		x->own = arena_take(a, x->n / (size_t)comm_size(x->comm), sizeof *x->own);
	}
}

bool buckets_is_sharded(const struct buckets *x)
{
	return x->o.shard;
}

void buckets_free(struct buckets *x)
{
	free(x);
}

/* --- stages --- */

/* The first stage: send the gradients of bucket i. */
static void start_bucket(struct buckets *x, int i)
{
	const struct bucket *b = &x->bucket[i];
	size_t ranks = (size_t)comm_size(x->comm), part = b->n / ranks;
	real *g = x->g + b->at;

	if (x->o.bf16) {
		bf16 *out = x->out + b->at, *in = x->in + b->at;

		k_pack_bf16(x->k, out, g, b->n);
		comm_start_alltoall(x->comm, 2 * i, k_map(x->k, in, b->n * sizeof *in),
		    k_map(x->k, out, b->n * sizeof *out), part * sizeof *out);
	} else if (x->o.shard) {
		real *own = x->own + b->at / ranks;

		comm_start_reduce_scatter(x->comm, 2 * i, k_map(x->k, own, part * sizeof *own),
		    k_map(x->k, g, b->n * sizeof *g), part);
	} else {
		comm_start_allreduce(x->comm, 2 * i, k_map(x->k, g, b->n * sizeof *g), b->n);
	}
}

/* The communication of start_bucket is done: give its buffers back to the kernels. */
static void unmap_bucket(struct buckets *x, const struct bucket *b)
{
	size_t ranks = (size_t)comm_size(x->comm);

	if (x->o.bf16) {
		k_unmap(x->k, x->in + b->at, b->n * sizeof *x->in);
		k_unmap(x->k, x->out + b->at, b->n * sizeof *x->out);
		return;
	}
	k_unmap(x->k, x->g + b->at, b->n * sizeof *x->g);
	if (x->o.shard)
		k_unmap(x->k, x->own + b->at / ranks, b->n / ranks * sizeof *x->own);
}

static bool has_second_stage(const struct buckets *x)
{
	return x->o.bf16 && !x->o.shard;
}

/* Between the stages: compute this rank's part of the sums of bucket i, and start to distribute
 * it if all ranks need it. */
static void sum_bucket(struct buckets *x, int i)
{
	const struct bucket *b = &x->bucket[i];
	size_t ranks = (size_t)comm_size(x->comm), part = b->n / ranks;
	size_t mine = b->at + (size_t)comm_rank(x->comm) * part;

	unmap_bucket(x, b);
	if (x->o.bf16)
		k_sum_bf16(x->k, x->g + mine, x->in + b->at, ranks, part);
	else if (x->o.shard)
		k_copy(x->k, x->g + mine, x->own + b->at / ranks, part);
	if (has_second_stage(x)) {
		bf16 *out = x->out + b->at;

		k_pack_bf16(x->k, x->out + mine, x->g + mine, part);
		comm_start_allgather(
		    x->comm, 2 * i + 1, k_map(x->k, out, b->n * sizeof *out), part * sizeof *out);
	}
}

/* The last stage: bucket i of g receives the sums of all ranks. */
static void unpack_bucket(struct buckets *x, int i)
{
	const struct bucket *b = &x->bucket[i];
	bf16 *out = x->out + b->at;

	k_unmap(x->k, out, b->n * sizeof *out);
	k_sum_bf16(x->k, x->g + b->at, out, 1, b->n);
}

/* Continue with the buckets whose communication is done; with wait, with all that are started. */
static void advance_buckets(struct buckets *x, bool wait)
{
	for (; x->summed < x->started; x->summed++) {
		if (!comm_done(x->comm, 2 * x->summed, wait))
			break;
		sum_bucket(x, x->summed);
	}
	for (; has_second_stage(x) && x->gathered < x->summed; x->gathered++) {
		if (!comm_done(x->comm, 2 * x->gathered + 1, wait))
			break;
		unpack_bucket(x, x->gathered);
	}
}

void buckets_begin(struct buckets *x, real *g)
{
	x->g = g;
	x->started = x->summed = x->gathered = 0;
}

void buckets_ready(void *arg, size_t offset)
{
	struct buckets *x = arg;

	while (x->started < x->n_buckets && x->bucket[x->started].at >= offset)
		start_bucket(x, x->started++);
	advance_buckets(x, false);
}

void buckets_finish(struct buckets *x)
{
	buckets_ready(x, 0);
	advance_buckets(x, true);
}

void buckets_allgather(struct buckets *x, real *p)
{
	size_t ranks = (size_t)comm_size(x->comm);

	for (int i = 0; i < x->n_buckets; i++) {
		const struct bucket *b = &x->bucket[i];

		comm_start_allgather(x->comm, 2 * i + 1, k_map(x->k, p + b->at, b->n * sizeof *p),
		    b->n / ranks * sizeof *p);
	}
	for (int i = 0; i < x->n_buckets; i++) {
		const struct bucket *b = &x->bucket[i];

		comm_done(x->comm, 2 * i + 1, true);
		k_unmap(x->k, p + b->at, b->n * sizeof *p);
	}
}

/* --- the pieces that a rank owns --- */

/* Write the pieces of the tensors in [from, to) to out; the state of from is element state of the
 * optimiser's arrays. Return their number. out may be NULL. */
static size_t cut_pieces(
    const struct weights *w, size_t from, size_t to, size_t state, struct buckets_piece *out)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_tensors; i++) {
		size_t a = w->tensor[i].offset, b = a + w->tensor[i].n;

		a = max_size(a, from);
		b = min_size(b, to);
		if (a >= b)
			continue;
		if (out)
			out[n] = (struct buckets_piece){i, a, state + a - from, b - a};
		n++;
	}
	return n;
}

struct buckets_piece *buckets_pieces(const struct buckets *x, const struct weights *w,
    size_t *n_pieces, size_t *n_state, struct err *e)
{
	size_t ranks = (size_t)comm_size(x->comm), rank = (size_t)comm_rank(x->comm), n = 0;
	struct buckets_piece *piece = NULL;

	for (int pass = 0; pass < 2; pass++) {
		n = 0;
		for (int i = 0; i < x->n_buckets; i++) {
			const struct bucket *b = &x->bucket[i];
			size_t part = b->n / ranks, from = b->at + rank * part;

			n += cut_pieces(
			    w, from, from + part, b->at / ranks, piece ? piece + n : NULL);
		}
		if (!piece && !(piece = mem_array(n, sizeof *piece, e)))
			return NULL;
	}
	*n_pieces = n;
	*n_state = x->n / ranks;
	return piece;
}
