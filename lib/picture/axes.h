#ifndef CDCD_AXES_H
#define CDCD_AXES_H

/* Draw the axes of a panel, and choose as many ticks as have room. Lengths are in frame.unit. */

#include "picture/marks.h"

static const double axes_tick = 4; /* the length of a tick */

/* axes_segment - add a line to the path. axes_stroke - draw the path. */
void axes_segment(const struct frame *f, double x0, double y0, double x1, double y1);
void axes_stroke(const struct frame *f, struct rgb colour, double alpha, double width);

/* axes_ticks - choose the ticks of an axis of this length in pixels. sideways: the labels stand
 * side by side. axes_label_width - the width of the widest label, in pixels. */
void axes_ticks(
    const struct frame *f, const struct scale *s, double length, bool sideways, struct ticks *t);
double axes_label_width(const struct frame *f, const struct ticks *t);

/* axes_draw - draw the grid and both axes; the labels of x only if labelled. */
void axes_draw(const struct frame *f, const struct ticks *x, const struct ticks *y, bool labelled);

#endif
