/* A team over MPI: Open MPI, MPICH or another that has version 3 of the standard. */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/mem.h"
#include "model/team.h"

#define REAL (sizeof(real) == 4 ? MPI_FLOAT : MPI_DOUBLE)

/* Collective calls of one communicator must begin in the same order on all ranks, so those whose
 * order could differ go by different ones. */
enum { FIRST, SECOND, BLOCKING, COMMS };

struct mpi {
	MPI_Comm comm[COMMS];
	MPI_Request request[TEAM_SLOTS];
};

/* --- calls --- */

static void leave(struct team *t)
{
	struct mpi *m = t->own;

	for (int i = 0; i < COMMS; i++)
		MPI_Comm_free(&m->comm[i]);
	free(m);
	MPI_Finalize();
}

static void end(struct team *t, int status)
{
	(void)t;
	MPI_Abort(MPI_COMM_WORLD, status);
}

static void sum(struct team *t, double *x, size_t n)
{
	struct mpi *m = t->own;

	MPI_Allreduce(MPI_IN_PLACE, x, (int)n, MPI_DOUBLE, MPI_SUM, m->comm[BLOCKING]);
}

/* Counts are ints: long messages go in parts. */
static void share(struct team *t, int root, void *p, size_t bytes)
{
	struct mpi *m = t->own;

	for (size_t at = 0, n; at < bytes; at += n) {
		n = bytes - at < (1u << 30) ? bytes - at : 1u << 30;
		MPI_Bcast((char *)p + at, (int)n, MPI_BYTE, root, m->comm[BLOCKING]);
	}
}

static void start_sum(struct team *t, int slot, real *x, size_t n)
{
	struct mpi *m = t->own;

	MPI_Iallreduce(
	    MPI_IN_PLACE, x, (int)n, REAL, MPI_SUM, m->comm[FIRST], &m->request[slot]);
}

static void start_scatter(struct team *t, int slot, real *own, const real *x, size_t part)
{
	struct mpi *m = t->own;

	MPI_Ireduce_scatter_block(
	    x, own, (int)part, REAL, MPI_SUM, m->comm[FIRST], &m->request[slot]);
}

static void start_swap(struct team *t, int slot, void *to, const void *from, size_t part)
{
	struct mpi *m = t->own;

	MPI_Ialltoall(from, (int)part, MPI_BYTE, to, (int)part, MPI_BYTE, m->comm[FIRST],
	    &m->request[slot]);
}

static void start_gather(struct team *t, int slot, void *x, size_t part)
{
	struct mpi *m = t->own;

	MPI_Iallgather(MPI_IN_PLACE, (int)part, MPI_BYTE, x, (int)part, MPI_BYTE,
	    m->comm[SECOND], &m->request[slot]);
}

static bool done(struct team *t, int slot, bool wait)
{
	struct mpi *m = t->own;
	int flag = 1;

	if (wait)
		MPI_Wait(&m->request[slot], MPI_STATUS_IGNORE);
	else
		MPI_Test(&m->request[slot], &flag, MPI_STATUS_IGNORE);
	return flag;
}

static const struct team_calls calls = {leave, end, sum, share, start_sum, start_scatter,
    start_swap, start_gather, done};

/* --- joining --- */

/*
 * Whether a launcher has started this process. Without one MPI is not even initialised: Open MPI
 * would start a daemon beside it, and fail where there is none.
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

static int initialise(int *argc, char ***argv, struct team *t, struct err *e)
{
	struct mpi *m;
	int provided;

	/* Threads compute, and one of them alone calls MPI. */
	if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided))
		return err_set(e, "MPI does not start");
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
		return err_set(e, "this MPI does not allow programs with threads");
	return 0;
}

struct team *team_join(int *argc, char ***argv, struct err *e)
{
	struct team *t = mem_array(1, sizeof *t, e);

	if (!t)
		return NULL;
	t->size = 1;
	if (is_launched() && initialise(argc, argv, t, e)) {
		team_leave(t);
		return NULL;
	}
	return t;
}

/* The first line, or two words of it, of what MPI says of itself. */
void team_library(char *text, size_t room)
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
