/*
 * Compare with golden files made by Hugging Face tokenizers 0.23.2, which are outside the
 * repository: $CDCD_DATA, or ../shared/data. One test for each file.
 */

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "formats/story_test.h"
#include "base/io.h"
#include "base/mem.h"
#include "tap.h"
#include "text/detokenize.h"
#include "text/unicode.h"
#include "text/words.h"
#include "text/wordpiece.h"

static struct vocab *vocab;
static struct wordpiece *wordpiece;
static struct wordpiece_encoder *encoder;
static struct detokenizer *detokenizer, *uncleaned;
static struct wordpiece_ids got;
static struct err error;

static const char *data(const char *name)
{
	static char path[4096];
	const char *directory = getenv("CDCD_DATA");

	snprintf(path, sizeof path, "%s/%s", directory ? directory : "../shared/data", name);
	return path;
}

/* --- comparing --- */

static bool same_ids(struct json_object *want, const struct wordpiece_ids *ids)
{
	if (json_object_array_length(want) != ids->n)
		return false;
	for (size_t i = 0; i < ids->n; i++)
		if (json_object_get_int64(json_object_array_get_idx(want, i)) != ids->id[i])
			return false;
	return true;
}

/* The ids of text in the given frame, by both algorithms, which must agree. */
static bool encodes(
    const char *text, size_t n, const struct wordpiece_frame *frame, struct json_object *want)
{
	struct wordpiece_spans spans = {0};
	bool same;

	got.n = 0;
	if (wordpiece_encode(encoder, text, n, &got, &error) ||
	    wordpiece_trace(wordpiece, text, n, &spans, &error))
		return false;
	same = got.n == spans.n;
	for (size_t i = 0; same && i < got.n; i++)
		same = got.id[i] == spans.span[i].id && spans.span[i].begin < spans.span[i].end &&
		       spans.span[i].end <= n;
	free(spans.span);
	return same && !wordpiece_frame(frame, vocab, &got, 0, &error) && same_ids(want, &got);
}

static bool decodes(const struct detokenizer *d, struct json_object *ids, bool keep_special,
    struct json_object *want)
{
	struct detokenized out = {0};
	bool same;

	got.n = 0;
	for (size_t i = 0; i < json_object_array_length(ids); i++) {
		if (mem_grow(&got.id, &got.cap, i + 1, sizeof *got.id, &error))
			return false;
		got.id[got.n++] =
		    (uint32_t)json_object_get_int64(json_object_array_get_idx(ids, i));
	}
	if (detokenize(d, got.id, got.n, keep_special, &out, &error))
		return false;
	same = out.n == (size_t)json_object_get_string_len(want) &&
	       (out.n == 0 || !memcmp(out.text, json_object_get_string(want), out.n));
	free(out.text);
	return same;
}

/* --- a JSON record a line --- */

typedef bool check_record(struct json_object *record);

static struct json_object *get(struct json_object *record, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(record, name, &value);
	return value;
}

/*
 * Some files were split at U+2028, U+2029 and U+0085, as Python's splitlines does, in the middle of
 * a record. Such lines are joined again with U+2028, a space, or U+200B, which is removed like
 * U+0085: they have three bytes each and differ in the last. A record is correct if one of them
 * fits.
 */
enum { MAX_JOINTS = 8 };

struct joined {
	char *text;
	size_t n, cap, joint[MAX_JOINTS];
	int n_joints;
};

static struct json_object *join(
    struct joined *j, struct json_tokener *t, const char *line, size_t n)
{
	if (mem_grow(&j->text, &j->cap, j->n + n + 3, 1, &error) || j->n_joints == MAX_JOINTS)
		return NULL;
	if (j->n > 0) {
		memcpy(j->text + j->n, "\xE2\x80\xA8", 3);
		j->n += 3;
		j->joint[j->n_joints++] = j->n - 1;
	}
	memcpy(j->text + j->n, line, n);
	j->n += n;
	json_tokener_reset(t);
	return json_tokener_parse_ex(t, j->text, (int)j->n);
}

