#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/io.h"
#include "tap.h"
#include "text/detokenize.h"
#include "text/learn.h"
#include "text/unicode.h"
#include "text/vocab.h"
#include "text/wordpiece.h"
#include "text/words.h"

static struct err error;

/* --- unicode --- */

/* The XXH64 of all entries of the table. */
static void test_table(void)
{
	for (int cased = 0; cased < 2; cased++) {
		static const uint64_t want[] = {0x505f55e5320ab2b5, 0x8a872b78a20ddf6f};
		struct unicode *u = unicode_new(cased, &error);
		uint64_t hash = 0;

		if (!ok(u != NULL, "unicode: the table is made"))
			return;
		for (uint32_t c = 0; c < UNICODE_COUNT; c++) {
			uint32_t parts[8] = {u->entry[c]};
			size_t n = 1;

			if (unicode_kind(u->entry[c]) == UNICODE_MULTI) {
				n = unicode_class(u->entry[c]);
				memcpy(parts, unicode_parts(u, u->entry[c]), n * sizeof *parts);
			}
			hash = XXH64(parts, n * sizeof *parts, hash);
		}
		if (!ok(hash == want[cased], "unicode, %s: the table is that of the reference",
		        cased ? "cased" : "uncased"))
			diag("got 0x%016llx", (unsigned long long)hash);
		unicode_free(u);
	}
}

static void test_utf8(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *parts; /* their lengths */
	} bad[] = {
	    {"\xC0\xAF", 2, "11"},                           /* overlong */
	    {"\xE0\x80\xAF", 3, "111"},                      /* the same */
	    {"\xED\xA0\x80", 3, "111"},                      /* a surrogate */
	    {"\xF4\x90\x80\x80", 4, "1111"},                 /* beyond U+10FFFF */
	    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF", 8, "2132"}, /* Unicode, table 3-11 */
	    {"\xF0\x9F\x98", 3, "3"},                        /* cut */
	    {"\x80\xFF", 2, "11"},
	};
	uint32_t code;
	int wrong = 0;

	for (uint32_t c = 0; c < UNICODE_COUNT; c++) {
		unsigned char bytes[4];
		size_t n;

		if (c >= 0xD800 && c < 0xE000)
			continue;
		n = unicode_encode(c, bytes);
		wrong += unicode_decode(bytes, n, &code) != n || code != c ||
		         unicode_valid(bytes, n) != n;
	}
	ok(wrong == 0, "UTF-8: every scalar value is encoded and decoded");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const unsigned char *p = (const unsigned char *)bad[i].bytes;
		size_t at = 0, part = 0;
		bool same = unicode_valid(p, bad[i].n) == 0;

		while (at < bad[i].n) {
			size_t length = unicode_decode(p + at, bad[i].n - at, &code);

			same = same && code == UNICODE_REPLACEMENT &&
			       bad[i].parts[part++] == (char)('0' + length);
			at += length;
		}
		ok(same, "UTF-8: ill-formed sequence %zu is split into maximal subparts", i);
	}
}

/* --- words --- */

static void split_is(const struct unicode *u, const char *text, const char *want)
{
	struct words words = {u, (const unsigned char *)text, strlen(text), 0, 0};
	struct word word;
	char got[512];
	size_t n = 0;

	while (words_next(&words, &word))
		n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", n ? "|" : "",
		    word.too_long ? 1 : (int)word.n,
		    word.too_long ? "*" : (const char *)word.bytes);
	got[n] = '\0';
	if (!ok(!strcmp(got, want), "words: the words are '%s'", want))
		diag("got '%s'", got);
}

