#include "picture/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "picture/words.h"

void text_font(const struct frame *f, double size, bool bold)
{
	cairo_select_font_face(f->cr, "sans", CAIRO_FONT_SLANT_NORMAL,
	    bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(f->cr, size * f->unit);
}

double text_width(const struct frame *f, const char *words)
{
	cairo_text_extents_t box;

	cairo_text_extents(f->cr, words, &box);
	return box.x_advance;
}

void text_fit(const struct frame *f, char to[TEXT_MAX], const char *words, double max_width)
{
	words_clean(to, TEXT_MAX, words);
	while (text_width(f, to) > max_width && words_cut(to, TEXT_MAX, "…"))
		;
}

/* The form of the character at text, of n bytes, in XML; NULL if it is itself. */
static const char *escape_of(const char *text, int32_t code)
{
	if (code == 0xfffe || code == 0xffff)
		return "?"; /* XML does not allow them */
	switch (*text) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

void text_escape(char *to, size_t capacity, const char *text)
{
	size_t used = 0;
	int32_t code;

	for (size_t n; *text; text += n) {
		const char *other;
		size_t m;

		n = utf8_next(text, &code);
		other = escape_of(text, code);
		m = other ? strlen(other) : n;
		if (used + m >= capacity)
			break;
		memcpy(to + used, other ? other : text, m);
		used += m;
	}
	to[used] = '\0';
}

static void add_element(struct texts *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_element(struct texts *t, const char *format, ...)
{
	enum { ELEMENT_MAX = 8 * TEXT_MAX };
	struct err none;
	va_list args;

	if (t->failed || mem_grow(&t->svg, &t->cap, t->n + ELEMENT_MAX, 1, &none)) {
		t->failed = true;
		return;
	}
	va_start(args, format);
	t->n += (size_t)vsnprintf(t->svg + t->n, ELEMENT_MAX, format, args);
	va_end(args);
}

static void add_text(
    const struct frame *f, double x, double y, double align, struct rgb colour, const char *words)
{
	cairo_font_face_t *face = cairo_get_font_face(f->cr);
	bool bold = cairo_toy_font_face_get_weight(face) == CAIRO_FONT_WEIGHT_BOLD;
	char escaped[6 * TEXT_MAX];
	cairo_matrix_t font;

	cairo_get_font_matrix(f->cr, &font);
	text_escape(escaped, sizeof escaped, words);
	add_element(f->texts,
	    "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.2f\"%s%s fill=\"#%02x%02x%02x\">%s"
	    "</text>\n",
	    x, y, font.yy, bold ? " font-weight=\"bold\"" : "",
	    align <= 0   ? ""
	    : align >= 1 ? " text-anchor=\"end\""
	                 : " text-anchor=\"middle\"",
	    (unsigned)(255 * colour.r + 0.5), (unsigned)(255 * colour.g + 0.5),
	    (unsigned)(255 * colour.b + 0.5), escaped);
}

void text_draw(
    const struct frame *f, double x, double y, double align, struct rgb colour, const char *words)
{
	if (!*words)
		return;
	if (f->texts) {
		add_text(f, x, y, align, colour, words);
		return;
	}
	marks_colour(f, colour, 1);
	cairo_move_to(f->cr, x - align * text_width(f, words), y);
	cairo_show_text(f->cr, words);
	cairo_new_path(f->cr); /* or the next shape would begin at the end of the text */
}
