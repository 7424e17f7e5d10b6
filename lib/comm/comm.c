#include "comm/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Whether there is only one rank. It communicates with nobody, so it needs no implementation. */
static bool is_single(const struct comm *t)
{
	return comm_size(t) == 1;
}

void comm_finalize(struct comm *t)
{
	if (t && t->calls)
		t->calls->finalize(t);
	free(t);
}

void comm_allreduce(struct comm *t, double *x, size_t n)
{
	double start = clock_seconds();

	if (is_single(t))
		return;
	t->calls->allreduce(t, x, n);
	t->seconds += clock_seconds() - start;
}

static void broadcast_from(struct comm *t, int root, void *p, size_t bytes)
{
	double start = clock_seconds();

	if (is_single(t))
		return;
	t->calls->broadcast(t, root, p, bytes);
	t->seconds += clock_seconds() - start;
}

void comm_broadcast_owned(struct comm *t, size_t item, void *p, size_t bytes)
{
	broadcast_from(t, (int)(item % (size_t)comm_size(t)), p, bytes);
}

void comm_broadcast(struct comm *t, void *p, size_t bytes)
{
	broadcast_from(t, 0, p, bytes);
}

/* --- agreement --- */

/* The lowest rank for which failed is set, or -1. One sum tells it to all ranks: each rank has a
 * bit of its own, 32 ranks per number, and doubles add such numbers exactly. */
static int find_failed_rank(struct comm *t, int failed)
{
	double bits[64];
	int first = -1;

	for (int base = 0; base < t->size && first < 0; base += 32 * 64) {
		memset(bits, 0, sizeof bits);
		if (failed && t->rank >= base && t->rank < base + 32 * 64)
			bits[(t->rank - base) / 32] = (double)(1u << (t->rank - base) % 32);
		comm_allreduce(t, bits, 64);
		for (int i = 0; i < 64 && first < 0; i++)
			if (bits[i] > 0)
				first = base + 32 * i + __builtin_ctz((unsigned)bits[i]);
	}
	return first;
}

int comm_agree(struct comm *t, int failed, struct err *e)
{
	int who;

	if (is_single(t))
		return failed ? -1 : 0;
	who = find_failed_rank(t, failed);
	if (who < 0)
		return 0;
	if (who == t->rank && failed)
		err_prefix(e, "rank %d of %d", t->rank, t->size);
	broadcast_from(t, who, e, sizeof *e);
	return -1;
}

/* Copy the line at *p, without its '\n', and truncated to room; move *p behind it. */
static void take_line(const char **p, char *line, size_t room)
{
	size_t n = strcspn(*p, "\n");

	snprintf(line, room, "%.*s", (int)(n < room ? n : room - 1), *p);
	*p += n + ((*p)[n] == '\n');
}

static int compare_lines(const char *own, const char *first, struct err *e)
{
	char a[300], b[300];

	while (*own || *first) {
		take_line(&own, a, sizeof a);
		take_line(&first, b, sizeof b);
		if (strcmp(a, b))
			return err_with(e, ERR_USAGE, "has %s, where rank 0 has %s",
			    *a ? a : "nothing", *b ? b : "nothing");
	}
	return 0;
}

int comm_check_same(struct comm *t, const char *text, struct err *e)
{
	size_t size = strlen(text) + 1;
	char *first;
	int failed;

	if (is_single(t))
		return 0;
	comm_broadcast(t, &size, sizeof size);
	first = mem_array(size, 1, e);
	if (comm_agree(t, !first, e) || !first) {
		free(first);
		return -1;
	}
	if (t->rank == 0)
		memcpy(first, text, size);
	comm_broadcast(t, first, size);
	failed = compare_lines(text, first, e);
	free(first);
	return comm_agree(t, failed, e);
}

/* --- nonblocking collectives --- */

void comm_start_allreduce(struct comm *t, int slot, real *x, size_t n)
{
	double start = clock_seconds();

	t->calls->start_allreduce(t, slot, x, n);
	t->seconds += clock_seconds() - start;
}

void comm_start_reduce_scatter(struct comm *t, int slot, real *own, const real *x, size_t part)
{
	double start = clock_seconds();

	t->calls->start_reduce_scatter(t, slot, own, x, part);
	t->seconds += clock_seconds() - start;
}

void comm_start_alltoall(struct comm *t, int slot, void *to, const void *from, size_t part)
{
	double start = clock_seconds();

	t->calls->start_alltoall(t, slot, to, from, part);
	t->seconds += clock_seconds() - start;
}

void comm_start_allgather(struct comm *t, int slot, void *x, size_t part)
{
	double start = clock_seconds();

	t->calls->start_allgather(t, slot, x, part);
	t->seconds += clock_seconds() - start;
}

bool comm_done(struct comm *t, int slot, bool wait)
{
	double start = clock_seconds();
	bool done = t->calls->done(t, slot, wait);

	t->seconds += clock_seconds() - start;
	return done;
}
