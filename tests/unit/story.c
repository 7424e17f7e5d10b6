#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/story_test.h"
#include "base/ordered.h"
#include "base/rng.h"
#include "tap.h"

static struct err error;

/* The documents of text, each in angle brackets; "!" for a bad line. */
static void documents(
    enum story_form form, const char *field, const char *text, size_t n, bool slow, char *got)
{
	struct story_parser *p = story_parser_new(form, field, &error);
	struct story_block block = {text, n, 1, false};
	struct story story;
	enum story_result result;

	if (slow)
		story_parser_slow(p);
	story_start(p, "test", &block);
	*got = '\0';
	while ((result = story_next(p, &story, &error)) > 0) {
		if (result == STORY_BAD) {
			strcat(got, "!");
			continue;
		}
		got += strlen(got);
		*got++ = '<';
		for (size_t i = 0; i < story.n; i++)
			*got++ = story.text[i] ? story.text[i] : '0';
		strcpy(got, ">");
	}
	story_parser_free(p);
}

static void are(enum story_form form, const char *field, const char *text, const char *want)
{
	char got[1024], slow[1024];

	documents(form, field, text, strlen(text), false, got);
	documents(form, field, text, strlen(text), true, slow);
	if (!ok(!strcmp(got, want) && !strcmp(slow, want), "story: the documents are %s", want))
		diag("got %s and %s", got, slow);
}

static void test_json(void)
{
	are(STORY_JSON, NULL,
	    "{\"story\":\"a\"}\n{\"text\": \"b\"}\r\n { \"x\":1 , \"story\" : \"c\" } ",
	    "<a><b><c>");
	are(STORY_JSON, NULL, "{\"text\":\"a\",\"story\":\"b\",\"text\":\"c\"}\n", "<b>");
	are(STORY_JSON, NULL, "{\"story\":\"a\",\"story\":\"b\"}\n{\"story\":\"a\",\"story\":1}\n",
	    "<b>!");
	are(STORY_JSON, "text", "{\"story\":\"a\",\"text\":\"b\"}\n{\"story\":\"a\"}\n", "<b>!");
	are(STORY_JSON, "a\"b", "{\"a\\\"b\":\"c\"}\n{\"a\\u0022b\":\"d\"}", "<c><d>");
	are(STORY_JSON, NULL,
	    "{\"story\":\"\\u0000\\\"\\\\\\/\\u00e9\\ud83d\\ude00\\ud83dx\\udE00\"}",
	    "<0\"\\/\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBDx\xEF\xBF\xBD>");
	are(STORY_JSON, NULL, "{\"s\":[{\"story\":\"x\"}],\"story\":\"\",\"z\":-1.5e3}\n", "<>");
	are(STORY_JSON, NULL, "{\"a\":true,\"b\":null,\"c\":false,\"d\":12,\"story\":\"x\"}\n",
	    "<x>");
	are(STORY_JSON, NULL,
	    "\n  \n[]\n1\n\r\n{}\n{\"story\":null}\n{\"story\":\"a\"} x\n{\"story\":\"a", "!!!!!!");
	are(STORY_JSON, NULL,
	    "{\"story\":\"a\tb\"}\n{'story':'a'}\n{\"story\":\"\\x\"}\n{\"story\":\"a\",}\n",
	    "!!!!");
	are(STORY_JSON, NULL,
	    "{\"story\":\"\\u12G4\"}\n{\"story\":\"a\",\"b\":tru}\n{\"story\":\"a\",\"b\":01}\n",
	    "!!!");
	are(STORY_JSON, NULL,
	    "{\"story\":\"a\",\"b\":NaN}\n{\"story\":\"a\",\"b\":-Infinity}\n{\"story\":\"a\","
	    "\"b\":.5}\n"
	    "{\"story\":\"a\",\"b\":1.}\n{\"story\":\"a\",\"b\":-01.5}\n{\"story\":\"a\",\"b\":1e+}"
	    "\n"
	    "{\"story\":\"a\",\"b\":[0,-0.5E+10,1e5,-7]}\n",
	    "!!!!!!<a>");
	are(STORY_JSON, NULL, "{\"story\":\"\\ud83d\n{\"story\":\"\\u0041\",\"x\":[]}", "!<A>");
	are(STORY_JSON, NULL, "", "");
	are(STORY_JSON, NULL, "\n{\"text\":\"a\"}\n \t\r\n\n{\"text\":\"b\"}\n\n", "<a><b>");
	are(STORY_JSON, "a.b", "{\"a\":{\"b\":\"x\"}}\n{\"a.b\":\"y\",\"a\":{\"b\":\"z\"}}\n",
	    "<x><y>");
	are(STORY_JSON, "a.b", "{\"a\":\"b\"}\n{\"a\":{\"b\":1}}\n{\"b\":\"x\"}\n{\"a\":[\"b\"]}\n",
	    "!!!!");
	are(STORY_JSON, "a.b.c",
	    "{\"a\":{\"b\":{\"c\":\"x\"}}}\n{\"a.b\":{\"c\":\"y\"}}\n{\"a\":{\"b.c\":\"z\"}}\n",
	    "<x><y><z>");
}

