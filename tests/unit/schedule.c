#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "diffusion/fit.h"
#include "diffusion/schedule.h"
#include "tap.h"

enum { D = 256, TRIALS = 200 };

/* --- numbers --- */

static uint64_t drawn;

static double draw(double lo, double hi)
{
	return lo + (hi - lo) * rng_uniform(11, RNG_TEST, 0, drawn++);
}

static double draw_normal(void)
{
	float z;

	rng_normal(12, RNG_TEST, (uint32_t)drawn++, &z, 1);
	return z;
}

/* A valid schedule with random parameters and scale. */
static void draw_schedule(struct schedule *s, enum schedule_family family)
{
	double f[SCHEDULE_KNOTS] = {0};
	struct err e;

	do {
		double root = exp(draw(log(2), log(40)));

		schedule_init(s, family, (int)(root * root) + 1, draw(0.5, 11), 0, 0);
		s->p[3] += family == SCHEDULE_PIECEWISE ? 0 : draw(-1, 1);
		if (family == SCHEDULE_CAUCHY) {
			s->p[0] *= draw(-1, 8);
			s->p[1] *= exp(draw(-4, 3));
		} else if (family == SCHEDULE_LOGISTIC || family == SCHEDULE_FRECHET) {
			s->p[0] *= exp(draw(-2, 2));
			s->p[1] = exp(draw(log(0.3), log(12)));
		} else if (family == SCHEDULE_PIECEWISE) {
			for (int i = 1; i < SCHEDULE_KNOTS; i++)
				f[i] = f[i - 1] + fmax(0, draw(-1, 1));
			schedule_set_knots(s, f);
		}
	} while (schedule_check(s, &e));
}

/* --- the map between t and u --- */

static double relative(double a, double b)
{
	return fabs(a - b) / fmax(fabs(a), fabs(b));
}

/*
 * u -> t -> u to 1e-9 (relative to 1e-6 for smaller u), and t -> u -> t if u determines t: rounding
 * u to 1e-16 changes t by 1e-16 / density.
 */
static void test_inverse(enum schedule_family family)
{
	double worst_u = 0, worst_t = 0;
	struct schedule s;
	int falls = 0, ends = 0, outside = 0;

	for (int trial = 0; trial < TRIALS; trial++) {
		double last = 0;

		draw_schedule(&s, family);
		for (int i = 1; i < 200; i++) {
			double u = i < 20 ? pow(10, -i) : (i - 19) / 181.0;
			double t = schedule_t(&s, u), density = schedule_density(&s, t);

			outside += !(t >= s.t_min && t <= s.t_max);
			if (i >= 20) {
				falls += t < last || schedule_u(&s, t) < schedule_u(&s, last);
				last = t;
			}
			if (t > s.t_min && t < s.t_max)
				worst_u =
				    fmax(worst_u, fabs(schedule_u(&s, t) - u) / fmax(u, 1e-6));
			if (t > s.t_min && t < s.t_max && density * t > 1e-5)
				worst_t =
				    fmax(worst_t, relative(schedule_t(&s, schedule_u(&s, t)), t));
		}
		ends += schedule_t(&s, 0) != s.t_min || schedule_t(&s, 1) != s.t_max ||
		        schedule_u(&s, s.t_min) != 0 || schedule_u(&s, s.t_max) != 1 ||
		        schedule_u(&s, s.t_min / 2) != 0 || schedule_u(&s, s.t_max * 2) != 1;
	}
	ok(worst_u < 1e-9, "schedule %s: u(t(u)) = u within %.1e", schedule_family_name(family),
	    worst_u);
	ok(worst_t < 1e-9, "schedule %s: t(u(t)) = t within %.1e", schedule_family_name(family),
	    worst_t);
	ok(falls == 0, "schedule %s: t does not decrease with u", schedule_family_name(family));
	ok(ends == 0 && outside == 0, "schedule %s: u = 0 and 1 give t_min and t_max",
	    schedule_family_name(family));
}

