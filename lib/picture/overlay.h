#ifndef CDCD_OVERLAY_H
#define CDCD_OVERLAY_H

/* A line from another CSV, set off against what is drawn below it: a fit over its points, say. */

#include "formats/csv.h"
#include "picture/plot.h"

struct overlay {
	const char *x, *y;             /* columns; NULL: as the picture below has them */
	const char *label;             /* NULL: from y's name */
	const char *x_below, *y_below; /* its columns; NULL: none */
	size_t index;                  /* among the overlays, from 0: says the colour */
};

/*
 * overlay_parse - cut spec, "FILE[:X,Y[:LABEL]]", in place into *file, o->x, o->y and o->label,
 * which point into it; in all but LABEL a backslash hides a mark (see columns_part). Where spec is
 * the name of a file as it stands, it is that file. Returns 0, or -1 with status ERR_USAGE.
 */
int overlay_parse(char *spec, const char **file, struct overlay *o, struct err *e);

/*
 * overlay_add - read all rows of csv and add them to p as a line. Without x and y the columns are
 * those that are named as below; without such an x the first, without such a y the one after x.
 * Where x goes back, another stretch of line begins.
 */
int overlay_add(struct plot *p, struct csv_reader *csv, const struct overlay *o, struct err *e);

#endif