static void message(const char *line, const char *want)
{
	char got[1024];

	documents(STORY_JSON, NULL, line, strlen(line), false, got);
	if (!ok(!strcmp(error.msg, want), "story: the message is %s", want))
		diag("got %s", error.msg);
}

static void test_messages(void)
{
	message("{\"story\":\"a\"}\n{\"story\":\"a\\x\"}",
	    "test: line 2, byte 13: not JSON: an unknown escape in a string");
	message("{\"story\":\"a\"", "test: line 1, byte 13: not JSON: unexpected end");
	message("once upon",
	    "test: line 1, byte 1: not a JSON object; for plain text use --lines or --text");
	message("[1]",
	    "test: line 1, byte 1: a JSON array, expected an object with a story; convert "
	    "it with jq -c '.[]'");
	message("null", "test: line 1, byte 1: a JSON null, expected an object with a story");
	message("12", "test: line 1, byte 1: a JSON number, expected an object with a story");
	message("true", "test: line 1, byte 1: a JSON boolean, expected an object with a story");
	message(" \"a\"", "test: line 1, byte 2: a JSON string, expected an object with a story; "
	                  "convert it with jq -c '{text:.}'");
	message("12 little pigs",
	    "test: line 1, byte 1: not a JSON object; for plain text use --lines or --text");
	message("\"No,\" she said",
	    "test: line 1, byte 1: not a JSON object; for plain text use --lines or --text");
	message("true love",
	    "test: line 1, byte 1: not a JSON object; for plain text use --lines or --text");
	message("{\"a\":1}", "test: line 1, byte 1: no field 'story' or 'text', and no other text");
	message("\n\n  {}", "test: line 3, byte 3: no field 'story' or 'text', and no other text");
	message("{\"a\":{\"b\":{\"c\":\"x\"},\"d\":1},\"e\":\"y\"}",
	    "test: line 1, byte 1: no field 'story' or 'text'; name one with --field: a.b.c, e");
	message("{\"text\":1}", "test: line 1, byte 9: field 'text' is not a string but int");
	message("{\"a\":{\"text\":2},\"b\":\"text\",\"te\\u0078t\" : [\"text\"]}",
	    "test: line 1, byte 42: field 'text' is not a string but array");
	message("{\"text\":\"\"}\n{\"text\":1}\n",
	    "test: line 2, byte 9: field 'text' is not a string but int");
	message(
	    "{\"text\":\"a\",\"b\":-01}", "test: line 1, byte 17: not JSON: a malformed number");
	message("{\"b\":NaN}", "test: line 1, byte 6: not JSON: NaN or Infinity");
	message("{\"text\":'a'}",
	    "test: line 1, byte 9: not JSON: a single quote, expected a double quote");
	message("{\"story\":\"a\nb\"}",
	    "test: line 2, byte 1: not a JSON object; for plain text use --lines or --text");
	message("{\"story\":\"a\x01\"}",
	    "test: line 1, byte 12: not JSON: a control character in a string");
}

