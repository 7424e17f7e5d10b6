#ifndef CDCD_OVERLAY_H
#define CDCD_OVERLAY_H

/* A line from another CSV, drawn with an outline over the plot, for example a fit over its points.
 */

#include "formats/csv.h"
#include "picture/plot.h"

struct overlay {
	const char *x, *y;             /* columns; NULL: those with the names x_below, y_below */
	const char *label;             /* NULL: made from the name of y */
	const char *x_below, *y_below; /* the columns of the plot below; NULL: none */
	size_t index;                  /* number of the overlay, from 0, which decides its colour */
};

/*
 * overlay_parse - split spec, "FILE[:X,Y[:LABEL]]", in place into *file, o->x, o->y and o->label,
 * which point into it. In all but LABEL a backslash escapes a separator (see columns_part). If a
 * file with the name spec exists, *file is spec. Returns 0, or -1 with status ERR_USAGE.
 */
int overlay_parse(char *spec, const char **file, struct overlay *o, struct err *e);

/*
 * overlay_add - read all rows of csv and add them to p as a line. Without o->x and o->y, the
 * columns are those named x_below and y_below; without x_below the first column is x; without a
 * column y_below the column after x is y. A new line begins wherever x decreases. Returns 0 or -1.
 */
int overlay_add(struct plot *p, struct csv_reader *csv, const struct overlay *o, struct err *e);

#endif