static bool check_joined(struct joined *j, struct json_tokener *t, check_record *check)
{
	bool passed = false;

	for (unsigned way = 0; way < 1u << j->n_joints && !passed; way++) {
		struct json_object *record;

		for (int i = 0; i < j->n_joints; i++)
			j->text[j->joint[i]] = way >> i & 1 ? '\x8B' : '\xA8';
		json_tokener_reset(t);
		record = json_tokener_parse_ex(t, j->text, (int)j->n);
		passed = check(record);
		json_object_put(record);
	}
	return passed;
}

static void check_file(const char *name, check_record *check)
{
	struct json_tokener *tokener = json_tokener_new();
	struct joined whole = {0};
	struct input in;
	const char *line;
	size_t n;
	int records = 0, joined = 0, mismatches = 0;

	if (input_open(&in, data(name), &error)) {
		ok(false, "golden data: can be opened: %s", error.msg);
		json_tokener_free(tokener);
		return;
	}
	while (input_line(&in, &line, &n, &error) > 0) {
		struct json_object *record = join(&whole, tokener, line, n);

		if (!record)
			continue;
		records++;
		joined += whole.n_joints > 0;
		if (!check_joined(&whole, tokener, check) && mismatches++ < 5)
			diag("record %d: %.300s", records, line);
		json_object_put(record);
		whole.n = 0;
		whole.n_joints = 0;
	}
	ok(records > 0 && mismatches == 0 && whole.n == 0,
	    "golden data %s: %d records (%d of them joined), %d mismatches", name, records, joined,
	    mismatches);
	input_close(&in);
	free(whole.text);
	json_tokener_free(tokener);
}

static const char *text_of(struct json_object *record, const char *name, size_t *n)
{
	struct json_object *text = get(record, name);

	*n = (size_t)json_object_get_string_len(text);
	return json_object_get_string(text);
}

static bool tokens_are(struct json_object *want)
{
	for (size_t i = 0; i < got.n; i++) {
		struct json_object *token = json_object_array_get_idx(want, i);
		size_t n;
		const char *bytes = vocab_token(vocab, got.id[i], &n);

		if ((size_t)json_object_get_string_len(token) != n ||
		    memcmp(json_object_get_string(token), bytes, n) != 0)
			return false;
	}
	return json_object_array_length(want) == got.n;
}

static bool check_both(struct json_object *record)
{
	static const struct wordpiece_frame whole;
	struct json_object *ids = get(record, "ids");
	size_t n;
	const char *text = text_of(record, "text", &n);

	return encodes(text, n, &whole, ids) && tokens_are(get(record, "tokens")) &&
	       decodes(detokenizer, ids, false, get(record, "decode_skip")) &&
	       decodes(detokenizer, ids, true, get(record, "decode_all"));
}

static bool check_invalid(struct json_object *record)
{
	static const struct wordpiece_frame whole;
	const char *hex = json_object_get_string(get(record, "hex"));
	struct json_object *ids = get(record, "ids");
	size_t n = strlen(hex) / 2, i, put = 0;
	char *text = malloc(n + 1), *replaced = malloc(3 * n + 1);
	bool passed;

	for (i = 0; i < n; i++) {
		unsigned byte = 0;

		sscanf(hex + 2 * i, "%2x", &byte);
		text[i] = (char)byte;
	}
	for (i = 0; i < n;) {
		uint32_t code;

		i += unicode_decode((unsigned char *)text + i, n - i, &code);
		put += unicode_encode(code, (unsigned char *)replaced + put);
	}
	replaced[put] = '\0';
	passed = put == (size_t)json_object_get_string_len(get(record, "replaced")) &&
	         !memcmp(replaced, json_object_get_string(get(record, "replaced")), put) &&
	         encodes(text, n, &whole, ids) && encodes(replaced, put, &whole, ids);
	free(text);
	free(replaced);
	return passed;
}

static int number(struct json_object *array, size_t i)
{
	return json_object_get_int(json_object_array_get_idx(array, i));
}

/*
 * A record does not contain masks; they follow from the number of ids of the text. The attention
 * mask is one run of ids; special are the ends of this run and everything outside it.
 */
