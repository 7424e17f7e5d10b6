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

/* Read what write_pid has written, or the beginning of any other contents. Returns the length, or
 * -1 with errno set. */
static ssize_t read_pid(int fd, char text[PID_ROOM])
{
	ssize_t n;

	do
		n = pread(fd, text, PID_ROOM - 1, 0);
	while (n < 0 && errno == EINTR);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* The error that another process holds the lock. It has written its number to the lock file. */
static int refuse_held_lock(int fd, const char *path, struct err *e)
{
	char text[PID_ROOM];
	long pid = read_pid(fd, text) > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return err_set(e, "%s: is being written by another process, %ld", path, pid);
	return err_set(e, "%s: is being written by another process", path);
}

/* Whether the locked file is still the one of that name: its previous holder may have removed it.
 */
static bool is_current(const struct lock *l)
{
	struct stat own, named;

	return !fstat(l->fd, &own) && !lstat(l->path, &named) && own.st_dev == named.st_dev &&
	       own.st_ino == named.st_ino;
}

/* Check that the file is empty or has what write_pid writes, as after a run that was killed. Any
 * other file has another purpose, and is not to be overwritten. */
static int check_contents(const struct lock *l, struct err *e)
{
	char text[PID_ROOM];
	ssize_t n = read_pid(l->fd, text);

	if (n < 0)
		return err_errno(e, "%s: cannot read at byte 0", l->path);
	if (n > 0 && (strspn(text, "0123456789") != (size_t)n - 1 || text[n - 1] != '\n'))
		return err_set(
		    e, "%s: is not a lock file, but has the name of one; rename it", l->path);
	return 0;
}

/* Open and lock the file. Returns 1, 0 if the file was removed meanwhile, or -1 on error. */
static int try_lock(struct lock *l, const char *path, struct err *e)
{
	l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	if (l->fd < 0)
		return err_errno(e, "%s: cannot create the lock file", l->path);
	if (flock(l->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? refuse_held_lock(l->fd, path, e)
		                            : err_errno(e, "%s: cannot lock", l->path);
	if (check_contents(l, e))
		return -1;
	return is_current(l);
}

static void write_pid(const struct lock *l)
{
	char text[PID_ROOM];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

	/* A failure is ignored: only a message uses the number. */
	if (ftruncate(l->fd, 0) || pwrite(l->fd, text, (size_t)n, 0) < n)
		return;
}

char *lock_path(const char *path, struct err *e)
{
	char *target = *path ? path_target(path, e) : NULL, *file = NULL;
	size_t room = target ? strlen(target) + sizeof ".lock" : 0;

	if (!*path)
		err_set(e, "empty file name for an output");
	if (target && (file = mem_array(room, 1, e)))
		snprintf(file, room, "%s.lock", target);
	free(target);
	return file;
}

int lock_take(struct lock *l, const char *path, struct err *e)
{
	struct stat st;
	int got = 0;

	*l = (struct lock){.fd = -1};
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return 0;
	l->path = lock_path(path, e);
	if (!l->path)
		return -1;
	while (got == 0) {
		if (l->fd >= 0)
			close(l->fd);
		got = try_lock(l, path, e);
	}
	if (got < 0) {
		if (l->fd >= 0)
			close(l->fd);
		free(l->path);
		*l = (struct lock){0};
		return -1;
	}
	write_pid(l);
	return 0;
}

void lock_release(struct lock *l)
{
	if (!l->path)
		return;
	/* If another process has removed the file, a third one may hold a new file of that name. */
	if (is_current(l))
		unlink(l->path);
	close(l->fd);
	free(l->path);
	*l = (struct lock){0};
}
