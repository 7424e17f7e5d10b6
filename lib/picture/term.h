#ifndef CDCD_TERM_H
#define CDCD_TERM_H

/* Draw a plot in a terminal, with characters. */

#include <stdbool.h>

#include "picture/plot.h"

struct term {
	int columns, rows; /* size of the whole plot, in characters */
	bool unicode;      /* draw with braille, eight dots per character; else with ASCII */
	bool colour;       /* use the 256 colours of xterm */
};

enum { TERM_COLUMNS_MIN = 24, TERM_ROWS_MIN = 8, TERM_MAX = 1000 };

/* term_write - draw the panels [n], after plot_fit, to out, as plot_write does. Returns 0 or -1. */
int term_write(
    const struct plot *panel, size_t n, const struct term *term, struct output *out, struct err *e);

#endif
