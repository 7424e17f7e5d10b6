#ifndef CDCD_SOURCE_H
#define CDCD_SOURCE_H

/* Reads the rows of plotcsv's file, once or as the file grows, and draws them. path: NULL for
 * standard input. All functions return 0 or -1. */

#include "base/err.h"
#include "figure.h"

/* source_draw - read the file to its end, and draw it. */
int source_draw(const char *path, struct figure *f, struct err *e);

/*
 * source_follow - draw the file, and draw it again when it has grown, every interval seconds, until
 * a stream ends or SIGINT, SIGTERM or SIGHUP arrives. If another file replaces it, start with that
 * one.
 */
int source_follow(const char *path, double interval, struct figure *f, struct err *e);

#endif
