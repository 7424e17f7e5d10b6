#ifndef CDCD_TOKENIZERJSON_H
#define CDCD_TOKENIZERJSON_H

/* Read the vocabulary in a tokenizer.json, the file of Hugging Face tokenizers. */

#include <stdbool.h>

#include "base/err.h"
#include "base/io.h"

struct tokenizerjson {
	bool cased;     /* the text keeps case and accents */
	char added[64]; /* the first added token that is not a special token of BERT, or "" */
};

/*
 * tokenizerjson_convert - make an input with a tokenizer.json an input with a vocabulary file: the
 * tokens in the order of their ids, one per line, and an empty line for each id without a token.
 * The file must describe a tokenizer of BERT, whose other settings are those of wordpiece.h.
 * Returns 0, or -1 if it is not such a file; the caller closes in.
 */
int tokenizerjson_convert(struct input *in, struct tokenizerjson *t, struct err *e);

#endif
