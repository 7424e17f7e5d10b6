#include "formats/story.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__) && !defined(CDCD_PORTABLE)
#include <emmintrin.h>
#endif

#include "formats/jsontext.h"
#include "formats/signature.h"
#include "formats/story_test.h"
#include "base/mem.h"

enum {
	BLOCK = 1 << 19, /* bytes of the buffer for a block */
	DEPTH = 1000,    /* maximum nesting in JSON */
	STEP = 16,       /* bytes that SSE2 copies at once */
};

struct story_parser {
	enum story_form form;
	bool slow;
	char *field; /* NULL: the default names */
	const char *name;
	const char *p, *end; /* the rest of the block */
	uint64_t line;
	size_t bom; /* length of the byte order mark before the first line */
	char *text;
	size_t cap;
	struct json_tokener *tokener;
	struct json_object *object; /* owns the text of the current story if json-c parsed it */
};

/* --- blocks --- */

static size_t count_lines(const char *p, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

/* The offset in p [n] at which the last complete document ends, or 0. */
static size_t last_document_end(const char *p, size_t n, enum story_form form)
{
	static const size_t length = sizeof STORY_MARK - 1;

	if (form != STORY_TEXT) {
		const char *found = memrchr(p, '\n', n);

		return found ? (size_t)(found - p) + 1 : 0;
	}
	while (n >= length) {
		const char *found = memrchr(p, '>', n);

		if (!found || (size_t)(found - p) + 1 < length)
			return 0;
		n = (size_t)(found - p);
		if (!memcmp(found + 1 - length, STORY_MARK, length))
			return n + 1;
	}
	return 0;
}

int story_block(struct input *in, enum story_form form, uint64_t *line, struct story_block *block,
    struct err *e)
{
	size_t searched = 0, end = 0;

	if (mem_grow(&in->buf, &in->cap, BLOCK, 1, e))
		return -1;
	for (;;) {
		const char *p = (const char *)in->buf + in->pos;
		size_t n = in->len - in->pos;
		int more;

		if (n > searched && (n >= BLOCK / 2 || in->eof)) {
			end = searched + last_document_end(p + searched, n - searched, form);
			end = end == searched ? 0 : end;
			/* The end of the buffer may contain the beginning of a mark. */
			searched = form == STORY_TEXT && n >= sizeof STORY_MARK
			               ? n - sizeof STORY_MARK
			               : n;
		}
		if (in->eof)
			end = n;
		if (in->offset == 0 && signature_refuse(in->buf + in->pos, n, in->name, e))
			return -1;
		if (end > 0) {
			*block = (struct story_block){p, end, *line};
			*line += count_lines(p, end);
			in->pos += end;
			in->offset += end;
			return 1;
		}
		if (in->eof)
			return 0;
		more = input_fill(in, e);
		if (more < 0)
			return -1;
	}
}

/* --- the parser --- */

static int renew_tokener(struct story_parser *p, struct err *e)
{
	if (p->tokener)
		json_tokener_free(p->tokener);
	p->tokener = json_tokener_new_ex(DEPTH + 2);
	if (!p->tokener)
		return err_set(e, "out of memory: a JSON parser");
	json_tokener_set_flags(p->tokener, JSON_TOKENER_STRICT);
	return 0;
}

struct story_parser *story_parser_new(enum story_form form, const char *field, struct err *e)
{
	struct story_parser *p = mem_array(1, sizeof *p, e);

	if (!p)
		return NULL;
	p->form = form;
	p->field = field ? mem_copy_string(field, e) : NULL;
	if (renew_tokener(p, e) || (field && !p->field)) {
		story_parser_free(p);
		return NULL;
	}
	return p;
}

void story_parser_free(struct story_parser *p)
{
	if (!p)
		return;
	json_object_put(p->object);
	if (p->tokener)
		json_tokener_free(p->tokener);
	free(p->field);
	free(p->text);
	free(p);
}

void story_parser_slow(struct story_parser *p)
{
	p->slow = true;
}

void story_start(struct story_parser *p, const char *name, const struct story_block *block)
{
	p->name = name;
	p->p = block->data;
	p->end = block->data + block->n;
	p->line = block->line;
	p->bom = p->form == STORY_JSON && p->line == 1 && block->n >= 3 &&
	                 !memcmp(p->p, "\xEF\xBB\xBF", 3)
	             ? 3
	             : 0;
	p->p += p->bom;
}

/* --- JSON, the fast path: lines with one flat object --- */

static const char *skip_blank(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t' || *s == '\r'))
		s++;
	return s;
}

static int parse_hex(const char *s, const char *end, uint32_t *value)
{
	*value = 0;
	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)s[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			*value = *value << 4 | (uint32_t)(low - 'a' + 10);
		else
			return -1;
	}
	return 0;
}

