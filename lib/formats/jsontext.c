#include "formats/jsontext.h"

#include <stdint.h>
#include <string.h>

struct scan {
	const char *begin, *s, *end;
	const struct jsontext_rules *rules;
	struct jsontext_result *r;
	int depth;
	bool object[JSONTEXT_DEPTH_MAX]; /* of each open value: whether it is an object or an array
	                                  */
};

static int set_error(struct scan *c, const char *at, const char *what)
{
	c->r->at = (size_t)(at - c->begin);
	c->r->what = at == c->end ? "unexpected end" : what;
	return -1;
}

static void skip_blank(struct scan *c)
{
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t' || *c->s == '\r' || *c->s == '\n'))
		c->s++;
}

/* --- strings --- */

/* Check four hexadecimal digits, the first of which is *c->s. */
static int check_hex(struct scan *c, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, c->s++) {
		static const char digits[] = "0123456789abcdef";
		const char *d;

		if (c->s == c->end)
			return set_error(c, c->s, "");
		d = memchr(digits, *c->s >= 'A' && *c->s <= 'F' ? *c->s | 0x20 : *c->s, 16);
		if (!d)
			return set_error(c, c->s, "an escape \\u without four hexadecimal digits");
		*code = *code << 4 | (uint32_t)(d - digits);
	}
	return 0;
}

/* Check an escape; *c->s is the character after the backslash. */
static int check_escape(struct scan *c, bool name)
{
	const char *at = c->s;
	uint32_t code, low;

	if (at == c->end || !memchr("\"\\/bfnrtu", *at, 9))
		return set_error(c, at, "an unknown escape in a string");
	c->s++;
	if (*at != 'u')
		return 0;
	if (check_hex(c, &code))
		return -1;
	if (!c->rules->unicode)
		return 0;
	if (name && code == 0)
		return set_error(c, at, "a NUL in the name of a member");
	if (code < 0xD800 || code >= 0xE000)
		return 0;
	if (code < 0xDC00 && c->end - c->s >= 6 && c->s[0] == '\\' && c->s[1] == 'u') {
		c->s += 2;
		if (check_hex(c, &low))
			return -1;
		if (low >= 0xDC00 && low < 0xE000)
			return 0;
	}
	return set_error(c, at, "a lone surrogate in a string");
}

static int check_string(struct scan *c, bool name)
{
	for (c->s++; c->s < c->end && *c->s != '"';) {
		if ((unsigned char)*c->s < ' ')
			return set_error(c, c->s, "a control character in a string");
		if (*c->s++ == '\\' && check_escape(c, name))
			return -1;
	}
	if (c->s == c->end)
		return set_error(c, c->s, "");
	c->s++;
	return 0;
}

/* --- numbers and words --- */

static size_t skip_digits(struct scan *c)
{
	const char *from = c->s;

	while (c->s < c->end && *c->s >= '0' && *c->s <= '9')
		c->s++;
	return (size_t)(c->s - from);
}

static bool is_size(const char *s, const char *end)
{
	uint64_t value = 0;

	for (; s < end; s++)
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
			return false;
	return true;
}

static int check_number(struct scan *c)
{
	static const char what[] = "a malformed number";
	const char *at = c->s, *from;

	c->s += *at == '-';
	from = c->s;
	if (skip_digits(c) == 0 || (*from == '0' && c->s - from > 1))
		return set_error(c, at, what);
	if (c->s < c->end && *c->s == '.') {
		c->s++;
		if (skip_digits(c) == 0)
			return set_error(c, at, what);
	}
	if (c->s < c->end && (*c->s == 'e' || *c->s == 'E')) {
		c->s++;
		c->s += c->s < c->end && (*c->s == '+' || *c->s == '-');
		if (skip_digits(c) == 0)
			return set_error(c, at, what);
	}
	if (c->rules->sizes && !is_size(at, c->s))
		return set_error(c, at, "a number that is not a size from 0 to 2^64 - 1");
	return 0;
}

static int check_word(struct scan *c)
{
	static const char *const known[] = {"true", "false", "null"};
	size_t left = (size_t)(c->end - c->s);

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(known[i]);

		if (left >= n && !memcmp(c->s, known[i], n)) {
			c->s += n;
			return 0;
		}
		if (left < n && left > 0 && !memcmp(c->s, known[i], left))
			return set_error(c, c->end, "");
	}
	if (left > 0 && *c->s == '\'')
		return set_error(c, c->s, "a single quote, expected a double quote");
	if (left > 0 && *c->s == '\0')
		return set_error(c, c->s, "a NUL byte");
	if (left > 0 && (*c->s == 'N' || *c->s == 'I'))
		return set_error(c, c->s, "NaN or Infinity");
	return set_error(c, c->s, "an unexpected character, expected a value");
}

/* --- values --- */

static int check_member_name(struct scan *c)
{
	skip_blank(c);
	if (c->s < c->end && *c->s == '\'')
		return set_error(c, c->s, "a single quote, expected a double quote");
	if (c->s == c->end || *c->s != '"')
		return set_error(c, c->s, "an unexpected character, expected a member's name");
	if (check_string(c, true))
		return -1;
	skip_blank(c);
	if (c->s == c->end || *c->s != ':')
		return set_error(c, c->s, "an unexpected character, expected ':'");
	c->s++;
	c->r->members++;
	return 0;
}

/* Check a value. Of an array or object that is not empty, check the beginning only and set *open.
 */
static int begin_value(struct scan *c, bool *open)
{
	bool object;

	*open = false;
	skip_blank(c);
	if (c->s == c->end)
		return set_error(c, c->s, "");
	if (*c->s == '"')
		return check_string(c, false);
	if (*c->s == '-' || *c->s == '.' || (*c->s >= '0' && *c->s <= '9'))
		return check_number(c);
	if (*c->s != '{' && *c->s != '[')
		return check_word(c);
	if (c->depth >= c->rules->depth || c->depth >= JSONTEXT_DEPTH_MAX)
		return set_error(c, c->s, "arrays and objects are nested too deep");
	object = *c->s++ == '{';
	skip_blank(c);
	if (c->s < c->end && *c->s == (object ? '}' : ']')) {
		c->s++;
		return 0;
	}
	c->object[c->depth++] = object;
	*open = true;
	return object ? check_member_name(c) : 0;
}

/* Check what follows a value: the ends of the arrays and objects of which it is the last value, or
 * a comma, for which *more is set. */
static int end_value(struct scan *c, bool *more)
{
	*more = false;
	while (c->depth > 0) {
		bool object = c->object[c->depth - 1];

		skip_blank(c);
		if (c->s < c->end && *c->s == ',') {
			c->s++;
			*more = true;
			return object ? check_member_name(c) : 0;
		}
		if (c->s == c->end || *c->s != (object ? '}' : ']'))
			return set_error(
			    c, c->s, "an unexpected character, expected ',' or an end");
		c->s++;
		c->depth--;
	}
	return 0;
}

int jsontext_check(
    const char *text, size_t n, const struct jsontext_rules *rules, struct jsontext_result *r)
{
	struct scan c;
	bool more = true;

	c.begin = c.s = text;
	c.end = text + n;
	c.rules = rules;
	c.r = r;
	c.depth = 0;
	*r = (struct jsontext_result){0};
	while (more) {
		bool open;

		if (begin_value(&c, &open) || (!open && end_value(&c, &more)))
			return -1;
	}
	skip_blank(&c);
	return c.s == c.end ? 0 : set_error(&c, c.s, "an unexpected character after the value");
}
