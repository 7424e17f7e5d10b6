/* A communicator over MPI: Open MPI, MPICH or another that has version 3 of the standard. */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "comm/comm.h"

#define REAL (sizeof(real) == 4 ? MPI_FLOAT : MPI_DOUBLE)

/* Collective calls of one communicator must start in the same order on all ranks. So calls whose
 * order may differ from rank to rank use different communicators: reductions, gathers and blocking
 * calls. */
enum { COMM_REDUCE, COMM_GATHER, COMM_BLOCKING, COMMS };

struct mpi {
	MPI_Comm comm[COMMS];
	MPI_Request request[COMM_SLOTS];
};

/* --- calls --- */

static void mpi_finalize(struct comm *t)
{
	struct mpi *m = t->own;

	for (int i = 0; i < COMMS; i++)
		MPI_Comm_free(&m->comm[i]);
	free(m);
	MPI_Finalize();
}

static void mpi_allreduce(struct comm *t, double *x, size_t n)
{
	struct mpi *m = t->own;

	MPI_Allreduce(MPI_IN_PLACE, x, (int)n, MPI_DOUBLE, MPI_SUM, m->comm[COMM_BLOCKING]);
}

/* MPI counts with int, so a long message is sent in parts. */
static void mpi_broadcast(struct comm *t, int root, void *p, size_t bytes)
{
	struct mpi *m = t->own;

	for (size_t at = 0, n; at < bytes; at += n) {
		n = min_size(bytes - at, 1u << 30);
		MPI_Bcast((char *)p + at, (int)n, MPI_BYTE, root, m->comm[COMM_BLOCKING]);
	}
}

static void mpi_start_allreduce(struct comm *t, int slot, real *x, size_t n)
{
	struct mpi *m = t->own;

	MPI_Iallreduce(
	    MPI_IN_PLACE, x, (int)n, REAL, MPI_SUM, m->comm[COMM_REDUCE], &m->request[slot]);
}

static void mpi_start_reduce_scatter(
    struct comm *t, int slot, real *own, const real *x, size_t part)
{
	struct mpi *m = t->own;

	MPI_Ireduce_scatter_block(
	    x, own, (int)part, REAL, MPI_SUM, m->comm[COMM_REDUCE], &m->request[slot]);
}

static void mpi_start_alltoall(struct comm *t, int slot, void *to, const void *from, size_t part)
{
	struct mpi *m = t->own;

	MPI_Ialltoall(from, (int)part, MPI_BYTE, to, (int)part, MPI_BYTE, m->comm[COMM_REDUCE],
	    &m->request[slot]);
}

static void mpi_start_allgather(struct comm *t, int slot, void *x, size_t part)
{
	struct mpi *m = t->own;

	MPI_Iallgather(MPI_IN_PLACE, (int)part, MPI_BYTE, x, (int)part, MPI_BYTE,
	    m->comm[COMM_GATHER], &m->request[slot]);
}

static bool mpi_done(struct comm *t, int slot, bool wait)
{
	struct mpi *m = t->own;
	int flag = 1;

	if (wait)
		MPI_Wait(&m->request[slot], MPI_STATUS_IGNORE);
	else
		MPI_Test(&m->request[slot], &flag, MPI_STATUS_IGNORE);
	return flag;
}

static const struct comm_calls calls = {
    .finalize = mpi_finalize,
    .allreduce = mpi_allreduce,
    .broadcast = mpi_broadcast,
    .start_allreduce = mpi_start_allreduce,
    .start_reduce_scatter = mpi_start_reduce_scatter,
    .start_alltoall = mpi_start_alltoall,
    .start_allgather = mpi_start_allgather,
    .done = mpi_done,
};

/* --- initialisation --- */

/*
 * Whether a launcher has started this process. Without one, MPI must not be initialised: Open MPI
 * would start a daemon, and fail if it is not installed.
 */
static bool is_launched(void)
{
	static const char *const sign[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK",
	    "PMI_SIZE", "PMI_FD", "MPI_LOCALNRANKS", "ALPS_APP_PE", "PALS_RANKID", "CDCD_MPI"};

	for (size_t i = 0; i < sizeof sign / sizeof *sign; i++)
		if (getenv(sign[i]))
			return true;
	return getenv("SLURM_STEP_ID") && getenv("SLURM_PROCID");
}

static int initialise_mpi(int *argc, char ***argv, struct comm *t, struct err *e)
{
	struct mpi *m;
	int provided;

	/* Several threads compute, but only the main thread calls MPI. */
	if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided))
		return err_set(e, "MPI cannot be initialised: MPI_Init_thread failed");
	MPI_Comm_rank(MPI_COMM_WORLD, &t->rank);
	MPI_Comm_size(MPI_COMM_WORLD, &t->size);
	m = mem_array(1, sizeof *m, e);
	if (!m) {
		MPI_Abort(MPI_COMM_WORLD, e->status);
		return -1;
	}
	for (int i = 0; i < COMMS; i++)
		MPI_Comm_dup(MPI_COMM_WORLD, &m->comm[i]);
	t->own = m;
	t->calls = &calls;
	if (provided < MPI_THREAD_FUNNELED)
		return err_set(
		    e, "this MPI library does not support threads (expected MPI_THREAD_FUNNELED)");
	return 0;
}

struct comm *comm_init(int *argc, char ***argv, struct err *e)
{
	struct comm *t = mem_array(1, sizeof *t, e);

	if (!t)
		return NULL;
	t->size = 1;
	if (is_launched() && initialise_mpi(argc, argv, t, e)) {
		comm_finalize(t);
		return NULL;
	}
	return t;
}

/* MPI describes itself in several lines; use the first, up to a comma. */
void comm_library(char *text, size_t room)
{
	char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
	int n;

	MPI_Get_library_version(version, &n);
	for (char *p = version; *p; p++)
		if (*p == '\t')
			*p = ' ';
	version[strcspn(version, ",\n")] = '\0';
	snprintf(text, room, "%s", version);
}
