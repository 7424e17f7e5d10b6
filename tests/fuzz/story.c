/*
 * Documents in JSON lines and plain text. With bit 2 of the first byte, the fast path and json-c
 * must agree to the byte; bits 0 and 1 are the form of the text.
 */

#include <string.h>

#include "formats/story_test.h"
#include "fuzz.h"

static struct story_parser *parser[2][4];

static void init(void)
{
	struct err e;

	for (int way = 0; way < 2; way++) {
		for (int i = 0; i < 4; i++) {
			parser[way][i] = story_parser_new(
			    i == 3 ? STORY_JSON : (enum story_form)i, i == 3 ? "a\"b" : NULL, &e);
			CHECK(parser[way][i]);
			if (way)
				story_parser_slow(parser[way][i]);
		}
	}
}

/* Run the parser on one block: it returns a message, or a story within its memory. */
static size_t use(struct story_parser *fast, const char *name, const struct story_block *block)
{
	struct story story;
	struct err e;
	enum story_result result;
	size_t sum = 0;

	story_start(fast, name, block);
	while ((result = story_next(fast, &story, &e)) != STORY_END) {
		CHECK(result != STORY_FAILED);
		if (result == STORY_BAD)
			fuzz_error(&e);
		for (size_t i = 0; result == STORY_OK && i < story.n; i++)
			sum += (unsigned char)story.text[i];
	}
	return sum;
}

/* Run both parsers on one block: they read all of it, and no document is outside of its memory. */
static void compare(struct story_parser *fast, struct story_parser *slow, const char *name,
    const struct story_block *block)
{
	struct story a = {0}, b = {0};
	struct err ea, eb;
	enum story_result ra, rb;
	uint64_t line = block->line;

	story_start(fast, name, block);
	story_start(slow, name, block);
	do {
		memset(&ea, 0, sizeof ea);
		memset(&eb, 0, sizeof eb);
		ra = story_next(fast, &a, &ea);
		rb = story_next(slow, &b, &eb);
		CHECK(ra == rb && ra != STORY_FAILED);
		if (ra == STORY_END)
			break;
		CHECK(a.line == b.line && a.line >= line);
		line = a.line;
		if (ra == STORY_OK)
			CHECK(a.n == b.n && (!a.n || !memcmp(a.text, b.text, a.n)));
		else
			CHECK(!strcmp(ea.msg, eb.msg));
		if (ra == STORY_BAD)
			fuzz_error(&ea);
	} while (ra != STORY_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct story_input s; /* kept: its buffer grows to the size of a block */
	struct input *in = &s.in;
	struct story_block block;
	uint64_t lines = 1;
	size_t taken = 0;
	struct err e;
	int i;

	if (n < 1)
		return 0;
	if (!parser[0][0])
		init();
	i = data[0] % 4;
	data++;
	n--;
	if (n == 0)
		return 0;
	for (size_t at = 0; at < n; at++)
		lines += data[at] == '\n';
	if (in->cap < n) {
		input_close(in);
		fuzz_input(in, data, n);
	}
	memcpy(in->buf, data, n);
	in->pos = 0;
	in->len = n;
	s.form = i == 3 ? STORY_JSON : (enum story_form)i;
	s.line = 1;
	while (story_block(&s, &block, &e) > 0) {
		void *exact = malloc(block.n); /* so that AddressSanitizer finds a read beyond it */

		CHECK(exact && block.n > 0);
		block.data = memcpy(exact, block.data, block.n);
		if (data[-1] & 4)
			compare(parser[0][i], parser[1][i], in->name, &block);
		else
			use(parser[0][i], in->name, &block);
		taken += block.n;
		free(exact);
	}
	CHECK(taken == n && s.line == lines);
	return 0;
}
