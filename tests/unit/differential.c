/*
 * The fast paths compared with the simple ones: ASCII words with words.h, and common JSON lines
 * with json-c. EXECUTIONS in the environment sets the number of each, by default 60,000; "make
 * fuzz-tok" runs millions.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/story_test.h"
#include "base/rng.h"
#include "tap.h"
#include "text/learn.h"
#include "text/unicode.h"
#include "text/vocab.h"
#include "text/wordpiece.h"

static struct err error;

static uint32_t executions(void)
{
	const char *text = getenv("EXECUTIONS");
	unsigned long n = text ? strtoul(text, NULL, 10) : 0;

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 60000;
}

/* --- words --- */

enum { ROOM = 512 };

/* Append a special case, any code point, or any byte. */
static size_t random_part(uint32_t round, uint32_t i, char *to)
{
	static const char *const part[] = {"un", "aff", "able", "want", "ed", "runn", "ing", "a",
	    "b", "ab", " ", " ", "  ", "\n", "\r\n", "\t", ",", ".", "[", "]", "[CLS]", "[SEP]",
	    "[PAD", "[MASK]", "[UNK]", "A", "Ab", "WANT", "##", "7", "\xE5\x8D\x9A", "\xCC\x81",
	    "\xC3\xA9", "\xC3\xB8", "\xE2\x80\x8B", "\xFF", "\xE5\x8D", "\x01", "\x7F",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "verylongwordindeed", "abababababababab",
	    "\xC2\xA0", "\xF0\x9D\x85\xAD", "\xE3\x80\xAE", "\xE2\x89\xA0", "\xEF\xBF\xBD"};
	uint64_t kind = rng_below(1, RNG_TEST, round, i, 12), r;
	const char *p;

	if (kind == 0) {
		*to = (char)rng_below(2, RNG_TEST, round, i, 256);
		return 1;
	}
	if (kind == 1) {
		r = rng_below(2, RNG_TEST, round, i, 4);
		r = rng_below(3, RNG_TEST, round, i, r ? 0x3000 : UNICODE_COUNT);
		return unicode_encode((uint32_t)r, (unsigned char *)to);
	}
	p = part[rng_below(2, RNG_TEST, round, i, sizeof part / sizeof part[0])];
	memcpy(to, p, strlen(p));
	return strlen(p);
}

static size_t random_text(uint32_t round, char *text)
{
	size_t n = 0;
	uint64_t parts = rng_below(4, RNG_TEST, round, 0, 40);

	for (uint32_t i = 0; i < parts && n + 64 <= ROOM; i++)
		n += random_part(round, i, text + n);
	if (n > 0 && rng_below(5, RNG_TEST, round, 0, 8) == 0)
		text[0] = '\0';
	return n;
}

static struct vocab *vocab_of(const char *bytes, size_t n)
{
	char path[] = "/tmp/cdcd-vocab.XXXXXX";
	int fd = mkstemp(path);
	struct vocab *v = NULL;

	if (fd >= 0 && write(fd, bytes, n) == (ssize_t)n)
		v = vocab_open(path, &error);
	close(fd);
	unlink(path);
	return v;
}

/* A vocabulary of such texts, so that many words have pieces. */
static struct vocab *learnt(bool cased)
{
	enum { TEXTS = 2000 };
	struct learner *l = learner_new(cased, &error);
	struct learned learned;
	struct vocab *v = NULL;

	for (uint32_t round = 0; round < TEXTS; round++) {
		char text[ROOM];

		learner_add(l, text, random_text(round, text), &error);
	}
	if (!learner_finish(l,
	        &(struct learn_options){.cased = cased, .size = 3000, .alphabet = 500}, &learned,
	        &error)) {
		v = vocab_of(learned.text, learned.n);
		free(learned.text);
		if (v && vocab_set_cased(v, cased, &error)) {
			vocab_free(v);
			v = NULL;
		}
	}
	learner_free(l);
	return v;
}

/* The marks that NFD reorders begin at U+1B44; without them, tokens are in the order of the text.
 */
static bool in_order(const struct wordpiece_spans *spans, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] >= 0xE1)
			return true;
	for (size_t i = 1; i < spans->n; i++)
		if (spans->span[i].begin < spans->span[i - 1].begin)
			return false;
	return true;
}

struct ways {
	struct wordpiece *wordpiece;
	struct wordpiece_encoder *encoder;
	struct wordpiece_ids ids;
	struct wordpiece_spans spans;
	bool cased;
};

static bool agree(struct ways *w, const char *text, size_t n)
{
	w->ids.n = w->spans.n = 0;
	if (wordpiece_encode(w->encoder, text, n, &w->ids, &error) ||
	    wordpiece_trace(w->wordpiece, text, n, &w->spans, &error) || w->ids.n != w->spans.n)
		return false;
	for (size_t i = 0; i < w->ids.n; i++) {
		const struct wordpiece_span *span = &w->spans.span[i];

		if (w->ids.id[i] != span->id || span->begin >= span->end || span->end > n)
			return false;
	}
	return w->cased || in_order(&w->spans, text, n);
}

