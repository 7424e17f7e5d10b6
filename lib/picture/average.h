#ifndef CDCD_AVERAGE_H
#define CDCD_AVERAGE_H

/* Replace rows of a table by their means, with a band that shows how much they vary. */

#include "picture/table.h"

/* What a band shows around the mean of n values. */
enum average_band {
	BAND_SD,    /* the standard deviation, with n - 1 */
	BAND_SE,    /* the standard error of the mean: the standard deviation over sqrt(n) */
	BAND_RANGE, /* from the smallest to the largest value */
};

/*
 * average_rows - initialise to, and fill it with one row for each category, group and key of t. Its
 * x, y and c are the means of the finite values; without any they are NAN. A band is NAN where
 * there is no second value. Rows are sorted by category, group and x. Adds the number of values
 * that are not finite to *missing. Returns 0, or -1 with nothing to release.
 */
int average_rows(const struct table *t, enum average_band band, struct table *to, size_t *missing,
    struct err *e);

#endif
