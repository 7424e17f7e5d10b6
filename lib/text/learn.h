#ifndef CDCD_LEARN_H
#define CDCD_LEARN_H

/*
 * Learning a WordPiece vocabulary from text, as WordPieceTrainer of Hugging Face tokenizers 0.23.2
 * does it, which is byte-pair encoding with "##": words are counted; all begin as characters; and
 * the most frequent pair of neighbours becomes a token until there are enough.
 * Source: Sennrich et al. 2016, arXiv:1508.07909, algorithm 1.
 *
 * It differs in being deterministic where the reference follows the order of a hash table: of pairs
 * equally frequent, the one whose tokens have the lower ids is taken, and the ids of "##"
 * characters follow those of the plain ones, both by code point. Words of more than 100 characters,
 * which never become anything but [UNK], are not counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct learn_options {
	bool cased;         /* as in wordpiece.h */
	uint32_t size;      /* tokens wanted, special tokens included */
	uint32_t alphabet;  /* characters at most, the most frequent ones; 0: all */
	uint64_t min_count; /* pairs less frequent than this are not joined */
};

struct learner;

/* learner_new - returns NULL on error. learner_add - count the words of a document. */
struct learner *learner_new(bool cased, struct err *e);
int learner_add(struct learner *l, const char *text, size_t n, struct err *e);

/* learner_words - how many different words there are so far. */
size_t learner_words(const struct learner *l);

struct learned {
	char *text;      /* from malloc: the tokens, each followed by '\n': a vocabulary file */
	size_t n;        /* bytes */
	uint32_t tokens; /* fewer than wanted where nothing was left to join */
};

/*
 * learner_finish - [PAD] [UNK] [CLS] [SEP] [MASK], the characters, the "##" characters, then what
 * was joined. Errors: memory; no word at all; size has no room for the characters.
 */
int learner_finish(const struct learner *l, const struct learn_options *options,
    struct learned *learned, struct err *e);

void learner_free(struct learner *l);

#endif
