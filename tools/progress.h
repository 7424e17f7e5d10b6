#ifndef CDCD_PROGRESS_H
#define CDCD_PROGRESS_H

/*
 * A progress line on standard error: one updating line on a terminal, a line a minute elsewhere,
 * nothing with -q.
 */

#include <stdbool.h>

struct progress {
	double started, last; /* seconds of the monotonic clock */
	bool terminal;
};

void progress_start(struct progress *p);

/* progress_due - whether it is time for another line; call it as often as you like. */
bool progress_due(struct progress *p);

/* progress_show - print the line. */
void progress_show(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* progress_end - leave the terminal on a fresh line. */
void progress_end(void);

/* progress_seconds - since progress_start. */
double progress_seconds(const struct progress *p);

/* progress_eta - "1:02:03" left, given the share done in (0, 1]; text has room for 16 bytes. */
const char *progress_eta(const struct progress *p, double done, char text[16]);

#endif
