#ifndef CDCD_TEAM_H
#define CDCD_TEAM_H

/*
 * The processes that train one model together, each on its share of the rows: the ranks 0 to
 * size - 1. Every function here is collective unless it says otherwise: all ranks call it, in the
 * same order.
 *
 * This header is a seam. team_mpi.c, the only file that knows MPI, is linked into a train that was
 * built with MPI=1, team_single.c into any other; the rest of the library calls either through
 * struct team_calls. A NULL team is one process alone, for which no call below does anything.
 *
 * What goes wrong within MPI ends all ranks, with MPI's own message.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ground/err.h"
#include "math/real.h"

struct team {
	int rank, size;
	const struct team_calls *calls;
	void *own;      /* the implementation's */
	double seconds; /* spent in calls so far, waiting for other ranks included */
};

/*
 * team_join - become one of the processes that a launcher (mpirun, srun) has started; alone without
 * a launcher, or without MPI. To be called once, first thing. Returns NULL on error.
 *
 * team_leave - part, when all are done; frees t. NULL is allowed.
 * team_library - what carries the messages, for people: "Open MPI v4.1.4", "no MPI". Not
 * collective.
 */
struct team *team_join(int *argc, char ***argv, struct err *e);
void team_leave(struct team *t);
void team_library(char *text, size_t room);

/* team_rank, team_size - 0 and 1 for NULL. Not collective. */
static inline int team_rank(const struct team *t)
{
	return t ? t->rank : 0;
}

static inline int team_size(const struct team *t)
{
	return t ? t->size : 1;
}

/* team_end - end all ranks now, with this exit status. Not collective; does not return where there
 * is more than one rank. */
void team_end(struct team *t, int status);

/* team_sum - x [n] becomes the sum over all ranks, the same bits on each. */
void team_sum(struct team *t, double *x, size_t n);

/* team_share - p [bytes] becomes that of rank 0. */
void team_share(struct team *t, void *p, size_t bytes);

/*
 * team_agree - whether any rank has failed. Where one has, every rank gets the error of the lowest
 * one that did, which the message names if there is more than one rank. e need only be set where
 * failed is. Returns 0 or -1, the same on each.
 */
int team_agree(struct team *t, int failed, struct err *e);

/*
 * team_same - whether text, lines "name: value", is the same on all ranks. Returns 0, or -1 on all,
 * with the first line that differs and both sides of it.
 */
int team_same(struct team *t, const char *text, struct err *e);

/* --- sums that go on while the caller computes --- */

/*
 * Calls of a kind overtake no other of that kind: all ranks start them in the same order. A call
 * has a slot of the caller's, from 0, until team_done says that it is over; until then its buffers
 * must not be touched. They make headway whenever any of these functions is called.
 */
enum { TEAM_SLOTS = 4096 };

/* team_start_sum - x [n] is to become the sum over all ranks. */
void team_start_sum(struct team *t, int slot, real *x, size_t n);

/*
 * team_start_scatter - own [part] is to become this rank's part of the sum over all ranks of
 * x [size][part]. own is no part of x.
 */
void team_start_scatter(struct team *t, int slot, real *own, const real *x, size_t part);

/* team_start_swap - part r of from [size][part], in bytes, goes to rank r; to [size][part] gets
 * what each rank has for this one. */
void team_start_swap(struct team *t, int slot, void *to, const void *from, size_t part);

/* team_start_gather - x [size][part], in bytes, of which each rank has its own part, is to become
 * whole. */
void team_start_gather(struct team *t, int slot, void *x, size_t part);

/* team_done - whether the call is over; with wait, once it is. Not collective. */
bool team_done(struct team *t, int slot, bool wait);

/* --- what an implementation provides --- */

struct team_calls {
	void (*leave)(struct team *t);
	void (*end)(struct team *t, int status);
	void (*sum)(struct team *t, double *x, size_t n);
	void (*share)(struct team *t, int root, void *p, size_t bytes);
	void (*start_sum)(struct team *t, int slot, real *x, size_t n);
	void (*start_scatter)(struct team *t, int slot, real *own, const real *x, size_t part);
	void (*start_swap)(struct team *t, int slot, void *to, const void *from, size_t part);
	void (*start_gather)(struct team *t, int slot, void *x, size_t part);
	bool (*done)(struct team *t, int slot, bool wait);
};

#endif
