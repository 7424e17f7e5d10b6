#ifndef CDCD_TEXT_WORDS_H
#define CDCD_TEXT_WORDS_H

/*
 * Split text into normalised words, one code point at a time. wordpiece.c has a faster path for
 * ASCII words, with the same result, and uses this module for all others.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/unicode.h"

#define WORDS_MAX_CHARS 100 /* a longer word is [UNK] */

struct words {
	const struct unicode *unicode;
	const unsigned char *text;
	size_t n, pos;    /* bytes of text; bytes read so far */
	size_t malformed; /* of the bytes read, those that are not UTF-8 */
};

struct word {
	bool too_long;                            /* then only begin and end are valid */
	unsigned n_chars;                         /* after normalisation */
	size_t n;                                 /* bytes */
	size_t begin, end;                        /* in the text */
	unsigned char bytes[4 * WORDS_MAX_CHARS]; /* normalised, UTF-8 */
	uint32_t entry[WORDS_MAX_CHARS];
	uint16_t at[WORDS_MAX_CHARS + 1]; /* offset of each character in bytes */
	struct {
		size_t begin, end;
	} from[WORDS_MAX_CHARS]; /* the bytes of the text that each character was made from */
};

/* words_next - set *word to the next word. Returns false at the end of the text. */
bool words_next(struct words *w, struct word *word);

#endif
