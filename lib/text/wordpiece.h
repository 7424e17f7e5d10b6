#ifndef CDCD_WORDPIECE_H
#define CDCD_WORDPIECE_H

/*
 * Convert text to token ids, with the same result as Hugging Face tokenizers 0.23.2 for BERT.
 * Special tokens are matched in the raw text first. The text between them is normalised and split
 * into words (unicode.h, words.h). Each word is encoded greedily: the longest token that is a
 * prefix of the word, then the longest "##" token that is a prefix of the rest, and so on. If this
 * fails, or if the word has more than 100 characters, the whole word is [UNK]. Bytes that are not
 * UTF-8 count as U+FFFD, which the normaliser removes.
 *
 * A struct wordpiece does not change after wordpiece_new, and threads may share it. Each thread
 * needs its own encoder.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/vocab.h"

struct wordpiece_options {
	bool literal; /* treat special tokens in the text as ordinary text */
};

struct wordpiece;

/* wordpiece_new - v is borrowed and must outlive the result; v->cased decides whether the text
 * keeps case and accents. Returns NULL on error. */
struct wordpiece *wordpiece_new(
    const struct vocab *v, const struct wordpiece_options *options, struct err *e);
void wordpiece_free(struct wordpiece *wp);

struct wordpiece_ids {
	uint32_t *id; /* from malloc; the caller frees it */
	size_t n, cap;
};

struct wordpiece_encoder;

/* wordpiece_encoder_new - wp is borrowed and must outlive the encoder. Returns NULL on error. */
struct wordpiece_encoder *wordpiece_encoder_new(const struct wordpiece *wp, struct err *e);
void wordpiece_encoder_free(struct wordpiece_encoder *encoder);

/*
 * wordpiece_encode - append the ids of the n bytes of text to ids, without [CLS] and [SEP].
 * Returns 0, or -1 if memory is short, or if a word is unknown and the vocabulary has no [UNK].
 */
int wordpiece_encode(struct wordpiece_encoder *encoder, const char *text, size_t n,
    struct wordpiece_ids *ids, struct err *e);

/* What an encoder has encoded. */
struct wordpiece_counts {
	uint64_t words;     /* white space, punctuation and ideographs separate them */
	uint64_t unknown;   /* words that became [UNK] */
	uint64_t malformed; /* bytes that are not UTF-8 */
};

/* wordpiece_take_counts - the counts since the last call. */
struct wordpiece_counts wordpiece_take_counts(struct wordpiece_encoder *encoder);

struct wordpiece_span {
	uint32_t id;
	size_t begin, end; /* the bytes of the text that the token was made from */
};

struct wordpiece_spans {
	struct wordpiece_span *span; /* from malloc; the caller frees it */
	size_t n, cap;
};

/* wordpiece_trace - append the ids of wordpiece_encode with their positions in the text, computed
 * by the slow, simple algorithm. Returns 0 or -1, as wordpiece_encode. */
int wordpiece_trace(const struct wordpiece *wp, const char *text, size_t n,
    struct wordpiece_spans *spans, struct err *e);

/* How the ids of a document become a record: special tokens, truncation and padding, as the
 * reference calls them. */
struct wordpiece_frame {
	bool bare;    /* without [CLS] and [SEP] */
	size_t limit; /* maximum number of ids in a record, including [CLS] and [SEP]; 0: none */
	bool pad;     /* append [PAD] up to limit */
	bool left;    /* truncate and pad on the left instead of the right */
};

/* wordpiece_frame_check - check that the vocabulary has the special tokens that frame needs, and
 * that limit is large enough for them. Returns 0 or -1. */
int wordpiece_frame_check(
    const struct wordpiece_frame *frame, const struct vocab *v, struct err *e);

/* wordpiece_frame - convert the ids from ids->id[begin] on to a record, in place. Returns 0 or -1.
 */
int wordpiece_frame(const struct wordpiece_frame *frame, const struct vocab *v,
    struct wordpiece_ids *ids, size_t begin, struct err *e);

/* wordpiece_frame_spans - remove those of the spans from number first on whose ids wordpiece_frame
 * removes. */
void wordpiece_frame_spans(
    const struct wordpiece_frame *frame, struct wordpiece_spans *spans, size_t first);

#endif
