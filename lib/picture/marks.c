#include "picture/marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	DOTS_A_STROKE = 16,   /* the fastest number; overlapping dots still add up */
	CORNERS_A_STROKE = 16 /* the time of a stroke grows faster than its length */
};

static const double far = 1e5; /* pixels; cairo uses fixed point with a limit of 2^23 */
static const struct rgb white = {1, 1, 1};

double frame_x(const struct frame *f, double x)
{
	double place = scale_place(&f->plot->x, x);

	return fmax(-far, fmin(far, f->left + f->width * place));
}

double frame_y(const struct frame *f, double y)
{
	double place = scale_place(&f->plot->y, y);

	return fmax(-far, fmin(far, f->top + f->height * (1 - place)));
}

void marks_colour(const struct frame *f, struct rgb colour, double alpha)
{
	cairo_set_source_rgba(f->cr, colour.r, colour.g, colour.b, alpha);
}

/* --- points --- */

/* Choose them so that n points cover a similar share of the plot for small and large n. */
void marks_dot(const struct frame *f, size_t n, double *radius, double *alpha)
{
	double many = fmax(0, log10((double)n / 100 + 1e-9));

	*radius = isnan(f->plot->dot) ? fmax(0.7, 3.2 * pow(10, -0.19 * many)) : f->plot->dot;
	*alpha = isnan(f->plot->alpha) ? fmax(0.12, 0.9 * pow(10, -0.16 * many)) : f->plot->alpha;
	*radius *= f->unit;
}

static int draw_points(const struct frame *f, const struct series *s, struct err *e)
{
	double radius, alpha;
	uint32_t *order;
	size_t n, pending = 0;
	struct rgb colour = {0};

	if (plot_order(f->plot, s, &order, &n, e))
		return -1;
	marks_dot(f, plot_shown(f->plot), &radius, &alpha);
	if (s->c && isnan(f->plot->alpha))
		alpha = fmin(0.9, fmax(alpha, 0.6)); /* mixed colours would show a wrong c */
	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_width(f->cr, 2 * radius);
	for (size_t k = 0; k < n; k++) {
		struct rgb next = plot_colour(f->plot, s, order[k]);
		double x = frame_x(f, s->x[order[k]]), y = frame_y(f, s->y[order[k]]);

		if (pending == DOTS_A_STROKE || (pending && memcmp(&next, &colour, sizeof next))) {
			cairo_stroke(f->cr);
			pending = 0;
		}
		if (pending++ == 0) {
			colour = next;
			marks_colour(f, colour, alpha);
		}
		cairo_move_to(f->cr, x, y);
		cairo_line_to(f->cr, x, y);
	}
	cairo_stroke(f->cr);
	free(order);
	return 0;
}

/* --- lines --- */

struct pen {
	const struct frame *f;
	size_t corners;
	double x, y; /* current position */
	bool down, moved;
	struct rgb colour;
};

static void pen_stroke(struct pen *pen)
{
	if (pen->corners)
		cairo_stroke(pen->f->cr);
	cairo_new_path(pen->f->cr);
	pen->corners = 0;
}

/* End a line. Draw a line of one point as a dot, so that it is visible. */
static void pen_up(struct pen *pen)
{
	double width = cairo_get_line_width(pen->f->cr);

	pen_stroke(pen);
	if (pen->down && !pen->moved) {
		cairo_move_to(pen->f->cr, pen->x, pen->y);
		cairo_line_to(pen->f->cr, pen->x, pen->y);
		cairo_set_line_width(pen->f->cr, width + 4 * pen->f->unit);
		cairo_stroke(pen->f->cr);
		cairo_set_line_width(pen->f->cr, width);
	}
	pen->down = pen->moved = false;
}

static void pen_to(struct pen *pen, double x, double y, struct rgb colour)
{
	bool other = memcmp(&colour, &pen->colour, sizeof colour) != 0;

	if (other || pen->corners >= CORNERS_A_STROKE)
		pen_stroke(pen);
	if (other)
		marks_colour(pen->f, colour, 1);
	if (pen->down && !pen->corners)
		cairo_move_to(pen->f->cr, pen->x, pen->y);
	if (pen->down) {
		cairo_line_to(pen->f->cr, x, y);
		pen->corners++;
		pen->moved = true;
	}
	pen->colour = colour;
	pen->x = x;
	pen->y = y;
	pen->down = true;
}

/*
 * Consecutive points of a line within the same half pixel of x. Only the first, lowest, highest and
 * last of them are drawn, which gives the same picture.
 */
struct column {
	double at; /* the half pixel */
	size_t n;
	struct {
		size_t index;
		double x, y;
	} first, low, high, last;
	struct rgb colour;
};

static void column_draw(struct column *c, struct pen *pen)
{
	if (c->n == 0)
		return;
	pen_to(pen, c->first.x, c->first.y, c->colour);
	if (c->low.index <= c->high.index) {
		if (c->low.index > c->first.index)
			pen_to(pen, c->low.x, c->low.y, c->colour);
		if (c->high.index > c->low.index)
			pen_to(pen, c->high.x, c->high.y, c->colour);
	} else {
		if (c->high.index > c->first.index)
			pen_to(pen, c->high.x, c->high.y, c->colour);
		pen_to(pen, c->low.x, c->low.y, c->colour);
	}
	if (c->n > 1)
		pen_to(pen, c->last.x, c->last.y, c->colour);
	c->n = 0;
}

