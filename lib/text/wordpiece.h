#ifndef CDCD_WORDPIECE_H
#define CDCD_WORDPIECE_H

/*
 * Text to token ids, exactly as Hugging Face tokenizers 0.23.2 does it for BERT: special tokens are
 * matched in the raw text first, what lies between is normalised and split (unicode.h, words.h),
 * and each word is the longest token that it begins with, then the longest "##" token that the rest
 * begins with, and so on; a word for which that fails, or of more than 100 characters, is [UNK].
 * Bytes that are not UTF-8 count as U+FFFD, which the normaliser drops.
 *
 * A struct wordpiece does not change once made, and threads may share it; an encoder is one
 * thread's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/vocab.h"

struct wordpiece_options {
	bool cased;   /* keep case and accents */
	bool literal; /* special tokens in the text are text like any other */
};

struct wordpiece;

/* wordpiece_new - v is borrowed and must outlive it. Returns NULL on error. */
struct wordpiece *wordpiece_new(
    const struct vocab *v, const struct wordpiece_options *options, struct err *e);
void wordpiece_free(struct wordpiece *wp);

struct wordpiece_ids {
	uint32_t *id; /* from malloc */
	size_t n, cap;
};

struct wordpiece_encoder;

struct wordpiece_encoder *wordpiece_encoder_new(const struct wordpiece *wp, struct err *e);
void wordpiece_encoder_free(struct wordpiece_encoder *encoder);

/*
 * wordpiece_encode - append the ids of the n bytes of text to ids, without [CLS] and [SEP].
 * Returns 0, or -1: memory, or an unknown word and no [UNK] in the vocabulary.
 */
int wordpiece_encode(struct wordpiece_encoder *encoder, const char *text, size_t n,
    struct wordpiece_ids *ids, struct err *e);

struct wordpiece_span {
	uint32_t id;
	size_t begin, end; /* bytes of the text that the token stands for */
};

struct wordpiece_spans {
	struct wordpiece_span *span; /* from malloc */
	size_t n, cap;
};

/* wordpiece_trace - the same ids with the places that they come from, by the plain slow way. */
int wordpiece_trace(const struct wordpiece *wp, const char *text, size_t n,
    struct wordpiece_spans *spans, struct err *e);

/* How a document's ids become a record, in the reference's words: special tokens, truncation,
 * padding. */
struct wordpiece_frame {
	bool bare;    /* no [CLS] and [SEP] */
	size_t limit; /* ids a record at most, those two included; 0: no limit */
	bool pad;     /* with [PAD], up to limit */
	bool left;    /* cut and pad on the left instead of the right */
};

/* wordpiece_frame_check - that the vocabulary has what frame needs, and limit has room for it. */
int wordpiece_frame_check(
    const struct wordpiece_frame *frame, const struct vocab *v, struct err *e);

/* wordpiece_frame - make the ids from ids->id[begin] on a record of this form. */
int wordpiece_frame(const struct wordpiece_frame *frame, const struct vocab *v,
    struct wordpiece_ids *ids, size_t begin, struct err *e);

/* wordpiece_frame_spans - drop of the spans from number first on what frame would cut. */
void wordpiece_frame_spans(
    const struct wordpiece_frame *frame, struct wordpiece_spans *spans, size_t first);

#endif
