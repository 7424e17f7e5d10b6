#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "diffusion/fit.h"
#include "diffusion/schedule.h"

enum {
	GROUPS = 512,        /* maximum, for the families with parameters */
	COARSE = 32,         /* maximum, for the outline */
	MISFIT_GROUPS = 100, /* maximum, for schedule_misfit */
	MIN_POINTS = 16,     /* observations that a fit needs */
	MIN_LEVELS = 8,      /* different t that a fit needs */
	MIN_TRIMMED = 8,     /* observations that a group needs to be trimmed of outliers */
};

/* --- the sorted observations --- */

struct point {
	double t, ce;
};

static int by_level(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->ce > y->ce) - (x->ce < y->ce);
}

/* The usable observations, sorted by t. Sets *n to their number. The caller frees them. */
static struct point *sorted_points(const double *t, const double *ce, size_t *n, struct err *e)
{
	struct point *point = mem_array(*n, sizeof *point, e);
	size_t used = 0;

	if (!point)
		return NULL;
	for (size_t i = 0; i < *n; i++)
		if (isfinite(t[i]) && t[i] > 0 && isfinite(ce[i]))
			point[used++] = (struct point){t[i], ce[i]};
	qsort(point, used, sizeof *point, by_level);
	*n = used;
	return point;
}

/* The points, and a second array: first the copy that qsort makes, then the values for medians. */
size_t schedule_fit_bytes(size_t n)
{
	return n *
	       (sizeof(struct point) + max_size(sizeof(struct point), sizeof(struct fit_weighted)));
}

/* --- groups of neighbouring observations --- */

struct groups {
	size_t n;
	double *t, *ce; /* [n] means of each group */
	double *weight; /* [n] number of observations in each mean */
};

static int groups_new(struct groups *g, size_t n, struct err *e)
{
	g->n = n;
	g->t = mem_array(3 * n, sizeof *g->t, e);
	if (!g->t)
		return -1;
	g->ce = g->t + n;
	g->weight = g->ce + n;
	return 0;
}

struct centre {
	double median, spread;
};

/* The median, and the median distance from it, scaled to a standard deviation. v [n] is scratch. */
static struct centre centre_of(const struct point *p, size_t n, struct fit_weighted *v)
{
	struct centre c = {0, INFINITY};

	if (n < MIN_TRIMMED)
		return c;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct fit_weighted){p[i].ce, 1};
	c.median = fit_median(v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct fit_weighted){fabs(p[i].ce - c.median), 1};
	c.spread = 1.4826 * fit_median(v, n);
	return c;
}

/*
 * Compute the means of the groups [begin[i], begin[i + 1]), without observations further than five
 * standard deviations from the median of the group. The standard deviation is that of the group or
 * the median of all groups, whichever is larger: at low noise levels most losses are 0, and the few
 * that are not must not count as outliers.
 */
static int compute_means(
    struct groups *g, const struct point *p, const size_t *begin, struct err *e)
{
	const double far = 5;
	struct fit_weighted *v = mem_array(begin[g->n], sizeof *v, e);
	struct centre *c = mem_array(g->n, sizeof *c, e);
	double usual;

	if (!v || !c) {
		free(v);
		free(c);
		return -1;
	}
	for (size_t i = 0; i < g->n; i++)
		c[i] = centre_of(p + begin[i], begin[i + 1] - begin[i], v);
	for (size_t i = 0; i < g->n; i++)
		v[i] = (struct fit_weighted){c[i].spread, (double)(begin[i + 1] - begin[i])};
	usual = fit_median(v, g->n);
	for (size_t i = 0; i < g->n; i++) {
		double limit = far * fmax(c[i].spread, usual), t = 0, ce = 0, n = 0;

		for (size_t j = begin[i]; j < begin[i + 1]; j++) {
			if (fabs(p[j].ce - c[i].median) > limit)
				continue;
			t += p[j].t;
			ce += p[j].ce;
			n++;
		}
		g->t[i] = t / n;
		g->ce[i] = ce / n;
		g->weight[i] = n;
	}
	free(v);
	free(c);
	return 0;
}