static bool check_padded(struct json_object *record, bool left)
{
	struct wordpiece_frame frame = {.limit = 16, .pad = true, .left = left};
	struct json_object *attention = get(record, "attention_mask"),
	                   *special = get(record, "special_tokens_mask"),
	                   *types = get(record, "type_ids");
	size_t n, n_text, begin, end;
	const char *text = text_of(record, "text", &n);

	got.n = 0;
	if (wordpiece_encode(encoder, text, n, &got, &error))
		return false;
	n_text = got.n < 14 ? got.n + 2 : 16;
	begin = left ? 16 - n_text : 0;
	end = begin + n_text;
	if (!encodes(text, n, &frame, get(record, "ids")) || got.n != 16 ||
	    json_object_array_length(attention) != 16 || json_object_array_length(special) != 16 ||
	    json_object_array_length(types) != 16)
		return false;
	for (size_t i = 0; i < 16; i++)
		if (number(attention, i) != (i >= begin && i < end) ||
		    number(special, i) != (i <= begin || i + 1 >= end) || number(types, i) != 0 ||
		    (!number(attention, i) && got.id[i] != vocab->special[VOCAB_PAD]))
			return false;
	return true;
}

static bool check_padded_right(struct json_object *record)
{
	return check_padded(record, false);
}

static bool check_padded_left(struct json_object *record)
{
	return check_padded(record, true);
}

/*
 * Check the record and the overflow, which tok does not write: the ids after the cut. The reference
 * stops tokenising soon after the cut, so the overflow is short.
 */
static bool check_cut(struct json_object *record)
{
	enum { LIMIT = 128, ROOM = LIMIT - 2 };
	static const struct wordpiece_frame frame = {.limit = LIMIT};
	struct json_object *overflow = get(record, "overflow"), *more;
	size_t n, length = 0;
	const char *text = text_of(record, "text", &n);

	if (!encodes(text, n, &frame, get(record, "ids")))
		return false;
	got.n = 0;
	if (wordpiece_encode(encoder, text, n, &got, &error))
		return false;
	more = json_object_array_get_idx(overflow, 0);
	if (more)
		length = json_object_array_length(more) - 2;
	for (size_t i = 0; i < length; i++)
		if (ROOM + i >= got.n || (uint32_t)number(more, i + 1) != got.id[ROOM + i])
			return false;
	return (length > 0) == (got.n > ROOM) && json_object_array_length(overflow) == (length > 0);
}

static bool check_decode(struct json_object *record)
{
	struct json_object *ids = get(record, "ids");

	return decodes(detokenizer, ids, false, get(record, "decode")) &&
	       decodes(uncleaned, ids, false, get(record, "decode_nocleanup"));
}

/* Parse the JSON line of a record by the fast path, if it accepts the line, and by json-c. */
static bool check_escapes(struct json_object *record)
{
	static const struct wordpiece_frame whole;
	struct json_object *want = get(record, "ids");
	size_t n, n_story;
	const char *line = text_of(record, "line", &n);
	const char *is_story = text_of(record, "story", &n_story);
	struct story_block block = {line, n, 1, false};
	bool passed = true, blank = strspn(line, " \t\r") == n; /* tok skips such lines */

	for (int slow = 0; slow < 2; slow++) {
		struct story_parser *p = story_parser_new(STORY_JSON, "story", &error);
		struct story story = {0};
		enum story_result result;

		if (slow)
			story_parser_slow(p);
		story_start(p, "test", &block);
		result = story_next(p, &story, &error);
		passed = passed &&
		         result == (want       ? STORY_OK
		                       : blank ? STORY_END
		                               : STORY_BAD) &&
		         !want == !!get(record, "error") &&
		         (!want || (story.n == n_story && !memcmp(story.text, is_story, n_story) &&
		                       encodes(story.text, story.n, &whole, want)));
		story_parser_free(p);
	}
	return passed;
}

/* --- the normaliser, code point by code point --- */