static void column_add(
    struct column *c, struct pen *pen, size_t i, double x, double y, struct rgb colour)
{
	double at = floor(2 * x);

	if (c->n > 0 && (at != c->at || memcmp(&colour, &c->colour, sizeof colour)))
		column_draw(c, pen);
	c->last.index = i;
	c->last.x = x;
	c->last.y = y;
	if (c->n++ == 0) {
		c->at = at;
		c->colour = colour;
		c->first = c->low = c->high = c->last;
	}
	if (y > c->low.y)
		c->low = c->last;
	if (y < c->high.y)
		c->high = c->last;
}

static bool is_drawable(const struct plot *p, const struct series *s, size_t i)
{
	return isfinite(s->x[i]) && isfinite(s->y[i]) && !(p->x.log && s->x[i] <= 0) &&
	       !(p->y.log && s->y[i] <= 0) && (!s->c || isfinite(s->c[i]));
}

static void trace_line(const struct frame *f, const struct series *s, const struct rgb *only)
{
	struct pen pen = {.f = f, .colour = {-1, -1, -1}};
	struct column column = {0};

	for (size_t i = 0; i < s->n; i++) {
		if (!is_drawable(f->plot, s, i)) {
			column_draw(&column, &pen);
			pen_up(&pen);
			continue;
		}
		column_add(&column, &pen, i, frame_x(f, s->x[i]), frame_y(f, s->y[i]),
		    only ? *only : plot_colour(f->plot, s, i));
	}
	column_draw(&column, &pen);
	pen_up(&pen);
}

static void draw_line(const struct frame *f, const struct series *s)
{
	double width = 1.6 * s->width * f->unit;

	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(f->cr, CAIRO_LINE_JOIN_ROUND);
	if (s->outlined) {
		cairo_set_line_width(f->cr, width + 2.4 * f->unit);
		trace_line(f, s, &white);
	}
	cairo_set_line_width(f->cr, width);
	trace_line(f, s, NULL);
}

/* --- bands --- */

/* Fill the area between low and y of the points [begin, end). */
static void fill_band(const struct frame *f, const struct series *s, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++)
		cairo_line_to(f->cr, frame_x(f, s->x[i]), frame_y(f, s->y[i]));
	for (size_t i = end; i > begin; i--)
		cairo_line_to(f->cr, frame_x(f, s->x[i - 1]), frame_y(f, s->low[i - 1]));
	cairo_close_path(f->cr);
	marks_colour(f, plot_colour(f->plot, s, begin), 0.2);
	cairo_fill(f->cr);
}

static void draw_band(const struct frame *f, const struct series *s)
{
	size_t begin = 0;

	for (size_t i = 0; i <= s->n; i++) {
		if (i < s->n && is_drawable(f->plot, s, i))
			continue;
		if (i > begin)
			fill_band(f, s, begin, i);
		begin = i + 1;
	}
}

/* --- bars --- */

static void draw_bars(const struct frame *f, const struct series *s)
{
	double floor_y = f->top + f->height, gap = 0.5 * f->unit;
	bool wide = s->n > 1 && !s->translucent && f->width / (double)(s->n - 1) > 5 * gap;

	for (size_t i = 0; i + 1 < s->n; i++) {
		double x0 = frame_x(f, s->x[i]), x1 = frame_x(f, s->x[i + 1]);

		if (s->y[i] > 0)
			cairo_rectangle(f->cr, x0 + (wide ? gap : 0), frame_y(f, s->y[i]),
			    x1 - x0 - (wide ? 2 * gap : 0), floor_y - frame_y(f, s->y[i]));
	}
	marks_colour(f, s->translucent ? s->colour : colour_mix(s->colour, white, 0.15),
	    s->translucent ? 0.35 : 1);
	cairo_fill(f->cr);
	if (!s->translucent)
		return;
	cairo_set_line_join(f->cr, CAIRO_LINE_JOIN_MITER);
	cairo_set_line_width(f->cr, 1.2 * f->unit);
	for (size_t i = 0; i + 1 < s->n; i++) {
		double y = s->y[i] > 0 ? frame_y(f, s->y[i]) : floor_y;

		cairo_line_to(f->cr, frame_x(f, s->x[i]), y);
		cairo_line_to(f->cr, frame_x(f, s->x[i + 1]), y);
	}
	marks_colour(f, s->colour, 1);
	cairo_stroke(f->cr);
}

int marks_draw(const struct frame *f, const struct series *s, struct err *e)
{
	int failed = 0;

	cairo_save(f->cr);
	cairo_rectangle(f->cr, f->left, f->top, f->width, f->height);
	cairo_clip(f->cr);
	switch (s->mark) {
	case SERIES_POINTS:
		failed = draw_points(f, s, e);
		break;
	case SERIES_LINE:
		draw_line(f, s);
		break;
	case SERIES_BARS:
		draw_bars(f, s);
		break;
	case SERIES_BAND:
		draw_band(f, s);
		break;
	}
	cairo_restore(f->cr);
	return failed;
}
