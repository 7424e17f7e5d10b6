#include "text/wordpiece.h"

#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__) && !defined(CDCD_PORTABLE)
#include <emmintrin.h>
#endif

#include "base/bytes.h"
#include "base/mem.h"
#include "base/minmax.h"
#include "text/words.h"

enum {
	ENCODE_STEP = 1 << 16,              /* bytes of text between checks of the capacity */
	WORD_IDS_MAX = 4 * WORDS_MAX_CHARS, /* ids that the last word of a step can add */
	SHORT_BYTES = 16,                   /* bytes of a word that the fast path scans at once */
	MEMO_WORDS = 1 << 11,               /* words whose pieces an encoder remembers */
	MEMO_PIECES = 5,
};

/* A word of at most 16 bytes as two little-endian numbers, padded with zeros. */
struct short_word {
	uint64_t lo, hi;
	uint32_t id; /* VOCAB_NONE: free */
};

enum ascii { ASCII_WORD, ASCII_SPACE, ASCII_PUNCT, ASCII_OTHER };

struct wordpiece {
	const struct vocab *vocab;
	struct wordpiece_options options;
	struct unicode *unicode;
	struct short_word *table;
	unsigned shift; /* 64 - log2 of the table's size */
	uint32_t mask;
	unsigned char ascii[256];  /* enum ascii; ASCII_OTHER for bytes that are not ASCII */
	uint32_t punctuation[128]; /* ids */
};

struct memo {
	uint64_t lo, hi;
	uint32_t n; /* pieces; 0: free */
	uint32_t piece[MEMO_PIECES];
};

struct wordpiece_encoder {
	const struct wordpiece *wp;
	struct wordpiece_counts counts;
	size_t continued; /* pieces that continue a word, in the current text */
	struct word word;
	struct memo memo[MEMO_WORDS];
};

static uint64_t hash_short_word(uint64_t lo, uint64_t hi)
{
	return lo * UINT64_C(0x9E3779B97F4A7C15) ^ hi * UINT64_C(0xC2B2AE3D27D4EB4F);
}

/* --- one word --- */

/*
 * Split the word p [n] into at most n pieces. Their ids are written to piece [n], and the offsets
 * of their ends to end [n], which may be NULL. Returns the number of pieces.
 */
static size_t split_bytes(
    const struct wordpiece *wp, const unsigned char *p, size_t n, uint32_t *piece, size_t *end)
{
	size_t pieces = 0, at = 0, length;

	while (at < n) {
		piece[pieces] = vocab_longest(wp->vocab, at > 0, p + at, n - at, &length);
		if (piece[pieces] == VOCAB_NONE) {
			piece[0] = wp->vocab->special[VOCAB_UNK];
			if (end)
				end[0] = n;
			return 1;
		}
		at += length;
		if (end)
			end[pieces] = at;
		pieces++;
	}
	return pieces;
}

static size_t split_word(const struct wordpiece *wp, const struct word *word, uint32_t *piece)
{
	if (!word->too_long)
		return split_bytes(wp, word->bytes, word->n, piece, NULL);
	*piece = wp->vocab->special[VOCAB_UNK];
	return 1;
}

/* --- tables --- */

static const struct short_word *find_short(const struct wordpiece *wp, uint64_t lo, uint64_t hi)
{
	uint32_t i = (uint32_t)(hash_short_word(lo, hi) >> wp->shift);

	while (wp->table[i].id != VOCAB_NONE && (wp->table[i].lo != lo || wp->table[i].hi != hi))
		i = (i + 1) & wp->mask;
	return &wp->table[i];
}

