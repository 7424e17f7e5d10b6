#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/minmax.h"
#include "base/path.h"

/* INPUT_MAX: the maximum bytes of a line or document. This is more than a record of a shard can
 * hold, and it ends the reading of /dev/zero. */
enum { INPUT_START = 1 << 16, INPUT_MAX = 1 << 30, OUTPUT_SIZE = 1 << 16 };

/* While a read or write waits, it looks at the stop flag this often. */
enum { STOP_MS = 100 };

/* After a stop, a write fails if its reader takes nothing for this time. */
enum { STOPPED_WRITE_SECONDS = 5 };

/* --- waiting --- */

/* Wait until fd is ready for events, a signal arrives, or timeout_ms is over (-1: never). Returns
 * whether it is ready. After any other error of poll it counts as ready: the read or write that
 * follows finds the cause. */
static bool is_ready(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, timeout_ms);

	return n > 0 || (n < 0 && errno != EINTR);
}

static bool is_set(const volatile sig_atomic_t *stop)
{
	return stop && *stop;
}

/* Whether to repeat a read or write that failed with errno. A pipe may be non-blocking because of
 * another process that shares it; *wait is then set. */
static bool is_retryable(bool *wait)
{
	*wait = *wait || errno == EAGAIN;
	return errno == EAGAIN || errno == EINTR;
}

/* --- input --- */

int input_open(struct input *in, const char *path, struct err *e)
{
	const char *file = path_is_standard(path) ? NULL : path;
	struct stat st;

	memset(in, 0, sizeof *in);
	if (file && !*file)
		return err_set(e, "empty file name for an input");
	in->fd = file ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (in->fd < 0)
		return err_errno(e, "%s", file ? file : "standard input");
	in->name = mem_copy_string(file ? file : "standard input", e);
	in->buf = mem_array(INPUT_START, 1, e);
	in->cap = INPUT_START;
	if (!in->name || !in->buf) {
		input_close(in);
		return -1;
	}
	if (!fstat(in->fd, &st) && S_ISDIR(st.st_mode)) {
		err_set(e, "%s: is a directory", in->name);
		input_close(in);
		return -1;
	}
	return 0;
}

/* Bytes of the input that have been read from its descriptor. */
static uint64_t input_taken(const struct input *in)
{
	return in->offset + (in->len - in->pos);
}

static int await_input(const struct input *in, struct err *e)
{
	while (!is_ready(in->fd, POLLIN, in->stop ? STOP_MS : -1))
		if (is_set(in->stop))
			return err_set(e, "%s: stopped while waiting for byte %" PRIu64, in->name,
			    input_taken(in));
	return 0;
}

static ssize_t read_some(struct input *in, void *p, size_t n, struct err *e)
{
	bool wait = in->stop != NULL;
	ssize_t got;

	if (in->source) {
		got = in->source->read(in->source, p, n, e);
		in->eof = got == 0;
		return got;
	}
	do {
		if (wait && await_input(in, e))
			return -1;
		got = read(in->fd, p, n);
	} while (got < 0 && is_retryable(&wait));
	if (got < 0)
		return err_errno(e, "%s: cannot read at byte %" PRIu64, in->name, input_taken(in));
	if (got == 0)
		in->eof = true;
	return got;
}

int input_fill(struct input *in, struct err *e)
{
	ssize_t got;

	if (in->eof)
		return 0;
	if (in->pos > 0) {
		memmove(in->buf, in->buf + in->pos, in->len - in->pos);
		in->len -= in->pos;
		in->pos = 0;
	}
	if (in->len >= INPUT_MAX)
		return err_set(e,
		    "%s: at byte %" PRIu64 ": a line or document of more than %zu bytes", in->name,
		    in->offset, in->len);
	if (in->len == in->cap && mem_grow(&in->buf, &in->cap, in->cap * 2, 1, e))
		return -1;
	got = read_some(in, in->buf + in->len, in->cap - in->len, e);
	if (got <= 0)
		return (int)got;
	in->len += (size_t)got;
	return 1;
}

