#ifndef CDCD_DETOKENIZE_H
#define CDCD_DETOKENIZE_H

/*
 * Token ids to text, as the WordPiece decoder of Hugging Face tokenizers 0.23.2 does it: a token
 * that begins with "##" follows at once, every other but the first after a space; then, token by
 * token, its clean-up of English, if it is wanted: " ." becomes ".", " n't" becomes "n't", and so
 * on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/vocab.h"

struct detokenizer {
	const struct vocab *vocab;
	char *text;      /* of each token: as the first one, then as a later one */
	uint32_t *start; /* [2 * vocab->size + 1] */
};

/* detokenizer_new - clean: with the clean-up. v is borrowed and must outlive it. NULL on error. */
struct detokenizer *detokenizer_new(const struct vocab *v, bool clean, struct err *e);
void detokenizer_free(struct detokenizer *d);

struct detokenized {
	char *text; /* from malloc */
	size_t n, cap;
};

/*
 * detokenize - append the text of ids [n] to out; every id is below vocab->size.
 * keep_special: special tokens are shown, else they are passed over.
 */
int detokenize(const struct detokenizer *d, const uint32_t *ids, size_t n, bool keep_special,
    struct detokenized *out, struct err *e);

#endif
