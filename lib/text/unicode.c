#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

struct range {
	uint32_t first, last;
};

/* Exceptions: code points for which the reference differs from utf8proc. They were found by
 * comparing the two on every code point. */

/* Not in the tables of the reference, which are older: letters without decomposition or combining
 * class. */
static const struct range plain[] = {
    {0x061D, 0x061D},
    {0x07FD, 0x07FD},
    {0x0890, 0x08D3},
    {0x08E2, 0x08E2},
    {0x09FD, 0x09FE},
    {0x0A76, 0x0A76},
    {0x0AFA, 0x0AFF},
    {0x0B55, 0x0B55},
    {0x0C04, 0x0C3C},
    {0x0C77, 0x0C77},
    {0x0C84, 0x0C84},
    {0x0D00, 0x0D00},
    {0x0D3B, 0x0D3C},
    {0x0D81, 0x0D81},
    {0x0EBA, 0x0EBA},
    {0x0ECE, 0x0ECE},
    {0x1715, 0x1715},
    {0x180F, 0x1886},
    {0x1ABF, 0x1AEB},
    {0x1B4E, 0x1B4F},
    {0x1B7D, 0x1B7F},
    {0x1DF6, 0x1DFA},
    {0x2E43, 0x2E5D},
    {0xA82C, 0xA82C},
    {0xA8C5, 0xA8C5},
    {0xA8FF, 0xA8FF},
    {0xA9BD, 0xA9BD},
    {0x105C9, 0x105E4},
    {0x10D24, 0x10D27},
    {0x10D69, 0x10F89},
    {0x11070, 0x11074},
    {0x110C2, 0x110CD},
    {0x111CF, 0x111CF},
    {0x1123E, 0x11241},
    {0x1133B, 0x1133B},
    {0x11383, 0x1143F},
    {0x11443, 0x11444},
    {0x1144B, 0x1145E},
    {0x11660, 0x1166C},
    {0x116B9, 0x116B9},
    {0x1182F, 0x1183B},
    {0x11938, 0x11C3D},
    {0x11C41, 0x11FFF},
    {0x12FF1, 0x12FF2},
    {0x13430, 0x13455},
    {0x1611E, 0x1612F},
    {0x16D68, 0x16D6F},
    {0x16E97, 0x16E9A},
    {0x16F4F, 0x16F4F},
    {0x16FE2, 0x16FF1},
    {0x1CF00, 0x1CF46},
    {0x1E08F, 0x1E6F5},
    {0x1E95E, 0x1E95F},
};

/* Marks since Unicode 9: the reference sorts them as NFD does, but treats them as letters. */
static const struct range letter[] = {
    {0x08D4, 0x08E1},
    {0x1DFB, 0x1DFB},
    {0x11442, 0x11442},
    {0x11446, 0x11446},
    {0x11C3F, 0x11C3F},
    {0x1E000, 0x1E006},
    {0x1E008, 0x1E018},
    {0x1E01B, 0x1E021},
    {0x1E023, 0x1E024},
    {0x1E026, 0x1E02A},
    {0x1E944, 0x1E94A},
};

/* Marks and punctuation of Unicode 8 that later versions classify otherwise. */
static const struct range mark[] = {{0x1734, 0x1734}, {0x1171E, 0x1171E}};
static const struct range punctuation[] = {{0x166D, 0x166D}, {0x111C9, 0x111C9}};

/* Capitals of Unicode 16 and 17. */
static const struct {
	uint32_t first, last;
	int32_t to_lower;
} capital[] = {
    {0x1C89, 0x1C89, 1},
    {0xA7CB, 0xA7CB, -42343},
    {0xA7CC, 0xA7CC, 1},
    {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},
    {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},
    {0xA7DC, 0xA7DC, -42561},
    {0x10D50, 0x10D65, 32},
    {0x16EA0, 0x16EB8, 27},
};

/* Code points around which the reference inserts spaces. It omits 2B820 to 2B91F. */
static const struct range ideograph[] = {
    {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},
    {0xF900, 0xFAFF},
    {0x20000, 0x2A6DF},
    {0x2A700, 0x2B81F},
    {0x2B920, 0x2CEAF},
    {0x2F800, 0x2FA1F},
};

/*
 * Ranges for which utf8proc is asked. All other code points, also those of future versions, are
 * treated as letters that do not change (ideographs and unassigned code points), except two planes
 * of private use.
 */
static const struct range varied[] = {
    {0x0000, 0x33FF},
    {0xA000, 0x1FFFF}, /* includes Hangul, with its decompositions */
    {0x2F800, 0x2FA1F},
    {0xE0000, 0xE0FFF},
};
static const struct range private_use[] = {{0xF0000, 0xFFFFD}, {0x100000, 0x10FFFD}};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t make_entry(enum unicode_kind kind, uint32_t code, unsigned class)
{
	return (uint32_t) class << 24 | (uint32_t)kind << 21 | code;
}