/*
 * Split p [n] into at most max_groups groups of about equal size. Observations at the same t stay
 * together. Group i is [begin[i], begin[i + 1]); begin is [max_groups + 1]. Returns the number of
 * groups.
 */
static size_t split_groups(const struct point *p, size_t n, size_t max_groups, size_t *begin)
{
	size_t groups = 0;

	begin[0] = 0;
	for (size_t i = 1; i <= max_groups; i++) {
		size_t at = i * n / max_groups;

		while (at > 0 && at < n && p[at].t == p[at - 1].t)
			at++;
		if (at > begin[groups])
			begin[++groups] = at;
	}
	return groups;
}

static int equal_groups(struct groups *g, const struct point *p, size_t n, struct err *e)
{
	size_t begin[GROUPS + 1], groups = split_groups(p, n, GROUPS, begin);

	g->t = NULL;
	if (groups < MIN_LEVELS) {
		err_set(e, "observations at %zu levels of t: at least %d are needed", groups,
		    MIN_LEVELS);
		return -1;
	}
	return groups_new(g, groups, e) || compute_means(g, p, begin, e) ? -1 : 0;
}

/* --- the families as functions of their parameters, for the fit --- */

static double uniform_model(const double *p, double x, double *dp)
{
	if (dp) {
		dp[0] = x;
		dp[1] = 1;
	}
	return p[0] * x + p[1];
}

static double cauchy_model(const double *p, double t, double *dp)
{
	double x = (t - p[0]) / p[1], g = atan2(1, -x) / M_PI;

	if (dp) {
		dp[0] = -p[2] / (M_PI * p[1] * (1 + x * x));
		dp[1] = dp[0] * x;
		dp[2] = g;
		dp[3] = 1;
	}
	return p[2] * g + p[3];
}

static double logistic_model(const double *p, double t, double *dp)
{
	double l = log(t / p[0]), g = 1 / (1 + exp(-p[1] * l));

	if (dp) {
		dp[0] = -p[2] * g * (1 - g) * p[1] / p[0];
		dp[1] = p[2] * g * (1 - g) * l;
		dp[2] = g;
		dp[3] = 1;
	}
	return p[2] * g + p[3];
}

static double frechet_model(const double *p, double t, double *dp)
{
	double l = log(t / p[0]), y = exp(-p[1] * l), g = exp(-y);

	if (dp) {
		double yg = g > 0 ? y * g : 0;

		dp[0] = -p[2] * yg * p[1] / p[0];
		dp[1] = p[2] * yg * l;
		dp[2] = g;
		dp[3] = 1;
	}
	return p[2] * g + p[3];
}

static fit_model *const models[] = {
    [SCHEDULE_UNIFORM] = uniform_model,
    [SCHEDULE_CAUCHY] = cauchy_model,
    [SCHEDULE_LOGISTIC] = logistic_model,
    [SCHEDULE_FRECHET] = frechet_model,
};

/* --- start and ranges of the parameters --- */

/* The outline of the data: the lowest value, the rise, and the levels at which F has made a
 * quarter, half and three quarters of the rise. */
struct outline {
	double base, rise, quarter, half, three_quarters;
};

static double find_crossing(const struct groups *g, double level)
{
	for (size_t i = 1; i < g->n; i++)
		if (g->ce[i] >= level && g->ce[i] > g->ce[i - 1])
			return g->t[i - 1] + (g->t[i] - g->t[i - 1]) *
			                         fmax(level - g->ce[i - 1], 0) /
			                         (g->ce[i] - g->ce[i - 1]);
	return g->t[g->n - 1];
}

