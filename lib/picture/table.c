#include "picture/table.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"

/* --- rows --- */

void table_init(struct table *t, size_t n_y, bool has_c)
{
	memset(t, 0, sizeof *t);
	t->n_y = n_y;
	t->has_c = has_c;
}

void table_release(struct table *t)
{
	free(t->value);
	free(t->band);
	free(t->id);
	for (int k = 0; k < TABLE_TEXTS; k++)
		strings_release(&t->text[k]);
	table_init(t, t->n_y, t->has_c);
}

size_t table_width(const struct table *t)
{
	return 1 + t->n_y + t->has_c;
}

int table_add(struct table *t, const double *value, const char *const *text, struct err *e)
{
	size_t width = table_width(t);

	if (t->n == UINT32_MAX)
		return err_set(e, "more rows than can be drawn (%u at most)", UINT32_MAX);
	if (mem_grow(&t->value, &t->cap_value, (t->n + 1) * width, sizeof *t->value, e) ||
	    mem_grow(&t->id, &t->cap_id, (t->n + 1) * TABLE_TEXTS, sizeof *t->id, e))
		return -1;
	memcpy(t->value + t->n * width, value, width * sizeof *value);
	for (int k = 0; k < TABLE_TEXTS; k++) {
		int64_t id = text[k] ? strings_add(&t->text[k], text[k], strlen(text[k]), e) : 0;

		if (id < 0)
			return -1;
		t->id[t->n * TABLE_TEXTS + (size_t)k] = (uint32_t)id;
	}
	t->n++;
	return 0;
}

static uint32_t id_of(const struct table *t, size_t row, enum table_text kind)
{
	return t->id[row * TABLE_TEXTS + kind];
}

static double x_of(const struct table *t, size_t row)
{
	return t->value[row * table_width(t)];
}

static double y_of(const struct table *t, size_t row, size_t k)
{
	return t->value[row * table_width(t) + 1 + k];
}

static double c_of(const struct table *t, size_t row)
{
	return t->value[row * table_width(t) + 1 + t->n_y];
}

/* --- smoothing --- */

/* The index at which v is, or would be inserted, among n ascending values. */
static size_t sorted_position(const double *sorted, size_t n, double v)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sorted[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void sorted_insert(double *sorted, size_t *n, double v)
{
	size_t at = sorted_position(sorted, *n, v);

	memmove(sorted + at + 1, sorted + at, (*n - at) * sizeof *sorted);
	sorted[at] = v;
	(*n)++;
}

static void sorted_remove(double *sorted, size_t *n, double v)
{
	size_t at = sorted_position(sorted, *n, v);

	(*n)--;
	memmove(sorted + at, sorted + at + 1, (*n - at) * sizeof *sorted);
}

/* The window of row i is [*begin, *end); neither decreases when i grows. */
static void window_at(size_t i, size_t n, size_t reach, size_t *begin, size_t *end)
{
	size_t nearest = min_size(i, n - 1 - i);
	size_t half = min_size(reach, nearest);

	if (half < reach / 4)
		half = reach / 4;
	*begin = i > half ? i - half : 0;
	*end = n - i > half + 1 ? i + half + 1 : n;
}

/* The sum of two large numbers can overflow, and half of the smallest number rounds to 0. */
static double midpoint(double a, double b)
{
	return isfinite(a + b) ? 0.5 * (a + b) : 0.5 * a + 0.5 * b;
}

static int moving_median(const double *y, size_t n, size_t reach, double *out, struct err *e)
{
	size_t begin = 0, end = 0, count = 0, from, to;
	double *sorted = mem_array(2 * reach + 2, sizeof *sorted, e);

	if (!sorted)
		return -1;
	for (size_t i = 0; i < n; i++) {
		window_at(i, n, reach, &from, &to);
		while (end < to)
			sorted_insert(sorted, &count, y[end++]);
		while (begin < from)
			sorted_remove(sorted, &count, y[begin++]);
		out[i] = midpoint(sorted[(count - 1) / 2], sorted[count / 2]);
	}
	free(sorted);
	return 0;
}

/*
 * Sums over the window by two stacks, which never subtract: a running sum would keep the rounding
 * error of a spike after it has left the window. tail[k] is the sum of y[k] to y[split - 1], and
 * head that of y[split] to y[end - 1].
 */
static int moving_mean(const double *y, size_t n, size_t reach, double *out, struct err *e)
{
	size_t split = 0, end = 0, from, to;
	double *tail = mem_array(n + 1, sizeof *tail, e), head = 0, largest = 0, unit;

	if (!tail)
		return -1;
	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs(y[i]));
	unit = largest > DBL_MAX / (double)n ? 0x1p-32 : 1; /* a sum of fewer than 2^32 is finite */
	for (size_t i = 0; i < n; i++) {
		window_at(i, n, reach, &from, &to);
		while (end < to)
			head += unit * y[end++];
		if (from >= split) {
			split = end;
			tail[split] = head = 0;
			for (size_t k = split; k > from; k--)
				tail[k - 1] = tail[k] + unit * y[k - 1];
		}
		out[i] = (tail[from] + head) / (double)(to - from) / unit;
	}
	free(tail);
	return 0;
}

