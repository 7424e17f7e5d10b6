/* Vocabularies: all tokens that are read can be found. */

#include <string.h>

#include "fuzz.h"
#include "text/detokenize.h"
#include "text/vocab.h"

static void look_up(const struct vocab *v)
{
	char text[128];

	for (uint32_t id = 0; id < v->size; id++) {
		size_t n, length = 0;
		const char *token = vocab_token(v, id, &n);
		uint32_t found = vocab_find(v, token, n), longest;

		CHECK(n == 0 || (found != VOCAB_NONE && found >= id && found < v->size));
		longest = vocab_longest(v, false, (const unsigned char *)token, n, &length);
		CHECK(n == 0 || (longest == found && length == n));
		longest = vocab_longest(v, true, (const unsigned char *)token, n, &length);
		CHECK(longest == VOCAB_NONE || (longest < v->size && length > 0 && length <= n));
	}
	for (int i = 0; i < VOCAB_DEFECTS; i++)
		vocab_defect(v, i, text, sizeof text);
	for (int i = 0; i < VOCAB_SPECIALS; i++)
		CHECK(v->special[i] == VOCAB_NONE || vocab_is_special(v, v->special[i]));
}

static void decode(const struct vocab *v, bool clean)
{
	struct detokenized out = {0};
	struct detokenizer *d;
	struct err e;

	d = detokenizer_new(v, clean, &e);
	CHECK(d);
	for (uint32_t id = 0; id < v->size; id++) {
		uint32_t ids[2] = {id, v->size - 1 - id};

		CHECK(!detokenize(d, ids, 2, id & 1, &out, &e));
	}
	free(out.text);
	detokenizer_free(d);
}

/* A stream carries the vocabulary without changing it. */
static void carry(struct vocab *v, bool cased)
{
	struct vocab *again;
	struct err e;
	size_t n;
	char *text;

	CHECK(!vocab_set_cased(v, cased, &e) && (text = vocab_text(v, &n, &e)));
	CHECK((again = vocab_parse(text, n, "text", &e)));
	CHECK(again->hash == v->hash && again->size == v->size && again->cased == cased);
	for (uint32_t id = 0; id < v->size; id++) {
		size_t length, same;
		const char *token = vocab_token(v, id, &length);

		CHECK(!memcmp(token, vocab_token(again, id, &same), length) && same == length);
	}
	vocab_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = {0};
	struct input in;
	struct vocab *v;

	fuzz_input(&in, data, n);
	v = vocab_read(&in, &e);
	if (v) {
		look_up(v);
		decode(v, n & 1);
		carry(v, n & 1);
	} else {
		fuzz_error(&e);
	}
	vocab_free(v);
	input_close(&in);
	return 0;
}