static int outline_groups(struct outline *outline, const struct groups *g, struct err *e)
{
	size_t n = g->n / 4 < COARSE ? (g->n + 8) / 4 : COARSE; /* at least 4 */
	struct groups c;
	int failed;

	if (groups_new(&c, n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i * g->n / n; j < (i + 1) * g->n / n; j++) {
			c.t[i] += g->weight[j] * g->t[j];
			c.ce[i] += g->weight[j] * g->ce[j];
			c.weight[i] += g->weight[j];
		}
		c.t[i] /= c.weight[i];
		c.ce[i] /= c.weight[i];
	}
	failed = fit_isotonic(c.ce, c.weight, n, e);
	if (!failed) {
		outline->base = c.ce[0];
		outline->rise = c.ce[n - 1] - c.ce[0];
		outline->quarter = find_crossing(&c, outline->base + 0.25 * outline->rise);
		outline->half = find_crossing(&c, outline->base + 0.5 * outline->rise);
		outline->three_quarters = find_crossing(&c, outline->base + 0.75 * outline->rise);
		if (!(outline->rise > 0))
			failed = err_set(e, "the cross-entropy does not increase with t");
	}
	free(c.t);
	return failed;
}

/* The parameters for which the quartiles of the family are those of the data. */
static void start_from_outline(const struct schedule *s, const struct outline *outline, double p[4])
{
	double ratio = log(outline->three_quarters / outline->quarter);

	p[0] = outline->half;
	p[2] = outline->rise;
	p[3] = outline->base;
	ratio = fmax(ratio, 0.05);
	switch (s->family) {
	case SCHEDULE_CAUCHY:
		p[1] = (outline->three_quarters - outline->quarter) / 2;
		break;
	case SCHEDULE_LOGISTIC:
		p[1] = 2 * log(3) / ratio;
		break;
	case SCHEDULE_FRECHET:
		p[1] = log(log(4) / log(4.0 / 3)) / ratio;
		p[0] *= pow(M_LN2, 1 / p[1]);
		break;
	default:
		break;
	}
}

static void set_ranges(
    const struct schedule *s, const struct outline *outline, struct fit_range r[4])
{
	double rise = outline->rise;

	r[0] = (struct fit_range){s->t_min / 10, s->t_max * 10, true};
	r[1] = (struct fit_range){0.1, 200, true};
	if (s->family == SCHEDULE_CAUCHY) {
		r[0] = (struct fit_range){-s->t_max, s->t_max, false};
		r[1] = (struct fit_range){1e-4 * s->t_max, 10 * s->t_max, true};
	}
	r[2] = (struct fit_range){rise / 10, rise * 20, true};
	r[3] = (struct fit_range){outline->base - 10 * rise, outline->base + 10 * rise, false};
}

/* --- the fit --- */

/* Twice the standard deviation of the residuals, estimated from their median, which outliers do not
 * change. */
static double residual_scale(
    const struct fit_problem *f, const double *p, double min_scale, struct fit_weighted *scratch)
{
	for (size_t i = 0; i < f->n; i++)
		scratch[i] =
		    (struct fit_weighted){fabs(f->model(p, f->x[i], NULL) - f->y[i]), f->weight[i]};
	return fmax(2 * 1.4826 * fit_median(scratch, f->n), min_scale);
}

/* Fit three times, each time with the scale of the residuals of the last fit. */
static int solve_from(const struct fit_problem *f, double min_scale, double *p, double *scale,
    struct fit_weighted *scratch, struct err *e)
{
	for (int round = 0; round < 3; round++) {
		*scale = residual_scale(f, p, min_scale, scratch);
		if (fit_solve(f, *scale, p, e))
			return -1;
	}
	return 0;
}

/* Fit twice, from the current parameters and from p, and set p to the better result. */
static int solve_from_both(
    const struct fit_problem *f, const double *current, double min_scale, double *p, struct err *e)
{
	struct fit_weighted *scratch = mem_array(f->n, sizeof *scratch, e);
	double other[4] = {0}, scale = 0, other_scale = 0;
	int failed, other_failed;

	if (!scratch)
		return -1;
	memcpy(other, current, (size_t)f->n_parameters * sizeof *other);
	other_failed = solve_from(f, min_scale, other, &other_scale, scratch, e);
	failed = solve_from(f, min_scale, p, &scale, scratch, e);
	free(scratch);
	if (failed && other_failed)
		return -1;
	if (failed || (!other_failed && fit_cost(f, scale, other) < fit_cost(f, scale, p)))
		memcpy(p, other, (size_t)f->n_parameters * sizeof *other);
	return 0;
}

