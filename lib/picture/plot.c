#include "picture/plot.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/rng.h"

enum { SHADES = 256 };

static const double air = 0.03; /* margin between the data and the ends of an axis */

void plot_init(struct plot *p)
{
	memset(p, 0, sizeof *p);
	p->width = 1200;
	p->height = 750;
	p->dot = p->alpha = p->only_c = NAN;
	p->x.hi = p->y.hi = p->c.hi = 1;
}

void plot_release(struct plot *p)
{
	for (size_t i = 0; i < p->n_series; i++) {
		free(p->series[i].x);
		free(p->series[i].y);
		free(p->series[i].c);
		free(p->series[i].low);
		free(p->series[i].label);
	}
	free(p->series);
	plot_init(p);
}

struct series *plot_add(
    struct plot *p, enum series_mark mark, size_t n, bool with_c, const char *label, struct err *e)
{
	struct series *s;

	if (n > UINT32_MAX) {
		err_set(e, "%zu points in one series (%u at most)", n, UINT32_MAX);
		return NULL;
	}
	if (mem_grow(&p->series, &p->cap_series, p->n_series + 1, sizeof *p->series, e))
		return NULL;
	s = &p->series[p->n_series];
	memset(s, 0, sizeof *s);
	p->n_series++;
	s->mark = mark;
	s->n = n;
	s->width = 1;
	s->x = mem_array(n, sizeof *s->x, e);
	s->y = mem_array(n, sizeof *s->y, e);
	s->c = with_c ? mem_array(n, sizeof *s->c, e) : NULL;
	s->low = mark == SERIES_BAND ? mem_array(n, sizeof *s->low, e) : NULL;
	s->label = label ? mem_copy_string(label, e) : NULL;
	if (!s->x || !s->y || (with_c && !s->c) || (mark == SERIES_BAND && !s->low) ||
	    (label && !s->label))
		return NULL;
	return s;
}

/* --- ranges --- */

static bool has_place(const struct scale *s, double v)
{
	return isfinite(v) && (!s->log || v > 0);
}

struct range {
	double lo, hi;
};

static void extend_range(struct range *r, double v)
{
	r->lo = fmin(r->lo, v);
	r->hi = fmax(r->hi, v);
}

static bool is_within(const double limit[2], double v)
{
	return !(v < limit[0]) && !(v > limit[1]); /* true for an end that is NAN */
}

/* Bars begin at 0, or on a log axis a little below 1. */
static void extend_by_bars(
    const struct plot *p, const struct series *s, struct range *x, struct range *y)
{
	extend_range(y, p->y.log ? 0.7 : 0);
	for (size_t i = 0; i < s->n; i++)
		extend_range(x, s->x[i]);
	for (size_t i = 0; i + 1 < s->n; i++)
		if (has_place(&p->y, s->y[i]))
			extend_range(y, s->y[i]);
}

/* The range of y is that of the points within the limit of x. */
static void extend_by_series(const struct plot *p, const struct series *s, const double x_limit[2],
    struct range *x, struct range *y, struct range *c)
{
	if (s->mark == SERIES_MARKS)
		return;
	if (s->mark == SERIES_BARS && s->n > 1) {
		extend_by_bars(p, s, x, y);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (!has_place(&p->x, s->x[i]) || !has_place(&p->y, s->y[i]) ||
		    !is_within(x_limit, s->x[i]))
			continue;
		extend_range(x, s->x[i]);
		extend_range(y, s->y[i]);
		if (s->low && has_place(&p->y, s->low[i]))
			extend_range(y, s->low[i]);
		if (s->c && has_place(&p->c, s->c[i]))
			extend_range(c, s->c[i]);
	}
}

