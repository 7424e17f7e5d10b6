#include "picture/marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture/density.h"

enum {
	DOTS_A_STROKE = 16,    /* the fastest number; overlapping dots still add up */
	CORNERS_A_STROKE = 16, /* the time of a stroke grows faster than its length */
	SHAPED_POINTS = 4000,  /* with more points, all are dots */
	SHAPED_CORNERS = 16,   /* a line with more has shapes at some of its corners only */
};

static const double far = 1e5; /* pixels; cairo uses fixed point with a limit of 2^23 */

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

/* Set the colour of a series, fainter if it is pale. */
static void series_colour(
    const struct frame *f, const struct series *s, struct rgb colour, double alpha)
{
	bool transparent = f->plot->background == BACKGROUND_NONE;

	if (s->pale && !transparent)
		colour = colour_mix(colour, f->theme->paper, 0.65);
	marks_colour(f, colour, s->pale && transparent ? 0.4 * alpha : alpha);
}

/* --- shapes --- */

static void add_polygon(
    const struct frame *f, const double (*corner)[2], size_t n, double x, double y, double radius)
{
	for (size_t i = 0; i < n; i++)
		cairo_line_to(f->cr, x + radius * corner[i][0], y + radius * corner[i][1]);
	cairo_close_path(f->cr);
}

void marks_shape(const struct frame *f, size_t category, double x, double y, double radius)
{
	static const double square[][2] = {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}};
	static const double up[][2] = {{0, -1.25}, {1.1, 0.75}, {-1.1, 0.75}};
	static const double diamond[][2] = {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}};
	static const double down[][2] = {{0, 1.25}, {1.1, -0.75}, {-1.1, -0.75}};
	static const double bar[][2] = {{-0.5, -1.3}, {0.5, -1.3}, {0.5, 1.3}, {-0.5, 1.3}};
	static const double flat[][2] = {{-1.3, -0.5}, {1.3, -0.5}, {1.3, 0.5}, {-1.3, 0.5}};
	static const struct {
		const double (*corner)[2];
		size_t n;
	} shape[] = {{NULL, 0}, {square, 4}, {up, 3}, {diamond, 4}, {down, 3}, {bar, 4}, {flat, 4}};

	if (category > 0 && category < sizeof shape / sizeof shape[0])
		add_polygon(f, shape[category].corner, shape[category].n, x, y, radius);
	else
		cairo_arc(f->cr, x, y, radius, 0, 8 * atan(1));
	cairo_fill(f->cr);
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

static void draw_dots(const struct frame *f, const struct series *s, const uint32_t *order,
    size_t n, double radius, double alpha)
{
	struct rgb colour = {0};
	size_t pending = 0;

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
			series_colour(f, s, colour, alpha);
		}
		cairo_move_to(f->cr, x, y);
		cairo_line_to(f->cr, x, y);
	}
	cairo_stroke(f->cr);
}

static void draw_shapes(const struct frame *f, const struct series *s, const uint32_t *order,
    size_t n, double radius, double alpha)
{
	for (size_t k = 0; k < n; k++) {
		size_t i = order[k];

		series_colour(f, s, plot_colour(f->plot, s, i), alpha);
		marks_shape(f, s->category, frame_x(f, s->x[i]), frame_y(f, s->y[i]), radius);
	}
}

static int draw_points(const struct frame *f, const struct series *s, struct err *e)
{
	size_t shown = plot_shown(f->plot), n;
	double radius, alpha;
	uint32_t *order;

	if (plot_order(f->plot, s, &order, &n, e))
		return -1;
	marks_dot(f, shown, &radius, &alpha);
	if (s->c && isnan(f->plot->alpha))
		alpha = fmin(0.9, fmax(alpha, 0.6)); /* mixed colours would show a wrong c */
	if (s->shaped && shown <= SHAPED_POINTS)
		draw_shapes(f, s, order, n, radius, alpha);
	else
		draw_dots(f, s, order, n, radius, alpha);
	free(order);
	return 0;
}

/* --- cells --- */

/* Cells of one colour are one path. They overlap a little, because edges are blurred. */
static int draw_cells(const struct frame *f, const struct series *s, struct err *e)
{
	double overlap = 0.8, width = f->width / DENSITY_COLUMNS + overlap,
	       height = f->height / DENSITY_ROWS + overlap;
	struct rgb colour = {-1, -1, -1};
	uint32_t *order;
	size_t n;

	if (plot_order(f->plot, s, &order, &n, e))
		return -1;
	for (size_t k = 0; k < n; k++) {
		struct rgb next = plot_colour(f->plot, s, order[k]);

		if (memcmp(&next, &colour, sizeof next)) {
			cairo_fill(f->cr);
			marks_colour(f, next, 1);
			colour = next;
		}
		cairo_rectangle(f->cr, frame_x(f, s->x[order[k]]),
		    frame_y(f, s->y[order[k]]) - height, width, height);
	}
	cairo_fill(f->cr);
	free(order);
	return 0;
}

