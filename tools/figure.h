#ifndef CDCD_FIGURE_H
#define CDCD_FIGURE_H

/* Draws rows and the lines on top of them, to a file or to the terminal, as the options ask. */

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"
#include "picture/average.h"
#include "picture/columns.h"
#include "picture/overlay.h"
#include "picture/plot.h"

struct figure_options {
	struct columns_spec spec;
	struct look look;       /* without y_labels; x_limit is also that of the axis */
	enum average_band band; /* if rows are averaged, see spec.by */
	double y_limit[2];      /* NAN: none */
	double y_share[2];      /* a share of the data that is y_limit instead; NAN: none */
	double width, height;   /* pixels */
	bool log_x, log_y, log_c;
	double dot, alpha; /* of points; NAN: by their number */
	size_t max_points; /* 0: all */
	const char *title, *x_label,
	    *y_label;                    /* NULL: none; the labels from the names of columns */
	struct cli_list overlays, marks; /* for overlay_parse */
	bool density;                    /* count the points in cells */
	bool panels;                     /* a panel for each column of y */
	const char *path;                /* the picture; NULL: the terminal */
	enum plot_format format;         /* of the picture */
	enum background background;
	bool ascii;  /* on the terminal, no Unicode characters */
	bool follow; /* figure_draw will be called again */
};

enum { FIGURE_NAME_SIZE = 256 };
struct figure {
	const struct figure_options *o;
	struct look look;
	struct table_skips skips; /* missing and positive of the last drawing */
	char x_text[FIGURE_NAME_SIZE], c_text[FIGURE_NAME_SIZE];
	char y_text[COLUMNS_Y_MAX][FIGURE_NAME_SIZE];
	const char *y_labels[COLUMNS_Y_MAX];
	struct output terminal;
	bool terminal_open;
};

/* figure_init - a figure that is not drawn yet. o is borrowed. */
void figure_init(struct figure *f, const struct figure_options *o);

/* figure_draw - draw the rows. name: of the rows, for messages. Returns 0 or -1. */
int figure_draw(struct figure *f, const struct columns *rows, const char *name, struct err *e);

/* figure_finish - end the output to the terminal, and report what the last drawing left out.
 * Returns 0 or -1. */
int figure_finish(struct figure *f, struct err *e);

#endif
