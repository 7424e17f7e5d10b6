#ifndef CDCD_TABLE_H
#define CDCD_TABLE_H

/*
 * The rows to be drawn, gathered one by one, and the series made of them: points, lines,
 * histograms and smoothed lines, by categories and groups.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strings.h"
#include "picture/plot.h"

struct table {
	size_t n_y;    /* columns of y; 0 for a histogram */
	bool has_c;    /* each row has a number to be coloured by */
	size_t n;      /* rows */
	double *value; /* [n][1 + n_y + has_c]: x, the ys, c */
	uint32_t *id;  /* [n][2]: category, group; 0 where there is only one */
	size_t cap_value, cap_id;
	struct strings categories, groups;
};

void table_init(struct table *t, size_t n_y, bool has_c);
void table_release(struct table *t);

/* table_add - one more row: value [1 + n_y + has_c]; category and group may be NULL. */
int table_add(
    struct table *t, const double *value, const char *category, const char *group, struct err *e);

struct look {
	bool points, lines, histogram;
	int bins;                    /* of a histogram; 0: after Freedman and Diaconis 1981 */
	int smooth;                  /* rows that a smoothed line looks at; 0: no such line */
	bool mean;                   /* it is their mean, else their median */
	double x_limit[2];           /* a histogram counts what lies within; NAN: no limit */
	const char *const *y_labels; /* [n_y] for the legend, where n_y > 1 */
};

struct table_skips {
	size_t missing;  /* values that are empty, infinite or not a number */
	size_t positive; /* values of no place on a log axis */
	size_t outside;  /* values beyond the limit of x; only a histogram leaves these out */
	size_t inside;   /* all the others */
	double x_lo,
	    x_hi; /* where the x of those outside and inside runs; INFINITY, -INFINITY: none */
};

/*
 * table_plot - add the table's series to p, whose x.log, y.log and c.log are set.
 *
 * Columns of y and categories have a colour each and stand in the legend; groups break lines. Where
 * lines or smoothing are asked for, the rows of a group stand together, groups in order of
 * appearance. Rows that cannot be drawn are left out, and counted in *skips.
 */
int table_plot(const struct table *t, const struct look *look, struct plot *p,
    struct table_skips *skips, struct err *e);

/*
 * table_smooth - the moving median (or mean) of y over window neighbours, centred. Towards the ends
 * it looks at fewer, down to an eighth of the window on the inner side, so as to lag less there.
 * out [n] is not y.
 */
int table_smooth(const double *y, size_t n, size_t window, bool mean, double *out, struct err *e);

#endif