static int index_short(struct wordpiece *wp, struct err *e)
{
	const struct vocab *v = wp->vocab;
	unsigned bits = 4;

	while ((1u << bits) / 2 < v->size)
		bits++;
	wp->shift = 64 - bits;
	wp->mask = (1u << bits) - 1;
	wp->table = mem_array((size_t)1 << bits, sizeof *wp->table, e);
	if (!wp->table)
		return -1;
	for (uint32_t i = 0; i <= wp->mask; i++)
		wp->table[i].id = VOCAB_NONE;
	for (uint32_t id = 0; id < v->size; id++) {
		unsigned char bytes[SHORT_BYTES] = {0};
		size_t n;
		const char *token = vocab_token(v, id, &n);
		struct short_word word = {.id = id};

		if (n == 0 || n > SHORT_BYTES)
			continue;
		memcpy(bytes, token, n);
		word.lo = get_le(bytes, 8);
		word.hi = get_le(bytes + 8, 8);
		/* Of duplicates the last one counts, as in vocab.c. */
		wp->table[find_short(wp, word.lo, word.hi) - wp->table] = word;
	}
	return 0;
}

static void index_ascii(struct wordpiece *wp)
{
	memset(wp->ascii, ASCII_OTHER, sizeof wp->ascii);
	for (unsigned char c = 0; c < 128; c++) {
		switch (unicode_kind(wp->unicode->entry[c])) {
		case UNICODE_LETTER:
			wp->ascii[c] = ASCII_WORD;
			break;
		case UNICODE_SPACE:
			wp->ascii[c] = ASCII_SPACE;
			break;
		case UNICODE_PUNCT:
			split_bytes(wp, &c, 1, &wp->punctuation[c], NULL);
			/* The fast path has only known punctuation, and counts no words. */
			if (wp->punctuation[c] != wp->vocab->special[VOCAB_UNK])
				wp->ascii[c] = ASCII_PUNCT;
			break;
		default:
			break;
		}
	}
}

struct wordpiece *wordpiece_new(
    const struct vocab *v, const struct wordpiece_options *options, struct err *e)
{
	struct wordpiece *wp = mem_array(1, sizeof *wp, e);

	if (!wp)
		return NULL;
	wp->vocab = v;
	wp->options = *options;
	wp->unicode = unicode_new(v->cased, e);
	if (!wp->unicode || index_short(wp, e)) {
		wordpiece_free(wp);
		return NULL;
	}
	index_ascii(wp);
	return wp;
}

void wordpiece_free(struct wordpiece *wp)
{
	if (!wp)
		return;
	unicode_free(wp->unicode);
	free(wp->table);
	free(wp);
}

struct wordpiece_encoder *wordpiece_encoder_new(const struct wordpiece *wp, struct err *e)
{
	struct wordpiece_encoder *encoder = mem_array(1, sizeof *encoder, e);

	if (encoder)
		encoder->wp = wp;
	return encoder;
}

void wordpiece_encoder_free(struct wordpiece_encoder *encoder)
{
	free(encoder);
}

/* --- special tokens --- */

/*
 * Find the first special token in text [begin, n). Returns its offset, or n if there is none. All
 * special tokens begin with '[', and none is a prefix of another.
 */
static size_t find_special(const struct wordpiece *wp, const unsigned char *text, size_t begin,
    size_t n, enum vocab_special_token *which)
{
	const unsigned char *p = text + begin, *end = text + n;

	if (wp->options.literal)
		return n;
	while (p < end && (p = memchr(p, '[', (size_t)(end - p)))) {
		for (int i = 0; i < VOCAB_SPECIALS; i++) {
			const char *name = vocab_special_name((enum vocab_special_token)i);

			*which = (enum vocab_special_token)i;
			if (wp->vocab->special[i] != VOCAB_NONE &&
			    strlen(name) <= (size_t)(end - p) && !memcmp(p, name, strlen(name)))
				return (size_t)(p - text);
		}
		p++;
	}
	return n;
}

/* --- the fast path: short ASCII words --- */

/*
 * Scan the ASCII letters and digits at the start of p, of which 16 bytes can be read and n count.
 * Returns their number; *lo and *hi are set to them in the form of struct short_word. fold is the
 * bit that is set in letters: 0x20 for lower case, 0 to keep the case.
 */
