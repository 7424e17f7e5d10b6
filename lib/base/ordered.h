#ifndef CDCD_ORDERED_H
#define CDCD_ORDERED_H

/*
 * A job queue: threads run jobs in parallel, and results come out in the order of submission.
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
 * The caller owns the jobs, [n_jobs] pieces of memory, which are used in turn. Only one thread may
 * call these functions; work must not access the memory of other jobs.
 */

#include <stddef.h>

#include "base/err.h"

struct ordered;

/*
 * ordered_new - start threads that call work(job). With threads = 1 no thread is started, and
 * ordered_submit calls work itself. Returns NULL on error.
 */
struct ordered *ordered_new(
    int threads, void *const *jobs, size_t n_jobs, void (*work)(void *job), struct err *e);

/* ordered_end - wait until the threads finish the jobs that they have begun, and end the threads.
 */
void ordered_end(struct ordered *o);

/* ordered_free - a job that the caller may fill, or NULL if all are in use. */
void *ordered_free(struct ordered *o);

/* ordered_submit - submit the job that ordered_free returned. */
void ordered_submit(struct ordered *o);

/* ordered_oldest - wait until the oldest job is done and return it; NULL if there is none. */
void *ordered_oldest(struct ordered *o);

/* ordered_release - make the oldest job free again. */
void ordered_release(struct ordered *o);

#endif
