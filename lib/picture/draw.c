#include "picture/draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "picture/axes.h"
#include "picture/legend.h"

/* Lay out a picture: titles, panels and the legend. Lengths are in frame.unit. */

static const double margin = 16, gap = 22; /* gap: left of the legend */

static void draw_titles(const struct frame *f)
{
	const struct plot *p = f->plot;
	double u = f->unit, max_width = p->width - 2 * margin * u;
	char words[TEXT_MAX];

	if (p->title) {
		text_font(f, text_large, true);
		text_fit(f, words, p->title, max_width);
		text_draw(f, margin * u, (margin + 12) * u, 0, f->theme->ink, words);
	}
	if (p->x_title) {
		text_font(f, text_medium, false);
		text_fit(f, words, p->x_title, 0.9 * f->width);
		text_draw(
		    f, f->left + f->width / 2, p->height - margin * u, 0.5, f->theme->ink, words);
	}
}

static void draw_y_title(const struct frame *f)
{
	const struct plot *p = f->plot;
	double u = f->unit;
	char words[TEXT_MAX];

	if (!p->y_title)
		return;
	text_font(f, text_medium, false);
	text_fit(f, words, p->y_title, 0.7 * (p->width - 2 * margin * u));
	text_draw(f, margin * u, f->top - 12 * u, 0, f->theme->ink, words);
}

/* Above the axes: the note, and, if points were left out, how many. */
static void draw_caption(const struct frame *f)
{
	size_t all = plot_points(f->plot), shown = plot_shown(f->plot);
	size_t outside = f->plot->outside;
	char thinned[64] = "", beyond[64] = "", words[TEXT_MAX];

	if (shown < all)
		snprintf(thinned, sizeof thinned, "   %zu of %zu points drawn", shown, all);
	if (outside > 0)
		snprintf(beyond, sizeof beyond, "   %zu outside the axes", outside);
	snprintf(
	    words, sizeof words, "%s%s%s", f->plot->note ? f->plot->note : "", thinned, beyond);
	text_font(f, text_small - 2, false);
	text_draw(f, f->left + f->width, f->top - 6 * f->unit, 1, f->theme->dim, words);
}

/* --- the layout --- */

/* Set the frame of panel k of n, but for its left and width. whole: of all panels. */
static void place_panel(struct frame *f, const struct frame *whole, size_t k, size_t n)
{
	double height = whole->height / (double)n, head = (f->plot->y_title ? 24 : 4) * f->unit;

	f->top = whole->top + (double)k * height + head;
	f->height = height - head - (k + 1 < n ? 12 * f->unit : 0);
}

/* Set the frame of all panels and those of the n panels. Returns 0, or -1 if there is no room. */
static int lay_out(struct frame *whole, struct frame *f, struct ticks *y, size_t n, struct err *e)
{
	const struct plot *p = whole->plot;
	double u = whole->unit, labels = 0, legend;

	whole->top = (margin + (p->title ? 26 : 0)) * u;
	whole->height = p->height - whole->top - (margin + 22 + (p->x_title ? 24 : 0)) * u;
	for (size_t k = 0; k < n; k++) {
		place_panel(&f[k], whole, k, n);
		axes_ticks(&f[k], &f[k].plot->y, f[k].height, false, &y[k]);
		labels = fmax(labels, axes_label_width(&f[k], &y[k]));
	}
	whole->height -= f[0].top - whole->top;
	whole->top = f[0].top;
	legend = legend_width(whole);
	whole->left = margin * u + labels + 8 * u;
	whole->width =
	    p->width - whole->left - margin * u - (legend > 0 ? legend + gap * u : 8 * u);
	for (size_t k = 0; k < n; k++) {
		f[k].left = whole->left;
		f[k].width = whole->width;
	}
	if (whole->width < 20 * u || f[n - 1].height < 20 * u)
		return err_set(e,
		    "%g x %g pixels have no room for the labels of this picture; increase --size "
		    "or shorten the labels",
		    p->width, p->height);
	return 0;
}

static int draw_panel(const struct frame *f, const struct ticks *x, const struct ticks *y,
    bool labelled, struct err *e)
{
	const struct plot *p = f->plot;

	axes_draw(f, x, y, labelled);
	for (int layer = 0; layer < PLOT_LAYERS; layer++)
		for (size_t i = 0; i < p->n_series; i++)
			if (plot_layer(&p->series[i]) == layer && marks_draw(f, &p->series[i], e))
				return -1;
	draw_y_title(f);
	return 0;
}

static int draw_frames(
    struct frame *whole, struct frame *f, struct ticks *y, size_t n, struct err *e)
{
	struct ticks x;

	if (lay_out(whole, f, y, n, e))
		return -1;
	axes_ticks(whole, &whole->plot->x, whole->width, true, &x);
	for (size_t k = 0; k < n; k++)
		if (draw_panel(&f[k], &x, &y[k], k + 1 == n, e))
			return -1;
	draw_titles(whole);
	draw_caption(whole);
	legend_draw(whole, whole->left + whole->width + gap * whole->unit);
	return 0;
}

int draw_panels(cairo_t *cr, struct texts *texts, const struct plot *panel, size_t n, struct err *e)
{
	struct frame whole = {.cr = cr,
	    .texts = texts,
	    .plot = panel,
	    .theme = colour_theme(panel->background),
	    .unit = sqrt(panel->width * panel->height / (900.0 * 560.0))};
	struct frame *f = mem_array(n, sizeof *f, e);
	struct ticks *y = mem_array(n, sizeof *y, e);
	int failed = f && y ? 0 : -1;

	if (panel->background != BACKGROUND_NONE) {
		marks_colour(&whole, whole.theme->paper, 1);
		cairo_paint(cr);
	}
	for (size_t k = 0; !failed && k < n; k++) {
		f[k] = whole;
		f[k].plot = &panel[k];
	}
	failed = failed || draw_frames(&whole, f, y, n, e);
	free(f);
	free(y);
	return failed ? -1 : 0;
}
