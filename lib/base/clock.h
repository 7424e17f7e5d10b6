#ifndef CDCD_CLOCK_H
#define CDCD_CLOCK_H

#include <time.h>

/* clock_seconds - seconds of the monotonic clock. Its origin is arbitrary: only differences mean
 * anything. */
static inline double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
