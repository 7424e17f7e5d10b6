#ifndef CDCD_LOCK_H
#define CDCD_LOCK_H

/*
 * A lock that lets only one process write a file. It is an flock(2) on PATH.lock: the kernel
 * releases it when the process ends for any reason, so it is never stale. A lock file that remains
 * without a holder has no effect. The lock is not on PATH itself, because each new version of PATH
 * is another file. If PATH is a symbolic link, the lock is that of its final target.
 */

#include "base/err.h"

struct lock {
	char *path; /* of the lock file; NULL: not held, as in a struct of zeros */
	int fd;
};

/* lock_path - the path of the lock file. The caller frees it. Returns NULL on error. */
char *lock_path(const char *path, struct err *e);

/*
 * lock_take - lock path for this process. If path exists and is not a regular file, there are no
 * versions to protect, and nothing is locked. Returns 0, or -1 if another process holds the lock
 * (the message names it), or if the lock file cannot be created or is not a regular file.
 */
int lock_take(struct lock *l, const char *path, struct err *e);

/* lock_release - release the lock, and remove the lock file if it is still the one that is locked.
 * Does nothing if no lock is held. */
void lock_release(struct lock *l);

#endif
