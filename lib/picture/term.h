#ifndef CDCD_TERM_H
#define CDCD_TERM_H

/* A quick look at a plot, in characters. */

#include <stdbool.h>

#include "picture/plot.h"

struct term {
	int columns, rows; /* of the whole picture */
	bool unicode;      /* eight dots a character, in braille; else ASCII */
	bool colour;       /* 256 colours, as xterm has them */
};

enum { TERM_COLUMNS_MIN = 24, TERM_ROWS_MIN = 8, TERM_MAX = 1000 };

/* term_write - draw p, which has been fitted. Returns 0 or -1. */
int term_write(const struct plot *p, const struct term *term, struct output *out, struct err *e);

#endif
