#ifndef CDCD_COLOUR_H
#define CDCD_COLOUR_H

/* Colours of a picture, as sRGB components in [0, 1], for each background. */

#include <stddef.h>

struct rgb {
	double r, g, b;
};

/* Colours for BACKGROUND_NONE, which is transparent, have enough contrast on white and on a dark
 * page. */
enum background { BACKGROUND_WHITE, BACKGROUND_DARK, BACKGROUND_NONE };

/* The colours of everything but the data. */
struct theme {
	struct rgb paper;    /* the background; not used if it is transparent */
	struct rgb ink, dim; /* of titles, and of labels of axes */
	struct rgb rule;     /* of axes */
	struct rgb grid;
	double grid_alpha;
};

const struct theme *colour_theme(enum background background);

/*
 * colour_sequence - the colour for a position in [0, 1] of a numeric range, from faint (old or
 * small) to strong (recent or large): on white from orange to dark blue, with steadily decreasing
 * lightness; on a dark background from purple to yellow, with increasing lightness. Positions
 * outside are clamped. Source: plasma, S. van der Walt and N. Smith 2015 (CC0), of which each
 * background gets a part.
 */
struct rgb colour_sequence(enum background background, double share);

/*
 * colour_category - the colour of a category, from 0. COLOUR_INK is black on white. From
 * COLOUR_CATEGORIES on it is grey, because more hues cannot be told apart. The contrast with white
 * and with the dark background is at least 3, as WCAG 2.1 asks of graphics.
 * Source: the first four: Okabe and Ito 2008, "Color universal design".
 */
enum { COLOUR_CATEGORIES = 7, COLOUR_INK = 6 };
struct rgb colour_category(enum background background, size_t category);

/* colour_mix - interpolate linearly from a (share = 0) to b (share = 1). */
struct rgb colour_mix(struct rgb a, struct rgb b, double share);

/* colour_lightness - CIE L*, 0 (black) to 100 (white).
 * colour_contrast - the contrast ratio of WCAG 2.1, 1 to 21. */
double colour_lightness(struct rgb c);
double colour_contrast(struct rgb a, struct rgb b);

#endif