static char *put_code(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
		return to;
	}
	if (code >= 0x10000)
		*to++ = (char)(0xF0 | code >> 18);
	if (code >= 0x800)
		*to++ = (char)((code >= 0x10000 ? 0x80 : 0xE0) |
		               (code >> 12 & (code >= 0x10000 ? 63 : 15)));
	*to++ = (char)((code >= 0x800 ? 0x80 : 0xC0) | (code >> 6 & (code >= 0x800 ? 63 : 31)));
	*to++ = (char)(0x80 | (code & 63));
	return to;
}

/* Decode "\uXXXX" or a surrogate pair; s is after the 'u'. Returns the position after it, or NULL.
 */
static const char *decode_unicode_escape(const char *s, const char *end, char **to)
{
	uint32_t code, low;

	if (parse_hex(s, end, &code))
		return NULL;
	s += 4;
	if (code >= 0xD800 && code < 0xDC00 && end - s >= 6 && s[0] == '\\' && s[1] == 'u') {
		if (parse_hex(s + 2, end, &low))
			return NULL;
		if (low >= 0xDC00 && low < 0xE000) {
			code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
			s += 6;
		}
	}
	*to = put_code(*to, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
	return s;
}

/* Decode an escape; s is after the '\\'. Returns the position after it, or NULL. */
static const char *decode_escape(const char *s, const char *end, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (s == end || *s == '\0')
		return NULL;
	if (*s == 'u')
		return decode_unicode_escape(s + 1, end, to);
	which = strchr(from, *s);
	if (!which)
		return NULL;
	*(*to)++ = into[which - from];
	return s + 1;
}

/* Copy plain characters up to '"', '\\', a control character or the end. Returns the position after
 * them. */
static const char *copy_plain(const char *s, const char *end, char **to)
{
#if defined(__SSE2__) && !defined(CDCD_PORTABLE)
	while (end - s >= STEP) {
		__m128i v = _mm_loadu_si128((const __m128i *)s);
		__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
		__m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
		__m128i control =
		    _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8(31)), _mm_set1_epi8(31));
		unsigned stop =
		    (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
		unsigned n = (unsigned)__builtin_ctz(stop | 1u << STEP);

		_mm_storeu_si128((__m128i *)*to, v);
		s += n;
		*to += n;
		if (stop)
			return s;
	}
#endif
	while (s < end && *s != '"' && *s != '\\' && (unsigned char)*s >= ' ')
		*(*to)++ = *s++;
	return s;
}

/* Decode the rest of a string to *to, which is large enough. Returns the position after it, or
 * NULL. */
static const char *decode_string(const char *s, const char *end, char **to)
{
	for (;;) {
		s = copy_plain(s, end, to);
		if (s == end || (unsigned char)*s < ' ')
			return NULL;
		if (*s == '"')
			return s + 1;
		s = decode_escape(s + 1, end, to);
		if (!s)
			return NULL;
	}
}

/* Skip an integer, true, false or null. Returns the position after it, or NULL. */
static const char *skip_simple_value(const char *s, const char *end)
{
	static const char *const word[] = {"true", "false", "null"};

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(word[i]);

		if ((size_t)(end - s) >= n && !memcmp(s, word[i], n))
			return s + n;
	}
	if (s == end || *s < '1' || *s > '9')
		return NULL;
	for (int digits = 0; s < end && *s >= '0' && *s <= '9'; s++)
		if (++digits > 18)
			return NULL;
	return s;
}

static bool is_name(const char *name, size_t n, const char *wanted)
{
	return strlen(wanted) == n && !memcmp(name, wanted, n);
}

/* The rank of a member with this name: 0 if it is not a document, 2 before 1 if there are both. */
static int rank_member(const struct story_parser *p, const char *name, size_t n)
{
	if (p->field)
		return is_name(name, n, p->field) ? 2 : 0;
	return is_name(name, n, "story") ? 2 : is_name(name, n, "text") ? 1 : 0;
}

