#ifndef CDCD_MARKS_H
#define CDCD_MARKS_H

/* Points, lines and bars in a rectangle of a cairo surface. For plot_write. */

#include <cairo.h>

#include "picture/plot.h"

struct frame {
	cairo_t *cr;
	const struct plot *plot;
	double left, top, width, height; /* where the data goes */
	double unit;                     /* a pixel of a picture of usual size */
};

double frame_x(const struct frame *f, double x);
double frame_y(const struct frame *f, double y);

void marks_colour(const struct frame *f, struct rgb colour, double alpha);

/* marks_dot - radius and opacity of n points. */
void marks_dot(const struct frame *f, size_t n, double *radius, double *alpha);

/* marks_draw - one series, clipped to the frame. Returns 0, or -1 where memory is short. */
int marks_draw(const struct frame *f, const struct series *s, struct err *e);

#endif
