#include "picture/term.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "picture/density.h"
#include "picture/words.h"

enum { TEXT_MAX = 256, LINE_MAX_BYTES = 4 * TERM_MAX + 1 };

/* The raster: two by four dots per character, as in braille. */
struct canvas {
	int columns, rows; /* characters */
	unsigned char *dots;
	unsigned char *colour; /* of each character, one of the 256 of xterm; 0: none */
};

/* --- dots --- */

static void set_dot(struct canvas *c, long x, long y, unsigned char colour)
{
	static const unsigned char bit[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
	size_t at;

	if (x < 0 || y < 0 || x >= 2L * c->columns || y >= 4L * c->rows)
		return;
	at = (size_t)(y / 4) * (size_t)c->columns + (size_t)(x / 2);
	c->dots[at] |= bit[y % 4][x % 2];
	c->colour[at] = colour;
}

static double dot_x(const struct canvas *c, const struct plot *p, double x)
{
	return scale_place(&p->x, x) * (2 * c->columns - 1);
}

static double dot_y(const struct canvas *c, const struct plot *p, double y)
{
	return (1 - scale_place(&p->y, y)) * (4 * c->rows - 1);
}

/* The nearest colour of xterm's cube of 6 x 6 x 6. */
static unsigned char xterm_colour(struct rgb c)
{
	return (unsigned char)(16 + 36 * lround(5 * c.r) + 6 * lround(5 * c.g) + lround(5 * c.b));
}

/* --- marks --- */

static int draw_points(
    struct canvas *c, const struct plot *p, const struct series *s, struct err *e)
{
	uint32_t *order;
	size_t n;

	if (plot_order(p, s, &order, &n, e))
		return -1;
	for (size_t k = 0; k < n; k++)
		set_dot(c, lround(dot_x(c, p, s->x[order[k]])), lround(dot_y(c, p, s->y[order[k]])),
		    xterm_colour(plot_colour(p, s, order[k])));
	free(order);
	return 0;
}

/* A dot in the middle of each cell. */
static void draw_cells(struct canvas *c, const struct plot *p, const struct series *s)
{
	double half_x = (2 * c->columns - 1) * 0.5 / DENSITY_COLUMNS;
	double half_y = (4 * c->rows - 1) * 0.5 / DENSITY_ROWS;

	for (size_t i = 0; i < s->n; i++)
		set_dot(c, lround(dot_x(c, p, s->x[i]) + half_x),
		    lround(dot_y(c, p, s->y[i]) - half_y), xterm_colour(plot_colour(p, s, i)));
}

/* Clip the segment from a to b to [0, end]: narrow [*from, *to], fractions of its length.
 * Source: Liang and Barsky 1984. */
static void clip_segment(double a, double b, double end, double *from, double *to)
{
	double d = b - a;

	if (d == 0) {
		if (a < 0 || a > end)
			*to = -1;
		return;
	}
	*from = fmax(*from, d > 0 ? -a / d : (end - a) / d);
	*to = fmin(*to, d > 0 ? (end - a) / d : -a / d);
}

static void draw_segment(
    struct canvas *c, double x0, double y0, double x1, double y1, unsigned char colour)
{
	double from = 0, to = 1;
	int steps;

	clip_segment(x0, x1, 2 * c->columns - 1, &from, &to);
	clip_segment(y0, y1, 4 * c->rows - 1, &from, &to);
	if (!(from <= to))
		return;
	steps = (int)ceil(fmax(fabs(x1 - x0), fabs(y1 - y0)) * (to - from)) + 1;
	for (int i = 0; i <= steps; i++) {
		double at = from + (to - from) * i / steps;

		set_dot(c, lround(x0 + at * (x1 - x0)), lround(y0 + at * (y1 - y0)), colour);
	}
}

static void draw_line(struct canvas *c, const struct plot *p, const struct series *s)
{
	bool down = false;
	double x0 = 0, y0 = 0;

	for (size_t i = 0; i < s->n; i++) {
		double x = dot_x(c, p, s->x[i]), y = dot_y(c, p, s->y[i]);

		if (!isfinite(x) || !isfinite(y)) {
			down = false;
			continue;
		}
		if (down)
			draw_segment(c, x0, y0, x, y, xterm_colour(plot_colour(p, s, i)));
		else /* the line may have only one point */
			set_dot(c, lround(x), lround(y), xterm_colour(plot_colour(p, s, i)));
		down = true;
		x0 = x;
		y0 = y;
	}
}

static void draw_bars(struct canvas *c, const struct plot *p, const struct series *s)
{
	for (size_t i = 0; i + 1 < s->n; i++) {
		double x0 = dot_x(c, p, s->x[i]), x1 = dot_x(c, p, s->x[i + 1]);
		double top = dot_y(c, p, s->y[i]);

		for (long x = lround(x0); s->y[i] > 0 && x < fmax(x1, lround(x0) + 1); x++)
			draw_segment(c, (double)x, top, (double)x, 4 * c->rows - 1,
			    xterm_colour(plot_colour(p, s, i)));
	}
}

/* A dotted line at each x. */
static void draw_vertical(struct canvas *c, const struct plot *p, const struct series *s)
{
	for (size_t i = 0; i < s->n; i++) {
		double x = dot_x(c, p, s->x[i]);

		for (long y = 0; isfinite(x) && y < 4L * c->rows; y += 3)
			set_dot(c, lround(x), y, xterm_colour(plot_colour(p, s, i)));
	}
}

static int draw_series(
    struct canvas *c, const struct plot *p, const struct series *s, struct err *e)
{
	switch (s->mark) {
	case SERIES_POINTS:
		return draw_points(c, p, s, e);
	case SERIES_CELLS:
		draw_cells(c, p, s);
		break;
	case SERIES_LINE:
		draw_line(c, p, s);
		break;
	case SERIES_BARS:
		draw_bars(c, p, s);
		break;
	case SERIES_BAND: /* would hide the lines */
		break;
	case SERIES_MARKS:
		draw_vertical(c, p, s);
		break;
	}
	return 0;
}

static int draw_marks(struct canvas *c, const struct plot *p, struct err *e)
{
	for (int layer = 0; layer < PLOT_LAYERS; layer++)
		for (size_t i = 0; i < p->n_series; i++)
			if (plot_layer(&p->series[i]) == layer &&
			    draw_series(c, p, &p->series[i], e))
				return -1;
	return 0;
}

/* --- axes --- */

struct layout {
	const struct plot *plot;
	const struct term *term;
	struct canvas canvas;
	struct ticks x, y;
	int left; /* width of the labels of y, in characters; at least that of other panels */
};

static int tick_row(const struct layout *l, int i)
{
	return (int)lround(dot_y(&l->canvas, l->plot, l->y.at[i].value)) / 4;
}

static int tick_column(const struct layout *l, int i)
{
	return (int)lround(dot_x(&l->canvas, l->plot, l->x.at[i].value)) / 2;
}

static bool y_ticks_fit(const struct layout *l)
{
	for (int i = 1; i < l->y.n; i++)
		if (tick_row(l, i - 1) - tick_row(l, i) < 2)
			return false;
	return true;
}

/* The column at which label i begins: centred under its tick, but within the canvas. */
static int label_column(const struct layout *l, int i)
{
	int length = (int)words_length(l->x.at[i].label);
	int at = tick_column(l, i) - length / 2;

	at = at + length > l->canvas.columns ? l->canvas.columns - length : at;
	return at > 0 ? at : 0;
}

static bool x_ticks_fit(const struct layout *l)
{
	for (int i = 1; i < l->x.n; i++)
		if (label_column(l, i) <
		    label_column(l, i - 1) + (int)words_length(l->x.at[i - 1].label) + 2)
			return false;
	return true;
}

static void lay_out_plot(struct layout *l, int rows)
{
	bool plain = !l->term->unicode;
	int sparser = 0;

	l->canvas.rows = rows;
	l->canvas.columns = l->term->columns;
	while (scale_ticks(&l->plot->y, sparser, plain, &l->y) && !y_ticks_fit(l))
		sparser++;
	for (int i = 0; i < l->y.n; i++)
		l->left = (int)fmax(l->left, (double)words_length(l->y.at[i].label));
	l->canvas.columns = l->term->columns - l->left - 2;
	sparser = 0;
	while (scale_ticks(&l->plot->x, sparser, plain, &l->x) && !x_ticks_fit(l))
		sparser++;
}

/* --- lines of text --- */

static void format_cell(char *to, size_t capacity, const struct term *term, unsigned char dots)
{
	static const char density[] = " ..::**##";

	if (term->unicode && dots)
		snprintf(to, capacity, "%c%c%c", 0xe2, 0xa0 | dots >> 6, 0x80 | (dots & 0x3f));
	else
		snprintf(to, capacity, "%c", density[__builtin_popcount(dots)]);
}

static int write_text(struct output *out, const char *text, struct err *e)
{
	return output_write(out, text, strlen(text), e);
}

static int write_row(const struct layout *l, int row, struct output *out, struct err *e)
{
	const struct canvas *c = &l->canvas;
	const char *label = "", *bar = l->term->unicode ? "│" : "|";
	unsigned char colour = 0;
	char text[16];
	int end = c->columns;

	for (int i = 0; i < l->y.n; i++)
		if (tick_row(l, i) == row) {
			label = l->y.at[i].label;
			bar = l->term->unicode ? "┤" : "+";
		}
	if (output_printf(out, e, "%*s%s %s", l->left - (int)words_length(label), "", label, bar))
		return -1;
	while (end > 0 && !c->dots[row * c->columns + end - 1])
		end--;
	for (int i = 0; i < end; i++) {
		size_t at = (size_t)row * (size_t)c->columns + (size_t)i;

		if (l->term->colour && c->dots[at] && c->colour[at] != colour) {
			colour = c->colour[at];
			if (output_printf(out, e, "\033[38;5;%dm", colour))
				return -1;
		}
		format_cell(text, sizeof text, l->term, c->dots[at]);
		if (write_text(out, text, e))
			return -1;
	}
	return write_text(out, colour ? "\033[0m\n" : "\n", e);
}

static int write_x_axis(const struct layout *l, bool labelled, struct output *out, struct err *e)
{
	bool unicode = l->term->unicode;
	int at = 0;

	if (output_printf(out, e, "%*s %s", l->left, "", unicode ? "└" : "+"))
		return -1;
	for (int i = 0, next = 0; i < l->canvas.columns; i++) {
		bool tick = next < l->x.n && tick_column(l, next) == i;

		while (next < l->x.n && tick_column(l, next) <= i)
			next++;
		if (write_text(out, tick ? unicode ? "┬" : "+" : unicode ? "─" : "-", e))
			return -1;
	}
	if (!labelled)
		return write_text(out, "\n", e);
	if (output_printf(out, e, "\n%*s", l->left + 2, ""))
		return -1;
	for (int i = 0; i < l->x.n; i++) {
		int begin = (int)fmax(at, label_column(l, i));

		if (output_printf(out, e, "%*s%s", begin - at, "", l->x.at[i].label))
			return -1;
		at = begin + (int)words_length(l->x.at[i].label);
	}
	return write_text(out, "\n", e);
}

/* Write words as one line, cleaned and cut to the width, at the left or centred. */
static int write_words(
    const struct term *term, const char *words, bool centred, struct output *out, struct err *e)
{
	char clean[TEXT_MAX];
	int space;

	words_clean(clean, sizeof clean, words);
	while ((int)words_length(clean) > term->columns &&
	       words_cut(clean, sizeof clean, term->unicode ? "…" : "..."))
		;
	space = centred ? (term->columns - (int)words_length(clean)) / 2 : 0;
	return output_printf(out, e, "%*s%s\n", space, "", clean);
}

/* --- the legend, one line per series --- */

static const char *series_symbol(const struct series *s, bool unicode)
{
	switch (s->mark) {
	case SERIES_LINE:
		return unicode ? "──" : "--";
	case SERIES_BARS:
		return unicode ? "▇▇" : "##";
	case SERIES_MARKS:
		return unicode ? "┊" : ":";
	default:
		return unicode ? "●" : "*";
	}
}

static int write_legend(const struct layout *l, struct output *out, struct err *e)
{
	const struct plot *p = l->plot;
	bool colour = l->term->colour;
	char text[TEXT_MAX], words[2 * TEXT_MAX], paint[16], lo[TICKS_LABEL], hi[TICKS_LABEL];

	if (p->has_c && colour) {
		words_clean(text, sizeof text, p->c_title ? p->c_title : "");
		scale_label(&p->c, p->c.lo, !l->term->unicode, lo);
		scale_label(&p->c, p->c.hi, !l->term->unicode, hi);
		snprintf(words, sizeof words, "%s: %s (light) to %s (dark)", text, lo, hi);
		if (write_words(l->term, words, true, out, e))
			return -1;
	}
	for (size_t i = 0; i < p->n_series; i++) {
		const struct series *s = &p->series[i];
		struct rgb c = s->c ? colour_sequence(p->background, 1)
		                    : colour_category(p->background, s->category);

		if (!s->label)
			continue;
		words_clean(text, sizeof text, s->label);
		while ((int)words_length(text) > l->term->columns - l->left - 5 &&
		       words_cut(text, sizeof text, l->term->unicode ? "…" : "..."))
			;
		snprintf(paint, sizeof paint, "\033[38;5;%dm", xterm_colour(c));
		if (output_printf(out, e, "%*s%s%s%s %s\n", l->left + 2, "", colour ? paint : "",
		        series_symbol(s, l->term->unicode), colour ? "\033[0m" : "", text))
			return -1;
	}
	return 0;
}

static int legend_rows(const struct plot *p, const struct term *term)
{
	int n = p->has_c && term->colour;

	for (size_t i = 0; i < p->n_series; i++)
		n += p->series[i].label != NULL;
	return n;
}

static int write_panel(const struct layout *l, bool labelled, struct output *out, struct err *e)
{
	if (l->plot->y_title && write_words(l->term, l->plot->y_title, false, out, e))
		return -1;
	for (int row = 0; row < l->canvas.rows; row++)
		if (write_row(l, row, out, e))
			return -1;
	return write_x_axis(l, labelled, out, e);
}

static int write_all(const struct layout *l, size_t n, struct output *out, struct err *e)
{
	const struct plot *p = l->plot;

	if (p->title && write_words(l->term, p->title, true, out, e))
		return -1;
	for (size_t k = 0; k < n; k++)
		if (write_panel(&l[k], k + 1 == n, out, e))
			return -1;
	if (p->x_title && write_words(l->term, p->x_title, true, out, e))
		return -1;
	return write_legend(l, out, e);
}

/* --- panels --- */

/* Lay out n panels, whose axes stand one below the other. Returns 0, or -1 if there is no room. */
static int lay_out_panels(struct layout *l, size_t n, struct err *e)
{
	const struct plot *p = l->plot;
	int used = 1 + (p->title != NULL) + (p->x_title != NULL) + legend_rows(p, l->term);
	int left = 0;

	for (size_t k = 0; k < n; k++)
		used += 1 + (l[k].plot->y_title != NULL);
	for (int pass = 0; pass < 2; pass++)
		for (size_t k = 0; k < n; k++) {
			l[k].left = left;
			lay_out_plot(&l[k], l->term->rows - used > 3 * (int)n
			                        ? (l->term->rows - used) / (int)n
			                        : 3);
			left = l[k].left;
		}
	if (l->canvas.columns < 4)
		return err_set(e, "%d columns are too few for this picture (%d at least)",
		    l->term->columns, left + 2 + 4);
	return 0;
}

static int draw_panel(struct layout *l, struct err *e)
{
	size_t cells = (size_t)l->canvas.rows * (size_t)l->canvas.columns;

	l->canvas.dots = mem_array(cells, 1, e);
	l->canvas.colour = mem_array(cells, 1, e);
	return !l->canvas.dots || !l->canvas.colour ? -1 : draw_marks(&l->canvas, l->plot, e);
}

int term_write(
    const struct plot *panel, size_t n, const struct term *term, struct output *out, struct err *e)
{
	struct layout *l = mem_array(n, sizeof *l, e);
	int failed;

	if (!l)
		return -1;
	for (size_t k = 0; k < n; k++)
		l[k] = (struct layout){.plot = &panel[k], .term = term};
	failed = lay_out_panels(l, n, e);
	for (size_t k = 0; !failed && k < n; k++)
		failed = draw_panel(&l[k], e);
	failed = failed || write_all(l, n, out, e);
	for (size_t k = 0; k < n; k++) {
		free(l[k].canvas.dots);
		free(l[k].canvas.colour);
	}
	free(l);
	return failed ? -1 : 0;
}