int table_smooth(const double *y, size_t n, size_t window, bool mean, double *out, struct err *e)
{
	size_t reach = min_size(window / 2, n);

	return (mean ? moving_mean : moving_median)(y, n, reach, out, e);
}

/* --- series --- */

/* A class is drawn in one colour: a y column, a category, or all remaining categories. */
struct class
{
	size_t k;          /* index of the y column */
	int64_t category;  /* -1: all */
	bool and_later;    /* this category and all later ones */
	const char *label; /* NULL: none */
	char others[32];
	size_t colour; /* see colour_category */
	bool shaped;
};

static bool is_in_class(const struct table *t, size_t row, const struct class *class)
{
	uint32_t id = id_of(t, row, TABLE_CATEGORY);

	return class->category < 0 || id == class->category ||
	       (class->and_later && id > class->category);
}

static bool is_drawable(const struct scale *s, double v, size_t *missing, size_t *positive)
{
	if (!isfinite(v)) {
		++*missing;
		return false;
	}
	if (s->log && v <= 0) {
		++*positive;
		return false;
	}
	return true;
}

/* Count x, which can be drawn, in *skips. Returns whether it is within its limit. */
static bool count_x(const struct look *look, double x, struct table_skips *skips)
{
	bool inside = !(x < look->x_limit[0]) && !(x > look->x_limit[1]);

	*(inside ? &skips->inside : &skips->outside) += 1;
	skips->x_lo = fmin(skips->x_lo, x);
	skips->x_hi = fmax(skips->x_hi, x);
	return inside;
}

static bool row_is_drawable(
    const struct table *t, size_t row, size_t k, const struct plot *p, struct table_skips *skips)
{
	size_t *m = &skips->missing, *z = &skips->positive;

	return is_drawable(&p->x, x_of(t, row), m, z) &&
	       is_drawable(&p->y, y_of(t, row, k), m, z) &&
	       (!t->has_c || is_drawable(&p->c, c_of(t, row), m, z));
}

/* The rows in drawing order; together: sorted by group, by a stable counting sort. */
static uint32_t *order_by_group(const struct table *t, bool together, struct err *e)
{
	size_t n_groups = t->text[TABLE_GROUP].n;
	uint32_t *order = mem_array(t->n, sizeof *order, e);
	size_t *start = mem_array(n_groups + 2, sizeof *start, e);

	for (size_t i = 0; order && start && i < t->n; i++)
		start[id_of(t, i, TABLE_GROUP) + 1]++;
	for (size_t g = 0; order && start && g < n_groups; g++)
		start[g + 1] += start[g];
	for (size_t i = 0; order && start && i < t->n; i++)
		order[together && n_groups > 1 ? start[id_of(t, i, TABLE_GROUP)]++ : i] =
		    (uint32_t)i;
	free(start);
	if (!start) {
		free(order);
		order = NULL;
	}
	return order;
}

