#ifndef CDCD_ERR_H
#define CDCD_ERR_H

/*
 * Errors. The library never prints and never exits: a function that can fail
 * takes a struct err, fills it, and returns -1 (or NULL). The tool prints the
 * message after its own name and exits with the status.
 *
 * Messages are one line, lower case, without a full stop, and begin with the
 * file and the place: "stories.tok: truncated at byte 8392: no trailer".
 * They quote data and file names, which may be untrusted: control characters
 * in them, which a terminal might execute, are replaced by '?'.
 */

#include <stdbool.h>

enum err_status {
	ERR_DATA = 1,      /* input, output, corrupt data, memory */
	ERR_USAGE = 2,     /* the command line */
	ERR_NONFINITE = 3, /* a number that should be finite is not */
};

struct err {
	enum err_status status;
	bool reported; /* the tool has printed the message; a new message sets it to false */
	char msg[1024];
};

/* err_set - format a message with status ERR_DATA. Returns -1. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_errno - as err_set, with ": " and strerror(errno) appended. Keeps errno. Returns -1. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_with - as err_set, with the given status. Returns -1. */
int err_with(struct err *e, enum err_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* err_prefix - insert "formatted text: " before the existing message. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_is_printable - whether text is valid in a message: UTF-8 without control characters,
 * including those that ECMA-48 defines above ASCII. */
bool err_is_printable(const char *text);

/* err_printable - replace each byte that is not valid in a message by '?', in place. */
void err_printable(char *text);

#endif