/* The midpoint rule in ln t; the jumps of piecewise are at the ends of the intervals. */
static void test_density(enum schedule_family family)
{
	enum { N = 40000 };
	double worst_sum = 0, worst_slope = 0;
	struct schedule s;

	for (int trial = 0; trial < 20; trial++) {
		double sum = 0, width;

		draw_schedule(&s, family);
		width = log(s.t_max / s.t_min) / N;
		for (int i = 0; i < N; i++) {
			double a = s.t_min * exp(i * width), m = a * exp(width / 2);
			double b = i == N - 1 ? s.t_max : a * exp(width);
			double du = schedule_u(&s, b) - schedule_u(&s, a),
			       dm = schedule_density(&s, m) * m * width;

			sum += dm;
			worst_slope = fmax(worst_slope, fabs(du - dm));
		}
		worst_sum = fmax(worst_sum, fabs(sum - 1));
	}
	ok(worst_sum < 2e-4, "schedule %s: the density integrates to 1 within %.1e",
	    schedule_family_name(family), worst_sum);
	ok(worst_slope < 1e-4, "schedule %s: the density is the derivative of u within %.1e",
	    schedule_family_name(family), worst_slope);
	ok(schedule_density(&s, s.t_min / 2) == 0 && schedule_density(&s, s.t_max * 2) == 0,
	    "schedule %s: the density is 0 outside the range", schedule_family_name(family));
}

/* Even if F is flat in floating point at both ends, every u has a t. */
static void test_underflow(void)
{
	struct schedule s;
	struct err e = {0};
	double low, high;

	schedule_init(&s, SCHEDULE_FRECHET, D, 6, 0.001, 1e6);
	s.p[1] = 6;
	ok(!schedule_check(&s, &e) || strstr(e.msg, "F is a step"),
	    "schedule: a wide range is valid or a step: %s", e.msg);
	low = schedule_t(&s, 1e-300);
	high = schedule_t(&s, 1 - 1e-16);
	ok(low > 1 && low < s.p[0], "schedule: u = 1e-300 gives t = %g, where F begins to rise",
	    low);
	ok(high > s.p[0] && high <= 1e6, "schedule: u = 1 - 1e-16 gives t = %g", high);
	ok(schedule_u(&s, 0.01) == 0 && schedule_t(&s, 0) == 0.001, "schedule: u is 0 below t_min");
	ok(schedule_t(&s, NAN) == 0.001, "schedule: u = NaN gives t_min");
}

static void test_init(void)
{
	struct schedule s;
	struct err e = {0};

	schedule_init(&s, SCHEDULE_CAUCHY, 256, 6.5539 - 1.2272, 0.01, 200);
	ok(fabs(s.p[0] - 3.0171) < 1e-12 && fabs(s.p[1] - 1.7785) < 1e-12 &&
	        fabs(s.p[2] - 6.5539) < 1e-12 && fabs(s.p[3] + 1.2272) < 1e-12,
	    "schedule: cauchy starts with the parameters of mini CDCD at d = 256");
	ok(s.t_min == 0.01 && s.t_max == 200, "schedule: starts with the given range of t");
	schedule_init(&s, SCHEDULE_FRECHET, 64, 6, 0, 0);
	ok(fabs(s.p[0] - 0.38 * 8) < 1e-12 && s.t_min == 0.5 && s.t_max == 144,
	    "schedule: noise levels scale with the square root of d");
	for (int f = 0; f < SCHEDULE_FAMILIES; f++) {
		schedule_init(&s, (enum schedule_family)f, 32, 4.7, 0, 0);
		ok(!schedule_check(&s, &e) && schedule_nats(&s, s.t_max) > 4 &&
		        schedule_nats(&s, s.t_max) < 5 && isnan(s.rmse_nats),
		    "schedule: the initial schedule of %s is valid %s",
		    schedule_family_name((enum schedule_family)f), e.msg);
	}
	ok(schedule_family_find("logistic") == SCHEDULE_LOGISTIC && schedule_family_find("x") == -1,
	    "schedule: families are found by name");
}

/* --- reading and writing --- */

