#ifndef CDCD_SCALE_H
#define CDCD_SCALE_H

/* Axes: from a value to its place, and where the ticks are and what they say. */

#include <stdbool.h>

struct scale {
	double lo, hi; /* lo < hi; both positive where log */
	bool log;
};

/*
 * scale_place - where v lies: 0 at lo, 1 at hi, less or more outside, but finite (to 1e12) where v
 * has a place. No range that doubles can hold overflows.
 * scale_at - the inverse, for places from 0 to 1.
 */
double scale_place(const struct scale *s, double v);
double scale_at(const struct scale *s, double place);

/* scale_widen - take in more at both ends: by, in units of the axis, or of ln where it is log. */
void scale_widen(struct scale *s, double by);

/*
 * scale_fit - take in [lo, hi] with some air at both ends (pad, a share of the length); where
 * lo = hi, enough to stand in the middle. Both ends stay finite, and positive on a log axis.
 */
void scale_fit(struct scale *s, double lo, double hi, double pad);

enum { TICKS_MAX = 32, TICKS_MINOR = 128, TICKS_LABEL = 64 };

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
 * A label has all the digits that its tick has, so that no two are alike.
 * Returns false where nothing sparser is left; t then holds the sparsest.
 */
bool scale_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t);

/* scale_label - v as a tick would have it, to a thousandth of the range (of v, on a log axis). */
void scale_label(const struct scale *s, double v, bool plain, char label[TICKS_LABEL]);

#endif
