#ifndef CDCD_TABLE_H
#define CDCD_TABLE_H

/*
 * A table of rows to be drawn, and the series made from it: points, lines, bands, histograms and
 * smoothed lines, by categories and groups.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strings.h"
#include "picture/plot.h"

/* The texts of a row: the category decides its colour, a line joins the rows of one group, and rows
 * of one category, group and key are averaged (see picture/average.h). */
enum table_text { TABLE_CATEGORY, TABLE_GROUP, TABLE_KEY, TABLE_TEXTS };

struct table {
	size_t n_y;    /* number of y columns; 0 for a histogram */
	bool has_c;    /* each row has a number c, which decides its colour */
	size_t n;      /* number of rows */
	double *value; /* [n][1 + n_y + has_c]: x, y..., c */
	double *band;  /* [n][n_y][2]: lower and upper end of a band around y; NULL: no band */
	uint32_t *id;  /* [n][TABLE_TEXTS]: numbers of the texts; 0 if there are none */
	size_t cap_value, cap_id;
	struct strings text[TABLE_TEXTS];
};

void table_init(struct table *t, size_t n_y, bool has_c);
void table_release(struct table *t);

/* table_width - the number of values of a row. */
size_t table_width(const struct table *t);

/* table_add - add a row: value [table_width], text [TABLE_TEXTS], each of which may be NULL.
 * Returns 0 or -1. */
int table_add(struct table *t, const double *value, const char *const *text, struct err *e);

struct look {
	bool points, lines, histogram;
	int bins;   /* of a histogram; 0: by Freedman and Diaconis 1981 */
	int smooth; /* window of a smoothed line, in distinct values of x; 0: no smoothed line */
	bool mean;  /* smooth by the mean, else by the median */
	double x_limit[2];           /* range of x that a histogram counts; NAN: no limit */
	const char *const *y_labels; /* [n_y] labels in the legend, if n_y > 1 */
	bool one_y;                  /* draw only the column y_index, for a panel */
	size_t y_index;
};

/* The number of rows that are drawn or left out, and why. */
struct table_skips {
	size_t missing;    /* a value is empty, infinite or not a number */
	size_t positive;   /* a value is not positive, on a log axis */
	size_t outside;    /* x is outside its limit; only a histogram leaves these out */
	size_t inside;     /* all others */
	double x_lo, x_hi; /* range of x of those outside and inside; INFINITY, -INFINITY: none */
};

/*
 * table_plot - add the series of the table to p. p->x.log, p->y.log and p->c.log must be set
 * before.
 *
 * Each y column or category has a colour and an entry in the legend; lines are drawn for each group
 * separately. For lines and smoothing, rows are sorted by group, in order of appearance of the
 * groups. A smoothed line has one point for each x of a group: rows with the same x are averaged
 * before they are smoothed. Rows that cannot be drawn are left out and counted in *skips.
 * Returns 0 or -1.
 */
int table_plot(const struct table *t, const struct look *look, struct plot *p,
    struct table_skips *skips, struct err *e);

/*
 * table_smooth - write the moving median (or mean) of y [n] over a centred window to out [n], which
 * must not overlap y. Near the ends the window shrinks, down to an eighth of its size on the inner
 * side, so that the result lags less there. Returns 0, or -1 if memory is short.
 */
int table_smooth(const double *y, size_t n, size_t window, bool mean, double *out, struct err *e);

#endif