static int parse_row(struct schedule *s, char *text, struct err *e)
{
	const char *field[SCHEDULE_FIELDS] = {text};
	int n = 1;

	for (char *p = text; *p; p++) {
		if (*p == ',' && n < SCHEDULE_FIELDS) {
			*p = '\0';
			field[n++] = p + 1;
		}
	}
	return n == SCHEDULE_FIELDS ? schedule_parse(s, field, e) : -2;
}

static void test_text(enum schedule_family family)
{
	struct schedule s, back;
	struct err e = {0};
	char text[4096];
	int differ = 0;

	for (int trial = 0; trial < TRIALS; trial++) {
		draw_schedule(&s, family);
		if (trial % 2)
			s.rmse_nats = draw(0, 3);
		memset(&back, 0, sizeof back);
		differ += schedule_print(&s, text, sizeof text) || parse_row(&back, text, &e) ||
		          memcmp(&s, &back, sizeof s) != 0;
	}
	ok(differ == 0, "schedule %s: a printed row is read back to the same bits %s",
	    schedule_family_name(family), e.msg);
	ok(schedule_print(&s, text, 20) == -1, "schedule %s: a text that does not fit is an error",
	    schedule_family_name(family));
}

static void test_bad_text(void)
{
	static const struct {
		const char *row, *why;
	} bad[] = {
	    {"gauss,1,2,3,4,1,2,,", "unknown family 'gauss'"},
	    {"cauchy,1,2,3,,1,288,,", "p4: cauchy has no value for it"},
	    {"cauchy,1,2,3,x,1,288,,", "p4: 'x' is not a number"},
	    {"cauchy,1,2,3,4z,1,288,,", "p4: '4z' is not a number"},
	    {"cauchy,1,inf,3,4,1,288,,", "p2: 'inf' is not a number"},
	    {"cauchy,1, 2,3,4,1,288,,", "p2: ' 2' is not a number"},
	    {"cauchy,0x1,2,3,4,1,288,,", "p1: '0x1' is not a number"},
	    {"cauchy,1,-2,3,4,1,288,,", "s is -2"},
	    {"cauchy,1,2,-3,4,1,288,,", "does not increase"},
	    {"cauchy,1,2,3,4,288,1,,", "invalid noise levels"},
	    {"cauchy,1,2,3,4,,288,,", "invalid noise levels"},
	    {"cauchy,100,0.01,3,4,1,288,,", "F is a step"},
	    {"cauchy,1,2,3,4,1,288,,1 2", "knots: cauchy has none"},
	    {"frechet,0,2,3,4,1,288,,", "t0 is 0"},
	    {"frechet,1e9,9,3,4,1,288,,", "does not rise"},
	    {"uniform,1,,3,4,1,288,,", "p1: uniform has no such parameter"},
	    {"piecewise,,,,,1,288,,", "expected at least 2"},
	    {"piecewise,,,,,1,288,,1", "expected at least 2"},
	    {"piecewise,,,,,1,288,,1 2 2 3", "from knot 2 to 3"},
	    {"piecewise,,,,,1,288,,1 2,3", "'2,3' is not a number"},
	    {"piecewise,,,,,1,288,,0 0.01 1", NULL},
	};
	struct schedule s;
	char text[4096] = "piecewise,,,,,1,288,,0";

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = {0};
		char row[64];
		int got;

		snprintf(row, sizeof row, "%s", bad[i].row);
		got = parse_row(&s, row, &e);
		ok(bad[i].why ? got == -1 && strstr(e.msg, bad[i].why) : !got,
		    "schedule_parse: %s: %s", bad[i].row, e.msg);
	}
	for (int i = 1; i <= SCHEDULE_KNOTS; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), " %d", i);
	ok(parse_row(&s, text, &(struct err){0}) == -1,
	    "schedule_parse: more than 101 knots are refused");
}

/* --- the fit --- */

struct data {
	size_t n;
	double *t, *ce;
};