static int fit_parameters(struct schedule *s, const struct groups *g, struct err *e)
{
	int first = s->family == SCHEDULE_UNIFORM ? 2 : 0;
	struct fit_range range[4];
	struct fit_problem f = {
	    4 - first, range + first, models[s->family], g->n, g->t, g->ce, g->weight};
	struct outline outline;
	double p[4], *x = NULL;
	int failed;

	if (outline_groups(&outline, g, e))
		return -1;
	start_from_outline(s, &outline, p);
	set_ranges(s, &outline, range);
	if (s->family == SCHEDULE_UNIFORM) {
		f.x = x = mem_array(g->n, sizeof *x, e);
		if (!x)
			return -1;
		for (size_t i = 0; i < g->n; i++)
			x[i] = (fmin(fmax(g->t[i], s->t_min), s->t_max) - s->t_min) /
			       (s->t_max - s->t_min);
	}
	failed = solve_from_both(&f, s->p + first, 1e-6 * outline.rise, p + first, e);
	free(x);
	if (failed)
		return -1;
	for (int i = 0; i < 4; i++)
		s->p[i] = i < first ? 0 : p[i];
	return 0;
}

/* --- piecewise --- */

/*
 * One group for each interval between knots; an interval with few observations is merged with the
 * next. Otherwise, at the ends of the range, the isotonic regression would take the extremes of a
 * few scattered observations as values. begin is [SCHEDULE_KNOTS]. Returns the number of groups.
 */
static size_t knot_groups(const struct schedule *s, const struct point *p, size_t n, size_t *begin)
{
	enum { N = SCHEDULE_KNOTS - 1, FEW = 8, FEW_OF = 200 };
	size_t few = max_size(n / FEW_OF, FEW), at = 0, groups = 0;

	while (at < n && p[at].t < s->t_min)
		at++;
	begin[0] = at;
	for (int i = 1; i <= N; i++) {
		double end = i == N ? s->t_max : s->t_min * pow(s->t_max / s->t_min, (double)i / N);

		while (at < n && p[at].t <= end)
			at++;
		if (at - begin[groups] >= few)
			begin[++groups] = at;
	}
	if (groups)
		begin[groups] = at;
	return groups;
}

/* Set the values at the knots by linear interpolation, in ln t, between the groups. */
static void set_knots(struct schedule *s, const struct groups *g)
{
	double f[SCHEDULE_KNOTS];
	size_t j = 0;

	for (int i = 0; i < SCHEDULE_KNOTS; i++) {
		double t = s->t_min * pow(s->t_max / s->t_min, i / (SCHEDULE_KNOTS - 1.0)), share;

		while (j + 2 < g->n && g->t[j + 1] <= t)
			j++;
		share = log(t / g->t[j]) / log(g->t[j + 1] / g->t[j]);
		share = fmin(fmax(share, 0), 1);
		f[i] = g->ce[j] + share * (g->ce[j + 1] - g->ce[j]);
	}
	schedule_set_knots(s, f);
}

static int fit_knots(struct schedule *s, const struct point *p, size_t n, struct err *e)
{
	size_t begin[SCHEDULE_KNOTS], groups = knot_groups(s, p, n, begin);
	struct groups g;
	int failed;

	if (groups < MIN_LEVELS)
		return err_set(e, "observations in %zu intervals of t: at least %d are needed",
		    groups, MIN_LEVELS);
	if (groups_new(&g, groups, e))
		return -1;
	failed = compute_means(&g, p, begin, e) || fit_isotonic(g.ce, g.weight, groups, e);
	if (!failed)
		set_knots(s, &g);
	free(g.t);
	return failed ? -1 : 0;
}

/* --- checks of the fit --- */

/* The soft-L1 loss of the residuals of F, or of a constant if s is NULL. */
static double soft_l1_loss(
    const struct groups *g, const struct schedule *s, double constant, double scale)
{
	double sum = 0;

	for (size_t i = 0; i < g->n; i++) {
		double r = (s ? schedule_nats(s, g->t[i]) : constant) - g->ce[i];
		double z = r / scale;

		sum += g->weight[i] * 2 * (hypot(1, z) - 1);
	}
	return sum;
}

