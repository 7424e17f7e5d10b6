#ifndef CDCD_PLOT_H
#define CDCD_PLOT_H

/*
 * A picture: axes, marks, a colour bar and a legend, described here and drawn by plot_write (PNG
 * and SVG, through the same cairo calls) or by term_write (picture/term.h).
 *
 * The style is E. R. Tufte's, "The Visual Display of Quantitative Information", 1983: the data is
 * dark, all else light; titles are read without turning one's head; no frame, no box.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "picture/colour.h"
#include "picture/scale.h"

enum series_mark {
	SERIES_POINTS, /* a dot at (x, y) */
	SERIES_LINE,   /* from (x, y) to the next; NAN breaks it */
	SERIES_BARS,   /* y[i] high from x[i] to x[i + 1]; y of the last is not read */
};

struct series {
	enum series_mark mark;
	size_t n;
	double *x, *y; /* [n] */
	double *c;     /* [n] coloured by the plot's colour scale; NULL: by colour */
	struct rgb colour;
	char *label;      /* in the legend; NULL: not there */
	double width;     /* of a line, 1 being usual */
	bool outlined;    /* set off against what lies below it */
	bool translucent; /* bars that others show through */
};

struct plot {
	double width, height;                            /* pixels of a PNG, CSS pixels of an SVG */
	const char *title, *x_title, *y_title, *c_title; /* not owned; NULL: none */
	struct series *series;                           /* drawn in this order */
	size_t n_series, cap_series;
	struct scale x, y;
	struct scale c; /* in force where has_c */
	bool has_c;
	double dot, alpha; /* radius, opacity of points; NAN: as suits their number */
	size_t max_points; /* draw that many at most, spread evenly over the data; 0: all */
};

/* plot_init - an empty plot, linear axes. plot_release - free its series. */
void plot_init(struct plot *p);
void plot_release(struct plot *p);

/*
 * plot_add - a new series of n zeroed elements (c too where with_c), labelled with a copy of label
 * (or not, if NULL). It lives until the next plot_add. Returns NULL on error.
 */
struct series *plot_add(
    struct plot *p, enum series_mark mark, size_t n, bool with_c, const char *label, struct err *e);

/*
 * plot_fit - set the axes' ranges from the data and x.log, y.log, c.log; an end of a limit that is
 * not NAN is taken as it is. Values that are not finite, or not positive on a log axis, do not
 * count, and are not drawn. On a log axis limits are positive.
 * Returns -1 where there is nothing to draw, or nothing within limits.
 */
int plot_fit(struct plot *p, const double x_limit[2], const double y_limit[2], struct err *e);

/* plot_points - how many points there are to draw; plot_shown - how many max_points lets pass. */
size_t plot_points(const struct plot *p);
size_t plot_shown(const struct plot *p);

/*
 * plot_order - the points of a series in the order in which they are to be drawn: those that lie
 * within the axes, thinned to the series' share of max_points (one of each of equally many
 * consecutive ones, by a fixed draw), and by colour, so that the largest c lies on top.
 * On success *order is the caller's, [*n]. Returns 0 or -1.
 */
int plot_order(
    const struct plot *p, const struct series *s, uint32_t **order, size_t *n, struct err *e);

/* plot_colour - the colour of element i of a series. */
struct rgb plot_colour(const struct plot *p, const struct series *s, size_t i);

enum plot_format { PLOT_PNG, PLOT_SVG };

/* plot_format - by the suffix of path: ".png", ".svg", in any case. Returns -1 for any other. */
int plot_format(const char *path);

/*
 * plot_write - draw. The same plot gives the same bytes, but for SVG's element names when a
 * process draws more than one. Returns 0 or -1.
 */
int plot_write(const struct plot *p, enum plot_format format, struct output *out, struct err *e);

#endif
