#ifndef CDCD_ORDERED_H
#define CDCD_ORDERED_H

/*
 * Jobs that threads do side by side and that come out in the order in which they went in.
 *
 *	for (;;) {
 *		while (!(job = ordered_free(o)))
 *			collect(ordered_oldest(o)), ordered_release(o);
 *		if (!fill(job))
 *			break;
 *		ordered_submit(o);
 *	}
 *	while ((job = ordered_oldest(o)))
 *		collect(job), ordered_release(o);
 *
 * The jobs themselves, [n_jobs] pieces of memory, are the caller's and are used in turn. One thread
 * calls these functions; the work must not touch what other jobs do.
 */

#include <stddef.h>

#include "ground/err.h"

struct ordered;

/*
 * ordered_new - start threads that call work(job). With threads 1 there are none: ordered_submit
 * does the work itself. Returns NULL on error.
 */
struct ordered *ordered_new(
    int threads, void *const *jobs, size_t n_jobs, void (*work)(void *job), struct err *e);

/* ordered_end - wait for the threads to end the jobs they have begun, and end them. */
void ordered_end(struct ordered *o);

/* ordered_free - a job that may be filled, or NULL where all are in use. */
void *ordered_free(struct ordered *o);

/* ordered_submit - hand over the job that ordered_free gave. */
void ordered_submit(struct ordered *o);

/* ordered_oldest - wait for the oldest job to be done; NULL where there is none. */
void *ordered_oldest(struct ordered *o);

/* ordered_release - the oldest job may be used again. */
void ordered_release(struct ordered *o);

#endif