/* Decode a member, "name": value; s is at its '"'. Returns the position after it, or NULL. */
static const char *decode_member(struct story_parser *p, const char *s, const char *end, char **to,
    int *found, struct story *story)
{
	char *name = *to, *value;
	size_t n;
	int rank;

	if (s == end || *s++ != '"' || !(s = decode_string(s, end, to)))
		return NULL;
	n = (size_t)(*to - name);
	rank = rank_member(p, name, n);
	/* json-c ends a name at a NUL. */
	if (memchr(name, '\0', n))
		return NULL;
	s = skip_blank(s, end);
	if (s == end || *s++ != ':')
		return NULL;
	s = skip_blank(s, end);
	if (s == end || *s != '"')
		return rank > 0 ? NULL : skip_simple_value(s, end);
	value = *to;
	s = decode_string(s + 1, end, to);
	if (s && rank > 0 && rank >= *found) {
		*found = rank;
		story->text = value;
		story->n = (size_t)(*to - value);
	}
	return s;
}

/*
 * Parse a line of the common form, an object whose members are strings or simple values. Returns
 * false for all other lines, valid or not; parse_full parses those. Every line that this function
 * accepts, parse_full accepts with the same text. The decoded strings are concatenated in p->text;
 * together they are not longer than the line.
 */
static bool parse_common(struct story_parser *p, const char *line, size_t n, struct story *story)
{
	const char *s = skip_blank(line, line + n), *end = line + n;
	char *to = p->text;
	int found = 0;

	if (s == end || *s++ != '{')
		return false;
	do {
		s = decode_member(p, skip_blank(s, end), end, &to, &found, story);
		if (!s)
			return false;
		s = skip_blank(s, end);
	} while (s < end && *s++ == ',');
	return found && s > line && s[-1] == '}' && skip_blank(s, end) == end;
}

/* --- JSON, the slow path: all lines --- */

static enum story_result set_bad_at(
    const struct story_parser *p, struct err *e, size_t byte, const char *what)
{
	if (p->line == 1)
		byte += p->bom;
	err_set(
	    e, "%s: line %llu, byte %zu: %s", p->name, (unsigned long long)p->line, byte + 1, what);
	return STORY_BAD;
}

/* Describe a line that is not an object; NULL if it may be one. */
static const char *describe_non_object(const char *s, const char *end)
{
	if (s == end || *s == '{')
		return NULL;
	if (*s == '[')
		return "a JSON array, expected an object with a story; convert it with jq -c '.[]'";
	if (*s == '"')
		return "a JSON string, expected an object with a story";
	if (*s == '-' || (*s >= '0' && *s <= '9'))
		return "a JSON number, expected an object with a story";
	if (end - s >= 4 && !memcmp(s, "null", 4))
		return "a JSON null, expected an object with a story";
	if ((end - s >= 4 && !memcmp(s, "true", 4)) || (end - s >= 5 && !memcmp(s, "false", 5)))
		return "a JSON boolean, expected an object with a story";
	return "not a JSON object; for plain text use --lines or --text";
}

static enum story_result check_line(
    const struct story_parser *p, const char *line, size_t n, struct err *e)
{
	static const struct jsontext_rules rules = {.depth = DEPTH};
	const char *first = skip_blank(line, line + n),
	           *what = describe_non_object(first, line + n);
	struct jsontext_result r;
	char text[128];

	if (first == line + n)
		return set_bad_at(p, e, n, "not JSON: an empty line");
	if (what)
		return set_bad_at(p, e, (size_t)(first - line), what);
	if (!jsontext_check(line, n, &rules, &r))
		return STORY_OK;
	snprintf(text, sizeof text, "not JSON: %s", r.what);
	return set_bad_at(p, e, r.at, text);
}

/* Set e for a line that is valid JSON, but that json-c refuses. */
static enum story_result set_bad_json(
    struct story_parser *p, enum json_tokener_error code, struct err *e)
{
	size_t at = json_tokener_get_parse_end(p->tokener);
	char what[128];

	/* A reset would keep the first half of a surrogate pair for the next line. */
	if (renew_tokener(p, e))
		return STORY_FAILED;
	snprintf(what, sizeof what, "json-c cannot read it: %s", json_tokener_error_desc(code));
	return set_bad_at(p, e, at, what);
}

/* Find the member that contains the document. Returns false if there is none; *name is then its
 * name, or both names, for a message. */
static bool find_member(const struct story_parser *p, struct json_object *object, const char **name,
    struct json_object **value)
{
	*name = p->field ? p->field : "story";
	if (json_object_object_get_ex(object, *name, value))
		return true;
	if (!p->field && json_object_object_get_ex(object, "text", value)) {
		*name = "text";
		return true;
	}
	*name = p->field ? p->field : "story' or 'text";
	return false;
}