ssize_t input_read(struct input *in, void *p, size_t n, struct err *e)
{
	unsigned char *to = p;
	size_t done = min_size(n, in->len - in->pos);

	memcpy(to, in->buf + in->pos, done);
	in->pos += done;
	in->offset += done;
	while (done < n && !in->eof) {
		ssize_t got = read_some(in, to + done, n - done, e);

		if (got < 0)
			return -1;
		done += (size_t)got;
		in->offset += (size_t)got;
	}
	return (ssize_t)done;
}

int input_line(struct input *in, const char **line, size_t *n, struct err *e)
{
	size_t searched = 0;

	for (;;) {
		unsigned char *start = in->buf + in->pos;
		size_t have = in->len - in->pos;
		unsigned char *end = memchr(start + searched, '\n', have - searched);
		int more;

		if (end || (in->eof && have > 0)) {
			*line = (const char *)start;
			*n = end ? (size_t)(end - start) : have;
			have = end ? *n + 1 : have;
			in->pos += have;
			in->offset += have;
			return 1;
		}
		if (in->eof)
			return 0;
		searched = have;
		more = input_fill(in, e);
		if (more < 0)
			return -1;
	}
}

int input_convert(struct input *in, struct input_source *source, struct err *e)
{
	struct input outer = {.fd = -1, .cap = INPUT_START, .source = source};

	outer.name = mem_copy_string(in->name, e);
	outer.buf = mem_array(INPUT_START, 1, e);
	if (!outer.name || !outer.buf) {
		free(outer.name);
		free(outer.buf);
		source->release(source);
		return -1;
	}
	source->inner = *in;
	*in = outer;
	return 0;
}

void input_close(struct input *in)
{
	if (in->source) {
		input_close(&in->source->inner);
		in->source->release(in->source);
	}
	if (in->fd > STDERR_FILENO)
		close(in->fd);
	free(in->name);
	free(in->buf);
	memset(in, 0, sizeof *in);
	in->fd = -1;
}

/* --- output --- */

/*
 * A temporary file is named "cdcd-<hash of the name that it will have>-<random>.tmp": short, so
 * that it fits wherever that name fits, unpredictable, and known to output_sweep.
 */
enum { TEMPORARY_ROOM = 48, RANDOM_DIGITS = 12 };

