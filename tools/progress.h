#ifndef CDCD_PROGRESS_H
#define CDCD_PROGRESS_H

/*
 * Progress on standard error: one updating line on a terminal, one line per minute elsewhere,
 * nothing with -q.
 */

#include <stdbool.h>

struct progress {
	double started, last; /* clock_seconds */
	bool terminal;
};

void progress_start(struct progress *p);

/* progress_due - whether it is time for another line. Cheap enough to call after every step. */
bool progress_due(struct progress *p);

/* progress_show - print the line. */
void progress_show(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* progress_end - end the progress line on the terminal, if there is one. */
void progress_end(void);

/* progress_seconds - seconds since progress_start. */
double progress_seconds(const struct progress *p);

/* progress_eta - write the remaining time as "1:02:03" to text [16] and return it. done: completed
 * fraction, in (0, 1]. */
const char *progress_eta(const struct progress *p, double done, char text[16]);

#endif
