#ifndef CDCD_SCALE_H
#define CDCD_SCALE_H

/* Axes: map values to positions, and choose ticks and their labels. */

#include <stdbool.h>

struct scale {
	double lo, hi; /* lo < hi; both positive if log */
	bool log;
};

/*
 * scale_place - the position of v: 0 at lo, 1 at hi, clamped to +-1e12 outside. It is not finite if
 * v is not finite, or not positive on a log axis. It does not overflow for any range.
 * scale_at - the inverse, for positions from 0 to 1.
 */
double scale_place(const struct scale *s, double v);
double scale_at(const struct scale *s, double place);

/* scale_widen - extend both ends by this amount, in units of v, or of ln v on a log axis. */
void scale_widen(struct scale *s, double by);

/*
 * scale_fit - set the range to [lo, hi], extended at both ends by pad, a fraction of its length. If
 * lo = hi, the range is centred on it. Both ends stay finite, and positive on a log axis.
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
	double minor[TICKS_MINOR]; /* ticks without labels, between those of a log axis */
};

/*
 * scale_ticks - choose ticks at round numbers. The larger sparser (from 0), the fewer ticks: the
 * caller increases it until the labels do not overlap. plain: labels in ASCII ("-2e-5"), else with
 * minus signs and superscripts. A label has all digits of its tick, so that all labels differ.
 * Returns false if a larger value of sparser gives no fewer ticks.
 */
bool scale_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t);

/* scale_label - a label for v in the style of ticks, rounded to about a thousandth of the range, or
 * of v on a log axis. */
void scale_label(const struct scale *s, double v, bool plain, char label[TICKS_LABEL]);

#endif
