#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cairo-svg.h>
#include <cairo.h>

#include "picture/marks.h"
#include "picture/plot.h"
#include "picture/words.h"

/* Draw the plot around the marks: titles, axes, colour bar and legend. Lengths are in frame.unit.
 */

enum { TEXT_MAX = 256, LEGEND_MAX = 24 };

static const struct rgb ink = {0.13, 0.13, 0.15}, dim = {0.35, 0.35, 0.38};
static const struct rgb rule = {0.62, 0.62, 0.65}, grid = {0.915, 0.915, 0.925};

static const double small_text = 12, text = 13, large_text = 16;
static const double margin = 16, tick_length = 4, swatch = 20, bar_width = 12;

/* --- text --- */

static void set_text(const struct frame *f, double size, bool bold)
{
	cairo_select_font_face(f->cr, "sans", CAIRO_FONT_SLANT_NORMAL,
	    bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(f->cr, size * f->unit);
}

static double text_width(const struct frame *f, const char *words)
{
	cairo_text_extents_t box;

	cairo_text_extents(f->cr, words, &box);
	return box.x_advance;
}

/* Draw words at (x, y), where y is the baseline: align 0 begins at x, 0.5 is centred, 1 ends at x.
 */
static void draw_text(const struct frame *f, double x, double y, double align, const char *words)
{
	cairo_move_to(f->cr, x - align * text_width(f, words), y);
	cairo_show_text(f->cr, words);
}

/* Copy words to to, cleaned and cut to max_width. */
static void fit_text(const struct frame *f, char to[TEXT_MAX], const char *words, double max_width)
{
	words_clean(to, TEXT_MAX, words);
	while (text_width(f, to) > max_width && words_cut(to, TEXT_MAX, "…"))
		;
}

static void add_segment(const struct frame *f, double x0, double y0, double x1, double y1)
{
	cairo_move_to(f->cr, x0, y0);
	cairo_line_to(f->cr, x1, y1);
}

static void stroke_path(const struct frame *f, struct rgb colour, double width)
{
	marks_colour(f, colour, 1);
	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_BUTT);
	cairo_set_line_width(f->cr, width * f->unit);
	cairo_stroke(f->cr);
}

/* --- ticks: as many as fit --- */

static bool ticks_fit(const struct frame *f, const struct scale *s, const struct ticks *t,
    double length, bool sideways)
{
	double end = -INFINITY;

	for (int i = 0; i < t->n; i++) {
		double at = scale_place(s, t->at[i].value) * length;
		double half =
		    sideways ? 0.5 * text_width(f, t->at[i].label) + 7 * f->unit : 16 * f->unit;

		if (at - half < end)
			return false;
		end = at + half;
	}
	return true;
}

static void choose_ticks(
    const struct frame *f, const struct scale *s, double length, bool sideways, struct ticks *t)
{
	int sparser = 0;

	set_text(f, small_text, false);
	while (scale_ticks(s, sparser, false, t) && !ticks_fit(f, s, t, length, sideways))
		sparser++;
}

static double widest_label(const struct frame *f, const struct ticks *t)
{
	double width = 0;

	for (int i = 0; i < t->n; i++)
		width = fmax(width, text_width(f, t->at[i].label));
	return width;
}

/* --- the panel on the right: colour bar and legend --- */

static bool in_legend(const struct plot *p, size_t i)
{
	return p->series[i].label != NULL;
}

static double bar_height(const struct frame *f)
{
	return fmin(0.5 * f->height, 260 * f->unit);
}

static double panel_width(const struct frame *f)
{
	const struct plot *p = f->plot;
	double max_width = 0.3 * p->width, width = 0;
	char words[TEXT_MAX];
	struct ticks t;

	if (p->has_c) {
		choose_ticks(f, &p->c, bar_height(f), false, &t);
		width = (bar_width + tick_length + 4) * f->unit + widest_label(f, &t);
		set_text(f, text, false);
		fit_text(f, words, p->c_title ? p->c_title : "", max_width);
		width = fmax(width, text_width(f, words));
	}
	set_text(f, small_text, false);
	for (size_t i = 0, n = 0; i < p->n_series && n < LEGEND_MAX; i++) {
		if (!in_legend(p, i))
			continue;
		n++;
		fit_text(f, words, p->series[i].label, max_width - (swatch + 6) * f->unit);
		width = fmax(width, text_width(f, words) + (swatch + 6) * f->unit);
	}
	return width > 0 ? width + 22 * f->unit : 0;
}

