#ifndef CDCD_DENSITY_H
#define CDCD_DENSITY_H

/* Show how many points lie in each place, where they are so many that they cover each other. */

#include "picture/plot.h"

/*
 * density_count - replace the points of p, which have no c, by cells: the axes are divided into
 * DENSITY_COLUMNS x DENSITY_ROWS of equal size, and c is the number of points in a cell. Sets the
 * colour scale, which is logarithmic. Call it after plot_fit. Returns 0 or -1.
 */
enum { DENSITY_COLUMNS = 160, DENSITY_ROWS = 96 };
int density_count(struct plot *p, struct err *e);

#endif