#if defined(__SSE2__) && !defined(CDCD_PORTABLE)
static inline unsigned scan_ascii(
    const unsigned char *p, size_t n, unsigned char fold, uint64_t *lo, uint64_t *hi)
{
	static const unsigned char keep[2 * SHORT_BYTES] = {
	    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	__m128i v = _mm_loadu_si128((const __m128i *)p);
	__m128i low = _mm_or_si128(v, _mm_set1_epi8(0x20));
	/* SSE2 compares signed bytes: to test x - 'a' < 26 unsigned, move 'a' to -128; '0' too. */
	__m128i alpha = _mm_cmplt_epi8(
	    _mm_add_epi8(low, _mm_set1_epi8((char)(128 - 'a'))), _mm_set1_epi8(-128 + 26));
	__m128i digit = _mm_cmplt_epi8(
	    _mm_add_epi8(v, _mm_set1_epi8((char)(128 - '0'))), _mm_set1_epi8(-128 + 10));
	unsigned others = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(alpha, digit));
	unsigned length = (unsigned)__builtin_ctz(others | 1u << SHORT_BYTES);
	__m128i word = _mm_or_si128(v, _mm_and_si128(alpha, _mm_set1_epi8((char)fold)));

	length = (unsigned)min_size(length, n);
	word = _mm_and_si128(word, _mm_loadu_si128((const __m128i *)(keep + SHORT_BYTES - length)));
	*lo = (uint64_t)_mm_cvtsi128_si64(word);
	*hi = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(word, word));
	return length;
}
#else
static inline unsigned scan_ascii(
    const unsigned char *p, size_t n, unsigned char fold, uint64_t *lo, uint64_t *hi)
{
	unsigned char word[SHORT_BYTES] = {0};
	unsigned length = 0;

	for (; length < SHORT_BYTES && length < n; length++) {
		unsigned char c = p[length], low = c | 0x20;

		if (low >= 'a' && low <= 'z')
			word[length] = c | fold;
		else if (c >= '0' && c <= '9')
			word[length] = c;
		else
			break;
	}
	*lo = get_le(word, 8);
	*hi = get_le(word + 8, 8);
	return length;
}
#endif

/* Count a word that is not a token. Words that are tokens need not be counted: each is one id. */
static void count_word(struct wordpiece_encoder *encoder, const uint32_t *piece, size_t n)
{
	encoder->continued += n - 1;
	encoder->counts.unknown += piece[0] == encoder->wp->vocab->special[VOCAB_UNK];
}

/* Split a short word that is not a token, or copy its pieces if the encoder remembers them. */
static size_t split_short(
    struct wordpiece_encoder *encoder, uint64_t lo, uint64_t hi, size_t n, uint32_t *piece)
{
	struct memo *memo = &encoder->memo[hash_short_word(lo, hi) >> 32 & (MEMO_WORDS - 1)];
	unsigned char bytes[SHORT_BYTES];
	size_t pieces;

	if (memo->n > 0 && memo->lo == lo && memo->hi == hi) {
		memcpy(piece, memo->piece, sizeof memo->piece);
		count_word(encoder, piece, memo->n);
		return memo->n;
	}
	put_le(bytes, lo, 8);
	put_le(bytes + 8, hi, 8);
	pieces = split_bytes(encoder->wp, bytes, n, piece, NULL);
	count_word(encoder, piece, pieces);
	if (pieces <= MEMO_PIECES) {
		*memo = (struct memo){.lo = lo, .hi = hi, .n = (uint32_t)pieces};
		memcpy(memo->piece, piece, pieces * sizeof *piece);
	}
	return pieces;
}

/* Encode the words of text [*pos, n) that begin before stop, and advance *pos. Returns the number
 * of ids written to id. */