static int compare_with_constant(const struct schedule *s, const struct groups *g, struct err *e)
{
	const double worth = 0.9, parameters = 4;
	struct fit_weighted *v = mem_array(g->n, sizeof *v, e);
	double median, scale, of_fit, of_constant;

	if (!v)
		return -1;
	for (size_t i = 0; i < g->n; i++)
		v[i] =
		    (struct fit_weighted){fabs(schedule_nats(s, g->t[i]) - g->ce[i]), g->weight[i]};
	scale = fmax(2 * 1.4826 * fit_median(v, g->n), 1e-9);
	for (size_t i = 0; i < g->n; i++)
		v[i] = (struct fit_weighted){g->ce[i], g->weight[i]};
	median = fit_median(v, g->n);
	free(v);
	of_fit = soft_l1_loss(g, s, 0, scale) / ((double)g->n - parameters);
	of_constant = soft_l1_loss(g, NULL, median, scale) / ((double)g->n - 1);
	if (!(of_fit < worth * of_constant))
		return err_set(
		    e, "the curve is flat: F fits no better than a constant of %.4g nats", median);
	return 0;
}

static int check_fit(const struct schedule *s, const struct groups *g, struct err *e)
{
	const double least_rise = 1e-3;
	double rise = schedule_nats(s, s->t_max) - schedule_nats(s, s->t_min);

	if (schedule_check(s, e))
		return -1;
	if (!(rise >= least_rise))
		return err_set(e, "F rises by %.3g nats only", rise);
	return compare_with_constant(s, g, e);
}

static double points_rmse(const struct schedule *s, const struct point *p, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pow(schedule_nats(s, p[i].t) - p[i].ce, 2);
	return sqrt(sum / (double)n);
}

static int fit_points(struct schedule *s, const struct point *p, size_t n, struct err *e)
{
	struct groups g;
	int failed;

	if (n < MIN_POINTS)
		return err_set(e, "%zu observations: at least %d are needed", n, MIN_POINTS);
	if (schedule_check_range(s, e))
		return -1;
	failed =
	    equal_groups(&g, p, n, e) ||
	    (s->family == SCHEDULE_PIECEWISE ? fit_knots(s, p, n, e) : fit_parameters(s, &g, e)) ||
	    check_fit(s, &g, e);
	free(g.t);
	if (failed)
		return -1;
	s->rmse_nats = points_rmse(s, p, n);
	return isfinite(s->rmse_nats) ? 0 : err_set(e, "the residuals are not finite");
}

int schedule_fit(
    struct schedule *s, const double *t, const double *ce_nats, size_t n, struct err *e)
{
	struct schedule fitted = *s;
	struct point *p = sorted_points(t, ce_nats, &n, e);
	int failed = !p || fit_points(&fitted, p, n, e);

	free(p);
	if (failed)
		return err_prefix(e, "%s", schedule_family_name(s->family));
	*s = fitted;
	return 0;
}

double schedule_misfit(const struct schedule *s, const double *t, const double *ce_nats, size_t n)
{
	struct err e;
	struct point *p = sorted_points(t, ce_nats, &n, &e);
	size_t begin[MISFIT_GROUPS + 1];
	struct groups g = {0, NULL, NULL, NULL};
	double sum = 0, weight = 0;

	if (p && n > 0) {
		g.n = split_groups(p, n, MISFIT_GROUPS, begin);
		for (size_t i = 0; i < n; i++)
			p[i].ce -= schedule_nats(s, p[i].t);
		if (!groups_new(&g, g.n, &e) && !compute_means(&g, p, begin, &e)) {
			for (size_t i = 0; i < g.n; i++) {
				sum += g.weight[i] * g.ce[i] * g.ce[i];
				weight += g.weight[i];
			}
		}
	}
	free(p);
	free(g.t);
	return weight > 0 ? sqrt(sum / weight) : NAN;
}