/* --- lines --- */

struct pen {
	const struct frame *f;
	const struct series *s;
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
		series_colour(pen->f, pen->s, colour, 1);
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
	if (s->mark == SERIES_MARKS)
		return isfinite(s->x[i]) && !(p->x.log && s->x[i] <= 0);
	return isfinite(s->x[i]) && isfinite(s->y[i]) && !(p->x.log && s->x[i] <= 0) &&
	       !(p->y.log && s->y[i] <= 0) && (!s->c || isfinite(s->c[i]));
}

static void trace_line(const struct frame *f, const struct series *s, const struct rgb *only)
{
	struct pen pen = {.f = f, .s = s, .colour = {-1, -1, -1}};
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

static void draw_shape_at(const struct frame *f, const struct series *s, size_t i)
{
	marks_colour(f, plot_colour(f->plot, s, i), 1);
	marks_shape(f, s->category, frame_x(f, s->x[i]), frame_y(f, s->y[i]), 3.6 * f->unit);
}

/* Draw the shape of the category at each corner of a short line, else at regular distances, which
 * begin elsewhere for each category; at the last corner if there was no other place. */
static void draw_corner_shapes(const struct frame *f, const struct series *s)
{
	double spacing = s->n > SHAPED_CORNERS ? f->width / 7 : 0;
	double first = spacing * (double)(s->category % COLOUR_CATEGORIES + 1) / COLOUR_CATEGORIES;
	double way = 0, next = first;

	for (size_t i = 0; i < s->n; i++) {
		bool last = i + 1 == s->n || !is_drawable(f->plot, s, i + 1);

		if (!is_drawable(f->plot, s, i)) {
			way = 0;
			next = first;
			continue;
		}
		if (i > 0 && is_drawable(f->plot, s, i - 1))
			way += fabs(frame_x(f, s->x[i]) - frame_x(f, s->x[i - 1]));
		if (way >= next || (last && next == first && next > 0)) {
			draw_shape_at(f, s, i);
			next = way + spacing;
		}
	}
}

static void draw_line(const struct frame *f, const struct series *s)
{
	double width = 1.6 * s->width * f->unit;

	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_ROUND);
	cairo_set_line_join(f->cr, CAIRO_LINE_JOIN_ROUND);
	if (s->outlined && f->plot->background != BACKGROUND_NONE) {
		cairo_set_line_width(f->cr, width + 2.4 * f->unit);
		trace_line(f, s, &f->theme->paper);
	}
	cairo_set_line_width(f->cr, width);
	trace_line(f, s, NULL);
	if (s->shaped)
		draw_corner_shapes(f, s);
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

/* --- vertical marks --- */

void marks_vertical(const struct frame *f, double x, double top, double foot)
{
	const double dashes[] = {4 * f->unit, 3 * f->unit};

	cairo_set_dash(f->cr, dashes, 2, 0);
	cairo_set_line_cap(f->cr, CAIRO_LINE_CAP_BUTT);
	cairo_set_line_width(f->cr, 1.2 * f->unit);
	cairo_move_to(f->cr, x, top);
	cairo_line_to(f->cr, x, foot);
	cairo_stroke(f->cr);
	cairo_set_dash(f->cr, NULL, 0, 0);
}

/* The more marks there are, the fainter they are. */
static void draw_marks(const struct frame *f, const struct series *s)
{
	double distance = f->width / f->unit / (double)(s->n + 1);

	marks_colour(f, plot_colour(f->plot, s, 0), fmax(0.15, fmin(0.6, distance / 20)));
	for (size_t i = 0; i < s->n; i++)
		if (is_drawable(f->plot, s, i))
			marks_vertical(f, frame_x(f, s->x[i]), f->top, f->top + f->height);
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
	marks_colour(f, plot_colour(f->plot, s, 0), s->translucent ? 0.35 : 0.85);
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
	marks_colour(f, plot_colour(f->plot, s, 0), 1);
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
	case SERIES_CELLS:
		failed = draw_cells(f, s, e);
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
	case SERIES_MARKS:
		draw_marks(f, s);
		break;
	}
	cairo_restore(f->cr);
	return failed;
}
