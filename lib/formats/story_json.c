#include "formats/story_json.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__) && !defined(CDCD_PORTABLE)
#include <emmintrin.h>
#endif

#include "base/mem.h"
#include "base/minmax.h"
#include "formats/jsontext.h"

enum {
	DEPTH = 1000,    /* maximum nesting */
	STEP = 16,       /* bytes that SSE2 copies at once */
	LIST_ROOM = 256, /* for the names of members in a message */
};

struct story_json {
	bool slow;
	char *field; /* NULL: the default names */
	char *text;
	size_t cap;
	struct json_tokener *tokener;
	const struct story_place *at; /* of the current text */
	struct json_object *object;   /* owns the text of the current story if json-c parsed it */
};

static int renew_tokener(struct story_json *p, struct err *e)
{
	if (p->tokener)
		json_tokener_free(p->tokener);
	p->tokener = json_tokener_new_ex(DEPTH + 2);
	if (!p->tokener)
		return err_set(e, "out of memory: a JSON parser");
	json_tokener_set_flags(p->tokener, JSON_TOKENER_STRICT);
	return 0;
}

struct story_json *story_json_new(const char *field, struct err *e)
{
	struct story_json *p = mem_array(1, sizeof *p, e);

	if (!p)
		return NULL;
	p->field = field ? mem_copy_string(field, e) : NULL;
	if (renew_tokener(p, e) || (field && !p->field)) {
		story_json_free(p);
		return NULL;
	}
	return p;
}

void story_json_free(struct story_json *p)
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

void story_json_slow(struct story_json *p)
{
	p->slow = true;
}

/* --- the fast path: flat objects --- */

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
static int rank_member(const struct story_json *p, const char *name, size_t n)
{
	if (p->field)
		return is_name(name, n, p->field) ? 2 : 0;
	return is_name(name, n, "story") ? 2 : is_name(name, n, "text") ? 1 : 0;
}

