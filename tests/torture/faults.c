/*
 * A library for LD_PRELOAD that makes one system call on files, or one allocation, fail.
 *
 * FAULT=call:how:n   the n-th call (from 1) of open (that creates), read (or pread), write, fsync,
 *                    rename, close or unlink (all on descriptors from 3 on, which leaves out the
 *                    standard streams), calloc or realloc fails in the way how: ENOSPC, ENOMEM,
 * EIO, EINTR, SHORT (half of a read or write), or KILL (the process dies just before it), SLEEP
 * (for a minute first, or until a signal). n 0: every one, but for EINTR and SHORT every second
 * one. FAULT_MARK=file    is made when that has happened FAULT_TRACE=file   gets a line for each
 * call of open, write, fsync and rename, in their order
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long calls;

static void mark(void)
{
	const char *file = getenv("FAULT_MARK");

	if (file)
		syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY, 0600));
}

static void trace(const char *line)
{
	const char *file = getenv("FAULT_TRACE");
	long fd =
	    file ? syscall(SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY | O_APPEND, 0600) : -1;

	if (fd < 0)
		return;
	syscall(SYS_write, fd, line, strlen(line));
	syscall(SYS_close, fd);
}

static bool is_directory(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode);
}

/* Returns 0 to continue, -1 to fail with errno set, or 1 to do half. */
static int fault(const char *call)
{
	const char *spec = getenv("FAULT"), *how, *count;
	size_t n = strlen(call);
	unsigned long at;
	bool mild;

	if (!spec || strncmp(spec, call, n) != 0 || spec[n] != ':')
		return 0;
	how = spec + n + 1;
	count = strchr(how, ':');
	at = count ? strtoul(count + 1, NULL, 10) : 1;
	mild = !strncmp(how, "EINTR", 5) || !strncmp(how, "SHORT", 5);
	calls++;
	if (at ? calls != at : mild && calls % 2 == 0)
		return 0;
	mark();
	if (!strncmp(how, "KILL", 4))
		raise(SIGKILL);
	if (!strncmp(how, "SLEEP", 5))
		sleep(60);
	if (!strncmp(how, "SHORT", 5) || !strncmp(how, "SLEEP", 5))
		return 1;
	errno = !strncmp(how, "ENOSPC", 6)   ? ENOSPC
	        : !strncmp(how, "ENOMEM", 6) ? ENOMEM
	        : !strncmp(how, "EINTR", 5)  ? EINTR
	                                     : EIO;
	return -1;
}

ssize_t write(int fd, const void *p, size_t n)
{
	int f = fd > 2 ? fault("write") : 0;

	if (fd > 2)
		trace("write\n");
	return f < 0 ? -1 : syscall(SYS_write, fd, p, f > 0 && n > 1 ? n / 2 : n);
}

ssize_t read(int fd, void *p, size_t n)
{
	int f = fd > 2 ? fault("read") : 0;

	return f < 0 ? -1 : syscall(SYS_read, fd, p, f > 0 && n > 1 ? n / 2 : n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	int f = fd > 2 ? fault("read") : 0;

	return f < 0 ? -1 : syscall(SYS_pread64, fd, p, f > 0 && n > 1 ? n / 2 : n, at);
}

int fsync(int fd)
{
	trace(is_directory(fd) ? "fsync directory\n" : "fsync file\n");
	return fault("fsync") < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	trace("rename\n");
	return fault("rename") < 0 ? -1 : (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
	return fault("unlink") < 0 ? -1 : (int)syscall(SYS_unlink, path);
}

/* close the descriptor in spite of the error, as Linux does */
int close(int fd)
{
	int f = fd > 2 ? fault("close") : 0, done = (int)syscall(SYS_close, fd);

	return f < 0 ? -1 : done;
}

void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *calloc(size_t n, size_t size)
{
	return fault("calloc") < 0 ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fault("realloc") < 0 ? NULL : __libc_realloc(p, n);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (flags & O_CREAT)
		trace("open\n");
	if (flags & O_CREAT && fault("open") < 0)
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
