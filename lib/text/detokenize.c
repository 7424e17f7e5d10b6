#include "text/detokenize.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The replacements of the reference, in its order. */
static const struct {
	const char *from, *to;
} cleanup[] = {
    {" .", "."},
    {" ?", "?"},
    {" !", "!"},
    {" ,", ","},
    {" ' ", "'"},
    {" n't", "n't"},
    {" 'm", "'m"},
    {" do not", " don't"},
    {" 's", "'s"},
    {" 've", "'ve"},
    {" 're", "'re"},
};

/* Replace each occurrence of from in text [n] by to, which is not longer. Returns the new length.
 */
static size_t replace_all(char *text, size_t n, const char *from, const char *to)
{
	size_t length = strlen(from), put = 0;

	for (size_t i = 0; i < n;) {
		if (n - i >= length && !memcmp(text + i, from, length)) {
			memcpy(text + put, to, strlen(to));
			put += strlen(to);
			i += length;
		} else {
			text[put++] = text[i++];
		}
	}
	return put;
}

/* Write the text of a token. Returns its length, which is at most that of the token plus 1. */
static size_t decode_token(char *text, const char *token, size_t n, bool first, bool clean)
{
	size_t skip = strlen(VOCAB_CONTINUED), put = 0;

	if (!first && n >= skip && !memcmp(token, VOCAB_CONTINUED, skip)) {
		token += skip;
		n -= skip;
	} else if (!first) {
		text[put++] = ' ';
	}
	memcpy(text + put, token, n);
	put += n;
	for (size_t i = 0; clean && i < sizeof cleanup / sizeof cleanup[0]; i++)
		put = replace_all(text, put, cleanup[i].from, cleanup[i].to);
	return put;
}

struct detokenizer *detokenizer_new(const struct vocab *v, bool clean, struct err *e)
{
	struct detokenizer *d = mem_array(1, sizeof *d, e);
	uint32_t at = 0;

	if (!d)
		return NULL;
	d->vocab = v;
	d->text = mem_array(2 * (size_t)v->start[v->size] + v->size, 1, e);
	d->start = mem_array(2 * (size_t)v->size + 1, sizeof *d->start, e);
	if (!d->text || !d->start) {
		detokenizer_free(d);
		return NULL;
	}
	for (uint32_t i = 0; i < 2 * v->size; i++) {
		size_t n;
		const char *token = vocab_token(v, i / 2, &n);

		d->start[i] = at;
		at += (uint32_t)decode_token(d->text + at, token, n, i % 2 == 0, clean);
	}
	d->start[2 * v->size] = at;
	return d;
}

void detokenizer_free(struct detokenizer *d)
{
	if (!d)
		return;
	free(d->text);
	free(d->start);
	free(d);
}

int detokenize(const struct detokenizer *d, const uint32_t *ids, size_t n, bool keep_special,
    struct detokenized *out, struct err *e)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		size_t form = 2 * (size_t)ids[i] + !first, length;

		if (!keep_special && vocab_is_special(d->vocab, ids[i]))
			continue;
		length = d->start[form + 1] - d->start[form];
		if (mem_grow(&out->text, &out->cap, out->n + length + 1, 1, e))
			return -1;
		memcpy(out->text + out->n, d->text + d->start[form], length);
		out->n += length;
		first = false;
	}
	return 0;
}
