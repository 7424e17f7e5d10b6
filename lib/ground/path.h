#ifndef CDCD_PATH_H
#define CDCD_PATH_H

/* What paths stand for. NULL and "-" are standard input or output. */

#include <stdbool.h>

#include "ground/err.h"

bool path_is_standard(const char *path);

/* path_is_stream - whether what is there can be read once only: standard input, or no regular file.
 */
bool path_is_stream(const char *path);

/* path_is_open - whether descriptor fd is open on the regular file of this path. */
bool path_is_open(const char *path, int fd);

/* path_is_output - whether the file or pipe that standard output is has this path, too. */
bool path_is_output(const char *path);

/*
 * path_same - whether two paths name one file: by another spelling or a link, and where neither is
 * there yet as well, be it that one is a link to the other. Standard input and output are none;
 * devices and pipes are the same by their path only.
 */
bool path_same(const char *a, const char *b);

/*
 * path_target - the path at the end of the symbolic links that path begins, whether anything is
 * there or not: what is to be replaced where path is. The caller's to free; NULL on error: memory,
 * links in a circle.
 */
char *path_target(const char *path, struct err *e);

#endif