/* Set an axis to contain the values, whose range is r, or to its limits. */
static int fit_axis(
    struct scale *s, struct range r, const double limit[2], const char *name, struct err *e)
{
	scale_fit(s, r.lo, r.hi, air);
	if (!isnan(limit[0]))
		s->lo = limit[0];
	if (!isnan(limit[1]))
		s->hi = limit[1];
	if (r.hi < s->lo)
		return err_set(e,
		    "nothing to draw: %s is limited to %.9g and more, its values run from %.9g to "
		    "%.9g",
		    name, s->lo, r.lo, r.hi);
	if (r.lo > s->hi)
		return err_set(e,
		    "nothing to draw: %s is limited to %.9g and less, its values run from %.9g to "
		    "%.9g",
		    name, s->hi, r.lo, r.hi);
	if (!(s->lo < s->hi))
		scale_widen(s, s->log ? air : fmax(air * fabs(s->lo), DBL_MIN));
	return 0;
}

static size_t count_outside(const struct plot *p)
{
	size_t n = 0;

	for (size_t k = 0; k < p->n_series; k++) {
		const struct series *s = &p->series[k];

		for (size_t i = 0; s->mark == SERIES_POINTS && i < s->n; i++)
			n += has_place(&p->x, s->x[i]) && has_place(&p->y, s->y[i]);
	}
	return n - plot_points(p);
}

int plot_fit(struct plot *p, const double x_limit[2], const double y_limit[2], struct err *e)
{
	struct range x = {INFINITY, -INFINITY}, y = x, c = x;
	bool bars = false, points = true;

	for (size_t i = 0; i < p->n_series; i++) {
		extend_by_series(p, &p->series[i], x_limit, &x, &y, &c);
		bars = bars || p->series[i].mark == SERIES_BARS;
		points = points && p->series[i].mark == SERIES_POINTS;
	}
	if (!(x.lo <= x.hi) || !(y.lo <= y.hi))
		return err_set(e, "nothing to draw");
	if (fit_axis(&p->x, x, x_limit, "x", e) || fit_axis(&p->y, y, y_limit, "y", e))
		return -1;
	if (bars && isnan(y_limit[0]))
		p->y.lo = y.lo;
	p->has_c = c.lo <= c.hi;
	if (p->has_c) {
		p->c.lo = c.lo;
		p->c.hi = c.hi;
		p->only_c = c.lo == c.hi ? c.lo : NAN;
		if (c.lo == c.hi)
			scale_fit(&p->c, c.lo, c.hi, air);
	}
	p->outside = count_outside(p);
	if (points && plot_points(p) == 0)
		return err_set(e, "nothing to draw: no point is within the limits of x and y");
	return 0;
}

static void join_scales(struct scale *s, const struct scale *other)
{
	s->lo = fmin(s->lo, other->lo);
	s->hi = fmax(s->hi, other->hi);
}

void plot_share(struct plot *panel, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		join_scales(&panel->x, &panel[i].x);
		if (panel->has_c && panel[i].has_c && panel->only_c != panel[i].only_c) {
			join_scales(&panel->c, &panel[i].c);
			panel->only_c = NAN;
		}
	}
	for (size_t i = 1; i < n; i++) {
		panel[i].x = panel->x;
		panel[i].c = panel->c;
		panel[i].only_c = panel->only_c;
	}
}

/* --- quantiles --- */

static int ascending(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;

	return (p > q) - (p < q);
}

static size_t collect_y(const struct plot *p, const double x_limit[2], double *y)
{
	size_t n = 0;

	for (size_t k = 0; k < p->n_series; k++) {
		const struct series *s = &p->series[k];

		if (s->mark != SERIES_POINTS && s->mark != SERIES_LINE)
			continue;
		for (size_t i = 0; i < s->n; i++)
			if (has_place(&p->x, s->x[i]) && has_place(&p->y, s->y[i]) &&
			    is_within(x_limit, s->x[i]))
				y[n++] = s->y[i];
	}
	return n;
}

int plot_quantile(
    const struct plot *p, const double x_limit[2], double share, double *y, struct err *e)
{
	size_t n = 0;
	double *sorted;

	for (size_t k = 0; k < p->n_series; k++)
		n += p->series[k].n;
	sorted = mem_array(n, sizeof *sorted, e);
	if (!sorted)
		return -1;
	n = collect_y(p, x_limit, sorted);
	qsort(sorted, n, sizeof *sorted, ascending);
	*y = n > 0 ? sorted[(size_t)(share * (double)(n - 1) + 0.5)] : NAN;
	free(sorted);
	return 0;
}

/* --- points --- */

