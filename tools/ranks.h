#ifndef CDCD_RANKS_H
#define CDCD_RANKS_H

/*
 * Output and errors of a tool that runs as several ranks. Rank 0 alone writes to standard output
 * and error. An error in any rank ends all ranks, with one message and the same exit status.
 */

#include "base/fields.h"
#include "comm/comm.h"

/*
 * ranks_join - initialise the communicator. Call it at the start of main. Ranks other than 0 get no
 * standard output. Between this call and ranks_gate, and between two gates, any rank may call die:
 * die then waits until all ranks are at the next gate, and all exit. The communicator exists until
 * ranks_leave.
 */
struct comm *ranks_join(int *argc, char ***argv);

/* ranks_first - whether this is rank 0, or the only process. */
bool ranks_first(void);

/* ranks_gate - return if no rank has died, else exit in all ranks. Collective. No other collective
 * call may come between a point where a rank may die and the next gate. */
void ranks_gate(void);

/* ranks_begin - training starts. From here on ranks agree on errors with comm_agree; a rank that
 * calls die aborts the others. */
void ranks_begin(void);

/* ranks_leave - free the communicator. Collective. Also called at exit. */
void ranks_leave(void);

/*
 * ranks_say - add a line "name value" that must be the same on all ranks. ranks_say_fields - add a
 * line for each field of the struct at base. ranks_compare - exit in all ranks unless all have the
 * same lines; collective.
 */
void ranks_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ranks_say_fields(const struct field *f, size_t n, const void *base);
void ranks_compare(void);

#endif
