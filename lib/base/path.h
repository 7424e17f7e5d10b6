#ifndef CDCD_PATH_H
#define CDCD_PATH_H

/* Which file a path names. NULL and "-" mean standard input or output. */

#include <stdbool.h>

#include "base/err.h"

bool path_is_standard(const char *path);

/* path_is_stream - whether path can be read only once: standard input, or not a regular file. */
bool path_is_stream(const char *path);

/* path_is_open - whether descriptor fd is open on the regular file of this path. */
bool path_is_open(const char *path, int fd);

/* path_is_output - whether path names the file or pipe that is open as standard output. */
bool path_is_output(const char *path);

/*
 * path_same - whether two paths name the same file, also through another spelling or a link. This
 * also works if the file does not exist yet, and if one path is a dangling link to the other.
 * Standard input and output are never the same as a file. Devices and pipes are the same only if
 * their paths are.
 */
bool path_same(const char *a, const char *b);

/*
 * path_target - follow symbolic links from path to the final target, which need not exist: the file
 * to replace when path is written. The caller frees the result. Returns NULL on error: out of
 * memory, or a cycle of links.
 */
char *path_target(const char *path, struct err *e);

#endif