static size_t encode_stride(struct wordpiece_encoder *encoder, const unsigned char *text,
    size_t *pos, size_t stop, size_t n, uint32_t *id)
{
	const struct wordpiece *wp = encoder->wp;
	const unsigned char fold = wp->vocab->cased ? 0 : 0x20;
	uint32_t *const first = id;
	size_t at = *pos;

	while (at < stop) {
		unsigned char tail[SHORT_BYTES], class;
		const unsigned char *p = text + at;
		size_t left = n - at;
		unsigned length;
		uint64_t lo, hi;

		if (left < SHORT_BYTES) {
			memset(tail, 0, SHORT_BYTES);
			p = memcpy(tail, p, left);
		}
		length = scan_ascii(p, left, fold, &lo, &hi);
		class = at + length < n ? wp->ascii[text[at + length]] : ASCII_SPACE;
		if (length < SHORT_BYTES && class != ASCII_OTHER) {
			if (length > 0) {
				const struct short_word *found = find_short(wp, lo, hi);

				*id = found->id;
				id += found->id != VOCAB_NONE
				          ? 1
				          : split_short(encoder, lo, hi, length, id);
			}
			at += length;
			if (class == ASCII_PUNCT)
				*id++ = wp->punctuation[text[at]];
			at++; /* at the end of the text this goes one beyond n */
			/* Punctuation is often followed by a space: skip it here. */
			at += at < n && text[at] == ' ';
		} else {
			struct words words = {wp->unicode, text, n, at, 0};

			if (words_next(&words, &encoder->word)) {
				size_t pieces = split_word(wp, &encoder->word, id);

				count_word(encoder, id, pieces);
				id += pieces;
			}
			encoder->counts.malformed += words.malformed;
			at = words.pos;
		}
	}
	*pos = at;
	return (size_t)(id - first);
}

static int require_unk(const struct wordpiece *wp, const uint32_t *id, size_t n, struct err *e)
{
	if (wp->vocab->special[VOCAB_UNK] != VOCAB_NONE)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (id[i] == VOCAB_NONE)
			return err_set(e, "a word is not in the vocabulary, which has no [UNK]");
	return 0;
}

int wordpiece_encode(struct wordpiece_encoder *encoder, const char *text, size_t n,
    struct wordpiece_ids *ids, struct err *e)
{
	const struct wordpiece *wp = encoder->wp;
	const unsigned char *bytes = (const unsigned char *)text;
	size_t pos = 0, begin = ids->n;

	encoder->continued = 0;
	while (pos < n) {
		enum vocab_special_token which = VOCAB_PAD;
		size_t end = find_special(wp, bytes, pos, n, &which);

		while (pos < end) {
			size_t stop = pos + min_size(end - pos, ENCODE_STEP);

			if (mem_grow(&ids->id, &ids->cap, ids->n + (stop - pos) + WORD_IDS_MAX,
			        sizeof *ids->id, e))
				return -1;
			ids->n += encode_stride(encoder, bytes, &pos, stop, end, ids->id + ids->n);
		}
		pos = end;
		if (pos < n) {
			if (mem_grow(&ids->id, &ids->cap, ids->n + 1, sizeof *ids->id, e))
				return -1;
			ids->id[ids->n++] = wp->vocab->special[which];
			pos += strlen(vocab_special_name(which));
		}
	}
	if (ids->n == begin)
		return 0;
	encoder->counts.words += ids->n - begin - encoder->continued;
	return require_unk(wp, ids->id + begin, ids->n - begin, e);
}

struct wordpiece_counts wordpiece_take_counts(struct wordpiece_encoder *encoder)
{
	struct wordpiece_counts counts = encoder->counts;

	encoder->counts = (struct wordpiece_counts){0};
	return counts;
}

/* --- the slow, simple algorithm --- */

static int add_span(
    struct wordpiece_spans *spans, uint32_t id, size_t begin, size_t end, struct err *e)
{
	if (mem_grow(&spans->span, &spans->cap, spans->n + 1, sizeof *spans->span, e))
		return -1;
	spans->span[spans->n++] = (struct wordpiece_span){id, begin, end};
	return 0;
}

static int trace_word(const struct wordpiece *wp, const struct word *word,
    struct wordpiece_spans *spans, struct err *e)
{
	uint32_t piece[4 * WORDS_MAX_CHARS];
	size_t end[4 * WORDS_MAX_CHARS], pieces = 1;
	unsigned first = 0;

