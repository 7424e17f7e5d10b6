#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

enum { PID_ROOM = 24 };

/* What write_pid has written, or as much of something else. Returns its length, or -1 with errno.
 */
static ssize_t read_pid(int fd, char text[PID_ROOM])
{
	ssize_t n;

	do
		n = pread(fd, text, PID_ROOM - 1, 0);
	while (n < 0 && errno == EINTR);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* Who holds it wrote its number there; for the message alone. */
static int held(int fd, const char *path, struct err *e)
{
	char text[PID_ROOM];
	long pid = read_pid(fd, text) > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return err_set(e, "%s: is being written by another process, %ld", path, pid);
	return err_set(e, "%s: is being written by another process", path);
}

/* Whether the file that is locked is still the one of that name: its last holder removes it. */
static bool is_there(const struct lock *l)
{
	struct stat own, named;

	return !fstat(l->fd, &own) && !lstat(l->path, &named) && own.st_dev == named.st_dev &&
	       own.st_ino == named.st_ino;
}

/* Nothing but what write_pid writes: the lock of a run that was killed, and no file of other use.
 */
static int check(const struct lock *l, struct err *e)
{
	char text[PID_ROOM];
	ssize_t n = read_pid(l->fd, text);

	if (n < 0)
		return err_errno(e, "%s: cannot read at byte 0", l->path);
	if (n > 0 && (strspn(text, "0123456789") != (size_t)n - 1 || text[n - 1] != '\n'))
		return err_set(e, "%s: is no lock, and stands where one is to be", l->path);
	return 0;
}

/* 1: held and there; 0: it was removed meanwhile; -1. */
static int try(struct lock *l, const char *path, struct err *e)
{
	l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	if (l->fd < 0)
		return err_errno(e, "%s: cannot make the lock", l->path);
	if (flock(l->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? held(l->fd, path, e)
		                            : err_errno(e, "%s: cannot lock", l->path);
	return check(l, e) ? -1 : is_there(l);
}

static void write_pid(const struct lock *l)
{
	char text[PID_ROOM];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

	/* Nothing depends on it. */
	if (ftruncate(l->fd, 0) || pwrite(l->fd, text, (size_t)n, 0) < n)
		return;
}

char *lock_path(const char *path, struct err *e)
{
	char *target = *path ? path_target(path, e) : NULL, *beside = NULL;
	size_t room = target ? strlen(target) + sizeof ".lock" : 0;

	if (!*path)
		err_set(e, "empty file name for an output");
	if (target && (beside = mem_array(room, 1, e)))
		snprintf(beside, room, "%s.lock", target);
	free(target);
	return beside;
}

int lock_take(struct lock *l, const char *path, struct err *e)
{
	struct stat st;
	int got = 0;

	*l = (struct lock){-1, NULL};
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return 0;
	l->path = lock_path(path, e);
	if (!l->path)
		return -1;
	while (got == 0) {
		if (l->fd >= 0)
			close(l->fd);
		got = try(l, path, e);
	}
	if (got < 0) {
		if (l->fd >= 0)
			close(l->fd);
		free(l->path);
		*l = (struct lock){-1, NULL};
		return -1;
	}
	write_pid(l);
	return 0;
}

void lock_release(struct lock *l)
{
	if (l->fd < 0)
		return;
	/* Once the file has been removed, another process may hold a new one of that name. */
	if (is_there(l))
		unlink(l->path);
	close(l->fd);
	free(l->path);
	*l = (struct lock){-1, NULL};
}