/* Observations of a known schedule, at levels drawn from it, with noise and some gross outliers. */
static void observe(
    struct data *d, const struct schedule *truth, size_t n, double noise, double outliers)
{
	d->n = n;
	d->t = malloc(n * sizeof *d->t);
	d->ce = malloc(n * sizeof *d->ce);
	for (size_t i = 0; i < n; i++) {
		d->t[i] = schedule_t(truth, draw(0, 1));
		d->ce[i] = schedule_nats(truth, d->t[i]) + noise * draw_normal();
		if (draw(0, 1) < outliers)
			d->ce[i] += 25;
	}
}

static void data_free(struct data *d)
{
	free(d->t);
	free(d->ce);
}

/* A curve that differs from the initial schedule of every family at d = 256. */
static void make_truth(struct schedule *s, enum schedule_family family)
{
	static const double p[][4] = {
	    {0, 0, 5, 0.5}, {12, 5, 6, -0.4}, {15, 2.2, 4.5, 0.2}, {14, 1.4, 5.5, 0.1}};

	schedule_init(s, family, D, 6, 0, 0);
	if (family != SCHEDULE_PIECEWISE)
		memcpy(s->p, p[family], sizeof s->p);
}

static double worst_difference(const struct schedule *a, const struct schedule *b)
{
	double worst = 0;

	for (int i = 0; i <= 200; i++)
		worst = fmax(worst, fabs(schedule_t(a, i / 200.0) / schedule_t(b, i / 200.0) - 1));
	return worst;
}

static void test_recovery(enum schedule_family family)
{
	const char *name = schedule_family_name(family);
	struct schedule truth, s;
	struct err e = {0};
	struct data d;
	double worst = 0;

	make_truth(&truth, family);
	observe(&d, &truth, 400, 0, 0);
	schedule_init(&s, family, D, 10.3, 0, 0);
	ok(!schedule_fit(&s, d.t, d.ce, d.n, &e),
	    "schedule_fit, %s: data without noise is fitted %s", name, e.msg);
	for (int i = 0; i < 4; i++)
		worst = fmax(worst, fabs(s.p[i] - truth.p[i]));
	ok(worst < (family == SCHEDULE_PIECEWISE ? 1e-9 : 1e-4) &&
	        s.rmse_nats < (family == SCHEDULE_PIECEWISE ? 0.05 : 1e-5),
	    "schedule_fit, %s: the parameters are recovered within %.1e, rmse %.1e", name, worst,
	    s.rmse_nats);
	data_free(&d);

	observe(&d, &truth, 20000, 0.8, 0.02);
	schedule_init(&s, family, D, 10.3, 0, 0);
	ok(!schedule_fit(&s, d.t, d.ce, d.n, &e),
	    "schedule_fit, %s: data with noise and outliers is fitted %s", name, e.msg);
	worst = 0;
	for (int i = 1; i < 100; i++)
		worst = fmax(worst, fabs(schedule_nats(&s, schedule_t(&truth, i / 100.0)) -
		                         schedule_nats(&truth, schedule_t(&truth, i / 100.0))));
	ok(worst < (family == SCHEDULE_PIECEWISE ? 0.25 : 0.06),
	    "schedule_fit, %s: the curve is recovered within %.3f nats", name, worst);
	data_free(&d);
}

static void test_order_of_points(void)
{
	struct schedule truth, a, b;
	struct err e = {0};
	struct data d;

	make_truth(&truth, SCHEDULE_LOGISTIC);
	observe(&d, &truth, 5000, 0.5, 0.01);
	schedule_init(&a, SCHEDULE_CAUCHY, D, 6, 0, 0);
	b = a;
	ok(!schedule_fit(&a, d.t, d.ce, d.n, &e), "schedule_fit: the data is fitted %s", e.msg);
	for (size_t i = 0; i < d.n / 2; i++) {
		double t = d.t[i], ce = d.ce[i];

		d.t[i] = d.t[d.n - 1 - i];
		d.ce[i] = d.ce[d.n - 1 - i];
		d.t[d.n - 1 - i] = t;
		d.ce[d.n - 1 - i] = ce;
	}
	ok(!schedule_fit(&b, d.t, d.ce, d.n, &e) && !memcmp(&a, &b, sizeof a),
	    "schedule_fit: the order of the observations does not matter");
	b = a;
	ok(!schedule_fit(&b, d.t, d.ce, d.n, &e) && worst_difference(&a, &b) < 1e-4,
	    "schedule_fit: a second fit from the result of the first keeps it (%.1e)",
	    worst_difference(&a, &b));
	data_free(&d);
}