/* Draw the colour bar, light (small, old) at the bottom. Returns the y below it. */
static double draw_bar(const struct frame *f, double x, double y)
{
	const struct plot *p = f->plot;
	double u = f->unit, height = bar_height(f), width = bar_width * u;
	char words[TEXT_MAX];
	struct ticks t;
	cairo_pattern_t *ramp;

	set_text(f, text, false);
	fit_text(f, words, p->c_title ? p->c_title : "", p->width - x - 4 * u);
	marks_colour(f, ink, 1);
	draw_text(f, x, y + 10 * u, 0, words);
	y += 20 * u;
	ramp = cairo_pattern_create_linear(0, y + height, 0, y);
	for (int i = 0; i <= 19; i++) {
		struct rgb c = colour_sequence(i / 19.0);

		cairo_pattern_add_color_stop_rgb(ramp, i / 19.0, c.r, c.g, c.b);
	}
	cairo_rectangle(f->cr, x, y, width, height);
	cairo_set_source(f->cr, ramp);
	cairo_fill(f->cr);
	cairo_pattern_destroy(ramp);
	choose_ticks(f, &p->c, height, false, &t);
	for (int i = 0; i < t.n; i++) {
		double at = y + height * (1 - scale_place(&p->c, t.at[i].value));

		add_segment(f, x + width, at, x + width + tick_length * u, at);
		stroke_path(f, rule, 1);
		marks_colour(f, dim, 1);
		draw_text(f, x + width + (tick_length + 4) * u, at + 4.2 * u, 0, t.at[i].label);
	}
	return y + height + 26 * u;
}

static void draw_swatch(const struct frame *f, const struct series *s, double x, double y)
{
	double u = f->unit;
	struct rgb colour = s->c ? colour_sequence(0.6) : s->colour;

	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_ROUND);
	switch (s->mark) {
	case SERIES_BAND: /* not in the legend */
		return;
	case SERIES_POINTS:
		add_segment(f, x + 0.5 * swatch * u, y, x + 0.5 * swatch * u, y);
		cairo_set_line_width(f->cr, 7 * u);
		break;
	case SERIES_LINE:
		add_segment(f, x + u, y, x + (swatch - 1) * u, y);
		cairo_set_line_width(f->cr, 2 * s->width * u);
		break;
	case SERIES_BARS:
		add_segment(f, x + 0.3 * swatch * u, y, x + 0.7 * swatch * u, y);
		cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_BUTT);
		cairo_set_line_width(f->cr, 10 * u);
		break;
	}
	marks_colour(f, colour, 1);
	cairo_stroke(f->cr);
}

static void draw_legend(const struct frame *f, double x, double y)
{
	const struct plot *p = f->plot;
	double u = f->unit;
	char words[TEXT_MAX];
	size_t n = 0;

	set_text(f, small_text, false);
	for (size_t i = 0; i < p->n_series && n < LEGEND_MAX; i++) {
		if (!in_legend(p, i))
			continue;
		n++;
		draw_swatch(f, &p->series[i], x, y);
		fit_text(f, words, p->series[i].label, p->width - x - (swatch + 8) * u);
		marks_colour(f, ink, 1);
		draw_text(f, x + (swatch + 6) * u, y + 4.2 * u, 0, words);
		y += 19 * u;
	}
}

/* --- axes --- */

static void draw_y_axis(const struct frame *f, const struct ticks *t)
{
	double right = f->left + f->width;

	for (int i = 0; i < t->n; i++) {
		double y = frame_y(f, t->at[i].value);

		add_segment(f, f->left, y, right, y);
	}
	stroke_path(f, grid, 1);
	for (int i = 0; i < t->n_minor; i++) {
		double y = frame_y(f, t->minor[i]);

		add_segment(f, f->left - 0.6 * tick_length * f->unit, y, f->left, y);
	}
	for (int i = 0; i < t->n && t->n_minor; i++) {
		double y = frame_y(f, t->at[i].value);

		add_segment(f, f->left - tick_length * f->unit, y, f->left, y);
	}
	stroke_path(f, rule, 0.8);
	set_text(f, small_text, false);
	marks_colour(f, dim, 1);
	for (int i = 0; i < t->n; i++)
		draw_text(f, f->left - 8 * f->unit, frame_y(f, t->at[i].value) + 4.2 * f->unit, 1,
		    t->at[i].label);
}

static void draw_x_axis(const struct frame *f, const struct ticks *t)
{
	double foot = f->top + f->height, u = f->unit;

	for (int i = 0; i < t->n; i++) {
		double x = frame_x(f, t->at[i].value);

		add_segment(f, x, f->top, x, foot);
	}
	stroke_path(f, grid, 1);
	add_segment(f, f->left, foot, f->left + f->width, foot);
	for (int i = 0; i < t->n; i++) {
		double x = frame_x(f, t->at[i].value);

		add_segment(f, x, foot, x, foot + tick_length * u);
	}
	for (int i = 0; i < t->n_minor; i++) {
		double x = frame_x(f, t->minor[i]);

		add_segment(f, x, foot, x, foot + 0.6 * tick_length * u);
	}
	stroke_path(f, rule, 0.8);
	set_text(f, small_text, false);
	marks_colour(f, dim, 1);
	for (int i = 0; i < t->n; i++)
		draw_text(f, frame_x(f, t->at[i].value), foot + 18 * u, 0.5, t->at[i].label);
}

