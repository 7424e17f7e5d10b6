#ifndef CDCD_LEGEND_H
#define CDCD_LEGEND_H

/* Draw what stands to the right of the axes: the colour bar, and the legend of the series. */

#include "picture/marks.h"

/* legend_width - the width that they need, in pixels; 0: there is nothing to draw. Uses the height
 * of the frame, which is that of all panels. */
double legend_width(const struct frame *f);

/* legend_draw - draw them to the right of x, from the top of the frame. */
void legend_draw(const struct frame *f, double x);

#endif
