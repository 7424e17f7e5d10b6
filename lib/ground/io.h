#ifndef CDCD_IO_H
#define CDCD_IO_H

/*
 * Bytes in and out: full reads and writes, lines, and files that are replaced whole or not at all.
 * A path of NULL or "-" is standard input or output.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ground/err.h"

struct input {
	int fd;
	char *name; /* for messages: the path, or "standard input" */
	unsigned char *buf;
	size_t cap, pos, len; /* unread bytes are buf[pos] ... buf[len - 1] */
	uint64_t offset;      /* bytes of the input before buf[pos] */
	bool eof;
	const volatile sig_atomic_t *stop; /* may be NULL: where it is set, a read that would wait
	                                      is an error */
};

/* input_open - open path for reading. Returns 0, or -1 with nothing to close. */
int input_open(struct input *in, const char *path, struct err *e);

/* input_read - read n bytes into p. Returns how many; fewer than n only at the end; -1 on error. */
ssize_t input_read(struct input *in, void *p, size_t n, struct err *e);

/*
 * input_line - the next line, without its '\n', as a view that lives until the next call.
 *
 * Lines may hold NUL bytes and may be of 1 GiB. The last line need not end in '\n'. Returns 1, 0 at
 * the end, or -1 on error.
 */
int input_line(struct input *in, const char **line, size_t *n, struct err *e);

/* input_fill - read more into the buffer, moving the unread part to its front, growing it where it
 * is full. Returns 1 if bytes were added, 0 at the end, -1 on error: 1 GiB unread is one. */
int input_fill(struct input *in, struct err *e);

void input_close(struct input *in);

struct output {
	int fd;
	char *name;      /* for messages */
	char *path;      /* what commit replaces; NULL for standard output and special files */
	char *temporary; /* where it is written until then; NULL as path */
	unsigned char *buf;
	size_t len;
	const volatile sig_atomic_t *stop; /* may be NULL: where it is set, a write that waits while
	                                      50 signals come is an error */
};

/*
 * output_open - open for writing. A regular file is written beside its path under an unpredictable
 * name, with the permissions of what is there, and takes its place at output_commit; where path is
 * a symbolic link, it is the file at its end that is replaced. A device or pipe, and the file that
 * standard output is, are written directly.
 * Returns 0, or -1 with nothing to close.
 */
int output_open(struct output *out, const char *path, struct err *e);

/* output_check - whether output_open would succeed, leaving what is there, and who reads a pipe, in
 * peace. Returns 0 or -1. */
int output_check(const char *path, struct err *e);

/* output_append - open for writing at the end of what is there, directly, with no temporary. The
 * file that standard output or error is, is that: fd is theirs. Returns 0, or -1 with nothing to
 * close. */
int output_append(struct output *out, const char *path, struct err *e);

int output_write(struct output *out, const void *p, size_t n, struct err *e);

/* output_printf - formatted text of at most 4,095 bytes. */
int output_printf(struct output *out, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* output_flush - hand what is buffered to the kernel. On error what was buffered is lost. */
int output_flush(struct output *out, struct err *e);

/* output_sync - flush, and where it is a file, wait until a power cut would not lose what is in it.
 */
int output_sync(struct output *out, struct err *e);

/*
 * output_commit - flush, sync, close, rename; frees out's memory. Standard output is left open.
 *
 * Returns 0, or -1 with the old file, if there was one, untouched and the temporary removed; where
 * only the directory could not be synced the new file has its place all the same. A directory that
 * may not be read is not synced.
 */
int output_commit(struct output *out, struct err *e);

/* output_abort - close and remove the temporary; the old file stays. Harmless after commit. */
void output_abort(struct output *out);

/*
 * output_sweep - remove what processes that were killed while they wrote path have left beside it.
 * Only for who knows that nobody is writing it: see ground/lock.h.
 */
void output_sweep(const char *path);

#endif