/* Data of each shape are fitted best by the family of that shape. */
static void test_own_shape(void)
{
	for (int shape = SCHEDULE_UNIFORM; shape <= SCHEDULE_FRECHET; shape++) {
		const char *name = schedule_family_name((enum schedule_family)shape);
		double rmse[SCHEDULE_FAMILIES], misfit[SCHEDULE_FAMILIES];
		struct schedule truth, s;
		int best_rmse = 0, best_misfit = 0;
		struct data d;

		make_truth(&truth, (enum schedule_family)shape);
		observe(&d, &truth, 60000, 0.5, 0);
		for (int f = 0; f <= SCHEDULE_FRECHET; f++) {
			struct err e = {0};

			schedule_init(&s, (enum schedule_family)f, D, 6, 0, 0);
			if (schedule_fit(&s, d.t, d.ce, d.n, &e))
				diag("%s", e.msg);
			rmse[f] = s.rmse_nats;
			misfit[f] = schedule_misfit(&s, d.t, d.ce, d.n);
			best_rmse = rmse[f] < rmse[best_rmse] ? f : best_rmse;
			best_misfit = misfit[f] < misfit[best_misfit] ? f : best_misfit;
		}
		diag("%s data: rmse %.5f %.5f %.5f %.5f, misfit %.4f %.4f %.4f %.4f", name, rmse[0],
		    rmse[1], rmse[2], rmse[3], misfit[0], misfit[1], misfit[2], misfit[3]);
		/* a straight line is a limit of the other families: they fit it as well as the
		 * noise allows */
		if (shape == SCHEDULE_UNIFORM)
			ok(rmse[0] < 1.0001 * rmse[best_rmse],
			    "schedule_fit: on uniform data no family is clearly better than "
			    "uniform");
		else
			ok(best_rmse == shape && best_misfit == shape,
			    "schedule_fit: %s fits data of its own shape best", name);
		data_free(&d);
	}
}

/* A fit that fails does not change the schedule; its message contains this or that. */
static void refuse(const char *what, const struct data *d, const char *this, const char *that)
{
	for (int f = SCHEDULE_CAUCHY; f < SCHEDULE_FAMILIES; f++) {
		struct schedule s, before;
		struct err e = {0};
		int got;

		schedule_init(&s, (enum schedule_family)f, D, 6, 0, 0);
		before = s;
		got = schedule_fit(&s, d->t, d->ce, d->n, &e);
		ok(got == -1 && (strstr(e.msg, this) || strstr(e.msg, that)) &&
		        !memcmp(&s, &before, sizeof s),
		    "schedule_fit: %s is refused: %s", what, e.msg);
	}
}

static void test_refusals(void)
{
	struct schedule truth;
	struct data d;

	make_truth(&truth, SCHEDULE_CAUCHY);
	observe(&d, &truth, 2000, 0.5, 0);
	d.n = 15;
	refuse("too few", &d, "15 observations: at least 16", "-");
	d.n = 2000;
	for (size_t i = 0; i < d.n; i++)
		d.ce[i] = 5 + 0.5 * draw_normal();
	refuse("noise alone", &d, "constant", "F is a step");
	for (size_t i = 0; i < d.n; i++)
		d.ce[i] = 5;
	refuse("a constant", &d, "does not increase", "-");
	for (size_t i = 0; i < d.n; i++)
		d.ce[i] = 5 - schedule_nats(&truth, d.t[i]);
	refuse("a falling curve", &d, "does not increase", "-");
	for (size_t i = 0; i < d.n; i++)
		d.ce[i] = d.t[i] < 20 ? 0 : 5;
	refuse("a step", &d, "F is a step", "does not converge");
	for (size_t i = 0; i < d.n; i++) {
		d.ce[i] = (double)(i % 7);
		d.t[i] = 10;
	}
	refuse("one level only", &d, "at least 8", "-");
	for (size_t i = 0; i < d.n; i++)
		d.ce[i] = NAN;
	refuse("no numbers", &d, "0 observations", "-");
	data_free(&d);
}

