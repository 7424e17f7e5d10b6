#ifndef CDCD_LOCK_H
#define CDCD_LOCK_H

/*
 * One writer at a time for a file. The lock is the kernel's, flock(2) on PATH.lock, so that it goes
 * with the process whatever ends that, and is never stale; the file beside may stay behind, and
 * means nothing by itself. Not on PATH itself, which each new version replaces. Where PATH is a
 * symbolic link, the file at its end is meant.
 */

#include "ground/err.h"

struct lock {
	int fd;     /* -1: not held */
	char *path; /* of the file beside */
};

/* lock_path - the path of the file beside, the caller's to free; NULL on error. */
char *lock_path(const char *path, struct err *e);

/*
 * lock_take - lock path for this process. A path that is there and no regular file has no versions
 * to protect: nothing is locked. Returns 0, or -1; then another process, which the message names,
 * holds it, or the file beside cannot be made, or is something else.
 */
int lock_take(struct lock *l, const char *path, struct err *e);

/* lock_release - let go, and remove the file beside if it is still the one that is locked. Harmless
 * where nothing is held. */
void lock_release(struct lock *l);

#endif