static void test_plain(void)
{
	are(STORY_LINES, NULL, "a b\n\nc", "<a b><><c>");
	are(STORY_LINES, NULL, "\n", "<>");
	are(STORY_TEXT, NULL, "a\nb<|endoftext|>\nc<|endoftext|>\n \n", "<a\nb><\nc>");
	are(STORY_TEXT, NULL, "<|endoftext|>x", "<><x>");
	are(STORY_TEXT, NULL, "a<|endoftext|", "<a<|endoftext|>");
	are(STORY_TEXT, NULL, " \n", "");
}

/* The documents do not depend on how the bytes arrive and how large the blocks are. */
static void test_blocks(enum story_form form, const char *name, const char *sep, size_t most)
{
	char path[] = "/tmp/cdcd-story.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct story_parser *p = story_parser_new(form, NULL, &error);
	struct story_input in;
	struct story_block block;
	struct story story;
	uint32_t i = 0, wrong = 0, blocks = 0;
	enum { DOCUMENTS = 400 };

	for (uint32_t d = 0; d < DOCUMENTS; d++) {
		fprintf(f, "%s%u:", form == STORY_JSON ? "{\"story\":\"" : "", d);
		for (uint64_t n = rng_below(9, RNG_TEST, d, 0, most); n > 0; n--)
			putc('a' + (int)(n % 26), f);
		fputs(sep, f);
	}
	fclose(f);
	ok(!story_open(&in, path, form, &error), "story_block, %s: the file is opened", name);
	while (story_block(&in, &block, &error) > 0) {
		blocks++;
		story_start(p, name, &block);
		while (story_next(p, &story, &error) == STORY_OK) {
			uint64_t n = rng_below(9, RNG_TEST, i, 0, most);

			wrong += (uint32_t)strtoul(story.text, NULL, 10) != i ||
			         story.n != n + (form == STORY_TEXT) +
			                        (size_t)snprintf(NULL, 0, "%u:", i) ||
			         story.line != i + 1;
			i++;
		}
	}
	ok(i == DOCUMENTS && wrong == 0 && blocks > 1,
	    "story_block, %s: %u documents of up to %zu bytes in %u blocks, %u wrong", name, i,
	    most, blocks, wrong);
	story_close(&in);
	story_parser_free(p);
	unlink(path);
}

/* --- ordered --- */

struct sum {
	uint32_t n;
	uint64_t sum;
};

static void add_up(void *arg)
{
	struct sum *s = arg;

	s->sum = 0;
	for (uint32_t i = 0; i < s->n % 1000; i++)
		s->sum += rng_u64(s->n, RNG_TEST, i, 0);
	usleep(s->n % 7 == 0 ? 200 : 0);
}

static void take(struct ordered *o, uint32_t *next, int *wrong)
{
	struct sum *s = ordered_oldest(o), again;

	again = *s;
	add_up(&again);
	*wrong += s->n != (*next)++ || s->sum != again.sum;
	ordered_release(o);
}

static void test_ordered(int threads)
{
	enum { JOBS = 500, SLOTS = 7 };
	struct sum sums[SLOTS], *s;
	void *slots[SLOTS];
	uint32_t next = 0;
	int wrong = 0;
	struct ordered *o;

	for (int i = 0; i < SLOTS; i++)
		slots[i] = &sums[i];
	o = ordered_new(threads, slots, SLOTS, add_up, &error);
	for (uint32_t n = 0; n < JOBS; n++) {
		while (!(s = ordered_free(o)))
			take(o, &next, &wrong);
		s->n = n;
		ordered_submit(o);
	}
	while (ordered_oldest(o))
		take(o, &next, &wrong);
	ok(next == JOBS && wrong == 0, "ordered: %d threads return %u jobs in order, %d wrong",
	    threads, next, wrong);
	ordered_end(o);
}

int main(void)
{
	test_json();
	test_messages();
	test_plain();
	test_blocks(STORY_JSON, "json", "\"}\n", 9000);
	test_blocks(STORY_LINES, "lines", "\n", 9000);
	test_blocks(STORY_TEXT, "text", "\n<|endoftext|>", 9000);
	test_blocks(STORY_LINES, "long lines", "\n", 100000);
	test_ordered(1);
	test_ordered(2);
	test_ordered(5);
	return tap_done();
}
