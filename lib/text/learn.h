#ifndef CDCD_LEARN_H
#define CDCD_LEARN_H

/*
 * Learn a WordPiece vocabulary from text by the algorithm of WordPieceTrainer in Hugging Face
 * tokenizers 0.23.2, which is byte-pair encoding with "##": count the words, split each into
 * characters, and merge the most frequent pair of neighbouring tokens into a new token until the
 * vocabulary has the requested size.
 * Source: Sennrich et al. 2016, arXiv:1508.07909, algorithm 1.
 *
 * The result is deterministic, whereas that of the reference depends on the order of a hash table.
 * If two pairs are equally frequent, the one whose tokens have lower ids is merged first. The ids
 * of "##" characters follow those of plain characters; both are sorted by code point. Words of more
 * than 100 characters are not counted, because they are always encoded as [UNK].
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct learn_options {
	bool cased;         /* as in wordpiece.h */
	uint32_t size;      /* requested number of tokens, including special tokens */
	uint32_t alphabet;  /* keep only this many characters, the most frequent; 0: all */
	uint64_t min_count; /* do not merge pairs that occur less often */
};

struct learner;

/*
 * learner_new - start with no words. Returns NULL on error.
 * learner_add - count the words of a document, text [n]. Returns 0 or -1.
 * learner_words - the number of distinct words so far.
 */
struct learner *learner_new(bool cased, struct err *e);
int learner_add(struct learner *l, const char *text, size_t n, struct err *e);
size_t learner_words(const struct learner *l);

struct learned {
	char *text; /* a vocabulary file: the tokens, each followed by '\n'; the caller frees it */
	size_t n;   /* bytes */
	uint32_t tokens; /* fewer than requested if no pair was left to merge */
};

/*
 * learner_finish - build the vocabulary: [PAD] [UNK] [CLS] [SEP] [MASK], the characters, the "##"
 * characters, then the merged tokens. Returns 0, or -1 if memory is short, if there are no words,
 * or if size is less than the number of special tokens and characters.
 */
int learner_finish(const struct learner *l, const struct learn_options *options,
    struct learned *learned, struct err *e);

void learner_free(struct learner *l);

#endif
