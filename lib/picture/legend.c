#include "picture/legend.h"

#include <math.h>
#include <string.h>

#include "picture/axes.h"
#include "picture/text.h"

enum { LEGEND_MAX = 24 };

static const double swatch = 20, bar_width = 12; /* in frame.unit */

/* --- the colour bar --- */

static double bar_height(const struct frame *f)
{
	return isnan(f->plot->only_c) ? fmin(0.5 * f->height, 260 * f->unit) : 0;
}

static void add_end(const struct scale *s, struct ticks *t, double value)
{
	struct tick *tick = &t->at[t->n++];

	tick->value = value;
	scale_label(s, value, false, tick->label);
}

/* Ticks at both ends of the colour scale, and at round numbers that are not too close to them. If
 * all c are the same, a single tick. */
static void bar_ticks(const struct frame *f, struct ticks *t)
{
	const struct scale *c = &f->plot->c;
	double height = bar_height(f), room = height > 0 ? 16 * f->unit / height : 0;
	struct ticks inner = {0};

	t->n = t->n_minor = 0;
	if (height > 0)
		axes_ticks(f, c, height, false, &inner);
	for (int i = 0; i < inner.n && t->n < TICKS_MAX - 2; i++) {
		double at = scale_place(c, inner.at[i].value);

		if (at > room && at < 1 - room)
			t->at[t->n++] = inner.at[i];
	}
	add_end(c, t, height > 0 ? c->lo : f->plot->only_c);
	if (height > 0)
		add_end(c, t, c->hi);
}

static void fill_bar(const struct frame *f, double x, double y, double height)
{
	cairo_pattern_t *ramp = cairo_pattern_create_linear(0, y + height, 0, y);

	for (int i = 0; i <= 20; i++) {
		struct rgb c = colour_sequence(f->plot->background, i / 20.0);

		cairo_pattern_add_color_stop_rgb(ramp, i / 20.0, c.r, c.g, c.b);
	}
	cairo_rectangle(f->cr, x, y, bar_width * f->unit, height);
	cairo_set_source(f->cr, ramp);
	cairo_fill(f->cr);
	cairo_pattern_destroy(ramp);
}

/* Draw the title and the bar, small numbers at the bottom, or one square if all c are the same.
 * Returns the y below. */
static double draw_bar(const struct frame *f, double x, double y)
{
	const struct plot *p = f->plot;
	double u = f->unit, height = bar_height(f), right = x + bar_width * u;
	char words[TEXT_MAX];
	struct ticks t;

	text_font(f, text_medium, false);
	text_fit(f, words, p->c_title ? p->c_title : "", p->width - x - 4 * u);
	text_draw(f, x, y + 10 * u, 0, f->theme->ink, words);
	y += 20 * u;
	bar_ticks(f, &t);
	fill_bar(f, x, y, height > 0 ? height : bar_width * u);
	text_font(f, text_small, false);
	for (int i = 0; i < t.n; i++) {
		double at = y + height * (1 - scale_place(&p->c, t.at[i].value));

		if (height > 0)
			axes_segment(f, right, at, right + axes_tick * u, at);
		else
			at = y + 0.5 * bar_width * u;
		axes_stroke(f, f->theme->rule, 1, 1);
		text_draw(
		    f, right + (axes_tick + 4) * u, at + 4.2 * u, 0, f->theme->dim, t.at[i].label);
	}
	return y + fmax(height, bar_width * u) + 26 * u;
}

static double bar_panel_width(const struct frame *f, double max_width)
{
	char words[TEXT_MAX];
	struct ticks t;
	double width;

	bar_ticks(f, &t);
	text_font(f, text_small, false);
	width = (bar_width + axes_tick + 4) * f->unit + axes_label_width(f, &t);
	text_font(f, text_medium, false);
	text_fit(f, words, f->plot->c_title ? f->plot->c_title : "", max_width);
	return fmax(width, text_width(f, words));
}

/* --- the legend --- */

static struct rgb swatch_colour(const struct frame *f, const struct series *s)
{
	enum background background = f->plot->background;

	return s->c ? colour_sequence(background, 0.6) : colour_category(background, s->category);
}

/* A short line, dot or bar around the height y. */
static void draw_swatch(const struct frame *f, const struct series *s, double x, double y)
{
	double u = f->unit, middle = x + 0.5 * swatch * u;
	size_t shape = s->shaped ? s->category : 0;

	marks_colour(f, swatch_colour(f, s), 1);
	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_ROUND);
	switch (s->mark) {
	case SERIES_BAND: /* these two are not in the legend */
	case SERIES_CELLS:
		break;
	case SERIES_POINTS:
		marks_shape(f, shape, middle, y, 3.5 * u);
		break;
	case SERIES_LINE:
		axes_segment(f, x + u, y, x + (swatch - 1) * u, y);
		cairo_set_line_width(f->cr, 2 * s->width * u);
		cairo_stroke(f->cr);
		if (s->shaped)
			marks_shape(f, shape, middle, y, 4 * u);
		break;
	case SERIES_MARKS:
		marks_vertical(f, middle, y - 7 * u, y + 7 * u);
		break;
	case SERIES_BARS:
		cairo_rectangle(f->cr, middle - 4 * u, y - 5 * u, 8 * u, 10 * u);
		cairo_fill(f->cr);
		break;
	}
}

/* The next series from *i on that is in the legend, or NULL. */
static const struct series *next_labelled(const struct plot *p, size_t *i)
{
	while (*i < p->n_series)
		if (p->series[(*i)++].label)
			return &p->series[*i - 1];
	return NULL;
}

static double names_width(const struct frame *f, double max_width)
{
	const struct series *s;
	double width = 0, indent = (swatch + 6) * f->unit;
	char words[TEXT_MAX];
	size_t i = 0;

	text_font(f, text_small, false);
	for (int n = 0; n < LEGEND_MAX && (s = next_labelled(f->plot, &i)); n++) {
		text_fit(f, words, s->label, max_width - indent);
		width = fmax(width, text_width(f, words) + indent);
	}
	return width;
}

static void draw_names(const struct frame *f, double x, double y)
{
	const struct series *s;
	double u = f->unit;
	char words[TEXT_MAX];
	size_t i = 0;

	for (int n = 0; n < LEGEND_MAX && (s = next_labelled(f->plot, &i)); n++) {
		draw_swatch(f, s, x, y);
		text_font(f, text_small, false);
		text_fit(f, words, s->label, f->plot->width - x - (swatch + 8) * u);
		text_draw(f, x + (swatch + 6) * u, y + 4.2 * u, 0, f->theme->ink, words);
		y += 19 * u;
	}
}

double legend_width(const struct frame *f)
{
	double max_width = 0.3 * f->plot->width, width = names_width(f, max_width);

	if (f->plot->has_c)
		width = fmax(width, bar_panel_width(f, max_width));
	return width;
}

void legend_draw(const struct frame *f, double x)
{
	draw_names(f, x, f->plot->has_c ? draw_bar(f, x, f->top) : f->top + 6 * f->unit);
}