/* The words of "x", a code point, "x", in the notation of cp_norm.tsv. */
static void normalise(const struct unicode *unicode, uint32_t code, char *line, size_t room)
{
	unsigned char text[8] = "x";
	size_t n = 1 + unicode_encode(code, text + 1), used, at = 0, end = 0;
	struct words words = {unicode, text, n + 1, 0, 0};
	struct word word;
	uint32_t out[16];
	size_t count = 0;

	text[n] = 'x';
	while (words_next(&words, &word)) {
		uint32_t entry = unicode->entry[code];

		/* The code point separates words: it is white space, padded, or punctuation. */
		if (count > 0 && unicode_kind(entry) != UNICODE_PUNCT)
			out[count++] = ' ';
		for (size_t i = 0; i < word.n;)
			i += unicode_decode(word.bytes + i, word.n - i, &out[count++]);
		end = count;
	}
	used = (size_t)snprintf(line, room, "%04X\t", code);
	for (at = 1; at + 1 < end; at++)
		used += (size_t)snprintf(
		    line + used, room - used, "%s%04X", at > 1 ? " " : "", out[at]);
}

static char *unpack(const char *path, size_t *n)
{
	struct input in;
	char *packed, *text = NULL;
	size_t size;
	ssize_t length;
	unsigned long long all;

	if (input_open(&in, path, &error))
		return NULL;
	packed = malloc(1 << 24);
	length = input_read(&in, packed, 1 << 24, &error);
	input_close(&in);
	all = length > 0 ? ZSTD_getFrameContentSize(packed, (size_t)length) : 0;
	size = all < 1 << 28 ? (size_t)all : 1 << 24; /* if the frame has no content size */
	text = malloc(size + 1);
	*n = ZSTD_decompress(text, size, packed, (size_t)length);
	free(packed);
	if (ZSTD_isError(*n)) {
		free(text);
		return NULL;
	}
	text[*n] = '\0';
	return text;
}

static void check_normaliser(void)
{
	struct unicode *unicode = unicode_new(false, &error);
	size_t n, checked = 0, mismatches = 0;
	char *table = unpack(data("tokenizer/cp_norm.tsv.zst"), &n), *p = table;

	if (!ok(table != NULL, "golden data cp_norm.tsv.zst: unpacks"))
		return;
	p = strchr(p, '\n') + 1;
	for (uint32_t code = 0; code < UNICODE_COUNT; code++) {
		char line[256], plain[32], *end = strchr(p, '\n');
		bool same;

		if (code >= 0xD800 && code < 0xE000)
			continue;
		normalise(unicode, code, line, sizeof line);
		/* The table has only the code points that change. */
		snprintf(plain, sizeof plain, "%04X\t", code);
		if (end && !strncmp(p, plain, strlen(plain))) {
			same = strlen(line) == (size_t)(end - p) && !memcmp(line, p, strlen(line));
			p = end + 1;
		} else {
			snprintf(plain, sizeof plain, "%04X\t%04X", code, code);
			same = !strcmp(line, plain);
		}
		checked++;
		if (!same && mismatches++ < 5)
			diag("U+%04X: %s", code, line);
	}
	ok(*p == '\0' && mismatches == 0,
	    "golden data cp_norm.tsv: %zu code points, %zu mismatches", checked, mismatches);
	free(table);
	unicode_free(unicode);
}

/* Compare a list of ranges with the kinds in the table. */
static void check_ranges(const char *name, const struct unicode *unicode, unsigned kinds)
{
	unsigned char *member = calloc(UNICODE_COUNT, 1);
	struct input in;
	const char *line;
	size_t n, mismatches = 0;

	if (!ok(!input_open(&in, data(name), &error), "golden data %s: opens", name)) {
		free(member);
		return;
	}
	while (input_line(&in, &line, &n, &error) > 0) {
		unsigned first, last;
		char copy[64];
		int fields;

		snprintf(copy, sizeof copy, "%.*s", (int)n, line);
		fields = sscanf(copy, "%x..%x", &first, &last);
		if (copy[0] != '#' && fields >= 1)
			memset(member + first, 1, fields == 2 ? last - first + 1 : 1);
	}
	input_close(&in);
	member[' '] |= kinds >> UNICODE_SPACE & 1; /* not in the list, because it does not change */
	for (uint32_t c = 0; c < UNICODE_COUNT; c++)
		if ((c < 0xD800 || c >= 0xE000) &&
		    member[c] != (kinds >> unicode_kind(unicode->entry[c]) & 1) && mismatches++ < 5)
			diag("U+%04X: kind %d", c, (int)unicode_kind(unicode->entry[c]));
	ok(mismatches == 0, "golden data %s: %u code points, %zu mismatches", name,
	    UNICODE_COUNT - 0x800, mismatches);
	free(member);
}

