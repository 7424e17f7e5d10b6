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
 * overlay_add - read all rows of csv and add them to p as a line. Without x and y the columns are
 * those that are named as below; without such an x the first, without such a y the one after x.
 * Where x goes back, another stretch of line begins.
 */
int overlay_add(struct plot *p, struct csv_reader *csv, const struct overlay *o, struct err *e);

#endif
