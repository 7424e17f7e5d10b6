#include "formats/jsonarray.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum phase {
	BETWEEN, /* before and after arrays, or objects */
	FIRST,   /* after the '[': an element or the end */
	NEXT,    /* after a ',': an element */
	INSIDE,  /* an element */
};

struct source {
	struct input_source base;
	bool array; /* else a sequence of objects */
	enum phase phase;
	uint64_t depth; /* of brackets in the element */
	bool string, escaped, newline_due;
};

static bool is_white(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_white(const unsigned char *p, size_t n, size_t i)
{
	while (i < n && is_white(p[i]))
		i++;
	return i;
}

bool jsonarray_begins(const unsigned char *p, size_t n)
{
	size_t first = skip_white(p, n, 0), second = first < n ? skip_white(p, n, first + 1) : n;

	if (second == n)
		return false;
	return (p[first] == '[' && (p[second] == '{' || p[second] == ']')) ||
	       (p[first] == '{' && p[second] == '"' &&
	           (p[first + 1] == '\n' || (p[first + 1] == '\r' && p[first + 2] == '\n')));
}

/* Returns what a byte of a string becomes. A line feed is not allowed there, and would end the
 * line; the parser of the line refuses other control characters as well. */
static int in_string(struct source *s, unsigned char c)
{
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->string = false;
	return c == '\n' ? '\v' : c;
}

/* Returns what a byte of an element outside of strings becomes. */
static int in_element(struct source *s, unsigned char c)
{
	if (s->depth == 0 && s->array && (c == ',' || c == ']')) {
		s->phase = c == ',' ? NEXT : BETWEEN;
		return '\n';
	}
	if (s->depth == 0 && !s->array && c == '\n') {
		s->phase = BETWEEN;
		return '\n';
	}
	s->string = c == '"';
	if (c == '{' || c == '[')
		s->depth++;
	if ((c == '}' || c == ']') && s->depth > 0 && --s->depth == 0 && !s->array) {
		s->newline_due = true;
		s->phase = BETWEEN;
	}
	return is_white(c) ? ' ' : c;
}

enum { NOTHING = -1, WRONG = -2 };

/* Returns the byte that c becomes, NOTHING, or WRONG with *what set. */
static int convert(struct source *s, unsigned char c, const char **what)
{
	if (s->phase == INSIDE)
		return s->string ? in_string(s, c) : in_element(s, c);
	if (is_white(c))
		return NOTHING;
	if (s->array) {
		switch (s->phase) {
		case BETWEEN:
			*what = "more text after a JSON array";
			s->phase = FIRST;
			return c == '[' ? NOTHING : WRONG;
		case FIRST:
			if (c == ']') {
				s->phase = BETWEEN;
				return NOTHING;
			}
			break;
		default:
			break;
		}
		*what = "a JSON array with an empty element";
		if (c == ',' || c == ']')
			return WRONG;
	}
	s->phase = INSIDE;
	return in_element(s, c);
}

static ssize_t read_lines(struct input_source *source, void *p, size_t n, struct err *e)
{
	struct source *s = (struct source *)source;
	struct input *in = &source->inner;
	unsigned char *to = p, *const end = to + n;

	while (to == p) {
		while (to < end && (s->newline_due || in->pos < in->len)) {
			const char *what;
			int c;

			if (s->newline_due) {
				*to++ = '\n';
				s->newline_due = false;
				continue;
			}
			c = convert(s, in->buf[in->pos], &what);
			if (c == WRONG)
				return err_set(
				    e, "%s: byte %" PRIu64 ": %s", in->name, in->offset + 1, what);
			in->pos++;
			in->offset++;
			if (c != NOTHING)
				*to++ = (unsigned char)c;
		}
		if (to > (unsigned char *)p)
			break;
		switch (input_fill(in, e)) {
		case 1:
			break;
		case 0:
			return s->array && s->phase != BETWEEN
			           ? err_set(e,
			                 "%s: byte %" PRIu64 ": a JSON array that does not end",
			                 in->name, in->offset + 1)
			           : 0;
		default:
			return -1;
		}
	}
	return to - (unsigned char *)p;
}

static void release(struct input_source *source)
{
	free(source);
}

int jsonarray_convert(struct input *in, struct err *e)
{
	struct source *s = mem_array(1, sizeof *s, e);

	if (!s)
		return -1;
	s->base.read = read_lines;
	s->base.release = release;
	s->array = in->buf[skip_white(in->buf, in->len, in->pos)] == '[';
	return input_convert(in, &s->base, e);
}