	if (word->too_long)
		return add_span(spans, wp->vocab->special[VOCAB_UNK], word->begin, word->end, e);
	pieces = split_bytes(wp, word->bytes, word->n, piece, end);
	for (size_t i = 0; i < pieces; i++) {
		size_t from = word->from[first].begin, to = word->from[first].end;

		/* NFD may have sorted marks: take the smallest range that covers all. */
		for (; first < word->n_chars && word->at[first] < end[i]; first++) {
			from = min_size(word->from[first].begin, from);
			to = max_size(word->from[first].end, to);
		}
		if (add_span(spans, piece[i], from, to, e))
			return -1;
	}
	return 0;
}

int wordpiece_trace(const struct wordpiece *wp, const char *text, size_t n,
    struct wordpiece_spans *spans, struct err *e)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t pos = 0, first = spans->n;

	while (pos < n) {
		enum vocab_special_token which = VOCAB_PAD;
		size_t end = find_special(wp, bytes, pos, n, &which);
		struct words words = {wp->unicode, bytes, end, pos, 0};
		struct word word;

		while (words_next(&words, &word))
			if (trace_word(wp, &word, spans, e))
				return -1;
		pos = end;
		if (pos < n) {
			end = pos + strlen(vocab_special_name(which));
			if (add_span(spans, wp->vocab->special[which], pos, end, e))
				return -1;
			pos = end;
		}
	}
	for (size_t i = first; i < spans->n; i++)
		if (require_unk(wp, &spans->span[i].id, 1, e))
			return -1;
	return 0;
}

/* --- records --- */

int wordpiece_frame_check(const struct wordpiece_frame *frame, const struct vocab *v, struct err *e)
{
	if (!frame->bare &&
	    (v->special[VOCAB_CLS] == VOCAB_NONE || v->special[VOCAB_SEP] == VOCAB_NONE))
		return err_set(e, "the vocabulary has no [CLS] or no [SEP]; use --no-special, or "
		                  "another vocabulary");
	if (frame->pad && v->special[VOCAB_PAD] == VOCAB_NONE)
		return err_set(e, "the vocabulary has no [PAD], which --pad needs");
	if (frame->pad && frame->limit == 0)
		return err_with(e, ERR_USAGE, "--pad: needs --truncate");
	if (!frame->bare && frame->limit == 1)
		return err_with(e, ERR_USAGE,
		    "--truncate: 1 is too small (expected at least 2, for [CLS] and [SEP], or "
		    "--no-special)");
	return 0;
}

/* The number of ids, without special tokens, that a record keeps of n. */
static size_t content_limit(const struct wordpiece_frame *frame, size_t n)
{
	return frame->limit ? frame->limit - (frame->bare ? 0 : 2) : n;
}

int wordpiece_frame(const struct wordpiece_frame *frame, const struct vocab *v,
    struct wordpiece_ids *ids, size_t begin, struct err *e)
{
	size_t n = ids->n - begin, edge = frame->bare ? 0 : 1, fits = content_limit(frame, n), all;
	uint32_t *id;

	if (mem_grow(&ids->id, &ids->cap, begin + max_size(n, fits) + 2, sizeof *ids->id, e))
		return -1;
	id = ids->id + begin;
	memmove(id + edge, id + (frame->left && n > fits ? n - fits : 0),
	    min_size(n, fits) * sizeof *id);
	n = min_size(n, fits);
	if (!frame->bare) {
		id[0] = v->special[VOCAB_CLS];
		id[n + 1] = v->special[VOCAB_SEP];
	}
	n += 2 * edge;
	all = frame->pad ? frame->limit : n;
	if (frame->left)
		memmove(id + (all - n), id, n * sizeof *id);
	for (size_t i = n; i < all; i++)
		id[frame->left ? i - n : i] = v->special[VOCAB_PAD];
	ids->n = begin + all;
	return 0;
}

void wordpiece_frame_spans(
    const struct wordpiece_frame *frame, struct wordpiece_spans *spans, size_t first)
{
	size_t n = spans->n - first, fits = content_limit(frame, n);
	struct wordpiece_span *span;

	if (n <= fits)
		return;
	span = spans->span + first;
	if (frame->left)
		memmove(span, span + (n - fits), fits * sizeof *span);
	spans->n = first + fits;
}
