#ifndef CDCD_UNICODE_H
#define CDCD_UNICODE_H

/*
 * The BERT normaliser as one flat table: what each code point is replaced by.
 *
 * The reference is BertNormalizer and BertPreTokenizer of Hugging Face tokenizers 0.23.2:
 * clean_text, handle_chinese_chars, and unless cased also strip_accents (NFD, then remove Mn) and
 * lowercase; then it splits at white space and around punctuation. Its tables come from three
 * crates with three Unicode versions (marks and punctuation 8, NFD 9, lower case 17). The table
 * here is therefore made from utf8proc and the list of exceptions in unicode.c. It is correct with
 * a utf8proc of Unicode 14 to 17.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define UNICODE_COUNT 0x110000u
#define UNICODE_REPLACEMENT 0xFFFDu

enum unicode_kind {
	UNICODE_LETTER, /* part of a word, replaced by unicode_char() */
	UNICODE_MULTI,  /* part of a word, replaced by several letters, unicode_parts() */
	UNICODE_DROP,   /* removed; its neighbours become adjacent */
	UNICODE_STRIP,  /* a removed mark; with class 0 it ends a run of marks that NFD sorts */
	UNICODE_SPACE,  /* separates words */
	UNICODE_PUNCT,  /* a word by itself, replaced by unicode_char() */
	UNICODE_CJK,    /* an ideograph: a word by itself, replaced by unicode_char() */
};

/*
 * An entry contains the replacement code point (21 bits), the kind (3 bits) and the canonical
 * combining class of the replacement (8 bits). An entry of UNICODE_MULTI contains the index of its
 * first part instead of the code point, and the number of parts instead of the class.
 */
struct unicode {
	uint32_t *entry; /* [UNICODE_COUNT] */
	uint32_t *part;  /* entries of kind UNICODE_LETTER */
	size_t n_parts, cap;
};

/* unicode_new - build the table, which takes a few milliseconds. cased: keep case and accents.
 * Returns NULL on error. */
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

/* unicode_class - the canonical combining class; for UNICODE_MULTI the number of parts. */
static inline unsigned unicode_class(uint32_t entry)
{
	return entry >> 24;
}

static inline const uint32_t *unicode_parts(const struct unicode *u, uint32_t entry)
{
	return u->part + unicode_char(entry);
}

/*
 * unicode_decode - decode the code point at p [n], n > 0. Returns its length in bytes.
 *
 * Invalid UTF-8 gives UNICODE_REPLACEMENT for each maximal subpart of an ill-formed sequence.
 * Source: WHATWG Encoding Standard; Unicode, section 3.9, table 3-8.
 */
size_t unicode_decode(const unsigned char *p, size_t n, uint32_t *code);

/* unicode_encode - write code to out [4] as UTF-8. Returns its length, 1 to 4. */
size_t unicode_encode(uint32_t code, unsigned char *out);

/* unicode_valid - the length of the longest prefix of p [n] that is valid UTF-8. */
size_t unicode_valid(const unsigned char *p, size_t n);

#endif
