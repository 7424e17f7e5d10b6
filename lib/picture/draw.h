#ifndef CDCD_DRAW_H
#define CDCD_DRAW_H

/* Draw the panels of a picture on a cairo surface, for plot_write. */

#include "picture/text.h"

/* draw_panels - draw the panels [n]. texts: NULL, or where texts are collected instead of being
 * drawn. Returns 0 or -1. */
int draw_panels(
    cairo_t *cr, struct texts *texts, const struct plot *panel, size_t n, struct err *e);

#endif