static void check_kinds(void)
{
	struct unicode *unicode = unicode_new(true, &error);

	check_ranges("tokenizer/cp_drop.txt", unicode, 1u << UNICODE_DROP);
	check_ranges("tokenizer/cp_space.txt", unicode, 1u << UNICODE_SPACE);
	check_ranges("tokenizer/cp_cjk.txt", unicode, 1u << UNICODE_CJK);
	check_ranges("tokenizer/cp_punct.txt", unicode, 1u << UNICODE_PUNCT);
	unicode_free(unicode);
}

/* --- whole stories --- */

static void *slurp(const char *name, size_t *n)
{
	struct input in;
	char *bytes = malloc(1 << 22);
	ssize_t length = -1;

	if (!input_open(&in, data(name), &error)) {
		length = input_read(&in, bytes, 1 << 22, &error);
		input_close(&in);
	}
	*n = length > 0 ? (size_t)length : 0;
	return bytes;
}

static void check_stories(void)
{
	size_t n_ids, n_lengths, n_text, at = 0, stories = 0, mismatches = 0;
	uint16_t *ids = slurp("tokenizer/tinystories-valid.u16", &n_ids);
	uint32_t *lengths = slurp("tokenizer/tinystories-valid.len", &n_lengths);
	char *text = unpack(data("tinystories-valid.jsonl.zst"), &n_text);
	struct story_parser *p = story_parser_new(STORY_JSON, NULL, &error);
	struct story_block block = {text, n_text, 1, false};
	struct story story;
	static const struct wordpiece_frame whole;

	if (text && n_ids > 0 && n_lengths > 0) {
		story_start(p, "stories", &block);
		while (story_next(p, &story, &error) == STORY_OK && stories < n_lengths / 4) {
			bool same;

			got.n = 0;
			same = !wordpiece_encode(encoder, story.text, story.n, &got, &error) &&
			       !wordpiece_frame(&whole, vocab, &got, 0, &error) &&
			       got.n == lengths[stories] && at + got.n <= n_ids / 2;
			for (size_t i = 0; same && i < got.n; i++)
				same = got.id[i] == ids[at + i];
			mismatches += !same;
			at += lengths[stories++];
		}
	}
	ok(stories == n_lengths / 4 && at == n_ids / 2 && stories > 0 && mismatches == 0,
	    "golden data tinystories-valid: %zu stories, %zu ids, %zu mismatches", stories, at,
	    mismatches);
	story_parser_free(p);
	free(ids);
	free(lengths);
	free(text);
}

int main(void)
{
	static const struct wordpiece_options options;

	vocab = vocab_open(data("bert-base-uncased-vocab.txt"), &error);
	if (!vocab) {
		printf("1..0 # SKIP %s\n", error.msg);
		return 0;
	}
	wordpiece = wordpiece_new(vocab, &options, &error);
	encoder = wordpiece_encoder_new(wordpiece, &error);
	detokenizer = detokenizer_new(vocab, true, &error);
	uncleaned = detokenizer_new(vocab, false, &error);
	check_file("tokenizer/semantics.jsonl", check_both);
	check_file("tokenizer/blns.jsonl", check_both);
	check_file("tokenizer/fuzz.jsonl", check_both);
	check_file("tokenizer/json_escapes.jsonl", check_escapes);
	check_file("tokenizer/invalid_utf8.jsonl", check_invalid);
	check_file("tokenizer/padtrunc16_right.jsonl", check_padded_right);
	check_file("tokenizer/padtrunc16_left.jsonl", check_padded_left);
	check_file("tokenizer/trunc128.jsonl", check_cut);
	check_file("tokenizer/decode.jsonl", check_decode);
	check_stories();
	check_normaliser();
	check_kinds();
	free(got.id);
	detokenizer_free(detokenizer);
	detokenizer_free(uncleaned);
	wordpiece_encoder_free(encoder);
	wordpiece_free(wordpiece);
	vocab_free(vocab);
	return tap_done();
}
