#ifndef CDCD_WORDS_H
#define CDCD_WORDS_H

/*
 * Text to normalised words, one code point at a time. This is the definition; wordpiece.c has a
 * faster way for words of ASCII and comes here for all others.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/unicode.h"

#define WORDS_MAX_CHARS 100 /* a longer word is [UNK] */

struct words {
	const struct unicode *unicode;
	const unsigned char *text;
	size_t n, pos; /* bytes of text; how many have been taken */
};

struct word {
	bool too_long;                            /* then only begin and end say anything */
	unsigned n_chars;                         /* after normalisation */
	size_t n;                                 /* bytes */
	size_t begin, end;                        /* in the text */
	unsigned char bytes[4 * WORDS_MAX_CHARS]; /* normalised, UTF-8 */
	uint32_t entry[WORDS_MAX_CHARS];
	uint16_t at[WORDS_MAX_CHARS + 1]; /* where each character begins in bytes */
	struct {
		size_t begin, end;
	} from[WORDS_MAX_CHARS]; /* where in the text each comes from */
};

/* words_next - the next word. Returns whether there is one. */
bool words_next(struct words *w, struct word *word);

#endif