static bool is_visible(const struct plot *p, const struct series *s, size_t i)
{
	double x = s->x[i], y = s->y[i];

	return x >= p->x.lo && x <= p->x.hi && y >= p->y.lo && y <= p->y.hi &&
	       (!s->c || has_place(&p->c, s->c[i]));
}

static size_t count_visible(const struct plot *p, const struct series *s)
{
	size_t n = 0;

	for (size_t i = 0; s->mark == SERIES_POINTS && i < s->n; i++)
		n += is_visible(p, s, i);
	return n;
}

size_t plot_points(const struct plot *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_series; i++)
		n += count_visible(p, &p->series[i]);
	return n;
}

/* The number of points of a series that may be drawn: in proportion to its n points, but at least
 * one if there are any. */
static size_t series_quota(const struct plot *p, size_t n, size_t all)
{
	double part;

	if (!p->max_points || all <= p->max_points)
		return n;
	part = floor((double)n * (double)p->max_points / (double)all);
	return n > 0 && part < 1 ? 1 : (size_t)part;
}

size_t plot_shown(const struct plot *p)
{
	size_t all = plot_points(p), shown = 0;

	for (size_t i = 0; i < p->n_series; i++)
		shown += series_quota(p, count_visible(p, &p->series[i]), all);
	return shown;
}

static unsigned shade_of(const struct plot *p, double c)
{
	double place = scale_place(&p->c, c);

	return place > 0 ? (unsigned)(fmin(place, 1) * (SHADES - 1) + 0.5) : 0;
}

/* Keep one element from each of keep strata of equal size, in place. */
static void thin_order(uint32_t *order, size_t n, size_t keep)
{
	for (size_t k = 0; k < keep; k++) {
		size_t from = (size_t)((double)n * (double)k / (double)keep);
		size_t to = (size_t)((double)n * (double)(k + 1) / (double)keep);
		size_t width = to > from ? to - from : 1;

		order[k] = order[from + rng_below(0, RNG_SHUFFLE, 0, k, width)];
	}
}

/* A stable counting sort by shade. */
static int sort_by_shade(
    const struct plot *p, const struct series *s, uint32_t **order, size_t n, struct err *e)
{
	size_t start[SHADES + 1] = {0};
	uint32_t *sorted = mem_array(n, sizeof *sorted, e);

	if (!sorted)
		return -1;
	for (size_t i = 0; i < n; i++)
		start[shade_of(p, s->c[(*order)[i]]) + 1]++;
	for (size_t k = 0; k < SHADES; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < n; i++)
		sorted[start[shade_of(p, s->c[(*order)[i]])]++] = (*order)[i];
	free(*order);
	*order = sorted;
	return 0;
}

int plot_order(
    const struct plot *p, const struct series *s, uint32_t **order, size_t *n, struct err *e)
{
	size_t count = 0, keep;

	*order = mem_array(s->n, sizeof **order, e);
	if (!*order)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (is_visible(p, s, i))
			(*order)[count++] = (uint32_t)i;
	keep = series_quota(p, count, p->max_points ? plot_points(p) : count);
	if (keep < count)
		thin_order(*order, count, keep);
	*n = keep;
	if (s->c && sort_by_shade(p, s, order, keep, e)) {
		free(*order);
		*order = NULL;
		return -1;
	}
	return 0;
}

int plot_layer(const struct series *s)
{
	return !s->pale && s->mark != SERIES_BAND && s->mark != SERIES_MARKS;
}

struct rgb plot_colour(const struct plot *p, const struct series *s, size_t i)
{
	if (!s->c)
		return colour_category(p->background, s->category);
	return colour_sequence(p->background, shade_of(p, s->c[i]) / (double)(SHADES - 1));
}

int plot_format(const char *path)
{
	static const char *const suffix[] = {
	    [PLOT_PNG] = ".png", [PLOT_SVG] = ".svg", [PLOT_PDF] = ".pdf"};
	const char *dot = strrchr(path, '.');

	for (int i = 0; dot && i < (int)(sizeof suffix / sizeof suffix[0]); i++)
		if (!strcasecmp(dot, suffix[i]))
			return i;
	return -1;
}
