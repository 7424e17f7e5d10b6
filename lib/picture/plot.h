#ifndef CDCD_PLOT_H
#define CDCD_PLOT_H

/*
 * A plot: axes, marks, a colour bar and a legend. It is described by a struct plot, and drawn by
 * plot_write (PNG, SVG and PDF, with the same cairo calls) or term_write (picture/term.h). Several
 * plots can be the panels of one picture: they stand one below the other and share the x axis and
 * the legend.
 *
 * The style follows E. R. Tufte, "The Visual Display of Quantitative Information", 1983: the data
 * is dark and everything else light; all titles are horizontal; no frame, no box.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "picture/colour.h"
#include "picture/scale.h"

enum series_mark {
	SERIES_POINTS, /* a dot at each (x, y) */
	SERIES_LINE,   /* a line from each (x, y) to the next; NAN breaks it */
	SERIES_BARS,   /* a bar of height y[i] from x[i] to x[i + 1]; the last y is not used */
	SERIES_BAND,   /* the area between low and y; NAN breaks it */
	SERIES_CELLS,  /* a rectangle with its lower left corner at each (x, y), see
	                  picture/density.h */
	SERIES_MARKS,  /* a vertical line at each x; y is not used */
};

struct series {
	enum series_mark mark;
	size_t n;
	double *x, *y;    /* [n] */
	double *c;        /* [n] values on the colour scale of the plot; NULL: use colour */
	double *low;      /* [n] lower end of a band; NULL for other marks */
	size_t category;  /* for the colour and shape, see colour_category */
	char *label;      /* in the legend; NULL: not in the legend */
	double width;     /* of a line, relative to the default */
	bool pale;        /* draw it faint, because the main thing lies over it */
	bool outlined;    /* draw a line with an outline in the colour of the background */
	bool translucent; /* draw bars so that those below are visible */
	bool shaped;      /* tell it apart by the shape of its points too, not only by colour */
};

struct plot {
	double width, height; /* of the picture: pixels of a PNG, CSS pixels of an SVG or PDF */
	enum background background;
	const char *title, *x_title, *y_title, *c_title; /* not owned; NULL: none */
	const char *note;      /* in small letters above the axes; not owned; NULL: none */
	struct series *series; /* drawn in this order within each layer */
	size_t n_series, cap_series;
	struct scale x, y;
	struct scale c; /* the colour scale, if has_c */
	bool has_c;
	double only_c;     /* the value of all c, if they are the same; else NAN */
	size_t outside;    /* points that are outside the limits of the axes */
	double dot, alpha; /* radius and opacity of points; NAN: chosen by their number */
	size_t max_points; /* draw at most this many points, evenly spread over the data; 0: all */
};

/* plot_init - an empty plot, linear axes. plot_release - free its series. */
void plot_init(struct plot *p);
void plot_release(struct plot *p);

/*
 * plot_add - add a series of n elements, which are 0; with_c: with c. label is copied, and may be
 * NULL. The result is valid until the next plot_add. Returns NULL on error.
 */
struct series *plot_add(
    struct plot *p, enum series_mark mark, size_t n, bool with_c, const char *label, struct err *e);

/*
 * plot_fit - set the ranges of the axes so that they contain the data. An end of a limit that is
 * not NAN is the end of its axis; on a log axis limits must be positive. Values that are not
 * finite, or not positive on a log axis, are ignored and not drawn. x.log, y.log and c.log must be
 * set before. Returns 0, or -1 if there is nothing to draw, or nothing within the limits.
 */
int plot_fit(struct plot *p, const double x_limit[2], const double y_limit[2], struct err *e);

/* plot_quantile - set *y to the value that this share, from 0 to 1, of the values of y do not
 * exceed, of all points and lines within the limit of x; NAN if there are none. Returns 0 or -1. */
int plot_quantile(
    const struct plot *p, const double x_limit[2], double share, double *y, struct err *e);

/* plot_share - give the panels [n] of a picture, each of which plot_fit has set up, the same x axis
 * and the same colour scale. */
void plot_share(struct plot *panel, size_t n);

/* plot_points - the number of points within the axes.
 * plot_shown - the number of them that are drawn, given max_points. */
size_t plot_points(const struct plot *p);
size_t plot_shown(const struct plot *p);

/*
 * plot_order - the points of a series in drawing order: the points within the axes, thinned to the
 * part of max_points that this series gets (one point from each of several runs of equal length,
 * drawn with a fixed seed), and sorted by colour, so that the largest c is drawn last. Returns 0
 * and *order [*n], which the caller frees, or -1.
 */
int plot_order(
    const struct plot *p, const struct series *s, uint32_t **order, size_t *n, struct err *e);

/* plot_layer - the layer in which to draw a series: bands, marks and what is pale lie below the
 * rest. */
enum { PLOT_LAYERS = 2 };
int plot_layer(const struct series *s);

/* plot_colour - the colour of element i of a series. */
struct rgb plot_colour(const struct plot *p, const struct series *s, size_t i);

enum plot_format { PLOT_PNG, PLOT_SVG, PLOT_PDF };

/* plot_format - the format for the suffix of path, ".png", ".svg" or ".pdf" in upper or lower case,
 * or -1. */
int plot_format(const char *path);

/*
 * plot_write - draw the panels [n] to out. The title, size, background, note and legend are those
 * of the first. An SVG has its texts as texts, a title and a description. The same plot gives the
 * same bytes, except that names of SVG elements depend on the number of plots drawn by the process.
 * Returns 0 or -1.
 */
int plot_write(
    const struct plot *panel, size_t n, enum plot_format format, struct output *out, struct err *e);

#endif
