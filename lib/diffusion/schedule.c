#include "diffusion/schedule.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

const char *const schedule_families[] = {
    [SCHEDULE_UNIFORM] = "uniform",
    [SCHEDULE_CAUCHY] = "cauchy",
    [SCHEDULE_LOGISTIC] = "logistic",
    [SCHEDULE_FRECHET] = "frechet",
    [SCHEDULE_PIECEWISE] = "piecewise",
    [SCHEDULE_FAMILIES] = NULL,
};

const char *schedule_family_name(enum schedule_family family)
{
	return schedule_families[family];
}

int schedule_family_find(const char *name)
{
	for (int i = 0; i < SCHEDULE_FAMILIES; i++)
		if (!strcmp(schedule_families[i], name))
			return i;
	return -1;
}

/* --- distributions: (F - o) / h as a distribution over all t --- */

/* The shares of a distribution below and above t. Both are kept because each is exact where it is
 * small. */
struct share {
	double below, above;
};

static struct share share_at(const struct schedule *s, double t)
{
	const double *p = s->p;
	double x;

	switch (s->family) {
	case SCHEDULE_CAUCHY:
		x = (t - p[0]) / p[1];
		return (struct share){atan2(1, -x) / M_PI, atan2(1, x) / M_PI};
	case SCHEDULE_LOGISTIC:
		x = p[1] * log(t / p[0]);
		return (struct share){1 / (1 + exp(-x)), 1 / (1 + exp(x))};
	case SCHEDULE_FRECHET:
		x = exp(-p[1] * log(t / p[0]));
		return (struct share){exp(-x), -expm1(-x)};
	default:
		x = s->t_max - s->t_min;
		return (struct share){(t - s->t_min) / x, (s->t_max - t) / x};
	}
}

/* The t with these shares below and above it. */
static double share_quantile(const struct schedule *s, struct share q)
{
	const double *p = s->p;
	bool low = q.below < q.above;
	double x;

	switch (s->family) {
	case SCHEDULE_CAUCHY:
		x = low ? -1 / tan(M_PI * q.below) : 1 / tan(M_PI * q.above);
		return p[0] + p[1] * x;
	case SCHEDULE_LOGISTIC:
		return p[0] * exp(log(q.below / q.above) / p[1]);
	case SCHEDULE_FRECHET:
		x = low ? -log(q.below) : -log1p(-q.above);
		return p[0] * exp(-log(x) / p[1]);
	default:
		x = s->t_max - s->t_min;
		return low ? s->t_min + q.below * x : s->t_max - q.above * x;
	}
}

/* The derivative of share_at(s, t).below with respect to t. */
static double slope_at(const struct schedule *s, double t)
{
	const double *p = s->p;
	struct share q = share_at(s, t);
	double x;

	switch (s->family) {
	case SCHEDULE_CAUCHY:
		x = (t - p[0]) / p[1];
		return 1 / (M_PI * p[1] * (1 + x * x));
	case SCHEDULE_LOGISTIC:
		return p[1] / t * q.below * q.above;
	case SCHEDULE_FRECHET:
		x = exp(-p[1] * log(t / p[0]));
		return q.below > 0 ? p[1] / t * x * q.below : 0;
	default:
		return 1 / (s->t_max - s->t_min);
	}
}

/* The share between two levels, as the difference of the smaller shares, which loses fewer digits.
 */
static double share_between(struct share from, struct share to)
{
	return from.below > 0.5 ? from.above - to.above : to.below - from.below;
}

/* --- piecewise --- */

static void place_knots(struct schedule *s, int n)
{
	s->n_knots = n;
	for (int i = 0; i < n; i++)
		s->knot_t[i] = s->t_min * exp(i * log(s->t_max / s->t_min) / (n - 1));
	s->knot_t[n - 1] = s->t_max;
}

/* The i with v[i] <= x < v[i + 1], for ascending v [n]. For x outside, the first or last interval.
 */
static int find_interval(const double *v, int n, double x)
{
	int lo = 0, hi = n - 1;

	while (hi - lo > 1) {
		int middle = (lo + hi) / 2;

		if (v[middle] <= x)
			lo = middle;
		else
			hi = middle;
	}
	return lo;
}

