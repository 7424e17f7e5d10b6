#ifndef CDCD_VOCAB_H
#define CDCD_VOCAB_H

/*
 * A WordPiece vocabulary: one token per line; the id of a token is its line number, from 0. Pieces
 * that continue a word begin with "##". This is the format of the vocab.txt of BERT models.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define VOCAB_NONE UINT32_MAX
#define VOCAB_CONTINUED "##"
#define VOCAB_CASED_MARK "\0cased" /* no token contains a NUL byte */

enum vocab_special_token { VOCAB_PAD, VOCAB_UNK, VOCAB_CLS, VOCAB_SEP, VOCAB_MASK, VOCAB_SPECIALS };

/* Defects with which a vocabulary can still be used. */
struct vocab_defects {
	uint32_t duplicates; /* lines that repeat a token; the last one counts, as in the reference
	                      */
	uint32_t first_duplicate; /* the line number, from 1, of the first such line */
	uint32_t empty;           /* empty lines, whose ids never occur */
	uint32_t crlf;            /* lines that end in "\r\n"; the '\r' is removed */
	bool bom;                 /* the file begins with a byte order mark, which is removed */
	uint32_t missing;         /* bit i: special token i is missing */
};

struct vocab {
	char *text;      /* the tokens, concatenated */
	uint32_t *start; /* [size + 1] offset of each token in text */
	uint32_t size;
	uint32_t special[VOCAB_SPECIALS]; /* ids, or VOCAB_NONE */
	bool cased;    /* its text keeps case and accents; false: lower case without accents */
	uint64_t hash; /* XXH64 (seed 0) of the tokens, each followed by '\n', and of
	                  VOCAB_CASED_MARK if cased: it identifies tokens and casing together */
	struct vocab_defects defects;
	/* The hash table, and the lengths up to which it is searched: */
	struct vocab_slot *slot; /* [mask + 1] */
	uint32_t mask;
	uint32_t longest[2]; /* bytes of the longest token at the start of a word and, without "##",
	                        of the longest inside a word */
};

/*
 * vocab_open - read the vocabulary file path. vocab_read - read it from in.
 * Return NULL if the file cannot be read, has no token, is not UTF-8, contains a NUL byte, or has
 * more than 2^24 tokens or 2^27 bytes.
 */
struct vocab *vocab_open(const char *path, struct err *e);
struct vocab *vocab_read(struct input *in, struct err *e);
void vocab_free(struct vocab *v);

/* vocab_set_cased - set cased, which is false in a new vocabulary, and hash. Returns 0 or -1. */
int vocab_set_cased(struct vocab *v, bool cased, struct err *e);

/*
 * vocab_text - the text of which v->hash is the hash: tokens, line feeds, and VOCAB_CASED_MARK if
 * cased. Shards and checkpoints contain it. It has *n bytes, which the caller frees. Returns NULL
 * if memory is short.
 *
 * vocab_parse - the vocabulary with this text [n]; name is its name in messages. Unlike a file, a
 * text has exactly these tokens: neither CR nor a byte order mark is removed. Returns NULL if it is
 * not the text of a vocabulary that vocab_read would accept.
 */
char *vocab_text(const struct vocab *v, size_t *n, struct err *e);
struct vocab *vocab_parse(const char *text, size_t n, const char *name, struct err *e);

/* vocab_special_name - "[PAD]", "[UNK]", "[CLS]", "[SEP]" or "[MASK]". */
const char *vocab_special_name(enum vocab_special_token which);

/* vocab_token - the *n bytes of a token, without a NUL at the end. They live as long as v. */
static inline const char *vocab_token(const struct vocab *v, uint32_t id, size_t *n)
{
	*n = v->start[id + 1] - v->start[id];
	return v->text + v->start[id];
}

/* vocab_find - the id of a token, or VOCAB_NONE. */
uint32_t vocab_find(const struct vocab *v, const void *token, size_t n);

/*
 * vocab_longest - the longest token that is a prefix of p [n]. continued: search only tokens that
 * begin with "##", and compare them without it. *length is the number of bytes of p that match, at
 * least 1. Returns the id, or VOCAB_NONE.
 */
uint32_t vocab_longest(
    const struct vocab *v, bool continued, const unsigned char *p, size_t n, size_t *length);

/*
 * vocab_defect - describe defect i < VOCAB_DEFECTS in text [capacity]. Returns false if v does not
 * have this defect.
 */
#define VOCAB_DEFECTS (4 + VOCAB_SPECIALS)
bool vocab_defect(const struct vocab *v, int i, char *text, size_t capacity);

/* vocab_capitals - the number of tokens with capital letters from A to Z, those in square brackets
 * left out. */
uint32_t vocab_capitals(const struct vocab *v);

/* vocab_is_special - whether id is one of the special tokens. */
bool vocab_is_special(const struct vocab *v, uint32_t id);

#endif
