#ifndef CDCD_SOURCE_H
#define CDCD_SOURCE_H

/* Reads the rows of plotcsv's files, or of one file as it grows, and draws them. All functions
 * return 0 or -1. */

#include "base/err.h"
#include "figure.h"

struct sources {
	size_t n;     /* at least 1 */
	char **path;  /* [n + 1], "-": standard input; then NULL */
	char **label; /* [n] what the legend calls the files if there are several */
};

/*
 * sources_init - the files of operands, which end in NULL and must outlive it; without any,
 * standard input. An operand that is not the name of a file may be LABEL=FILE. Files without a
 * label are named by what tells their paths apart (see words_of_files).
 */
int sources_init(struct sources *rows, char **operand, struct err *e);
void sources_release(struct sources *rows);

/* source_draw - read the files, one after the other, each to its end, and draw them together. */
int source_draw(const struct sources *rows, struct figure *f, struct err *e);

/*
 * source_follow - draw the only file, and draw it again when it has grown, every interval seconds,
 * until a stream ends or SIGINT, SIGTERM or SIGHUP arrives. If another file replaces it, start with
 * that one.
 */
int source_follow(const struct sources *rows, double interval, struct figure *f, struct err *e);

#endif