/* Interpolate linearly between the knots (x, y) [n]; constant beyond the ends. */
static double interpolate_knots(const double *x, const double *y, int n, double at)
{
	int i = find_interval(x, n, at);
	double share = (at - x[i]) / (x[i + 1] - x[i]);

	share = fmin(fmax(share, 0), 1);
	return y[i] * (1 - share) + y[i + 1] * share;
}

void schedule_set_knots(struct schedule *s, const double knot_f[SCHEDULE_KNOTS])
{
	double min_step = 1e-4 * (knot_f[SCHEDULE_KNOTS - 1] - knot_f[0]);

	s->family = SCHEDULE_PIECEWISE;
	memset(s->p, 0, sizeof s->p);
	place_knots(s, SCHEDULE_KNOTS);
	s->knot_f[0] = knot_f[0];
	for (int i = 1; i < SCHEDULE_KNOTS; i++)
		s->knot_f[i] = fmax(knot_f[i], s->knot_f[i - 1] + min_step);
}

/* --- F --- */

double schedule_nats(const struct schedule *s, double t)
{
	if (s->family == SCHEDULE_PIECEWISE)
		return interpolate_knots(s->knot_t, s->knot_f, s->n_knots, t);
	if (s->family == SCHEDULE_UNIFORM)
		t = fmin(fmax(t, s->t_min), s->t_max);
	return s->p[2] * share_at(s, t).below + s->p[3];
}

double schedule_density(const struct schedule *s, double t)
{
	if (!(t >= s->t_min && t <= s->t_max))
		return 0;
	if (s->family == SCHEDULE_PIECEWISE) {
		int i = find_interval(s->knot_t, s->n_knots, t);

		return (s->knot_f[i + 1] - s->knot_f[i]) / (s->knot_t[i + 1] - s->knot_t[i]) /
		       (s->knot_f[s->n_knots - 1] - s->knot_f[0]);
	}
	return slope_at(s, t) / share_between(share_at(s, s->t_min), share_at(s, s->t_max));
}

double schedule_u(const struct schedule *s, double t)
{
	struct share first, last;
	double u;

	if (!(t > s->t_min))
		return 0;
	if (t >= s->t_max)
		return 1;
	if (s->family == SCHEDULE_PIECEWISE) {
		double low = s->knot_f[0], high = s->knot_f[s->n_knots - 1];

		u = (schedule_nats(s, t) - low) / (high - low);
	} else {
		first = share_at(s, s->t_min);
		last = share_at(s, s->t_max);
		u = share_between(first, share_at(s, t)) / share_between(first, last);
	}
	return fmin(fmax(u, 0), 1);
}

double schedule_spread(const struct schedule *s, double u)
{
	return s->t_min * pow(s->t_max / s->t_min, u);
}

double schedule_t(const struct schedule *s, double u)
{
	struct share first, last;
	double t, all;

	if (!(u > 0))
		return s->t_min;
	if (u >= 1)
		return s->t_max;
	if (s->family == SCHEDULE_PIECEWISE) {
		double low = s->knot_f[0], high = s->knot_f[s->n_knots - 1];

		t = interpolate_knots(s->knot_f, s->knot_t, s->n_knots, low + u * (high - low));
	} else {
		first = share_at(s, s->t_min);
		last = share_at(s, s->t_max);
		all = share_between(first, last);
		t = share_quantile(
		    s, (struct share){first.below + u * all, last.above + (1 - u) * all});
	}
	return fmin(fmax(t, s->t_min), s->t_max);
}

/* --- the initial schedule, before any data --- */

/*
 * Cauchy: the parameters of mini CDCD at d = 256. Frechet: from the Gumbel distribution of ln t in
 * LangFlow, arXiv:2604.11748. Logistic: the same median as Frechet, and the same slope there.
 */