static void draw_titles(const struct frame *f)
{
	const struct plot *p = f->plot;
	double u = f->unit, max_width = p->width - 2 * margin * u;
	char words[TEXT_MAX];

	marks_colour(f, ink, 1);
	if (p->title) {
		set_text(f, large_text, true);
		fit_text(f, words, p->title, max_width);
		draw_text(f, margin * u, (margin + 12) * u, 0, words);
	}
	set_text(f, text, false);
	if (p->y_title) {
		fit_text(f, words, p->y_title, 0.7 * max_width);
		draw_text(f, margin * u, f->top - 12 * u, 0, words);
	}
	if (p->x_title) {
		fit_text(f, words, p->x_title, 0.9 * f->width);
		draw_text(f, f->left + f->width / 2, p->height - margin * u, 0.5, words);
	}
}

/* Above the axes: the note, and, if points were left out, how many are drawn. */
static void draw_caption(const struct frame *f)
{
	size_t all = plot_points(f->plot), shown = plot_shown(f->plot);
	const char *note = f->plot->note ? f->plot->note : "";
	char words[TEXT_MAX];

	snprintf(words, sizeof words, "%s", note);
	if (shown < all)
		snprintf(words, sizeof words, "%s%s%zu of %zu points drawn", note,
		    *note ? "; " : "", shown, all);
	set_text(f, small_text - 2, false);
	marks_colour(f, dim, 1);
	draw_text(f, f->left + f->width, f->top - 6 * f->unit, 1, words);
}

/* --- the whole plot --- */

static int draw_plot(cairo_t *cr, const struct plot *p, struct err *e)
{
	double u = sqrt(p->width * p->height / (900.0 * 560.0));
	struct frame f = {.cr = cr, .plot = p, .unit = u};
	struct ticks x, y;
	double panel;

	marks_colour(&f, (struct rgb){1, 1, 1}, 1);
	cairo_paint(cr);
	f.top = (margin + (p->title ? 26 : 0) + (p->y_title ? 24 : 4)) * u;
	f.height = p->height - f.top - (margin + 22 + (p->x_title ? 24 : 0)) * u;
	panel = panel_width(&f);
	choose_ticks(&f, &p->y, f.height, false, &y);
	f.left = margin * u + widest_label(&f, &y) + 8 * u;
	f.width = p->width - f.left - margin * u - (panel > 0 ? panel : 8 * u);
	if (f.width < 20 * u || f.height < 20 * u)
		return err_set(e,
		    "%g x %g pixels have no room for the labels of this picture; increase --size "
		    "or shorten the labels",
		    p->width, p->height);
	choose_ticks(&f, &p->x, f.width, true, &x);
	draw_y_axis(&f, &y);
	draw_x_axis(&f, &x);
	for (size_t i = 0; i < p->n_series; i++)
		if (marks_draw(&f, &p->series[i], e))
			return -1;
	draw_titles(&f);
	draw_caption(&f);
	if (panel > 0) {
		double left = f.left + f.width + 22 * u;

		draw_legend(&f, left, p->has_c ? draw_bar(&f, left, f.top) : f.top + 6 * u);
	}
	return 0;
}

struct sink {
	struct output *out;
	struct err *e;
	bool failed;
};

static cairo_status_t write_bytes(void *arg, const unsigned char *bytes, unsigned n)
{
	struct sink *sink = arg;

	if (!sink->failed && output_write(sink->out, bytes, n, sink->e))
		sink->failed = true;
	return sink->failed ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *create_surface(
    const struct plot *p, enum plot_format format, struct sink *sink)
{
	cairo_surface_t *s;

	if (format == PLOT_PNG)
		return cairo_image_surface_create(
		    CAIRO_FORMAT_RGB24, (int)p->width, (int)p->height);
	s = cairo_svg_surface_create_for_stream(write_bytes, sink, p->width, p->height);
	if (cairo_surface_status(s) == CAIRO_STATUS_SUCCESS)
		cairo_svg_surface_set_document_unit(s, CAIRO_SVG_UNIT_PX);
	return s;
}

/* Make text look the same on every surface: grey antialiasing, no hinting. */
static cairo_t *create_context(cairo_surface_t *s)
{
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_t *cr = cairo_create(s);

	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_set_font_options(cr, options);
	cairo_font_options_destroy(options);
	return cr;
}

int plot_write(const struct plot *p, enum plot_format format, struct output *out, struct err *e)
{
	struct sink sink = {.out = out, .e = e};
	cairo_surface_t *s = create_surface(p, format, &sink);
	cairo_t *cr = create_context(s);
	int failed = draw_plot(cr, p, e);
	cairo_status_t status = cairo_status(cr);

	cairo_destroy(cr);
	if (!failed && status == CAIRO_STATUS_SUCCESS && format == PLOT_PNG)
		status = cairo_surface_write_to_png_stream(s, write_bytes, &sink);
	cairo_surface_finish(s);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(s);
	cairo_surface_destroy(s);
	if (failed || sink.failed)
		return -1;
	if (status != CAIRO_STATUS_SUCCESS)
		return err_set(e, "%s: cannot draw: %s", out->name, cairo_status_to_string(status));
	return 0;
}
