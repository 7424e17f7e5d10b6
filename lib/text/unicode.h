#ifndef CDCD_UNICODE_H
#define CDCD_UNICODE_H

/*
 * What the BERT normaliser makes of each code point, as one flat table.
 *
 * The reference is BertNormalizer and BertPreTokenizer of Hugging Face tokenizers 0.23.2:
 * clean_text, handle_chinese_chars, and unless cased also strip_accents (NFD, then no Mn) and
 * lowercase; then a split at white space and around punctuation. Its tables come from three crates
 * of three Unicode versions (marks and punctuation 8, NFD 9, lower case 17), so the source here is
 * utf8proc plus the recorded exceptions of unicode.c. The table is right with utf8proc of Unicode
 * 14 to 17.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define UNICODE_COUNT 0x110000u
#define UNICODE_REPLACEMENT 0xFFFDu

enum unicode_kind {
	UNICODE_LETTER, /* stands in a word, as unicode_char() */
	UNICODE_MULTI,  /* stands in a word, as several letters: unicode_parts() */
	UNICODE_DROP,   /* vanishes: its neighbours join */
	UNICODE_STRIP,  /* a mark that vanishes; as a starter it ends a run of marks that NFD orders
	                 */
	UNICODE_SPACE,  /* parts words */
	UNICODE_PUNCT,  /* a word by itself, as unicode_char() */
	UNICODE_CJK,    /* the same: an ideograph */
};

/*
 * An entry holds the code point that it becomes (21 bits), its kind (3), and the canonical
 * combining class of that code point (8). For UNICODE_MULTI: where its parts begin, and how many.
 */
struct unicode {
	uint32_t *entry; /* [UNICODE_COUNT] */
	uint32_t *part;  /* entries of kind UNICODE_LETTER */
	size_t n_parts, cap;
};

/* unicode_new - build the table, a few milliseconds. cased: keep case and accents. NULL on error.
 */
struct unicode *unicode_new(bool cased, struct err *e);
void unicode_free(struct unicode *u);

static inline enum unicode_kind unicode_kind(uint32_t entry)
{
	return (enum unicode_kind)(entry >> 21 & 7);
}

static inline uint32_t unicode_char(uint32_t entry)
{
	return entry & 0x1FFFFF;
}

/* unicode_class - the canonical combining class; for UNICODE_MULTI the number of its parts. */
static inline unsigned unicode_class(uint32_t entry)
{
	return entry >> 24;
}

static inline const uint32_t *unicode_parts(const struct unicode *u, uint32_t entry)
{
	return u->part + unicode_char(entry);
}

/*
 * unicode_decode - the code point at p, of which n > 0 bytes may be looked at. Returns its length.
 *
 * What is not UTF-8 gives UNICODE_REPLACEMENT for each maximal part of a sequence, as the WHATWG
 * Encoding Standard and Unicode 3.9 (table 3-8) have it.
 */
size_t unicode_decode(const unsigned char *p, size_t n, uint32_t *code);

/* unicode_encode - write code as UTF-8. Returns its length, 1 to 4. */
size_t unicode_encode(uint32_t code, unsigned char *out);

/* unicode_valid - how many bytes at the front of p are UTF-8: n where all are. */
size_t unicode_valid(const unsigned char *p, size_t n);

#endif
