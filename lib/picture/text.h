#ifndef CDCD_PICTURE_TEXT_H
#define CDCD_PICTURE_TEXT_H

/* Draw the texts of a picture: on the surface, or, for an SVG, collect them as elements. */

#include "picture/marks.h"

enum { TEXT_MAX = 256 };

static const double text_small = 12, text_medium = 13, text_large = 16;

/* SVG elements. All zero: none yet. */
struct texts {
	char *svg;
	size_t n, cap;
	bool failed; /* memory is short */
};

/* text_font - set the font of the texts that follow. size: in frame.unit. */
void text_font(const struct frame *f, double size, bool bold);

/* text_width - the width in pixels of words in the current font. */
double text_width(const struct frame *f, const char *words);

/* text_draw - draw words at (x, y), where y is the baseline: align 0 begins at x, 0.5 is centred,
 * 1 ends at x. */
void text_draw(
    const struct frame *f, double x, double y, double align, struct rgb colour, const char *words);

/* text_fit - copy words to to, cleaned and cut to max_width. */
void text_fit(const struct frame *f, char to[TEXT_MAX], const char *words, double max_width);

/* text_escape - copy clean text to to [capacity], cut to fit, in the form of XML. */
void text_escape(char *to, size_t capacity, const char *text);

#endif
