/*
 * Encode any text by both algorithms, which must agree, and decode the ids.
 * The first byte chooses the options.
 */

#include <string.h>

#include "fuzz.h"
#include "text/detokenize.h"
#include "text/wordpiece.h"

static const char tokens[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nab\nun\n##a\n##b\n##ab\n##aff\n##able\nthe\n.\n,\n"
    "'\n##'\nn\n##n\nt\n##t\n\xE5\x8D\x9A\n##\xE5\x8D\x9A\ne\n##e\n\xC3\xA9\n##\xC3\xA9\n7\n##7\n"
    "aaaaaaaaaaaaaaaa\n##aaaaaaaaaaaaaaaa\nA\nT\n##T\n\xCE\xB1\n##\xCC\x81\n\xE2\x89\xA0\n#\n##\n";

static struct vocab *vocab, *cased;
static struct wordpiece *wordpiece[4];
static struct wordpiece_encoder *encoder[4];
static struct detokenizer *detokenizer[2];

static struct vocab *read_vocab(bool keep_case)
{
	struct input in;
	struct vocab *v;
	struct err e;

	fuzz_input(&in, tokens, sizeof tokens - 1);
	v = vocab_read(&in, &e);
	input_close(&in);
	CHECK(v && !vocab_set_cased(v, keep_case, &e));
	return v;
}

static void init(void)
{
	struct err e;

	vocab = read_vocab(false);
	cased = read_vocab(true);
	for (int i = 0; i < 4; i++) {
		struct wordpiece_options o = {.literal = i & 2};

		wordpiece[i] = wordpiece_new(i & 1 ? cased : vocab, &o, &e);
		CHECK(wordpiece[i]);
		encoder[i] = wordpiece_encoder_new(wordpiece[i], &e);
		CHECK(encoder[i]);
	}
	for (int i = 0; i < 2; i++) {
		detokenizer[i] = detokenizer_new(vocab, i, &e);
		CHECK(detokenizer[i]);
	}
}

static void frame(int options, struct wordpiece_ids *ids, size_t limit)
{
	struct wordpiece_frame f = {
	    .bare = options & 4, .limit = limit, .pad = options & 8, .left = options & 16};
	struct err e;

	if (wordpiece_frame_check(&f, vocab, &e)) {
		fuzz_error(&e);
		return;
	}
	CHECK(!wordpiece_frame(&f, vocab, ids, 0, &e));
	CHECK(!limit || ids->n <= limit);
	CHECK(!(f.pad && limit) || ids->n == limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct wordpiece_ids ids;
	static struct wordpiece_spans spans;
	static struct detokenized out;
	const char *text = (const char *)data + 2;
	struct err e;
	int o;

	if (n < 2)
		return 0;
	if (!vocab)
		init();
	n -= 2;
	o = data[0];
	ids.n = spans.n = out.n = 0;
	CHECK(!wordpiece_encode(encoder[o & 3], text, n, &ids, &e));
	CHECK(!wordpiece_trace(wordpiece[o & 3], text, n, &spans, &e));
	CHECK(ids.n == spans.n);
	for (size_t i = 0; i < ids.n; i++)
		CHECK(ids.id[i] == spans.span[i].id && ids.id[i] < vocab->size &&
		      spans.span[i].begin < spans.span[i].end && spans.span[i].end <= n);
	frame(o, &ids, data[1] >> 3);
	CHECK(!detokenize(detokenizer[o >> 5 & 1], ids.id, ids.n, o & 64, &out, &e));
	return 0;
}