static bool same_group(const struct table *t, size_t a, size_t b)
{
	return id_of(t, a, TABLE_GROUP) == id_of(t, b, TABLE_GROUP);
}

struct gathered {
	uint32_t *row;
	size_t n, breaks; /* breaks: number of changes of the group */
};

static void gather_rows(const struct table *t, const struct class *class, const uint32_t *order,
    const struct look *look, const struct plot *p, struct table_skips *skips, struct gathered *g)
{
	g->n = g->breaks = 0;
	for (size_t i = 0; i < t->n; i++) {
		uint32_t row = order[i];

		if (!is_in_class(t, row, class))
			continue;
		if (!row_is_drawable(t, row, class->k, p, skips))
			continue;
		if (g->n > 0 && !same_group(t, row, g->row[g->n - 1]))
			g->breaks++;
		count_x(look, x_of(t, row), skips);
		g->row[g->n++] = row;
	}
}

static int add_marks(const struct table *t, const struct class *class, const struct gathered *g,
    enum series_mark mark, bool pale, struct plot *p, struct err *e)
{
	bool labelled = !pale && mark != SERIES_BAND;
	size_t extra = mark == SERIES_POINTS ? 0 : g->breaks, at = 0;
	struct series *s =
	    plot_add(p, mark, g->n + extra, t->has_c, labelled ? class->label : NULL, e);

	if (!s)
		return -1;
	s->category = class->colour;
	s->shaped = class->shaped && !pale;
	s->pale = pale;
	s->width = pale ? 0.6 : 1;
	for (size_t i = 0; i < g->n; i++) {
		size_t row = g->row[i];

		if (extra && i > 0 && !same_group(t, row, g->row[i - 1]))
			s->x[at++] = NAN;
		s->x[at] = x_of(t, row);
		s->y[at] = y_of(t, row, class->k);
		if (s->low) {
			s->low[at] = t->band[2 * (row * t->n_y + class->k)];
			s->y[at] = t->band[2 * (row * t->n_y + class->k) + 1];
		}
		if (t->has_c)
			s->c[at] = c_of(t, row);
		at++;
	}
	return 0;
}

/* --- smoothed lines --- */

struct xy {
	double x, y;
	size_t i;
};

static int by_x(const void *a, const void *b)
{
	const struct xy *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return p->i < q->i ? -1 : 1;
}

/* Sort points [n] by x, and replace those with the same x by one with their mean y.
 * Returns their number. */
static size_t merge_equal_x(struct xy *points, size_t n)
{
	size_t merged = 0, count = 0;

	qsort(points, n, sizeof *points, by_x);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || points[i].x != points[merged - 1].x) {
			points[merged++] = points[i];
			count = 0;
		}
		count++;
		points[merged - 1].y +=
		    points[i].y / (double)count - points[merged - 1].y / (double)count;
	}
	return merged;
}

/* Smooth the rows [begin, end) of one group in order of x, and append them to the series at *at. */
static int smooth_group(const struct table *t, const struct class *class, const struct gathered *g,
    size_t begin, size_t end, const struct look *look, struct series *s, size_t *at, struct err *e)
{
	size_t n = end - begin;
	struct xy *points = mem_array(n, sizeof *points, e);
	double *y = mem_array(n, sizeof *y, e);
	int failed = -1;

	if (points && y) {
		for (size_t i = 0; i < n; i++)
			points[i] = (struct xy){
			    x_of(t, g->row[begin + i]), y_of(t, g->row[begin + i], class->k), i};
		n = merge_equal_x(points, n);
		for (size_t i = 0; i < n; i++) {
			y[i] = points[i].y;
			s->x[*at + i] = points[i].x;
			if (s->c)
				s->c[*at + i] = c_of(t, g->row[begin]);
		}
		failed = table_smooth(y, n, (size_t)look->smooth, look->mean, s->y + *at, e);
		*at += n;
	}
	free(points);
	free(y);
	return failed;
}