static void set_initial_parameters(struct schedule *s, double root_d, double max_nats)
{
	static const double cauchy[4] = {3.0171 / 16, 1.7785 / 16, 6.5539, -1.2272};
	const double frechet[2] = {0.38, 2.35};
	double *p = s->p;

	p[2] = max_nats;
	switch (s->family) {
	case SCHEDULE_CAUCHY:
		p[0] = cauchy[0] * root_d;
		p[1] = cauchy[1] * root_d;
		p[2] = cauchy[2] * max_nats / (cauchy[2] + cauchy[3]);
		p[3] = cauchy[3] * max_nats / (cauchy[2] + cauchy[3]);
		break;
	case SCHEDULE_LOGISTIC:
		p[0] = frechet[0] * root_d * pow(M_LN2, -1 / frechet[1]);
		p[1] = 2 * M_LN2 * frechet[1];
		break;
	case SCHEDULE_FRECHET:
		p[0] = frechet[0] * root_d;
		p[1] = frechet[1];
		break;
	default:
		break;
	}
}

void schedule_init(struct schedule *s, enum schedule_family family, int d, double max_nats,
    double t_min, double t_max)
{
	double root_d = sqrt(d > 0 ? d : 1);

	memset(s, 0, sizeof *s);
	s->family = family;
	s->t_min = t_min > 0 ? t_min : root_d / 16;
	s->t_max = t_max > 0 ? t_max : root_d * 18;
	s->rmse_nats = NAN;
	set_initial_parameters(s, root_d, max_nats > 0 ? max_nats : 1);
	if (family == SCHEDULE_PIECEWISE) {
		struct schedule f;
		double knot_f[SCHEDULE_KNOTS] = {0};

		schedule_init(&f, SCHEDULE_FRECHET, d, max_nats, s->t_min, s->t_max);
		place_knots(s, SCHEDULE_KNOTS);
		for (int i = 0; i < s->n_knots; i++)
			knot_f[i] = schedule_nats(&f, s->knot_t[i]);
		schedule_set_knots(s, knot_f);
	}
}

/* --- checks --- */

static int check_parameters(const struct schedule *s, struct err *e)
{
	bool scales = s->family == SCHEDULE_LOGISTIC || s->family == SCHEDULE_FRECHET;

	for (int i = 0; i < 4; i++)
		if (!isfinite(s->p[i]))
			return err_set(e, "p%d is not finite", i + 1);
	if (s->family == SCHEDULE_PIECEWISE)
		return 0;
	if (!(s->p[2] > 0))
		return err_set(e, "F does not increase: h is %g", s->p[2]);
	if (scales && !(s->p[0] > 0))
		return err_set(e, "t0 is %g, not above 0", s->p[0]);
	if (s->family != SCHEDULE_UNIFORM && !(s->p[1] > 0))
		return err_set(e, "%s is %g, not above 0", scales ? "k" : "s", s->p[1]);
	return 0;
}

static int check_knots(const struct schedule *s, struct err *e)
{
	if (s->n_knots < 2 || s->n_knots > SCHEDULE_KNOTS)
		return err_set(e, "invalid number of knots: %d (expected 2 to %d)", s->n_knots,
		    SCHEDULE_KNOTS);
	for (int i = 0; i < s->n_knots; i++)
		if (!isfinite(s->knot_f[i]))
			return err_set(e, "knot %d is not finite", i + 1);
	for (int i = 1; i < s->n_knots; i++)
		if (!(s->knot_f[i] > s->knot_f[i - 1]) || !(s->knot_t[i] > s->knot_t[i - 1]))
			return err_set(e, "F does not increase from knot %d to %d", i, i + 1);
	return 0;
}

int schedule_check_range(const struct schedule *s, struct err *e)
{
	if (!(s->t_min > 0 && s->t_max > s->t_min && isfinite(s->t_max)))
		return err_set(e,
		    "invalid noise levels: t_min %g, t_max %g (expected 0 < t_min < t_max)",
		    s->t_min, s->t_max);
	return 0;
}

int schedule_check(const struct schedule *s, struct err *e)
{
	/* F is a step if 90 % of its rise is within this fraction of the range of ln t. */
	const double narrow = 0.02;
	double low, high, width;

	if (schedule_check_range(s, e) || check_parameters(s, e) ||
	    (s->family == SCHEDULE_PIECEWISE && check_knots(s, e)))
		return -1;
	if (s->family != SCHEDULE_PIECEWISE &&
	    !(share_between(share_at(s, s->t_min), share_at(s, s->t_max)) > 1e-6))
		return err_set(e, "F does not rise between t = %g and %g", s->t_min, s->t_max);
	low = schedule_t(s, 0.05);
	high = schedule_t(s, 0.95);
	width = log(s->t_max / s->t_min);
	if (!(log(high / low) > narrow * width))
		return err_set(e, "F is a step: it rises only between t = %g and %g", low, high);
	return 0;
}

