#ifndef CDCD_COLOUR_H
#define CDCD_COLOUR_H

/* Colours of a picture, as sRGB components in [0, 1]. */

#include <stddef.h>

struct rgb {
	double r, g, b;
};

/*
 * colour_sequence - the colour of a share in [0, 1] of a numeric range: from light yellow (old, or
 * small) to dark violet (recent, or large), lightness falling steadily. Out of range is clamped.
 * Source: viridis, S. van der Walt and N. Smith 2015 (CC0), reversed.
 */
struct rgb colour_sequence(double share);

/*
 * colour_category - the colour of a category, from 0. Past COLOUR_CATEGORIES it is colour_other,
 * because more hues than these nobody tells apart.
 * Source: Okabe and Ito 2008, "Color universal design", without the yellow, too faint on white.
 */
enum { COLOUR_CATEGORIES = 7 };
struct rgb colour_category(size_t category);
struct rgb colour_other(void);

/* colour_mix - share of b, the rest a. */
struct rgb colour_mix(struct rgb a, struct rgb b, double share);

/* colour_lightness - CIE L*, 0 (black) to 100 (white). */
double colour_lightness(struct rgb c);

#endif
