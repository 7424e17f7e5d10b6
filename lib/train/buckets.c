#include "train/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A part is a whole number of cache lines. A call of MPI takes at most 2^31 - 1 of anything. */
enum { LINE = 16, MOST = 1 << 26, BUCKETS = COMM_SLOTS / 2 };

struct bucket {
	size_t at, n; /* of the flat array; n is a multiple of LINE times the ranks */
};

struct buckets {
	struct comm *comm;
	struct buckets_options o;
	size_t n; /* of the flat array, padded */
	struct bucket bucket[BUCKETS];
	int n_buckets;
	real *g;
	int started, summed, gathered; /* buckets that are past each stage; they go in order */
	real *own;                     /* [n / ranks] where a sum of floats arrives */
	uint16_t *out, *in;            /* [n] bf16 */
};

/* --- the plan --- */

static size_t unit(const struct comm *comm)
{
	return LINE * (size_t)comm_size(comm);
}

size_t buckets_padded(size_t n, const struct comm *comm)
{
	return (n + unit(comm) - 1) / unit(comm) * unit(comm);
}

static int add_bucket(struct buckets *x, size_t from, size_t to, struct err *e)
{
	for (size_t n; to > from; to -= n) {
		n = to - from < MOST ? to - from : MOST / unit(x->comm) * unit(x->comm);
		if (x->n_buckets == BUCKETS)
			return err_set(e, "more than %d buckets", BUCKETS);
		x->bucket[x->n_buckets++] = (struct bucket){to - n, n};
	}
	return 0;
}

/* Any tensor could be where a bucket begins; those that are complete at the same time differ by
 * little. */
static int plan(struct buckets *x, const struct weights *w, struct err *e)
{
	size_t least = x->o.bucket > 0 ? (size_t)x->o.bucket : 1, end = x->n;

	if (least < x->n / (BUCKETS / 2))
		least = x->n / (BUCKETS / 2);
	for (size_t i = w->n_tensors; i-- > 0;) {
		/* Not before: what stands there may not be complete. */
		size_t from = buckets_padded(w->tensor[i].offset, x->comm);

		if (i > 0 && (from >= end || end - from < least))
			continue;
		if (add_bucket(x, from, end, e))
			return -1;
		end = from;
	}
	return 0;
}

struct buckets *buckets_new(
    struct comm *comm, const struct weights *w, const struct buckets_options *o, struct err *e)
{
	struct buckets *x = mem_array(1, sizeof *x, e);

