/*
 * Learn a vocabulary from any text. Many texts go into one learner, because making one takes long:
 * it builds the table of Unicode.
 */

#include "fuzz.h"
#include "text/learn.h"
#include "text/vocab.h"

enum { TEXTS = 256 };

static void finish(const struct learner *l, bool cased, uint32_t size)
{
	struct learn_options o = {.cased = cased, .size = size, .min_count = 1};
	struct learned learned;
	struct input in;
	struct vocab *v;
	struct err e;

	if (learner_finish(l, &o, &learned, &e)) {
		fuzz_error(&e);
		return;
	}
	CHECK(learned.tokens <= size);
	fuzz_input(&in, learned.text, learned.n);
	v = vocab_read(&in, &e);
	CHECK(v && v->size == learned.tokens && !v->defects.duplicates && !v->defects.empty);
	vocab_free(v);
	input_close(&in);
	free(learned.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct learner *learner[2];
	static int texts[2];
	struct err e;
	int cased;

	if (n < 2)
		return 0;
	cased = data[0] & 1;
	if (!learner[cased])
		learner[cased] = learner_new(cased, &e);
	CHECK(learner[cased] && !learner_add(learner[cased], (const char *)data + 2, n - 2, &e));
	if (++texts[cased] < TEXTS)
		return 0;
	finish(learner[cased], cased, 5u + data[1] * 8u);
	learner_free(learner[cased]);
	learner[cased] = NULL;
	texts[cased] = 0;
	return 0;
}
