#ifndef CDCD_COMM_H
#define CDCD_COMM_H

/*
 * Collective communication between the processes (ranks 0 to size - 1) that train one model. The
 * functions are those of MPI; each comment gives MPI's name for the operation. Every function is
 * collective unless its comment says otherwise: all ranks call it, in the same order.
 *
 * There are two implementations, and the linker chooses: comm_mpi.c, the only file that includes
 * mpi.h, if train was built with MPI=1; comm_single.c otherwise. The rest of the library calls
 * either of them through struct comm_calls.
 *
 * A NULL communicator is one process. For it, and for a communicator of one rank, the blocking
 * functions do not communicate, and data stays as it is. The nonblocking functions (comm_start_*,
 * comm_done) need a communicator of more than one rank.
 *
 * An error inside MPI ends all ranks with MPI's own message, so only the functions below that can
 * fail for another reason return an error.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/real.h"

struct comm {
	int rank, size;
	const struct comm_calls *calls;
	void *own;      /* private data of the implementation */
	double seconds; /* time spent in calls so far, including waiting for other ranks */
};

/*
 * comm_init - initialise MPI if a launcher (mpirun, srun) started this process. Without a launcher,
 * or in a build without MPI, the result is a communicator of one rank. Call it once, before
 * anything else in main. The caller owns the result and frees it with comm_finalize. Returns NULL
 * on error.
 *
 * comm_finalize - shut down MPI and free t. t may be NULL.
 *
 * comm_library - write the name and version of the MPI library to text [room bytes], for messages:
 * "Open MPI v4.1.4", or "no MPI". Not collective.
 */
struct comm *comm_init(int *argc, char ***argv, struct err *e);
void comm_finalize(struct comm *t);
void comm_library(char *text, size_t room);

/* comm_rank, comm_size - rank and number of ranks; 0 and 1 for a NULL communicator. Not collective.
 */
static inline int comm_rank(const struct comm *t)
{
	return t ? t->rank : 0;
}

static inline int comm_size(const struct comm *t)
{
	return t ? t->size : 1;
}

/* comm_is_root - whether this is rank 0, which writes the files. Not collective. */
static inline bool comm_is_root(const struct comm *t)
{
	return comm_rank(t) == 0;
}

/* comm_owns - whether this rank owns an item of work that the ranks divide: they own the items in
 * turn. Not collective. */
static inline bool comm_owns(const struct comm *t, size_t item)
{
	return item % (size_t)comm_size(t) == (size_t)comm_rank(t);
}

/* comm_allreduce - allreduce (MPI_Allreduce, MPI_SUM): replace x [n] by its sum over all ranks. The
 * result is bit for bit the same on all ranks. */
void comm_allreduce(struct comm *t, double *x, size_t n);

/* comm_broadcast - broadcast (MPI_Bcast): replace p [bytes] by the data of rank 0.
 * comm_broadcast_owned - replace them by the data of the rank that owns item (comm_owns). */
void comm_broadcast(struct comm *t, void *p, size_t bytes);
void comm_broadcast_owned(struct comm *t, size_t item, void *p, size_t bytes);

/*
 * comm_agree - allreduce of errors: fail on all ranks if failed is nonzero on any rank. Every rank
 * then receives in *e the error of the lowest rank that failed; if there is more than one rank, its
 * message begins with the number of that rank. A rank needs to fill *e only if it failed itself.
 * Returns 0 or -1, the same on all ranks.
 */
int comm_agree(struct comm *t, int failed, struct err *e);

/*
 * comm_check_same - check that text, which consists of lines "name: value", is the same on all
 * ranks. Returns 0, or -1 on all ranks with the first line that differs and its value on rank 0.
 */
int comm_check_same(struct comm *t, const char *text, struct err *e);

/* --- nonblocking collectives --- */

/*
 * A comm_start_* function starts an operation and returns at once, so that the caller can compute
 * while data is sent. The caller numbers operations by slot, 0 to COMM_SLOTS - 1. A slot is in use,
 * and the buffers of its operation must not be touched, until comm_done returns true for it.
 * Operations of one kind run in the order in which they are started; all ranks must start them in
 * the same order. MPI makes progress only while one of these functions runs.
 */
enum { COMM_SLOTS = 4096 };

/* comm_start_allreduce - allreduce (MPI_Iallreduce): x [n] becomes its sum over all ranks. */
void comm_start_allreduce(struct comm *t, int slot, real *x, size_t n);

/*
 * comm_start_reduce_scatter - reduce-scatter (MPI_Ireduce_scatter_block): own [part] becomes this
 * rank's part of the sum of x [size][part] over all ranks. own and x must not overlap.
 */
void comm_start_reduce_scatter(struct comm *t, int slot, real *own, const real *x, size_t part);

/*
 * comm_start_alltoall - all-to-all (MPI_Ialltoall): send from[r] to rank r, and receive in to[r]
 * what rank r sends to this rank. to and from are [size][part]; part is in bytes.
 */
void comm_start_alltoall(struct comm *t, int slot, void *to, const void *from, size_t part);

/*
 * comm_start_allgather - all-gather (MPI_Iallgather, in place): every rank fills x[rank], its own
 * part of x [size][part], and receives the parts of the other ranks. part is in bytes.
 */
void comm_start_allgather(struct comm *t, int slot, void *x, size_t part);

/* comm_done - test whether the operation in slot is complete (MPI_Test), or with wait, wait until
 * it is (MPI_Wait). Returns true if it is complete. Not collective. */
bool comm_done(struct comm *t, int slot, bool wait);

/* --- what an implementation provides: the functions above, for more than one rank --- */

struct comm_calls {
	void (*finalize)(struct comm *t);
	void (*allreduce)(struct comm *t, double *x, size_t n);
	void (*broadcast)(struct comm *t, int root, void *p, size_t bytes);
	void (*start_allreduce)(struct comm *t, int slot, real *x, size_t n);
	void (*start_reduce_scatter)(
	    struct comm *t, int slot, real *own, const real *x, size_t part);
	void (*start_alltoall)(struct comm *t, int slot, void *to, const void *from, size_t part);
	void (*start_allgather)(struct comm *t, int slot, void *x, size_t part);
	bool (*done)(struct comm *t, int slot, bool wait);
};

#endif
