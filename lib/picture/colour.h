#ifndef CDCD_COLOUR_H
#define CDCD_COLOUR_H

/* Colours of a picture, as sRGB components in [0, 1]. */

#include <stddef.h>

struct rgb {
	double r, g, b;
};

/*
 * colour_sequence - the colour for a position in [0, 1] of a numeric range, from light yellow (old
 * or small) to dark violet (recent or large), with steadily decreasing lightness. Positions outside
 * are clamped. Source: viridis, S. van der Walt and N. Smith 2015 (CC0), reversed.
 */
struct rgb colour_sequence(double share);

/*
 * colour_category - the colour of a category, from 0. From COLOUR_CATEGORIES on it is colour_other,
 * because more hues cannot be told apart.
 * Source: Okabe and Ito 2008, "Color universal design", without the yellow, which is too faint on
 * white.
 */
enum { COLOUR_CATEGORIES = 7 };
struct rgb colour_category(size_t category);
struct rgb colour_other(void);

/* colour_mix - interpolate linearly from a (share = 0) to b (share = 1). */
struct rgb colour_mix(struct rgb a, struct rgb b, double share);

/* colour_lightness - CIE L*, 0 (black) to 100 (white). */
double colour_lightness(struct rgb c);

#endif