static int add_smooth(const struct table *t, const struct class *class, const struct gathered *g,
    const struct look *look, struct plot *p, struct err *e)
{
	bool by_group = t->has_c && t->text[TABLE_GROUP].n > 0;
	struct series *s = plot_add(p, SERIES_LINE, g->n + g->breaks, by_group, class->label, e);
	size_t begin = 0, at = 0;

	if (!s)
		return -1;
	s->category = t->has_c ? COLOUR_INK : class->colour;
	s->shaped = class->shaped;
	s->outlined = !by_group;
	s->width = 1.3;
	for (size_t i = 1; i <= g->n; i++) {
		if (i < g->n && same_group(t, g->row[i], g->row[begin]))
			continue;
		if (smooth_group(t, class, g, begin, i, look, s, &at, e))
			return -1;
		if (i < g->n)
			s->x[at++] = NAN;
		begin = i;
	}
	s->n = at;
	return 0;
}

static int add_class(const struct table *t, const struct class *class, const uint32_t *order,
    const struct look *look, struct plot *p, struct table_skips *skips, struct err *e)
{
	struct gathered g = {.row = mem_array(t->n, sizeof *g.row, e)};
	bool pale = look->smooth > 0;
	int failed = g.row ? 0 : -1;

	if (!failed)
		gather_rows(t, class, order, look, p, skips, &g);
	if (!failed && g.n > 0 && t->band)
		failed = add_marks(t, class, &g, SERIES_BAND, false, p, e);
	if (!failed && g.n > 0 && look->lines)
		failed = add_marks(t, class, &g, SERIES_LINE, pale || look->points, p, e);
	if (!failed && g.n > 0 && look->points)
		failed = add_marks(t, class, &g, SERIES_POINTS, pale, p, e);
	if (!failed && g.n > 0 && look->smooth)
		failed = add_smooth(t, class, &g, look, p, e);
	free(g.row);
	return failed;
}

/* --- histograms --- */

static bool is_counted(const struct table *t, size_t row, const struct look *look,
    const struct plot *p, struct table_skips *skips)
{
	double x = x_of(t, row);

	if (!is_drawable(&p->x, x, &skips->missing, &skips->positive))
		return false;
	return count_x(look, x, skips);
}

static int by_value(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;

	return (p > q) - (p < q);
}

/* Bins of the width 2 IQR / cbrt(n). Source: Freedman and Diaconis 1981. */
static int choose_bins(const double *sorted, size_t n)
{
	double range = sorted[n - 1] - sorted[0];
	double quartiles = sorted[n - 1 - n / 4] - sorted[n / 4];
	double bins = range / (2 * quartiles / cbrt((double)n));

	if (!(quartiles > 0))
		bins = sqrt((double)n);
	return (int)fmax(5, fmin(200, ceil(bins)));
}

/* Set *ends to the limits, or to the ends of n ascending values; widen it if both are equal. */
static void choose_ends(
    const double *sorted, size_t n, const struct look *look, bool is_log, struct scale *ends)
{
	ends->log = is_log;
	ends->lo = isnan(look->x_limit[0]) ? sorted[0] : look->x_limit[0];
	ends->hi = isnan(look->x_limit[1]) ? sorted[n - 1] : look->x_limit[1];
	if (!(ends->lo < ends->hi))
		scale_widen(ends, is_log ? 0.5 : fmax(0.5, 1e-6 * fabs(ends->lo)));
}

/* Choose the axis *ends on which the bins have equal width. Returns the number of bins, 0 if there
 * is nothing to count, or -1. */
