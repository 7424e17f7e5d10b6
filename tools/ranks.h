#ifndef CDCD_RANKS_H
#define CDCD_RANKS_H

/*
 * A tool that runs as several ranks. Rank 0 alone writes to standard output and error. Each phase
 * of the tool returns an error on all ranks if it fails on one (comm_agree), so that all of them
 * end, with one message and the same exit status.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "comm/comm.h"

/* ranks_mute - discard the standard output of ranks other than 0. Not collective. Returns 0 or -1.
 */
int ranks_mute(const struct comm *comm, struct err *e);

/* ranks_report - print the message of e on rank 0, unless e->reported, and set e->reported. Not
 * collective. */
void ranks_report(const struct comm *comm, struct err *e);

/* What must be the same on all ranks: lines "name value". All zero: no lines. */
struct ranks_common {
	char *text;
	size_t n, cap; /* bytes of text, without its final NUL */
	bool failed;   /* memory was short for a line; why says how much */
	struct err why;
};

/* ranks_add - add a line. If memory is short, ranks_compare returns the error. */
void ranks_add(struct ranks_common *common, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ranks_compare - check that all ranks have the same lines, and free them. Collective. Returns 0,
 * or -1 on all ranks. */
int ranks_compare(struct ranks_common *common, struct comm *comm, struct err *e);

#endif
