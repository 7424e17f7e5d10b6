#include "formats/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/jsonarray.h"
#include "formats/signature.h"
#include "formats/story_json.h"
#include "formats/story_test.h"
#include "formats/textinput.h"

enum { BLOCK = 1 << 19 }; /* bytes of the buffer for a block */

struct story_parser {
	enum story_form form;
	struct story_place at; /* the next document */
	const char *p, *end;   /* the rest of the block */
	struct story_json *json;
};

/* --- input --- */

/* Recognise the form of the text. Returns 0 or -1. */
static int recognise(struct story_input *s, struct err *e)
{
	const unsigned char *p = s->in.buf + s->in.pos;
	size_t n = s->in.len - s->in.pos;
	const char *advice = signature_of_text((const char *)p, n, s->form == STORY_JSON);

	if (s->form != STORY_JSON) {
		s->doubt = advice;
		return 0;
	}
	if (advice)
		return err_set(e, "%s: %s", s->in.name, advice);
	s->elements = jsonarray_begins(p, n);
	return s->elements ? jsonarray_convert(&s->in, e) : 0;
}

int story_open(struct story_input *s, const char *path, enum story_form form, struct err *e)
{
	*s = (struct story_input){.form = form, .line = 1};
	if (textinput_open(&s->in, path, e))
		return -1;
	if (!recognise(s, e))
		return 0;
	story_close(s);
	return -1;
}

void story_close(struct story_input *s)
{
	input_close(&s->in);
}

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

int story_block(struct story_input *s, struct story_block *block, struct err *e)
{
	struct input *in = &s->in;
	size_t searched = 0, end = 0;

	if (mem_grow(&in->buf, &in->cap, BLOCK, 1, e))
		return -1;
	for (;;) {
		const char *p = (const char *)in->buf + in->pos;
		size_t n = in->len - in->pos;
		int more;

		if (n > searched && (n >= BLOCK / 2 || in->eof)) {
			end = searched + last_document_end(p + searched, n - searched, s->form);
			end = end == searched ? 0 : end;
			/* The end of the buffer may contain the beginning of a mark. */
			searched = s->form == STORY_TEXT && n >= sizeof STORY_MARK
			               ? n - sizeof STORY_MARK
			               : n;
		}
		if (in->eof)
			end = n;
		if (end > 0) {
			*block = (struct story_block){p, end, s->line, s->elements};
			s->line += count_lines(p, end);
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

struct story_parser *story_parser_new(enum story_form form, const char *field, struct err *e)
{
	struct story_parser *p = mem_array(1, sizeof *p, e);

	if (!p)
		return NULL;
	p->form = form;
	if (form == STORY_JSON && !(p->json = story_json_new(field, e))) {
		story_parser_free(p);
		return NULL;
	}
	return p;
}

void story_parser_free(struct story_parser *p)
{
	if (!p)
		return;
	story_json_free(p->json);
	free(p);
}

void story_parser_slow(struct story_parser *p)
{
	if (p->json)
		story_json_slow(p->json);
}

void story_start(struct story_parser *p, const char *name, const struct story_block *block)
{
	p->at = (struct story_place){name, block->elements ? "element" : "line", block->line};
	p->p = block->data;
	p->end = block->data + block->n;
}

/* --- documents --- */

static enum story_result next_line(struct story_parser *p, struct story *story, struct err *e)
{
	enum story_result result = STORY_OK;
	const char *end;

	do {
		story->text = p->p;
		story->line = p->at.number;
		if (p->p == p->end)
			return STORY_END;
		end = memchr(p->p, '\n', (size_t)(p->end - p->p));
		story->n = (size_t)((end ? end : p->end) - p->p);
		p->p = end ? end + 1 : p->end;
		if (p->json)
			result = story_json_parse(p->json, story->text, story->n, &p->at, story, e);
		p->at.number++;
	} while (result == STORY_END); /* a blank line */
	return result;
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
	story->line = p->at.number;
	p->at.number += count_lines(p->p, story->n);
	p->p = end ? end + length : p->end;
	return !end && is_blank(story->text, story->n) ? STORY_END : STORY_OK;
}

enum story_result story_next(struct story_parser *p, struct story *story, struct err *e)
{
	if (p->form != STORY_TEXT)
		return next_line(p, story, e);
	return p->p == p->end ? STORY_END : next_marked(p, story);
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
	/* An empty text may be NULL. */
	if (from < n && output_write(out, text + from, n - from, e))
		return -1;
	return output_write(out, "\"", 1, e);
}
