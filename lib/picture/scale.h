#ifndef CDCD_SCALE_H
#define CDCD_SCALE_H

/* Axes: from a value to its place, and where the ticks are and what they say. */

#include <stdbool.h>

struct scale {
	double lo, hi; /* lo < hi; both positive where log */
	bool log;
};

/* scale_place - where v lies: 0 at lo, 1 at hi, less or more outside. */
double scale_place(const struct scale *s, double v);

/*
 * scale_fit - take in [lo, hi] with some air at both ends (pad, a share of the length); where
 * lo = hi, enough to stand in the middle.
 */
void scale_fit(struct scale *s, double lo, double hi, double pad);

enum { TICKS_MAX = 32, TICKS_MINOR = 128, TICKS_LABEL = 32 };

struct tick {
	double value;
	char label[TICKS_LABEL];
};

struct ticks {
	int n, n_minor;
	struct tick at[TICKS_MAX];
	double minor[TICKS_MINOR]; /* unlabelled: the digits between the decades of a log axis */
};

/*
 * scale_ticks - ticks at round numbers, fewer the sparser (from 0): the caller asks for sparser
 * ones until the labels do not touch. plain: labels in ASCII ("-2e-5"), else with minus signs,
 * powers as superscripts.
 * Returns false where nothing sparser is left; t then holds the sparsest.
 */
bool scale_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t);

#endif