/* The length of the directory in path, with the '/'. */
static size_t directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Print what the names of temporary files for path begin with. The hash is FNV-1a, 64 bits. */
static void print_beginning(char beginning[TEMPORARY_ROOM], const char *path)
{
	uint64_t hash = 14695981039346656037u;

	for (const char *p = path + directory_length(path); *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	snprintf(beginning, TEMPORARY_ROOM, "cdcd-%016" PRIx64 "-", hash);
}

static int open_temporary(struct output *out, mode_t mode, struct err *e)
{
	size_t n = directory_length(out->path), room = n + TEMPORARY_ROOM;
	char beginning[TEMPORARY_ROOM];
	unsigned char noise[RANDOM_DIGITS / 2];

	out->temporary = mem_array(room, 1, e);
	if (!out->temporary)
		return -1;
	print_beginning(beginning, out->path);
	for (int attempt = 0; attempt < 100; attempt++) {
		if (getentropy(noise, sizeof noise))
			return err_errno(e, "%s: cannot name a temporary file", out->path);
		snprintf(out->temporary, room, "%.*s%s%02x%02x%02x%02x%02x%02x.tmp", (int)n,
		    out->path, beginning, noise[0], noise[1], noise[2], noise[3], noise[4],
		    noise[5]);
		out->fd = open(
		    out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (out->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	err_errno(e, "%s: cannot create a file beside it", out->path);
	free(out->temporary);
	out->temporary = NULL;
	return -1;
}

static int open_path(struct output *out, const char *path, struct err *e)
{
	struct stat st;
	bool there;

	if (path_is_standard(path)) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	if (!*path)
		return err_set(e, "empty file name for an output");
	there = !stat(path, &st);
	/* If the system does not let us follow a link, do not replace the link's target either. */
	if (!there && errno != ENOENT)
		return err_errno(e, "%s", path);
	if (there && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		return out->fd < 0 ? err_errno(e, "%s", path) : 0;
	}
	/* The file that a shell has redirected standard output to: do not replace it. */
	if (there && path_is_output(path)) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	out->path = path_target(path, e);
	if (!out->path || open_temporary(out, there ? st.st_mode & 0666 : 0666, e))
		return -1;
	if (there) /* a failure leaves the permissions of a new file, which is no error */
		(void)!fchmod(out->fd, st.st_mode & 0777);
	return 0;
}

/* Whether entry is a name that open_temporary makes from this beginning. */
static bool is_temporary(const char *entry, const char *beginning)
{
	size_t n = strlen(beginning);

	return !strncmp(entry, beginning, n) &&
	       strspn(entry + n, "0123456789abcdef") == RANDOM_DIGITS &&
	       !strcmp(entry + n + RANDOM_DIGITS, ".tmp");
}

void output_sweep(const char *path)
{
	struct err e;
	char *target = path_target(path, &e), beginning[TEMPORARY_ROOM];
	size_t n = target ? directory_length(target) : 0;
	DIR *d;

	if (!target)
		return;
	print_beginning(beginning, target);
	target[n > 1 ? n - 1 : n] = '\0';
	d = opendir(*target ? target : ".");
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (is_temporary(entry->d_name, beginning))
			unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	free(target);
}

/* fsync, repeated if a signal interrupts it, which network file systems allow. */
static int sync_fd(int fd)
{
	int failed;

	do
		failed = fsync(fd);
	while (failed && errno == EINTR);
	return failed;
}

/* Sync the directory of path, so that the file's name survives a power failure. A directory that
 * the process may write but not read cannot be synced. */
static int sync_directory(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = mem_copy_string(slash ? path : ".", e);
	int fd, failed;

	if (!dir)
		return -1;
	if (slash)
		dir[slash > path ? slash - path : 1] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	failed = fd < 0 ? errno != EACCES : sync_fd(fd) && errno != EINVAL && errno != EROFS;
	if (failed)
		err_errno(e, "%s: cannot sync", dir);
	if (fd >= 0)
		close(fd);
	free(dir);
	return failed ? -1 : 0;
}

static int open_for_appending(struct output *out, const char *path, struct err *e)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	struct stat st;

	/* The file that a shell has redirected standard output or error to: use that descriptor. */
	if (path_is_standard(path) || path_is_open(path, STDOUT_FILENO)) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	if (path_is_open(path, STDERR_FILENO)) {
		out->fd = STDERR_FILENO;
		return 0;
	}
	if (!*path)
		return err_set(e, "empty file name for an output");
	out->fd = open(path, flags, 0666);
	if (out->fd < 0 || fstat(out->fd, &st))
		return err_errno(e, "%s", path);
	return S_ISREG(st.st_mode) && st.st_size == 0 ? sync_directory(path, e) : 0;
}

/* Initialise everything but the descriptor. */
static int init_output(struct output *out, const char *path, struct err *e)
{
	memset(out, 0, sizeof *out);
	out->fd = -1;
	out->name = mem_copy_string(path_is_standard(path) ? "standard output" : path, e);
	out->buf = mem_array(OUTPUT_SIZE, 1, e);
	return out->name && out->buf ? 0 : -1;
}

int output_open(struct output *out, const char *path, struct err *e)
{
	if (!init_output(out, path, e) && !open_path(out, path, e))
		return 0;
	output_abort(out);
	return -1;
}

int output_check(const char *path, struct err *e)
{
	struct output probe;
	struct stat st;

	if (!path_is_standard(path) && !stat(path, &st) && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode))
		return access(path, W_OK) ? err_errno(e, "%s", path) : 0;
	if (output_open(&probe, path, e))
		return -1;
	output_abort(&probe);
	return 0;
}

int output_append(struct output *out, const char *path, struct err *e)
{
	if (!init_output(out, path, e) && !open_for_appending(out, path, e))
		return 0;
	output_abort(out);
	return -1;
}

static int await_output(const struct output *out, struct err *e)
{
	double deadline = INFINITY;

	while (!is_ready(out->fd, POLLOUT, out->stop ? STOP_MS : -1)) {
		if (is_set(out->stop) && isinf(deadline))
			deadline = clock_seconds() + STOPPED_WRITE_SECONDS;
		if (clock_seconds() > deadline) {
			errno = ETIMEDOUT;
			return err_set(e, "%s: its reader has accepted no data for %d seconds",
			    out->name, STOPPED_WRITE_SECONDS);
		}
	}
	return 0;
}

/* When poll reports a pipe as ready, a write of up to PIPE_BUF bytes does not wait, but a longer
 * one may. So an output with a stop flag writes parts of that size. */
static int write_all(struct output *out, const unsigned char *p, size_t n, struct err *e)
{
	size_t largest = out->stop ? PIPE_BUF : SIZE_MAX;
	bool wait = out->stop != NULL;

	while (n > 0) {
		ssize_t put;

		if (wait && await_output(out, e))
			return -1;
		put = write(out->fd, p, min_size(n, largest));
		if (put < 0 && is_retryable(&wait))
			continue;
		if (put < 0)
			return err_errno(e, "%s: cannot write", out->name);
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

int output_flush(struct output *out, struct err *e)
{
	size_t n = out->len;

	out->len = 0;
	return write_all(out, out->buf, n, e);
}

int output_write(struct output *out, const void *p, size_t n, struct err *e)
{
	if (n == 0)
		return 0; /* p may be NULL, which memcpy does not allow */
	if (out->len + n > OUTPUT_SIZE && output_flush(out, e))
		return -1;
	if (n >= OUTPUT_SIZE)
		return write_all(out, p, n, e);
	memcpy(out->buf + out->len, p, n);
	out->len += n;
	return 0;
}

int output_printf(struct output *out, struct err *e, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		return err_set(e, "%s: a line of more than %zu bytes", out->name, sizeof line - 1);
	return output_write(out, line, (size_t)n, e);
}

static void output_free(struct output *out)
{
	free(out->name);
	free(out->path);
	free(out->temporary);
	free(out->buf);
	memset(out, 0, sizeof *out);
	out->fd = -1;
}

int output_sync(struct output *out, struct err *e)
{
	struct stat st;

	if (output_flush(out, e))
		return -1;
	if (!fstat(out->fd, &st) && S_ISREG(st.st_mode) && sync_fd(out->fd))
		return err_errno(e, "%s: cannot sync", out->name);
	return 0;
}

int output_commit(struct output *out, struct err *e)
{
	int fd = out->fd;

	if (output_flush(out, e))
		goto fail;
	if (out->path && sync_fd(fd)) {
		err_errno(e, "%s: cannot sync", out->name);
		goto fail;
	}
	out->fd = -1;
	/* After EINTR the descriptor is closed as well, and the data has been synced. */
	if (fd != STDOUT_FILENO && close(fd) && errno != EINTR) {
		err_errno(e, "%s: cannot close", out->name);
		goto fail;
	}
	if (out->path) {
		if (rename(out->temporary, out->path)) {
			err_errno(e, "%s: cannot be replaced", out->path);
			goto fail;
		}
		free(out->temporary);
		out->temporary = NULL;
		if (sync_directory(out->path, e))
			goto fail;
	}
	output_free(out);
	return 0;
fail:
	output_abort(out);
	return -1;
}

void output_abort(struct output *out)
{
	if (out->fd > STDERR_FILENO)
		close(out->fd);
	if (out->temporary)
		unlink(out->temporary);
	output_free(out);
}