static void test_words(void)
{
	struct unicode *u = unicode_new(false, &error), *cased = unicode_new(true, &error);
	char longest[102];

	split_is(u, " \tHeLLo!how\r\n Are yoU?  ", "hello|!|how|are|you|?");
	split_is(u, "H\xC3\xA9llo e\xCC\x81 \xC3\x85ngstr\xC3\xB6m", "hello|e|angstrom");
	split_is(cased, "H\xC3\xA9llo e\xCC\x81", "H\xC3\xA9llo|e\xCC\x81");
	split_is(u, "ah\xE5\x8D\x9A\xE6\x8E\xA8zz", "ah|\xE5\x8D\x9A|\xE6\x8E\xA8|zz");
	split_is(u,
	    "a\x01"
	    "b\xE2\x80\x8B"
	    "c\xEF\xBF\xBD"
	    "d\xFF"
	    "e\x7F"
	    "f",
	    "abcdef");
	split_is(u,
	    "a\xE2\x80\xA8"
	    "b\xC2\xA0"
	    "c\xE3\x80\x80"
	    "d",
	    "a|b|c|d");
	split_is(u, "\xE2\x89\xA0", "=");                                    /* = and a mark */
	split_is(u, "\xEA\xB0\x81", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8"); /* Hangul, to jamo */
	split_is(u, "\xCE\xA3\xCE\x91\xCE\xA3", "\xCF\x83\xCE\xB1\xCF\x83"); /* no final sigma */
	split_is(u, "\xC4\xB0", "i");
	/* U+1D16D (class 226) and U+302E (224) change places, but not across U+034F (0). */
	split_is(u, "x\xF0\x9D\x85\xAD\xE3\x80\xAE", "x\xE3\x80\xAE\xF0\x9D\x85\xAD");
	split_is(u, "x\xF0\x9D\x85\xAD\xCD\x8F\xE3\x80\xAE", "x\xF0\x9D\x85\xAD\xE3\x80\xAE");
	split_is(u, "", "");
	split_is(u, " \xCC\x81\xC2\x85 ", "");
	memset(longest, 'A', 100);
	longest[100] = longest[101] = '\0';
	memset(longest, 'a', 100);
	split_is(u, longest, longest);
	longest[100] = 'a';
	split_is(u, longest, "*");
	unicode_free(u);
	unicode_free(cased);
}

/* --- vocabularies --- */

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

static struct vocab *vocab_string(const char *text)
{
	return vocab_of(text, strlen(text));
}

#define SMALLEST "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\n"

static void test_vocab(void)
{
	static const char plain[] = SMALLEST, marked[] = SMALLEST "\0cased";
	struct vocab *v = vocab_string(plain);
	struct vocab *flawed = vocab_string("\xEF\xBB\xBF[PAD]\r\n[UNK]\n\nun\nun\n[CLS]");
	char text[128];
	size_t length;

	ok(v && v->size == 8 && vocab_find(v, "##aff", 5) == 6 &&
	        vocab_find(v, "aff", 3) == VOCAB_NONE,
	    "vocabulary: tokens are found");
	ok(v && v->hash == XXH64(plain, strlen(plain), 0),
	    "vocabulary: the hash is that of the file");
	ok(v && !vocab_set_cased(v, true, &error) && v->cased &&
	        v->hash == XXH64(marked, sizeof marked - 1, 0),
	    "vocabulary: the hash with --cased is that of the file and a mark");
	ok(v && !vocab_set_cased(v, false, &error) && !v->cased &&
	        v->hash == XXH64(plain, strlen(plain), 0),
	    "vocabulary: without --cased the hash is again that of the file");
	ok(v && vocab_longest(v, true, (const unsigned char *)"affable", 7, &length) == 6 &&
	        length == 3 &&
	        vocab_longest(v, false, (const unsigned char *)"affable", 7, &length) == VOCAB_NONE,
	    "vocabulary: the longest token is found");
	for (int i = 0; i < VOCAB_DEFECTS; i++)
		ok(v && !vocab_defect(v, i, text, sizeof text),
		    "vocabulary: defect %d is absent in a correct file", i);
	ok(flawed && flawed->defects.bom && flawed->defects.crlf == 1 &&
	        flawed->defects.empty == 1 && flawed->defects.duplicates == 1 &&
	        flawed->defects.first_duplicate == 5 &&
	        flawed->defects.missing == (1u << VOCAB_SEP | 1u << VOCAB_MASK),
	    "vocabulary: every defect is found");
	ok(flawed && flawed->size == 6 && vocab_find(flawed, "un", 2) == 4 &&
	        flawed->special[VOCAB_PAD] == 0,
	    "vocabulary: the last of duplicates counts, and ids are line numbers");
	for (int i = 0; i < VOCAB_DEFECTS; i++)
		if (vocab_defect(flawed, i, text, sizeof text))
			diag("%s", text);
	ok(!vocab_of("", 0) && strstr(error.msg, "empty"),
	    "vocabulary: an empty file is refused: %s", error.msg);
	ok(!vocab_of("a\nb\xFF\n", 5) && strstr(error.msg, "line 2"),
	    "vocabulary: invalid UTF-8 is refused: %s", error.msg);
	ok(!vocab_of("a\nb\0c\n", 6) && strstr(error.msg, "line 2"),
	    "vocabulary: a NUL byte is refused: %s", error.msg);
	ok(!vocab_open("/nowhere/vocab.txt", &error), "vocabulary: a missing file is an error: %s",
	    error.msg);
	vocab_free(v);
	vocab_free(flawed);
}

/* Whether vocab_parse refuses the text [n] with this message. */
static bool refuses_text(const char *text, size_t n, const char *message)
{
	struct vocab *v = vocab_parse(text, n, "stream", &error);

	vocab_free(v);
	return !v && strstr(error.msg, message) && strstr(error.msg, "stream");
}

static void test_vocab_text(void)
{
	/* Two marks and two CRs: a file loses one of each, a text none. */
	struct vocab *v = vocab_string("\xEF\xBB\xBF\xEF\xBB\xBF[PAD]\r\r\n[UNK]\n\nun\nun");
	static const char want[] = "\xEF\xBB\xBF[PAD]\r\n[UNK]\n\nun\nun\n\0cased";
	size_t n = 0;
	char *text = v && !vocab_set_cased(v, true, &error) ? vocab_text(v, &n, &error) : NULL;
	struct vocab *again = text ? vocab_parse(text, n, "stream", &error) : NULL;

	ok(text && n == sizeof want - 1 && !memcmp(text, want, n),
	    "vocab_text: the tokens, and the mark of a vocabulary with case");
	ok(again && again->hash == v->hash && again->hash == XXH64(want, n, 0) && again->cased,
	    "vocab_parse: the vocabulary has the same hash");
	ok(again && again->size == v->size && again->defects.duplicates == 1 &&
	        vocab_find(again, "un", 2) == 4 && again->special[VOCAB_UNK] == 1 &&
	        again->special[VOCAB_PAD] == VOCAB_NONE,
	    "vocab_parse: the tokens have the same ids");
	vocab_free(again);
	again = text ? vocab_parse(text, n - 6, "stream", &error) : NULL;
	ok(again && !again->cased && again->hash == XXH64(want, n - 6, 0),
	    "vocab_parse: without the mark, the vocabulary is one without case");
	vocab_free(again);
	free(text);
	vocab_free(v);
	ok(refuses_text("a\nb", 3, "no line feed"), "vocab_parse: a cut text is refused: %s",
	    error.msg);
	ok(refuses_text("a\n\0case", 7, "no line feed"), "vocab_parse: a cut mark is refused: %s",
	    error.msg);
	ok(refuses_text("a\nb\0\n", 5, "line 2"), "vocab_parse: a NUL byte is refused: %s",
	    error.msg);
	ok(refuses_text("a\nb\xFF\n", 5, "line 2"), "vocab_parse: invalid UTF-8 is refused: %s",
	    error.msg);
	ok(refuses_text("", 0, "empty"), "vocab_parse: an empty text is refused: %s", error.msg);
	ok(refuses_text("\0cased", 6, "empty"), "vocab_parse: a mark alone is refused: %s",
	    error.msg);
}

/* --- WordPiece --- */

static const char small[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    "un\n##aff\n##able\nwant\n##want\n##ed\nrunn\n##ing\n,\n.\n[\n]\na\nb\nab\n"
    "##a\n##b\n##ab\ncls\nsep\nverylongwordindeed\n\xE5\x8D\x9A\n##\xC3\xB8\nA\n";

static void encodes(const struct vocab *v, const struct wordpiece_options *o, const char *text,
    size_t n, const char *want)
{
	struct wordpiece *wp = wordpiece_new(v, o, &error);
	struct wordpiece_encoder *encoder = wordpiece_encoder_new(wp, &error);
	struct wordpiece_ids ids = {0};
	char got[1024] = "";
	size_t used = 0;

	wordpiece_encode(encoder, text, n, &ids, &error);
	for (size_t i = 0; i < ids.n && used + 32 < sizeof got; i++) {
		size_t length;
		const char *token = vocab_token(v, ids.id[i], &length);

		used += (size_t)snprintf(
		    got + used, sizeof got - used, "%s%.*s", i ? " " : "", (int)length, token);
	}
	if (!ok(!strcmp(got, want), "wordpiece: the tokens are %s", want))
		diag("got %s", got);
	free(ids.id);
	wordpiece_encoder_free(encoder);
	wordpiece_free(wp);
}

static void test_wordpiece(void)
{
	const struct wordpiece_options plain = {0}, literal = {.literal = true};
	struct vocab *v = vocab_string(small), *no_unk = vocab_string("a\nb\n");
	struct wordpiece *wp = wordpiece_new(no_unk, &plain, &error);
	struct wordpiece_encoder *encoder = wordpiece_encoder_new(wp, &error);
	struct wordpiece_ids ids = {0};
	char many[202];

	encodes(v, &plain, "UNaffABLE, unwanted RUNNING.", 28,
	    "un ##aff ##able , un ##want ##ed runn ##ing .");
	encodes(v, &plain, "un[CLS]un [sep]", 15, "un [CLS] un [ sep ]");
	encodes(v, &literal, "un[CLS]un", 9, "un [ cls ] un");
	encodes(v, &plain, "[[PAD][CLS", 10, "[ [PAD] [ cls");
	encodes(v, &plain, "x un\0want", 9, "[UNK] un ##want");
	vocab_set_cased(v, true, &error);
	encodes(v, &plain, "A a ABLE", 8, "A a [UNK]");
	vocab_set_cased(v, false, &error);
	encodes(v, &plain, "A a ABLE", 8, "a a [UNK]");
	encodes(v, &plain, "verylongwordindeed verylongwordindeeded", 39,
	    "verylongwordindeed verylongwordindeed ##ed");
	encodes(v, &plain,
	    "b\xC3\xB8 \xE5\x8D\x9A"
	    "b",
	    9, "b ##\xC3\xB8 \xE5\x8D\x9A b");
	memset(many, 'a', sizeof many);
	encodes(v, &plain, many, 101, "[UNK]");
	many[100] = ' ';
	many[101] = 'b';
	encodes(v, &plain, many + 98, 4, "a ##a b");
	ok(wordpiece_encode(encoder, "a b c", 5, &ids, &error) < 0 && strstr(error.msg, "[UNK]"),
	    "wordpiece: an unknown word without [UNK] is an error: %s", error.msg);
	free(ids.id);
	wordpiece_encoder_free(encoder);
	wordpiece_free(wp);
	vocab_free(no_unk);
	vocab_free(v);
}

static void framed(const struct vocab *v, struct wordpiece_frame frame, const char *want)
{
	struct wordpiece_ids ids = {0};
	char got[256] = "";
	size_t used = 0;

	ids.id = malloc(4 * sizeof *ids.id);
	ids.n = ids.cap = 4;
	for (uint32_t i = 0; i < 4; i++)
		ids.id[i] = 10 + i;
	wordpiece_frame(&frame, v, &ids, 1, &error);
	for (size_t i = 1; i < ids.n; i++)
		used += (size_t)snprintf(
		    got + used, sizeof got - used, "%s%u", i > 1 ? " " : "", ids.id[i]);
	if (!ok(!strcmp(got, want) && ids.id[0] == 10, "wordpiece_frame: the record is %s", want))
		diag("got %s", got);
	free(ids.id);
}

static void test_frame(void)
{
	struct vocab *v = vocab_string(small), *bare = vocab_string("a\n");
	const struct wordpiece_frame plain = {0}, pad = {.pad = true, .bare = true},
	                             one = {.limit = 1};

	framed(v, (struct wordpiece_frame){0}, "2 11 12 13 3");
	framed(v, (struct wordpiece_frame){.bare = true}, "11 12 13");
	framed(v, (struct wordpiece_frame){.limit = 4}, "2 11 12 3");
	framed(v, (struct wordpiece_frame){.limit = 4, .left = true}, "2 12 13 3");
	framed(v, (struct wordpiece_frame){.limit = 2}, "2 3");
	framed(v, (struct wordpiece_frame){.limit = 2, .bare = true, .left = true}, "12 13");
	framed(v, (struct wordpiece_frame){.limit = 7, .pad = true}, "2 11 12 13 3 0 0");
	framed(
	    v, (struct wordpiece_frame){.limit = 7, .pad = true, .left = true}, "0 0 2 11 12 13 3");
	ok(wordpiece_frame_check(&plain, bare, &error) < 0,
	    "wordpiece_frame: a vocabulary without [CLS] and [SEP] is refused: %s", error.msg);
	ok(wordpiece_frame_check(&pad, v, &error) < 0 && error.status == ERR_USAGE,
	    "wordpiece_frame: padding without a length is refused: %s", error.msg);
	ok(wordpiece_frame_check(&one, v, &error) < 0 && error.status == ERR_USAGE,
	    "wordpiece_frame: a length of 1 with [CLS] and [SEP] is refused: %s", error.msg);
	vocab_free(v);
	vocab_free(bare);
}

/* --- back to text --- */

static void decodes(
    const struct detokenizer *d, const uint32_t *id, size_t n, bool keep, const char *want)
{
	struct detokenized out = {0};

	detokenize(d, id, n, keep, &out, &error);
	if (!ok(out.n == strlen(want) && (!out.n || !memcmp(out.text, want, out.n)),
	        "detokenize: the text is '%s'", want))
		diag("got '%.*s'", (int)out.n, out.text ? out.text : "");
	free(out.text);
}

static void test_detokenize(void)
{
	struct vocab *v = vocab_string(
	    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##ing\ngo\n.\n...\nn't\n's\n'\n?!\n##\n##'s\n");
	struct detokenizer *clean = detokenizer_new(v, true, &error);
	struct detokenizer *as_is = detokenizer_new(v, false, &error);
	static const struct {
		uint32_t id[8];
		size_t n;
		bool keep;
		const char *want, *as_is;
	} test[] = {
	    {{2, 6, 5, 7, 3, 0}, 6, false, "going.", "going ."},
	    {{2, 6, 5, 7, 3}, 5, true, "[CLS] going. [SEP]", "[CLS] going . [SEP]"},
	    {{5, 5}, 2, false, "##inging", "##inging"},
	    {{2, 5}, 2, false, "##ing", "##ing"},
	    {{6, 8, 9, 10, 11, 12, 1}, 7, false, "go...n't's '?!", "go ... n't 's ' ?!"},
	    {{13, 13, 6}, 3, false, "## go", "## go"},
	    {{6, 14}, 2, false, "go's", "go's"},
	    {{0}, 0, false, "", ""},
	};

	for (size_t i = 0; i < sizeof test / sizeof test[0]; i++) {
		decodes(clean, test[i].id, test[i].n, test[i].keep, test[i].want);
		decodes(as_is, test[i].id, test[i].n, test[i].keep, test[i].as_is);
	}
	detokenizer_free(clean);
	detokenizer_free(as_is);
	vocab_free(v);
}

/* --- learning --- */

static void learns(const char *text, struct learn_options o, const char *want)
{
	struct learner *l = learner_new(o.cased, &error);
	struct learned learned;
	const char specials[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";

	if (learner_add(l, text, strlen(text), &error) || learner_finish(l, &o, &learned, &error)) {
		if (!ok(!want, "learner: learning fails: %s", error.msg))
			diag("wanted %s", want);
		learner_free(l);
		return;
	}
	for (size_t i = 0; i < learned.n; i++)
		if (learned.text[i] == '\n')
			learned.text[i] = ' ';
	if (!ok(want && learned.n == sizeof specials - 1 + strlen(want) &&
	            !memcmp(learned.text + sizeof specials - 1, want, strlen(want)),
	        "learner: the tokens are %s", want ? want : "nothing"))
		diag("got %.*s", (int)learned.n, learned.text);
	free(learned.text);
	learner_free(l);
}

static void test_learn(void)
{
	/* hug 10, pug 5, pun 12, bun 4, hugs 5: the example of Hugging Face's course, by frequency.
	 */
	char corpus[512] = "";

	for (int i = 0; i < 12; i++)
		snprintf(corpus + strlen(corpus), sizeof corpus - strlen(corpus), "%s%s%s%spun ",
		    i < 10 ? "hug " : "", i < 5 ? "pug " : "", i < 4 ? "bun " : "",
		    i < 5 ? "Hugs " : "");
	/* ##u##g 20, ##u##n 16, h##ug 15, p##un 12; then p##ug 5 and hug##s 5: p has the lower id.
	 */
	learns(corpus, (struct learn_options){.size = 19},
	    "b g h n p s u ##g ##n ##s ##u ##ug ##un hug ");
	learns(corpus, (struct learn_options){.size = 100, .min_count = 5},
	    "b g h n p s u ##g ##n ##s ##u ##ug ##un hug pun pug hugs ");
	learns(corpus, (struct learn_options){.size = 10}, NULL);
	learns("", (struct learn_options){.size = 10}, NULL);
	learns("aaaa aaaa", (struct learn_options){.size = 100}, "a ##a ##aa aaa aaaa ");
	learns("ab ab b\xC3\xA9 B", (struct learn_options){.size = 100, .cased = true},
	    "B a b \xC3\xA9 ##b ##\xC3\xA9 ab b\xC3\xA9 ");
	learns("abc abc ab x", (struct learn_options){.size = 100, .alphabet = 2}, "a b ##b ab ");
}

int main(void)
{
	test_table();
	test_utf8();
	test_words();
	test_vocab();
	test_vocab_text();
	test_wordpiece();
	test_frame();
	test_detokenize();
	test_learn();
	return tap_done();
}