static int choose_axis(const struct table *t, const struct look *look, const struct plot *p,
    struct table_skips *skips, struct scale *ends, struct err *e)
{
	double *sorted = mem_array(t->n, sizeof *sorted, e);
	size_t n = 0;
	int bins = 0;

	if (!sorted)
		return -1;
	for (size_t i = 0; i < t->n; i++)
		if (is_counted(t, i, look, p, skips))
			sorted[n++] = x_of(t, i);
	if (n > 0) {
		qsort(sorted, n, sizeof *sorted, by_value);
		choose_ends(sorted, n, look, p->x.log, ends);
		for (size_t i = 0; i < n; i++)
			sorted[i] = scale_place(ends, sorted[i]);
		bins = look->bins ? look->bins : choose_bins(sorted, n);
	}
	free(sorted);
	return bins;
}

static int add_histogram(const struct table *t, const struct class *class, const struct look *look,
    const struct scale *ends, int bins, struct plot *p, struct err *e)
{
	struct series *s = plot_add(p, SERIES_BARS, (size_t)bins + 1, false, class->label, e);
	struct table_skips counted = {0};

	if (!s)
		return -1;
	s->category = class->colour;
	s->translucent = class->category >= 0;
	for (int i = 0; i <= bins; i++)
		s->x[i] = scale_at(ends, (double)i / bins);
	for (size_t i = 0; i < t->n; i++) {
		double bin;

		if (!is_in_class(t, i, class) || !is_counted(t, i, look, p, &counted))
			continue;
		bin = bins * scale_place(ends, x_of(t, i));
		s->y[bin > 0 ? (int)fmin(bin, bins - 1) : 0]++;
	}
	return 0;
}

/* --- all classes --- */

/* Set up class i of n; the last one contains all categories that have no colour of their own. */
static void class_init(
    struct class *class, const struct table *t, const struct look *look, size_t i, size_t n)
{
	size_t n_categories = t->text[TABLE_CATEGORY].n;

	memset(class, 0, sizeof *class);
	class->k = look->one_y ? look->y_index : n_categories ? 0 : i;
	class->category = n_categories ? (int64_t)i : -1;
	class->colour = i;
	class->shaped = n > 1;
	class->and_later = n_categories > n && i == n - 1;
	if (class->and_later) {
		snprintf(class->others, sizeof class->others, "%zu others", n_categories - i);
		class->label = class->others;
	} else if (n_categories) {
		class->label = strings_get(&t->text[TABLE_CATEGORY], i, NULL);
	} else if (n > 1) {
		class->label = look->y_labels[i];
	}
}

int table_plot(const struct table *t, const struct look *look, struct plot *p,
    struct table_skips *skips, struct err *e)
{
	size_t n_categories = t->text[TABLE_CATEGORY].n;
	size_t n = n_categories ? n_categories : look->histogram || look->one_y ? 1 : t->n_y;
	struct class class;
	uint32_t *order = NULL;
	struct scale ends = {0, 1, false};
	int bins = 0, failed = 0;

	*skips = (struct table_skips){.x_lo = INFINITY, .x_hi = -INFINITY};
	if (t->n == 0)
		return 0;
	if (n_categories > COLOUR_CATEGORIES + 1)
		n = COLOUR_CATEGORIES + 1;
	if (look->histogram) {
		bins = choose_axis(t, look, p, skips, &ends, e);
		if (bins <= 0)
			return bins;
	} else if (!(order = order_by_group(t, look->lines || look->smooth, e))) {
		return -1;
	}
	for (size_t i = 0; i < n && !failed; i++) {
		class_init(&class, t, look, i, n);
		failed = look->histogram ? add_histogram(t, &class, look, &ends, bins, p, e)
		                         : add_class(t, &class, order, look, p, skips, e);
	}
	free(order);
	return failed;
}