/* Decode a member, "name": value; s is at its '"'. Returns the position after it, or NULL. */
static const char *decode_member(struct story_json *p, const char *s, const char *end, char **to,
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
static bool parse_common(struct story_json *p, const char *line, size_t n, struct story *story)
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

/* --- the slow path: all texts --- */

static enum story_result set_bad_at(
    const struct story_json *p, struct err *e, size_t byte, const char *what)
{
	err_set(e, "%s: %s %llu, byte %zu: %s", p->at->name, p->at->unit,
	    (unsigned long long)p->at->number, byte + 1, what);
	return STORY_BAD;
}

/* Describe a text that is not an object. */
static const char *describe_non_object(const char *s, size_t n)
{
	static const struct jsontext_rules rules = {.depth = DEPTH};
	struct jsontext_result r;

	if (!jsontext_check(s, n, &rules, &r))
		switch (*s) {
		case '[':
			return "a JSON array, expected an object with a story; convert it with jq "
			       "-c '.[]'";
		case '"':
			return "a JSON string, expected an object with a story; convert it with jq "
			       "-c '{text:.}'";
		case 'n':
			return "a JSON null, expected an object with a story";
		case 't':
		case 'f':
			return "a JSON boolean, expected an object with a story";
		default:
			return "a JSON number, expected an object with a story";
		}
	return "not a JSON object; for plain text use --lines or --text";
}

static enum story_result check_text(
    const struct story_json *p, const char *line, size_t n, struct err *e)
{
	static const struct jsontext_rules rules = {.depth = DEPTH};
	size_t first = (size_t)(skip_blank(line, line + n) - line);
	struct jsontext_result r;
	char text[128];

	if (line[first] != '{')
		return set_bad_at(p, e, first, describe_non_object(line + first, n - first));
	if (!jsontext_check(line, n, &rules, &r))
		return STORY_OK;
	snprintf(text, sizeof text, "not JSON: %s", r.what);
	return set_bad_at(p, e, r.at, text);
}

/* Set e for a line that is valid JSON, but that json-c refuses. */
static enum story_result set_bad_json(
    struct story_json *p, enum json_tokener_error code, struct err *e)
{
	size_t at = json_tokener_get_parse_end(p->tokener);
	char what[128];

	/* A reset would keep the first half of a surrogate pair for the next line. */
	if (renew_tokener(p, e))
		return STORY_FAILED;
	snprintf(what, sizeof what, "json-c cannot read it: %s", json_tokener_error_desc(code));
	return set_bad_at(p, e, at, what);
}

/* Find the member with this name; of an object without it, if the name is a.b, the member b of its
 * member a. path is changed meanwhile. */
static bool find_path(struct json_object *object, char *path, struct json_object **value)
{
	if (json_object_object_get_ex(object, path, value))
		return true;
	for (char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
		struct json_object *inner;
		bool found;

		*dot = '\0';
		found = json_object_object_get_ex(object, path, &inner) &&
		        json_object_is_type(inner, json_type_object) &&
		        find_path(inner, dot + 1, value);
		*dot = '.';
		if (found)
			return true;
	}
	return false;
}

/* Find the member that contains the document. Returns false if there is none; *name is then its
 * name, or both names, for a message. */
static bool find_member(const struct story_json *p, struct json_object *object, const char **name,
    struct json_object **value)
{
	*name = p->field ? p->field : "story";
	if (p->field ? find_path(object, p->field, value)
	             : json_object_object_get_ex(object, "story", value))
		return true;
	if (!p->field && json_object_object_get_ex(object, "text", value)) {
		*name = "text";
		return true;
	}
	*name = p->field ? p->field : "story' or 'text";
	return false;
}

/* Append the names of all members that are strings to list [room], as --field takes them. */
static void list_strings(struct json_object *object, const char *prefix, char *list, size_t room)
{
	json_object_object_foreach(object, name, value)
	{
		size_t used = strlen(list);
		char path[LIST_ROOM];

		if ((size_t)snprintf(path, sizeof path, "%s%s", prefix, name) >= sizeof path)
			continue;
		if (json_object_is_type(value, json_type_string) &&
		    strlen(path) + sizeof ", ..." <= room - used)
			snprintf(list + used, room - used, "%s%s", used ? ", " : "", path);
		if (json_object_is_type(value, json_type_object) &&
		    strlen(path) + 1 < sizeof path) {
			strcat(path, ".");
			list_strings(value, path, list, room);
		}
	}
}

static enum story_result set_no_member(const struct story_json *p, struct json_object *object,
    const char *name, size_t at, struct err *e)
{
	char list[LIST_ROOM] = "", what[2 * LIST_ROOM];

	list_strings(object, "", list, sizeof list);
	snprintf(what, sizeof what,
	    list[0] ? "no field '%.100s'; name one with --field: %s"
	            : "no field '%.100s', and no other text",
	    name, list);
	return set_bad_at(p, e, at, what);
}

/* The offset of the value of the member with this name in a line that is a valid object. */
static size_t find_value(struct story_json *p, const char *line, size_t n, const char *name)
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
    struct story_json *p, const char *line, size_t n, struct story *story, struct err *e)
{
	struct json_object *value;
	enum json_tokener_error code;
	const char *name;
	char what[256];
	size_t first = (size_t)(skip_blank(line, line + n) - line);

	json_object_put(p->object);
	p->object = NULL;
	json_tokener_reset(p->tokener);
	if (n > INT_MAX)
		return set_bad_at(p, e, INT_MAX, "the object is longer than 2 GiB");
	if (check_text(p, line, n, e) != STORY_OK)
		return STORY_BAD;
	p->object = json_tokener_parse_ex(p->tokener, line, (int)n);
	code = json_tokener_get_error(p->tokener);
	if (code != json_tokener_success)
		return set_bad_json(p, code, e);
	if (!find_member(p, p->object, &name, &value))
		return set_no_member(p, p->object, name, first, e);
	if (!json_object_is_type(value, json_type_string)) {
		snprintf(what, sizeof what, "field '%.100s' is not a string but %s", name,
		    json_type_to_name(json_object_get_type(value)));
		return set_bad_at(p, e, max_size(find_value(p, line, n, name), first), what);
	}
	story->text = json_object_get_string(value);
	story->n = (size_t)json_object_get_string_len(value);
	return STORY_OK;
}

enum story_result story_json_parse(struct story_json *p, const char *text, size_t n,
    const struct story_place *at, struct story *story, struct err *e)
{
	p->at = at;
	if (mem_grow(&p->text, &p->cap, n + STEP, 1, e))
		return STORY_FAILED;
	if (!p->slow && parse_common(p, text, n, story))
		return STORY_OK;
	if (skip_blank(text, text + n) == text + n)
		return STORY_END;
	return parse_full(p, text, n, story, e);
}
