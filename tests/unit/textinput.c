#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/mem.h"
#include "formats/jsonarray.h"
#include "formats/textinput.h"
#include "formats/tokenizerjson.h"
#include "tap.h"

static struct err error;

/* --- an input that gives a few bytes at a time --- */

struct drip {
	struct input_source base;
	const char *bytes;
	size_t n, pos, step;
};

static ssize_t drip_read(struct input_source *source, void *p, size_t n, struct err *e)
{
	struct drip *d = (struct drip *)source;

	(void)e;
	n = n < d->step ? n : d->step;
	n = n < d->n - d->pos ? n : d->n - d->pos;
	memcpy(p, d->bytes + d->pos, n);
	d->pos += n;
	return (ssize_t)n;
}

static void drip_release(struct input_source *source)
{
	free(source);
}

static void open_drip(struct input *in, const char *bytes, size_t n, size_t step)
{
	struct drip *d = mem_array(1, sizeof *d, &error);

	*d = (struct drip){{.read = drip_read, .release = drip_release}, bytes, n, 0, step};
	if (input_open(in, "/dev/null", &error) || input_convert(in, &d->base, &error))
		abort();
}

/* The rest of the input, with room for size bytes at once, or NULL. */
static char *rest(struct input *in)
{
	char *text;
	int more;

	while ((more = input_fill(in, &error)) > 0)
		;
	if (more < 0)
		return NULL;
	text = mem_array(in->len - in->pos + 1, 1, &error);
	memcpy(text, in->buf + in->pos, in->len - in->pos);
	return text;
}

typedef int convert(struct input *in, struct err *e);

/* Convert bytes [n], of which step arrive at a time. The caller frees the result; NULL on error. */
static char *converted(convert *f, const char *bytes, size_t n, size_t step)
{
	struct input in;
	char *text = NULL;

	open_drip(&in, bytes, n, step);
	if (!f(&in, &error))
		text = rest(&in);
	input_close(&in);
	return text;
}

static void gives(convert *f, const char *what, const char *bytes, size_t n, const char *want)
{
	static const size_t steps[] = {1, 2, 3, 5, 1000};
	bool right = true;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		char *got = converted(f, bytes, n, steps[i]);

		if (!got || strcmp(got, want)) {
			diag("step %zu: %s", steps[i], got ? got : error.msg);
			right = false;
		}
		free(got);
	}
	ok(right, "%s", what);
}

static void refuses(convert *f, const char *what, const char *bytes, size_t n, const char *message)
{
	char *got = converted(f, bytes, n, 7);

	if (!ok(!got && strstr(error.msg, message), "%s", what))
		diag("%s", got ? got : error.msg);
	free(got);
}

#define BYTES(text) text, sizeof(text) - 1

/* --- encodings --- */

