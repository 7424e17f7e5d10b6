#ifndef CDCD_MARKS_H
#define CDCD_MARKS_H

/* Draw points, lines, bands and bars in a rectangle of a cairo surface, for plot_write. */

#include <cairo.h>

#include "picture/plot.h"

struct texts;

struct frame {
	cairo_t *cr;
	struct texts *texts; /* see picture/text.h */
	const struct plot *plot;
	const struct theme *theme;
	double left, top, width, height; /* the rectangle of the data, in pixels */
	double unit;                     /* scale of fonts and widths: 1 for 900 x 560 pixels */
};

/* frame_x, frame_y - the pixel of a value of x or y. */
double frame_x(const struct frame *f, double x);
double frame_y(const struct frame *f, double y);

/* marks_colour - set the colour and opacity of what is drawn next. */
void marks_colour(const struct frame *f, struct rgb colour, double alpha);

/* marks_dot - choose the radius and opacity of points, for n points. */
void marks_dot(const struct frame *f, size_t n, double *radius, double *alpha);

/* marks_shape - draw the shape of a category, a dot or another, around (x, y). radius: pixels. */
void marks_shape(const struct frame *f, size_t category, double x, double y, double radius);

/* marks_vertical - draw a dashed vertical line. */
void marks_vertical(const struct frame *f, double x, double top, double foot);

/* marks_draw - draw one series, clipped to the frame. Returns 0, or -1 if memory is short. */
int marks_draw(const struct frame *f, const struct series *s, struct err *e);

#endif