/* --- classification by utf8proc --- */

static bool is_punctuation(uint32_t c, utf8proc_category_t category)
{
	if (c < 0x80) /* all symbols of ASCII are */
		return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
		       (c > 'z' && c < 0x7F);
	return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

/* The kind, by category only, and the combining class. */
static uint32_t classify_code(uint32_t c)
{
	const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)c);
	utf8proc_category_t category = (utf8proc_category_t)property->category;
	unsigned class = (unsigned)property->combining_class;

	if (c == '\t' || c == '\n' || c == '\r')
		return make_entry(UNICODE_SPACE, c, 0);
	if (c == UNICODE_REPLACEMENT)
		return make_entry(UNICODE_DROP, c, 0);
	if (is_punctuation(c, category))
		return make_entry(UNICODE_PUNCT, c, class);
	switch (category) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return make_entry(UNICODE_SPACE, c, 0);
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CO:
		return make_entry(UNICODE_DROP, c, 0);
	case UTF8PROC_CATEGORY_MN:
		return make_entry(UNICODE_STRIP, c, class);
	default:
		return make_entry(UNICODE_LETTER, c, class);
	}
}

static void classify_all(uint32_t *entry)
{
	for (uint32_t c = 0; c < UNICODE_COUNT; c++)
		entry[c] = make_entry(UNICODE_LETTER, c, 0);
	for (size_t i = 0; i < COUNT(varied); i++)
		for (uint32_t c = varied[i].first; c <= varied[i].last; c++)
			entry[c] = classify_code(c);
	for (size_t i = 0; i < COUNT(private_use); i++)
		for (uint32_t c = private_use[i].first; c <= private_use[i].last; c++)
			entry[c] = make_entry(UNICODE_DROP, c, 0);
	for (size_t i = 0; i < COUNT(plain); i++)
		for (uint32_t c = plain[i].first; c <= plain[i].last; c++)
			entry[c] = make_entry(UNICODE_LETTER, c, 0);
	for (size_t i = 0; i < COUNT(letter); i++)
		for (uint32_t c = letter[i].first; c <= letter[i].last; c++)
			entry[c] = make_entry(UNICODE_LETTER, c, unicode_class(entry[c]));
	for (size_t i = 0; i < COUNT(mark); i++)
		for (uint32_t c = mark[i].first; c <= mark[i].last; c++)
			entry[c] = make_entry(UNICODE_STRIP, c, unicode_class(entry[c]));
	for (size_t i = 0; i < COUNT(punctuation); i++)
		for (uint32_t c = punctuation[i].first; c <= punctuation[i].last; c++)
			entry[c] = make_entry(UNICODE_PUNCT, c, 0);
}

/* --- accents and case --- */

static bool in_ranges(const struct range *range, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= range[i].first && c <= range[i].last)
			return true;
	return false;
}

static int add_parts(struct unicode *u, uint32_t c, const uint32_t *part, size_t n, struct err *e)
{
	if (mem_grow(&u->part, &u->cap, u->n_parts + n, sizeof *u->part, e))
		return -1;
	u->entry[c] = make_entry(UNICODE_MULTI, (uint32_t)u->n_parts, (unsigned)n);
	memcpy(u->part + u->n_parts, part, n * sizeof *part);
	u->n_parts += n;
	return 0;
}

/*
 * Set the entry of c from its canonical decomposition, code [n]: remove marks, and convert the rest
 * to lower case. kind [UNICODE_COUNT] are the entries before this step, by category. Only letters
 * have several parts.
 */
static int fold_parts(struct unicode *u, const uint32_t *kind, uint32_t c,
    const utf8proc_int32_t *code, size_t n, struct err *e)
{
	uint32_t kept[8], last = make_entry(UNICODE_STRIP, c, 0);
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		last = kind[code[i]];
		if (unicode_kind(last) != UNICODE_STRIP)
			kept[n_kept++] = (last & ~0x1FFFFFu) | (uint32_t)utf8proc_tolower(code[i]);
	}
	if (n_kept > 1)
		return add_parts(u, c, kept, n_kept, e);
	u->entry[c] = n_kept ? kept[0] : last;
	return 0;
}