static void test_words(
    const char *name, bool cased, const struct wordpiece_options *o, uint32_t rounds)
{
	struct vocab *v = learnt(cased);
	struct ways w = {.cased = cased};
	uint32_t wrong = 0;
	uint64_t tokens = 0;

	if (!ok(v != NULL, "wordpiece, %s: the vocabulary has %u tokens", name, v ? v->size : 0))
		return;
	w.wordpiece = wordpiece_new(v, o, &error);
	w.encoder = wordpiece_encoder_new(w.wordpiece, &error);
	for (uint32_t round = 0; round < rounds; round++) {
		char text[ROOM], *exact;
		size_t n = random_text(round, text);

		exact = malloc(n ? n : 1); /* so that AddressSanitizer finds a read beyond it */
		memcpy(exact, text, n);
		if (!agree(&w, exact, n) && wrong++ < 5)
			diag("text %u", round);
		tokens += w.ids.n;
		free(exact);
	}
	ok(wrong == 0 && tokens > rounds,
	    "wordpiece, %s: both algorithms agree on %u texts of %llu tokens (%u differences)",
	    name, rounds, (unsigned long long)tokens, wrong);
	free(w.ids.id);
	free(w.spans.span);
	wordpiece_encoder_free(w.encoder);
	wordpiece_free(w.wordpiece);
	vocab_free(v);
}

/* --- JSON --- */

/* Make a line, damaged in up to three places. */
static size_t random_line(uint32_t round, char *line)
{
	static const char *const seed[] = {
	    "{\"story\":\"a\\nb\\u00e9\\ud83d\\ude00 c\"}",
	    "{ \"source\" : \"x\\\"y\", \"text\":\"one\" , \"n\":12}",
	    "{\"story\":\"\", \"a\":true,\"text\":\"z\\\\\",\"b\":null}",
	    "{\"story\":\"a line of more than 16 bytes, and of 32 \xC3\xA9\"}\r",
	    "{\"o\":{\"story\":[1,\"x\"]},\"story\":\"y\",\"n\":-1.5e3}",
	    "{\"a\":NaN,\"text\":\"\",\"b\":[0.5,01,-.5,1.]}",
	};
	static const char byte[] = "\"\\{}:,u0dDcC8 \t\r'1truefalsn[]x\xC3\xA9\x01/-+.e";
	size_t n;
	uint64_t edits = rng_below(6, RNG_TEST, round, 0, 4);

	strcpy(line, seed[round % (sizeof seed / sizeof seed[0])]);
	n = strlen(line);
	for (uint32_t i = 1; i <= edits; i++) {
		size_t at = (size_t)rng_below(7, RNG_TEST, round, i, n);
		char new = byte[rng_below(8, RNG_TEST, round, i, sizeof byte)];

		switch (rng_below(9, RNG_TEST, round, i, 3)) {
		case 0:
			line[at] = new;
			break;
		case 1:
			memmove(line + at, line + at + 1, n - at);
			n -= n > 1;
			break;
		default:
			memmove(line + at + 1, line + at, n - at);
			line[at] = new;
			n++;
		}
	}
	return n;
}

static void test_json(uint32_t rounds)
{
	struct story_parser *fast = story_parser_new(STORY_JSON, NULL, &error);
	struct story_parser *slow = story_parser_new(STORY_JSON, NULL, &error);
	uint32_t wrong = 0, good = 0;

	story_parser_slow(slow);
	for (uint32_t round = 0; round < rounds; round++) {
		char line[128], *exact;
		size_t n = random_line(round, line);
		struct story_block block = {NULL, n, 1, false};
		struct story a = {0}, b = {0};
		struct err ea = {0}, eb = {0};
		enum story_result ra, rb;

		exact = malloc(n);
		block.data = memcpy(exact, line, n);
		story_start(fast, "test", &block);
		story_start(slow, "test", &block);
		ra = story_next(fast, &a, &ea);
		rb = story_next(slow, &b, &eb);
		good += ra == STORY_OK;
		if ((ra != rb || (ra == STORY_OK ? a.n != b.n || memcmp(a.text, b.text, a.n) != 0
		                                 : strcmp(ea.msg, eb.msg) != 0)) &&
		    wrong++ < 5)
			diag("%.*s: %d %s and %d %s", (int)n, line, ra, ea.msg, rb, eb.msg);
		free(exact);
	}
	ok(wrong == 0 && good > rounds / 10 && good < rounds,
	    "story: both JSON parsers agree on %u lines, %u of them valid (%u differences)", rounds,
	    good, wrong);
	story_parser_free(fast);
	story_parser_free(slow);
}

int main(void)
{
	static const struct wordpiece_options plain, literal = {.literal = true};
	uint32_t n = executions();

	test_words("plain", false, &plain, n / 3 + n % 3);
	test_words("cased", true, &plain, n / 3);
	test_words("literal", false, &literal, n / 3);
	test_json(n);
	return tap_done();
}