	if (!x)
		return NULL;
	x->comm = comm;
	x->o = *o;
	x->n = buckets_padded(w->n, comm);
	if (plan(x, w, e)) {
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

void buckets_free(struct buckets *x)
{
	free(x);
}

/* --- bf16 --- */

static void pack(uint16_t *to, const real *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float f = (float)from[i];
		uint32_t u, rounded;

		memcpy(&u, &f, sizeof u);
		rounded = u + 0x7fff + (u >> 16 & 1); /* to the nearest, ties to even */
		to[i] = (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? u >> 16 | 0x40 : rounded >> 16);
	}
}

static float unpack_one(uint16_t h)
{
	uint32_t u = (uint32_t)h << 16;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

static void unpack(real *to, const uint16_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (real)unpack_one(from[i]);
}

/* to [part] = the sum over ranks, in their order, of from [ranks][part]. */
static void sum_parts(real *to, const uint16_t *from, size_t part, int ranks)
{
	unpack(to, from, part);
	for (int r = 1; r < ranks; r++)
		for (size_t i = 0; i < part; i++)
			to[i] += (real)unpack_one(from[(size_t)r * part + i]);
}

/* --- stages --- */

static void start(struct buckets *x, int i)
{
	const struct bucket *b = &x->bucket[i];
	size_t ranks = (size_t)comm_size(x->comm), part = b->n / ranks;

	if (x->o.bf16) {
		pack(x->out + b->at, x->g + b->at, b->n);
		comm_start_alltoall(
		    x->comm, 2 * i, x->in + b->at, x->out + b->at, part * sizeof *x->out);
	} else if (x->o.shard) {
		comm_start_reduce_scatter(
		    x->comm, 2 * i, x->own + b->at / ranks, x->g + b->at, part);
	} else {
		comm_start_allreduce(x->comm, 2 * i, x->g + b->at, b->n);
	}
}

static bool has_second_stage(const struct buckets *x)
{
	return x->o.bf16 && !x->o.shard;
}

/* The first call of a bucket is over. */
static void arrived(struct buckets *x, int i)
{
	const struct bucket *b = &x->bucket[i];
	size_t ranks = (size_t)comm_size(x->comm), part = b->n / ranks;
	size_t mine = b->at + (size_t)comm_rank(x->comm) * part;

	if (x->o.bf16)
		sum_parts(x->g + mine, x->in + b->at, part, (int)ranks);
	else if (x->o.shard)
		memcpy(x->g + mine, x->own + b->at / ranks, part * sizeof *x->g);
	if (has_second_stage(x)) {
		pack(x->out + mine, x->g + mine, part);
		comm_start_allgather(x->comm, 2 * i + 1, x->out + b->at, part * sizeof *x->out);
	}
}

static void advance(struct buckets *x, bool wait)
{
	for (; x->summed < x->started; x->summed++) {
		if (!comm_done(x->comm, 2 * x->summed, wait))
			break;
		arrived(x, x->summed);
	}
	for (; has_second_stage(x) && x->gathered < x->summed; x->gathered++) {
		const struct bucket *b = &x->bucket[x->gathered];

		if (!comm_done(x->comm, 2 * x->gathered + 1, wait))
			break;
		unpack(x->g + b->at, x->out + b->at, b->n);
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
		start(x, x->started++);
	advance(x, false);
}

void buckets_finish(struct buckets *x)
{
	buckets_ready(x, 0);
	advance(x, true);
}

void buckets_allgather(struct buckets *x, real *p)
{
	size_t ranks = (size_t)comm_size(x->comm);

	for (int i = 0; i < x->n_buckets; i++)
		comm_start_allgather(
		    x->comm, 2 * i + 1, p + x->bucket[i].at, x->bucket[i].n / ranks * sizeof *p);
	for (int i = 0; i < x->n_buckets; i++)
		comm_done(x->comm, 2 * i + 1, true);
}

/* --- who owns what --- */

/* Pieces of the tensors in [from, to), whose state begins at state; with out NULL, only counted. */
static size_t cut(
    const struct weights *w, size_t from, size_t to, size_t state, struct optimizer_piece *out)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_tensors; i++) {
		size_t a = w->tensor[i].offset, b = a + w->tensor[i].n;

		a = a > from ? a : from;
		b = b < to ? b : to;
		if (a >= b)
			continue;
		if (out)
			out[n] = (struct optimizer_piece){i, a, state + a - from, b - a};
		n++;
	}
	return n;
}

struct optimizer_piece *buckets_pieces(const struct buckets *x, const struct weights *w,
    size_t *n_pieces, size_t *n_state, struct err *e)
{
	size_t ranks = (size_t)comm_size(x->comm), rank = (size_t)comm_rank(x->comm), n = 0;
	struct optimizer_piece *piece = NULL;

	for (int pass = 0; pass < 2; pass++) {
		n = 0;
		for (int i = 0; i < x->n_buckets; i++) {
			const struct bucket *b = &x->bucket[i];
			size_t part = b->n / ranks, from = b->at + rank * part;

			n += cut(w, from, from + part, b->at / ranks, piece ? piece + n : NULL);
		}
		if (!piece && !(piece = mem_array(n, sizeof *piece, e)))
			return NULL;
	}
	*n_pieces = n;
	*n_state = x->n / ranks;
	return piece;
}
