#ifndef CDCD_IO_H
#define CDCD_IO_H

/*
 * Input and output of bytes: full reads and writes, lines, and atomic replacement of files.
 * A path of NULL or "-" means standard input or output.
 *
 * Pipes and terminals may wait for another process. A program that must be able to stop sets the
 * member stop of an input or output, after opening it, to a flag that a signal handler or another
 * thread sets. Once the flag is not 0, a read that would wait fails within 0.1 s, and a write fails
 * when the reader has taken nothing for 5 s. Data that is there is still read, and a write that
 * does not wait still succeeds. The flag must outlive the input or output.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct input {
	int fd;
	char *name; /* for messages: the path, or "standard input" */
	unsigned char *buf;
	size_t cap, pos, len; /* unread bytes are buf[pos] ... buf[len - 1] */
	uint64_t offset;      /* bytes of the input before buf[pos] */
	bool eof;
	const volatile sig_atomic_t *stop; /* may be NULL; see above */
	struct input_source *source;       /* NULL: fd */
};

/* A conversion, such as decompression, of the bytes of another input. */
struct input_source {
	struct input inner;
	/* Write up to n > 0 bytes to p. Returns their number, 0 at the end, or -1. */
	ssize_t (*read)(struct input_source *source, void *p, size_t n, struct err *e);
	void (*release)(struct input_source *source); /* frees source, but not inner */
};

/*
 * input_convert - from now on, in has the bytes that source makes of those that in had, from the
 * current position on. in owns source; source->inner is set here. Returns 0, or -1 with in
 * unchanged and source released.
 */
int input_convert(struct input *in, struct input_source *source, struct err *e);

/* input_open - open path for reading. Returns 0, or -1 with nothing to close. */
int input_open(struct input *in, const char *path, struct err *e);

/* input_read - read n bytes into p. Returns the number of bytes read, which is
 * less than n only at the end of the input, or -1 on error. */
ssize_t input_read(struct input *in, void *p, size_t n, struct err *e);

/*
 * input_line - the next line, without its '\n', as a view that lives until the next call.
 *
 * Lines may contain NUL bytes and be up to 1 GiB long. The last line need not end in '\n'. Returns
 * 1, 0 at the end, or -1 on error.
 */
int input_line(struct input *in, const char **line, size_t *n, struct err *e);

/* input_fill - read more into the buffer, moving the unread part to its front and growing it if
 * it is full. Returns 1 if bytes were added, 0 at the end, or -1 on error or with 1 GiB unread. */
int input_fill(struct input *in, struct err *e);

void input_close(struct input *in);

struct output {
	int fd;
	char *name;      /* for messages */
	char *path;      /* what commit replaces; NULL for standard output and special files */
	char *temporary; /* where it is written until then; NULL as path */
	unsigned char *buf;
	size_t len;
	const volatile sig_atomic_t *stop; /* may be NULL; see below */
};

/*
 * output_open - open for writing. A regular file is written to a temporary file in the same
 * directory, with an unpredictable name and the permissions of the existing file; output_commit
 * renames it to path. If path is a symbolic link, its final target is replaced. A device, a pipe
 * and the file that is open as standard output are written directly.
 * Returns 0, or -1 with nothing to close.
 */
int output_open(struct output *out, const char *path, struct err *e);

/* output_check - whether output_open would succeed, without changing an existing file or disturbing
 * the reader of a pipe. Returns 0 or -1. */
int output_check(const char *path, struct err *e);

/* output_append - open for appending to the file itself, with no temporary file. If path is the
 * file open as standard output or error, that descriptor is used. Returns 0, or -1 with nothing to
 * close. */
int output_append(struct output *out, const char *path, struct err *e);

int output_write(struct output *out, const void *p, size_t n, struct err *e);

/* output_printf - formatted text of at most 4,095 bytes. */
int output_printf(struct output *out, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* output_flush - write the buffer to the kernel. On error the contents of the buffer are lost. */
int output_flush(struct output *out, struct err *e);

/* output_sync - flush and, if it is a file, wait until its data would survive a power cut. */
int output_sync(struct output *out, struct err *e);

/*
 * output_commit - flush, sync, close, rename; frees out's memory. Standard output is left open.
 *
 * Returns 0, or -1 with any old file unchanged and the temporary file removed. Exception: if only
 * the sync of the directory fails, it returns -1 with the new file in place. A directory that the
 * process may not read is not synced.
 */
int output_commit(struct output *out, struct err *e);

/* output_abort - close and remove the temporary; the old file stays. Harmless after commit. */
void output_abort(struct output *out);

/*
 * output_sweep - remove temporary files left by processes that were killed while writing path.
 * Call it only if no other process can be writing path: see base/lock.h.
 */
void output_sweep(const char *path);

#endif