/* The offset of the value of the member with this name in a line that is a valid object. */
static size_t find_value(struct story_parser *p, const char *line, size_t n, const char *name)
{
	const char *s = line, *end = line + n;
	size_t at = 0;
	int depth = 0;

	while (s && s < end) {
		char *to = p->text;

		if (*s != '"') {
			depth += (*s == '{' || *s == '[') - (*s == '}' || *s == ']');
			s++;
			continue;
		}
		s = decode_string(s + 1, end, &to);
		if (!s || depth != 1 || !is_name(p->text, (size_t)(to - p->text), name))
			continue;
		s = skip_blank(s, end);
		if (s < end && *s == ':') /* else the string is itself a value */
			at = (size_t)(skip_blank(s + 1, end) - line);
	}
	return at;
}

static enum story_result parse_full(
    struct story_parser *p, const char *line, size_t n, struct story *story, struct err *e)
{
	struct json_object *value;
	enum json_tokener_error code;
	const char *name;
	char what[256];
	size_t first = (size_t)(skip_blank(line, line + n) - line);

	json_object_put(p->object);
	json_tokener_reset(p->tokener);
	if (n > INT_MAX)
		return set_bad_at(p, e, INT_MAX, "the line is longer than 2 GiB");
	if (check_line(p, line, n, e) != STORY_OK) {
		p->object = NULL;
		return STORY_BAD;
	}
	p->object = json_tokener_parse_ex(p->tokener, line, (int)n);
	code = json_tokener_get_error(p->tokener);
	if (code != json_tokener_success)
		return set_bad_json(p, code, e);
	if (!find_member(p, p->object, &name, &value)) {
		snprintf(what, sizeof what, "no field '%s'", name);
		return set_bad_at(p, e, first, what);
	}
	if (!json_object_is_type(value, json_type_string)) {
		snprintf(what, sizeof what, "field '%s' is not a string but %s", name,
		    json_type_to_name(json_object_get_type(value)));
		return set_bad_at(p, e, find_value(p, line, n, name), what);
	}
	story->text = json_object_get_string(value);
	story->n = (size_t)json_object_get_string_len(value);
	return STORY_OK;
}

/* --- documents --- */

static enum story_result next_line(struct story_parser *p, struct story *story, struct err *e)
{
	const char *line = p->p, *end = memchr(line, '\n', (size_t)(p->end - line));
	size_t n = (size_t)((end ? end : p->end) - line);
	enum story_result result;

	p->p = end ? end + 1 : p->end;
	story->line = p->line;
	story->text = line;
	story->n = n;
	if (p->form == STORY_JSON) {
		if (mem_grow(&p->text, &p->cap, n + STEP, 1, e))
			return STORY_FAILED;
		if (p->slow || !parse_common(p, line, n, story)) {
			result = parse_full(p, line, n, story, e);
			p->line++;
			return result;
		}
	}
	p->line++;
	return STORY_OK;
}

static bool is_blank(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] != ' ' && (s[i] < '\t' || s[i] > '\r'))
			return false;
	return true;
}

static enum story_result next_marked(struct story_parser *p, struct story *story)
{
	const size_t length = sizeof STORY_MARK - 1;
	const char *end = memmem(p->p, (size_t)(p->end - p->p), STORY_MARK, length);

	story->text = p->p;
	story->n = (size_t)((end ? end : p->end) - p->p);
	story->line = p->line;
	p->line += count_lines(p->p, story->n);
	p->p = end ? end + length : p->end;
	return !end && is_blank(story->text, story->n) ? STORY_END : STORY_OK;
}

enum story_result story_next(struct story_parser *p, struct story *story, struct err *e)
{
	if (p->p == p->end)
		return STORY_END;
	return p->form == STORY_TEXT ? next_marked(p, story) : next_line(p, story, e);
}

int story_put_string(struct output *out, const char *text, size_t n, struct err *e)
{
	size_t from = 0;

	if (output_write(out, "\"", 1, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		if (output_write(out, text + from, i - from, e) ||
		    output_printf(out, e, c < ' ' ? "\\u%04x" : "\\%c", c))
			return -1;
		from = i + 1;
	}
	return output_write(out, text + from, n - from, e) || output_write(out, "\"", 1, e) ? -1
	                                                                                    : 0;
}
