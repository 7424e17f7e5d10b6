#ifndef CDCD_RANKS_H
#define CDCD_RANKS_H

/*
 * A tool that runs as several ranks speaks with one voice: rank 0 writes to standard output and
 * error, and what ends any rank ends all of them, with one message and the same status.
 */

#include "ground/fields.h"
#include "model/team.h"

/*
 * ranks_join - join the team, first thing in main. Ranks but the first get no standard output. From
 * here to a ranks_gate, and between two of them, any rank may die: die waits for the next gate,
 * where all end. The team lives until the tool exits, or ranks_leave.
 */
struct team *ranks_join(int *argc, char ***argv);

/* ranks_first - whether this is rank 0, or the only process. */
bool ranks_first(void);

/* ranks_gate - pass if no rank has died; else all exit here. Collective, as all calls of the team
 * are: none may stand between a point where a rank may die and the next gate. */
void ranks_gate(void);

/* ranks_begin - from here on failures are agreed on; a rank that dies all the same ends the others
 * by force. */
void ranks_begin(void);

/* ranks_leave - leave the team, all together. Also done at exit. */
void ranks_leave(void);

/*
 * ranks_say - a line of what must be the same on all ranks: "name value". ranks_say_fields - all
 * fields of a struct. ranks_compare - die, all of them, unless the lines are the same. Collective.
 */
void ranks_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ranks_say_fields(const struct field *f, size_t n, const void *base);
void ranks_compare(void);

#endif
