#include "picture/axes.h"

#include <math.h>

#include "picture/text.h"

void axes_segment(const struct frame *f, double x0, double y0, double x1, double y1)
{
	cairo_move_to(f->cr, x0, y0);
	cairo_line_to(f->cr, x1, y1);
}

void axes_stroke(const struct frame *f, struct rgb colour, double alpha, double width)
{
	marks_colour(f, colour, alpha);
	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_BUTT);
	cairo_set_line_width(f->cr, width * f->unit);
	cairo_stroke(f->cr);
}

/* --- ticks --- */

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

void axes_ticks(
    const struct frame *f, const struct scale *s, double length, bool sideways, struct ticks *t)
{
	int sparser = 0;

	text_font(f, text_small, false);
	while (scale_ticks(s, sparser, false, t) && !ticks_fit(f, s, t, length, sideways))
		sparser++;
}

double axes_label_width(const struct frame *f, const struct ticks *t)
{
	double width = 0;

	for (int i = 0; i < t->n; i++)
		width = fmax(width, text_width(f, t->at[i].label));
	return width;
}

/* --- axes --- */

static void draw_grid(const struct frame *f, const struct ticks *x, const struct ticks *y)
{
	double right = f->left + f->width, foot = f->top + f->height;

	for (int i = 0; i < y->n; i++) {
		double at = frame_y(f, y->at[i].value);

		axes_segment(f, f->left, at, right, at);
	}
	for (int i = 0; i < x->n; i++) {
		double at = frame_x(f, x->at[i].value);

		axes_segment(f, at, f->top, at, foot);
	}
	axes_stroke(f, f->theme->grid, f->theme->grid_alpha, 1);
}

static void draw_y_axis(const struct frame *f, const struct ticks *t)
{
	double tick = axes_tick * f->unit;

	for (int i = 0; i < t->n_minor; i++) {
		double y = frame_y(f, t->minor[i]);

		axes_segment(f, f->left - 0.6 * tick, y, f->left, y);
	}
	for (int i = 0; i < t->n && t->n_minor; i++) {
		double y = frame_y(f, t->at[i].value);

		axes_segment(f, f->left - tick, y, f->left, y);
	}
	axes_stroke(f, f->theme->rule, 1, 0.8);
	text_font(f, text_small, false);
	for (int i = 0; i < t->n; i++)
		text_draw(f, f->left - 8 * f->unit, frame_y(f, t->at[i].value) + 4.2 * f->unit, 1,
		    f->theme->dim, t->at[i].label);
}

static void draw_x_axis(const struct frame *f, const struct ticks *t, bool labelled)
{
	double foot = f->top + f->height, tick = axes_tick * f->unit;

	axes_segment(f, f->left, foot, f->left + f->width, foot);
	for (int i = 0; i < t->n; i++) {
		double x = frame_x(f, t->at[i].value);

		axes_segment(f, x, foot, x, foot + tick);
	}
	for (int i = 0; i < t->n_minor; i++) {
		double x = frame_x(f, t->minor[i]);

		axes_segment(f, x, foot, x, foot + 0.6 * tick);
	}
	axes_stroke(f, f->theme->rule, 1, 0.8);
	text_font(f, text_small, false);
	for (int i = 0; i < t->n && labelled; i++)
		text_draw(f, frame_x(f, t->at[i].value), foot + 18 * f->unit, 0.5, f->theme->dim,
		    t->at[i].label);
}

void axes_draw(const struct frame *f, const struct ticks *x, const struct ticks *y, bool labelled)
{
	draw_grid(f, x, y);
	draw_y_axis(f, y);
	draw_x_axis(f, x, labelled);
}
