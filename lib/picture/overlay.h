#ifndef CDCD_OVERLAY_H
#define CDCD_OVERLAY_H

/* A line from another CSV, drawn with an outline over the plot, for example a fit over its points;
 * or vertical marks at values of x, for example the steps at which something happened. */

#include "formats/csv.h"
#include "picture/plot.h"

struct overlay {
	bool marks;                    /* vertical marks: y is not used */
	const char *x, *y;             /* columns; NULL: those with the names x_below, y_below */
	const char *label;             /* NULL: the name of y, or for marks of the file */
	const char *x_below, *y_below; /* the columns of the plot below; NULL: none */
	size_t index;                  /* number of the overlay, from 0, which decides its colour */
};

/*
 * overlay_parse - split spec, "FILE[:X,Y[:LABEL]]", or "FILE[:X[:LABEL]]" for marks, in place into
 * *file, o->x, o->y and o->label, which point into it. In all but LABEL a backslash escapes a
 * separator (see columns_part). If a file with the name spec exists, *file is spec. Returns 0, or
 * -1 with status ERR_USAGE.
 */
int overlay_parse(char *spec, const char **file, struct overlay *o, struct err *e);

/*
 * overlay_add - read all rows of csv and add them to p as a line. Without o->x and o->y, the
 * columns are those named x_below and y_below; without x_below the first column is x; without a
 * column y_below the column after x is y. A new line begins wherever x decreases. file: the name of
 * the file, for the label of marks. Returns 0 or -1.
 */
int overlay_add(struct plot *p, struct csv_reader *csv, const char *file, const struct overlay *o,
    struct err *e);

#endif
