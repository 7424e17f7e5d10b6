#ifndef CDCD_DETOKENIZE_H
#define CDCD_DETOKENIZE_H

/*
 * Convert token ids to text, with the same result as the WordPiece decoder of Hugging Face
 * tokenizers 0.23.2. A token that begins with "##" is appended without a space; a space precedes
 * every other token except the first. The optional clean-up of English is then applied to each
 * token by itself: " ." becomes ".", " n't" becomes "n't", and so on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/vocab.h"

struct detokenizer {
	const struct vocab *vocab;
	char *text;      /* two forms of each token: as the first token, and as a later one */
	uint32_t *start; /* [2 * vocab->size + 1] offset in text of each form */
};

/*
 * detokenizer_new - prepare decoding with v, which is borrowed and must outlive the detokenizer.
 * clean: apply the clean-up. Returns NULL on error.
 */
struct detokenizer *detokenizer_new(const struct vocab *v, bool clean, struct err *e);
void detokenizer_free(struct detokenizer *d);

struct detokenized {
	char *text; /* from malloc; the caller frees it */
	size_t n, cap;
};

/*
 * detokenize - append the text of ids [n] to out; every id must be below vocab->size.
 * keep_special: write special tokens too, instead of skipping them. Returns 0, or -1 if memory is
 * short.
 */
int detokenize(const struct detokenizer *d, const uint32_t *ids, size_t n, bool keep_special,
    struct detokenized *out, struct err *e);

#endif