/* --- the parts of the fit --- */

static double line(const double *p, double x, double *dp)
{
	if (dp) {
		dp[0] = 1;
		dp[1] = x;
	}
	return p[0] + p[1] * x;
}

static void test_solve(void)
{
	enum { N = 40 };
	double x[N], y[N], w[N], p[2] = {1, 1};
	struct fit_range range[] = {{-100, 100, false}, {0.01, 10, true}};
	struct fit_problem f = {2, range, line, N, x, y, w};
	struct err e = {0};
	int failed;

	for (int i = 0; i < N; i++) {
		x[i] = i;
		y[i] = 2 + 0.5 * i + (i % 10 == 9 ? 1000 : 0);
		w[i] = 1;
	}
	failed = fit_solve(&f, 1e-3, p, &e);
	ok(!failed && fabs(p[0] - 2) < 0.01 && fabs(p[1] - 0.5) < 0.001,
	    "fit_solve: the robust loss ignores a tenth of outliers (%.4f + %.5f x)", p[0], p[1]);
	failed = fit_solve(&f, INFINITY, p, &e);
	ok(!failed && fabs(p[0] + p[1] * 20 - 12) > 50,
	    "fit_solve: least squares follows the outliers (%.1f + %.1f x)", p[0], p[1]);
	range[1].lo = 0.6;
	p[1] = 0.1;
	failed = fit_solve(&f, 1e-3, p, &e);
	ok(!failed && p[1] >= 0.6 && p[1] < 0.601,
	    "fit_solve: a parameter stays within its bound (%.6f)", p[1]);
	y[3] = NAN;
	ok(fit_solve(&f, 1, p, &e) == -1 && strstr(e.msg, "not finite"),
	    "fit_solve: values that are not finite are refused: %s", e.msg);
	f.n = 1;
	ok(fit_solve(&f, 1, p, &e) == -1, "fit_solve: too few observations are refused: %s", e.msg);
}

static void test_order(void)
{
	struct fit_weighted v[] = {{3, 1}, {1, 1}, {2, 5}}, pair[] = {{4, 1}, {2, 1}};
	double y[] = {-1, 3, 1, 2, 2, 0, 5}, w[] = {1, 1, 1, 2, 1, 1, 1}, sorted[] = {1, 2, 2, 3};
	double pooled = (3 + 1 + 2 * 2 + 2 + 0) / 6.0;
	struct err e = {0};
	int failed = fit_isotonic(y, w, 7, &e) || fit_isotonic(sorted, w, 4, &e);

	ok(fit_median(v, 3) == 2 && fit_median(pair, 2) == 3,
	    "fit_median: the weighted median is correct");
	ok(!failed && y[0] == -1 && fabs(y[1] - pooled) < 1e-12 && y[1] == y[5] && y[6] == 5,
	    "fit_isotonic: violators are pooled: %g %g %g %g %g %g %g", y[0], y[1], y[2], y[3],
	    y[4], y[5], y[6]);
	ok(sorted[0] == 1 && sorted[1] == 2 && sorted[2] == 2 && sorted[3] == 3,
	    "fit_isotonic: a sorted sequence is unchanged");
}

int main(void)
{
	test_init();
	for (int f = 0; f < SCHEDULE_FAMILIES; f++) {
		test_inverse((enum schedule_family)f);
		test_density((enum schedule_family)f);
		test_text((enum schedule_family)f);
	}
	test_underflow();
	test_bad_text();
	test_solve();
	test_order();
	for (int f = 0; f < SCHEDULE_FAMILIES; f++)
		test_recovery((enum schedule_family)f);
	test_order_of_points();
	test_own_shape();
	test_refusals();
	return tap_done();
}