/* Decompose c and set its entry. */
static int fold_code(struct unicode *u, const uint32_t *kind, uint32_t c, struct err *e)
{
	const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)c);
	utf8proc_int32_t code[8] = {(utf8proc_int32_t)c};
	utf8proc_ssize_t n = 1;
	enum unicode_kind k = unicode_kind(kind[c]);
	bool composed = property->decomp_seqindex != UINT16_MAX || (c >= 0xAC00 && c <= 0xD7A3);

	if (k == UNICODE_DROP || k == UNICODE_SPACE ||
	    (!composed && property->lowercase_seqindex == UINT16_MAX))
		return 0;
	if (composed && !in_ranges(plain, COUNT(plain), c)) {
		int boundary = UTF8PROC_BOUNDCLASS_START;

		n = utf8proc_decompose_char(
		    (utf8proc_int32_t)c, code, 8, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &boundary);
		if (n < 1 || n > 8)
			return err_set(e, "utf8proc: no decomposition of U+%04X", c);
	}
	return fold_parts(u, kind, c, code, (size_t)n, e);
}

static int fold_all(struct unicode *u, const uint32_t *kind, struct err *e)
{
	for (size_t i = 0; i < COUNT(varied); i++)
		for (uint32_t c = varied[i].first; c <= varied[i].last; c++)
			if ((c < 0xD800 || c > 0xDFFF) && fold_code(u, kind, c, e))
				return -1;
	for (size_t i = 0; i < COUNT(capital); i++)
		for (uint32_t c = capital[i].first; c <= capital[i].last; c++)
			u->entry[c] = make_entry(
			    UNICODE_LETTER, (uint32_t)((int32_t)c + capital[i].to_lower), 0);
	return 0;
}

/* Make each ideograph a word by itself. unicode_char() maps compatibility ideographs. */
static void isolate_ideographs(uint32_t *entry)
{
	for (size_t i = 0; i < COUNT(ideograph); i++)
		for (uint32_t c = ideograph[i].first; c <= ideograph[i].last; c++)
			entry[c] = make_entry(UNICODE_CJK, unicode_char(entry[c]), 0);
}

/* If accents are kept, marks are letters, and NFD sorts nothing: set all classes to 0. */
static void keep_marks(uint32_t *entry)
{
	for (uint32_t c = 0; c < UNICODE_COUNT; c++) {
		enum unicode_kind k = unicode_kind(entry[c]);

		entry[c] = make_entry(k == UNICODE_STRIP ? UNICODE_LETTER : k, c, 0);
	}
}

struct unicode *unicode_new(bool cased, struct err *e)
{
	struct unicode *u = mem_array(1, sizeof *u, e);
	uint32_t *kind = NULL;
	int failed;

	if (!u)
		return NULL;
	u->entry = mem_array(UNICODE_COUNT, sizeof *u->entry, e);
	if (!u->entry) {
		unicode_free(u);
		return NULL;
	}
	classify_all(u->entry);
	if (cased) {
		keep_marks(u->entry);
		isolate_ideographs(u->entry);
		return u;
	}
	kind = mem_array(UNICODE_COUNT, sizeof *kind, e);
	if (kind)
		memcpy(kind, u->entry, UNICODE_COUNT * sizeof *kind);
	failed = !kind || fold_all(u, kind, e);
	free(kind);
	if (failed) {
		unicode_free(u);
		return NULL;
	}
	isolate_ideographs(u->entry);
	return u;
}

void unicode_free(struct unicode *u)
{
	if (!u)
		return;
	free(u->entry);
	free(u->part);
	free(u);
}

/* --- UTF-8 --- */

/* The length of the sequence that begins with first, or 0, and the range of its second byte.
 * Source: Unicode 15, table 3-7. */
static size_t sequence_length(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xBF;
	if (first < 0xC2 || first > 0xF4)
		return 0;
	if (first < 0xE0)
		return 2;
	if (first < 0xF0) {
		if (first == 0xE0)
			*low = 0xA0;
		if (first == 0xED)
			*high = 0x9F;
		return 3;
	}
	if (first == 0xF0)
		*low = 0x90;
	if (first == 0xF4)
		*high = 0x8F;
	return 4;
}

size_t unicode_decode(const unsigned char *p, size_t n, uint32_t *code)
{
	unsigned char low, high;
	size_t length, i;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	length = sequence_length(p[0], &low, &high);
	*code = UNICODE_REPLACEMENT;
	if (length == 0)
		return 1;
	for (i = 1; i < length; i++) {
		if (i == n || p[i] < low || p[i] > high)
			return i;
		low = 0x80;
		high = 0xBF;
	}
	*code = p[0] & (0x7Fu >> length);
	for (i = 1; i < length; i++)
		*code = *code << 6 | (p[i] & 0x3F);
	return length;
}

size_t unicode_encode(uint32_t code, unsigned char *out)
{
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (unsigned char)(0x80 | (code & 0x3F));
	out[0] = (unsigned char)(lead[n] | code);
	return n;
}

size_t unicode_valid(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint32_t code;
		size_t length = unicode_decode(p + i, n - i, &code);

		if (code == UNICODE_REPLACEMENT && !(length == 3 && p[i] == 0xEF))
			return i;
		i += length;
	}
	return n;
}