static void test_encodings(void)
{
	gives(textinput_convert, "textinput: UTF-8 stays", BYTES("a\xC3\xA9\n"), "a\xC3\xA9\n");
	gives(textinput_convert, "textinput: the byte order mark of UTF-8 is removed",
	    BYTES("\xEF\xBB\xBF"
	          "a\xEF\xBB\xBF"),
	    "a\xEF\xBB\xBF");
	gives(textinput_convert, "textinput: a part of a byte order mark stays", BYTES("\xEF\xBB"),
	    "\xEF\xBB");
	gives(textinput_convert, "textinput: an empty input stays empty", "", 0, "");
	gives(textinput_convert, "textinput: UTF-16, low byte first, becomes UTF-8",
	    BYTES("\xFF\xFE"
	          "a\0\xE9\0\xAC\x20\x3D\xD8\x00\xDE\n\0"),
	    "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n");
	gives(textinput_convert, "textinput: UTF-16, high byte first, becomes UTF-8",
	    BYTES("\xFE\xFF\0a\0\xE9\x20\xAC\xD8\x3D\xDE\x00\0\n"),
	    "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n");
	gives(textinput_convert,
	    "textinput: halves of surrogate pairs and an odd byte become U+FFFD",
	    BYTES("\xFE\xFF\xDE\x00\xD8\x3D\0a\xD8\x3D\xD8\x3D\xDE\x00\xD8\x3D\0"),
	    "\xEF\xBF\xBD\xEF\xBF\xBD"
	    "a\xEF\xBF\xBD\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD");
	gives(textinput_convert, "textinput: the largest code points of each length in UTF-8",
	    BYTES("\xFE\xFF\0\x7F\0\x80\x07\xFF\x08\x00\xFF\xFF\xD8\x00\xDC\x00\xDB\xFF\xDF\xFF"),
	    "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
}

/* --- compression --- */

/* Two frames with a skippable frame before and between them. */
static size_t compress(char *to, size_t room, const char *a, const char *b)
{
	static const char skippable[] = "\x50\x2A\x4D\x18\x03\0\0\0xyz";
	size_t n = 0;

	for (int i = 0; i < 2; i++) {
		const char *part = i ? b : a;

		memcpy(to + n, skippable, sizeof skippable - 1);
		n += sizeof skippable - 1;
		n += ZSTD_compress(to + n, room - n, part, strlen(part), 3);
	}
	return n;
}

static void test_compression(void)
{
	char packed[1000], twice[1000];
	size_t n = compress(packed, sizeof packed, "one\n", "two\n"), m, wrong = 0, whole;

	gives(textinput_convert, "textinput: zstd is decompressed", packed, n, "one\ntwo\n");
	whole = 11 + ZSTD_findFrameCompressedSize(packed + 11, n - 11);
	for (size_t cut = 12; cut < n; cut++) {
		char *got = converted(textinput_convert, packed, cut, 1000);

		/* Whole frames are a whole input, and so is a skippable frame. */
		wrong += (got != NULL) != (cut == whole || cut == whole + 11);
		if (got && cut != whole && cut != whole + 11)
			diag("cut at %zu: %s", cut, got);
		free(got);
	}
	ok(wrong == 0, "textinput: a zstd stream that is cut anywhere is refused");
	packed[11 + 6] ^= 0x40;
	refuses(textinput_convert, "textinput: a damaged zstd stream is refused", packed, n,
	    "/dev/null: corrupt at byte");
	n = compress(packed, sizeof packed,
	    "\xFF\xFE"
	    "a",
	    "b\xE9");
	gives(textinput_convert, "textinput: UTF-16 in zstd is converted", packed, n,
	    "\xE6\x89\xA1\xEF\xBF\xBD");
	m = ZSTD_compress(twice, sizeof twice, packed, n, 3);
	refuses(
	    textinput_convert, "textinput: zstd within zstd is refused", twice, m, "zstd twice");
	m = ZSTD_compress(twice, sizeof twice, BYTES("\x1F\x8B\x08"), 3);
	refuses(textinput_convert, "textinput: gzip within zstd is refused", twice, m,
	    "compressed with gzip");
}

/* --- arrays --- */

static int array(struct input *in, struct err *e)
{
	while (input_fill(in, e) > 0)
		;
	if (!jsonarray_begins(in->buf + in->pos, in->len - in->pos))
		return err_set(e, "no array");
	return jsonarray_convert(in, e);
}

/* The same, but the array arrives piece by piece. */
static int array_pieces(struct input *in, struct err *e)
{
	return input_fill(in, e) < 1 || jsonarray_convert(in, e) ? -1 : 0;
}

static void test_arrays(void)
{
#define ARRAY                                                                                      \
	" [ {\"a\":[1,{\"b\":\"],}\\\"\"}] } ,\r\n{\n\t\"c\": 2\n},3 x, {\"d\":\"\\\\\"}]\n[{}]\n"
#define LINES "{\"a\":[1,{\"b\":\"],}\\\"\"}] } \n{  \"c\": 2 }\n3 x\n{\"d\":\"\\\\\"}\n{}\n"
	gives(array, "jsonarray: each element of an array becomes a line", BYTES(ARRAY), LINES);
	gives(array_pieces, "jsonarray: the lines do not depend on how the bytes arrive", &ARRAY[1],
	    sizeof ARRAY - 2, LINES);
	gives(array, "jsonarray: each object over several lines becomes a line",
	    BYTES("{\n  \"a\": {\n    \"b\": \"}\" }\n}\n{\n}{\"c\":1}\n\n5\n{"),
	    "{   \"a\": {     \"b\": \"}\" } }\n{ }\n{\"c\":1}\n5\n{");
	gives(array, "jsonarray: an empty array has no line", BYTES("[ \n ]"), "");
	gives(array, "jsonarray: a line feed in a string does not end the line",
	    BYTES("[{\"a\n\":\"\\\n\"}]"), "{\"a\v\":\"\\\v\"}\n");
	refuses(array, "jsonarray: an array that does not end is refused", BYTES("[{},{}"),
	    "byte 7: a JSON array that does not end");
	refuses(array, "jsonarray: an array that ends in a comma is refused", BYTES("[{},"),
	    "byte 5: a JSON array that does not end");
	refuses(array, "jsonarray: an empty element is refused", BYTES("[{}, ,{}]"),
	    "byte 6: a JSON array with an empty element");
	refuses(array, "jsonarray: an empty last element is refused", BYTES("[{},]"),
	    "byte 5: a JSON array with an empty element");
	refuses(array, "jsonarray: text after the array is refused", BYTES("[{}]\n{}"),
	    "byte 6: more text after a JSON array");
	refuses(array, "jsonarray: JSON lines are no array", BYTES("{\"a\":1}\n"), "no array");
	refuses(array, "jsonarray: an array of strings is none of objects", BYTES("[\"a\"]"),
	    "no array");
	refuses(array, "jsonarray: white space is no array", BYTES(" \n"), "no array");
}

/* --- tokenizer.json --- */

static struct tokenizerjson tokenizer;

static int tokens(struct input *in, struct err *e)
{
	return tokenizerjson_convert(in, &tokenizer, e);
}

#define TOKENIZER(model, added, normalizer)                                                        \
	"{\"added_tokens\":[" added                                                                \
	"],\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":"                            \
	"true,\"handle_chinese_chars\":true," normalizer "},\"pre_tokenizer\":{\"type\":"          \
	"\"BertPreTokenizer\"},\"model\":{\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"  \
	"\"##\"," model "}}"
#define VOCAB                                                                                      \
	"\"type\":\"WordPiece\",\"max_input_chars_per_word\":100,\"vocab\":{\"b\":3,\"[UNK]\":0,"  \
	"\"##\\u00e9\":1}"
#define LOWER "\"lowercase\":true,\"strip_accents\":null"

static void refuses_tokenizer(const char *what, const char *json, const char *message)
{
	char title[128];

	snprintf(title, sizeof title, "tokenizerjson: %s is refused", what);
	refuses(tokens, title, json, strlen(json), message);
}

static void test_tokenizer(void)
{
	gives(tokens, "tokenizerjson: the tokens are in the order of their ids",
	    BYTES(TOKENIZER(VOCAB, "", LOWER)), "[UNK]\n##\xC3\xA9\n\nb\n");
	ok(!tokenizer.cased && !tokenizer.added[0], "tokenizerjson: lowercase true is uncased");
	gives(tokens, "tokenizerjson: an added token can have an id of its own",
	    BYTES(TOKENIZER("\"vocab\":{\"a\":0}",
	        "{\"id\":0,\"content\":\"a\"},{\"id\":1,\"content\":\"[PAD]\"},{\"id\":2,"
	        "\"content\":\"<x>\"}",
	        "\"lowercase\":false")),
	    "a\n[PAD]\n<x>\n");
	ok(tokenizer.cased, "tokenizerjson: lowercase false is cased");
	ok(!strcmp(tokenizer.added, "a"), "tokenizerjson: the first added token that is not a "
	                                  "special token is named");
	refuses_tokenizer("a tokenizer of another kind",
	    "{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}",
	    "model.type is BPE, expected WordPiece, as in BERT; or learn a vocabulary: tok "
	    "--learn");
	refuses_tokenizer("a tokenizer without a normalizer",
	    "{\"model\":{\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\"},"
	    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"normalizer\":null}",
	    "normalizer.type is missing, expected BertNormalizer");
	refuses_tokenizer("another limit of a word",
	    TOKENIZER("\"max_input_chars_per_word\":50,\"vocab\":{\"a\":0}", "", LOWER),
	    "model.max_input_chars_per_word is 50, expected 100");
	refuses_tokenizer("lower case with accents",
	    TOKENIZER(VOCAB, "", "\"lowercase\":true,\"strip_accents\":false"),
	    "normalizer.strip_accents is false, expected true");
	refuses_tokenizer("a cased tokenizer that strips accents",
	    TOKENIZER(VOCAB, "", "\"lowercase\":false,\"strip_accents\":true"),
	    "normalizer.strip_accents is true, expected false");
	refuses_tokenizer(
	    "a missing vocabulary", TOKENIZER("\"x\":1", "", LOWER), "no object model.vocab");
	refuses_tokenizer("an id that is no number",
	    TOKENIZER("\"vocab\":{\"a\":\"0\"}", "", LOWER), "token 'a': its id is not a number");
	refuses_tokenizer("an id that is too large",
	    TOKENIZER("\"vocab\":{\"a\":16777216}", "", LOWER),
	    "its id is not a number below 16777216");
	refuses_tokenizer(
	    "a negative id", TOKENIZER("\"vocab\":{\"a\":-1}", "", LOWER), "its id is");
	refuses_tokenizer("an id of two tokens",
	    TOKENIZER("\"vocab\":{\"a\":0,\"b\":0}", "", LOWER),
	    "tokens 'a' and 'b' have the same id, 0");
	refuses_tokenizer("a token with a line end",
	    TOKENIZER("\"vocab\":{\"a\\nb\":0}", "", LOWER),
	    "token 0: is empty or contains a line end");
	refuses_tokenizer("an added token without a text", TOKENIZER(VOCAB, "{\"id\":4}", LOWER),
	    "added_tokens: entry 0 has no id or no content");
	refuses_tokenizer(
	    "a file that is cut short", "{\"model\":{", "byte 11: not JSON: unexpected end");
}

int main(void)
{
	test_encodings();
	test_compression();
	test_arrays();
	test_tokenizer();
	return tap_done();
}
