#ifndef CDCD_VOCAB_H
#define CDCD_VOCAB_H

/*
 * A WordPiece vocabulary: one token a line, whose number from 0 is its id. Pieces that continue a
 * word begin with "##". Any BERT vocab.txt is one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define VOCAB_NONE UINT32_MAX
#define VOCAB_CONTINUED "##"

enum vocab_special_token { VOCAB_PAD, VOCAB_UNK, VOCAB_CLS, VOCAB_SEP, VOCAB_MASK, VOCAB_SPECIALS };

/* Flaws that do not keep a vocabulary from being used. */
struct vocab_defects {
	uint32_t duplicates; /* lines that repeat a token; as in the reference the last one wins */
	uint32_t first_duplicate; /* the line number, from 1, of the first such line */
	uint32_t empty;           /* empty lines: ids that never occur */
	uint32_t crlf;            /* lines that end in "\r\n"; the '\r' is not of the token */
	bool bom;                 /* a byte order mark at the start, which is not of the token */
	uint32_t missing;         /* bit i: special token i is not there */
};

struct vocab {
	char *text;      /* the tokens, one after another */
	uint32_t *start; /* [size + 1] where each begins in text */
	uint32_t size;
	uint32_t special[VOCAB_SPECIALS]; /* ids, or VOCAB_NONE */
	uint64_t hash;                    /* XXH64 (seed 0) of the tokens, each followed by '\n' */
	struct vocab_defects defects;
	/* For look-ups: */
	struct vocab_slot *slot;
	uint32_t mask;
	uint32_t
	    longest[2]; /* bytes, without "##": of tokens that begin a word, that continue one */
};

/*
 * vocab_open - read a vocabulary file. Errors: not readable, no token, not UTF-8, a NUL byte, more
 * than 2^24 tokens or 2^30 bytes. Returns NULL on error.
 */
struct vocab *vocab_open(const char *path, struct err *e);
struct vocab *vocab_read(struct input *in, struct err *e);
void vocab_free(struct vocab *v);

/* vocab_special_name - "[PAD]", "[UNK]", "[CLS]", "[SEP]" or "[MASK]". */
const char *vocab_special_name(enum vocab_special_token which);

/* vocab_token - the bytes of a token, which no NUL follows; *n is their number. */
static inline const char *vocab_token(const struct vocab *v, uint32_t id, size_t *n)
{
	*n = v->start[id + 1] - v->start[id];
	return v->text + v->start[id];
}

/* vocab_find - the id of a token, or VOCAB_NONE. */
uint32_t vocab_find(const struct vocab *v, const void *token, size_t n);

/*
 * vocab_longest - the longest token that the n bytes at p begin with: a whole token, or with
 * continued set one that begins with "##", which is not at p. *length is how many bytes of p it
 * takes, at least 1. Returns the id, or VOCAB_NONE.
 */
uint32_t vocab_longest(
    const struct vocab *v, bool continued, const unsigned char *p, size_t n, size_t *length);

/*
 * vocab_defect - say defect i, below VOCAB_DEFECTS, in text, which has room for so many bytes.
 * Returns false where v does not have it.
 */
#define VOCAB_DEFECTS (4 + VOCAB_SPECIALS)
bool vocab_defect(const struct vocab *v, int i, char *text, size_t room);

/* vocab_is_special - whether id is one of the special tokens. */
bool vocab_is_special(const struct vocab *v, uint32_t id);

#endif