/* --- reading and writing a row of CSV --- */

__attribute__((format(printf, 3, 4))) static size_t append_text(
    char *text, size_t capacity, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text + used, capacity - used, fmt, ap);
	va_end(ap);
	return n < 0 ? capacity : used + (size_t)n;
}

static int first_parameter(enum schedule_family family)
{
	return family == SCHEDULE_UNIFORM ? 2 : family == SCHEDULE_PIECEWISE ? 4 : 0;
}

int schedule_print(const struct schedule *s, char *text, size_t capacity)
{
	size_t n;

	if (capacity == 0)
		return -1;
	text[0] = '\0';
	append_text(text, capacity, "%s", schedule_family_name(s->family));
	for (int i = 0; i < 4; i++) {
		if (i < first_parameter(s->family))
			append_text(text, capacity, ",");
		else
			append_text(text, capacity, ",%.17g", s->p[i]);
	}
	append_text(text, capacity, ",%.17g,%.17g,", s->t_min, s->t_max);
	if (!isnan(s->rmse_nats))
		append_text(text, capacity, "%.17g", s->rmse_nats);
	n = append_text(text, capacity, ",");
	for (int i = 0; i < s->n_knots; i++)
		n = append_text(text, capacity, i ? " %.17g" : "%.17g", s->knot_f[i]);
	return n < capacity ? 0 : -1;
}

/* Parse a field as one number; "" gives NAN. */
static int parse_number(const char *name, const char *text, double *value, struct err *e)
{
	*value = NAN;
	if (!*text)
		return 0;
	if (number_data(text, value) || !isfinite(*value))
		return err_set(e, "%s: '%.40s' is not a number", name, text);
	return 0;
}

static int parse_knots(struct schedule *s, const char *text, struct err *e)
{
	int n = 0;

	while (*text) {
		size_t length = strcspn(text, " ");
		char number[64];

		if (n == SCHEDULE_KNOTS)
			return err_set(e, "knots: more than %d", SCHEDULE_KNOTS);
		snprintf(number, sizeof number, "%.*s", (int)length, text);
		if (length >= sizeof number || number_data(number, &s->knot_f[n]) ||
		    !isfinite(s->knot_f[n]))
			return err_set(e, "knots: '%.40s' is not a number", text);
		n++;
		text += length + (text[length] == ' ');
	}
	if (n < 2)
		return err_set(e, "knots: %d given, expected at least 2", n);
	place_knots(s, n);
	return 0;
}

int schedule_parse(struct schedule *s, const char *const field[SCHEDULE_FIELDS], struct err *e)
{
	static const char *const name[] = {"p1", "p2", "p3", "p4", "t_min", "t_max", "rmse_nats"};
	struct schedule new = {0};
	double *const value[] = {
	    &new.p[0], &new.p[1], &new.p[2], &new.p[3], &new.t_min, &new.t_max, &new.rmse_nats};
	int family = schedule_family_find(field[0]);

	if (family < 0)
		return err_set(e, "family: unknown family '%.40s'", field[0]);
	new.family = (enum schedule_family)family;
	for (int i = 0; i < 7; i++) {
		bool needless = i < first_parameter(new.family);

		if (parse_number(name[i], field[i + 1], value[i], e))
			return -1;
		if (i < 4 && needless != !*field[i + 1])
			return err_set(e, "%s: %s has %s", name[i], field[0],
			    needless ? "no such parameter" : "no value for it");
		if (needless)
			*value[i] = 0;
	}
	if (family != SCHEDULE_PIECEWISE && *field[8])
		return err_set(e, "knots: %s has none", field[0]);
	if (schedule_check_range(&new, e) ||
	    (family == SCHEDULE_PIECEWISE && parse_knots(&new, field[8], e)) ||
	    schedule_check(&new, e))
		return -1;
	*s = new;
	return 0;
}
