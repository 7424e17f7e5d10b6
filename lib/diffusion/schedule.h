#ifndef CDCD_SCHEDULE_H
#define CDCD_SCHEDULE_H

/*
 * Noise schedules by time warping. F(t) is the cross-entropy in nats as a function of the noise
 * level t; it is fitted to the losses measured in training. Noise levels are drawn as t = F^-1(u)
 * for u uniform in [0, 1), F being scaled to [0, 1]. So intervals of equal entropy get equally many
 * training samples.
 * Source: Dieleman et al. 2022, arXiv:2211.15089, section 3.3.
 */

#include <stddef.h>

#include "base/err.h"

enum schedule_family {
	SCHEDULE_UNIFORM,   /* h (t - t_min) / (t_max - t_min) + o; p = 0, 0, h, o */
	SCHEDULE_CAUCHY,    /* h (atan((t - mu) / s) / pi + 1/2) + o; p = mu, s, h, o */
	SCHEDULE_LOGISTIC,  /* h / (1 + (t / t0)^-k) + o: logistic in ln t; p = t0, k, h, o */
	SCHEDULE_FRECHET,   /* h exp(-(t0 / t)^k) + o; p = t0, k, h, o */
	SCHEDULE_PIECEWISE, /* monotone; linear between knots evenly spaced in ln t; p unused */
	SCHEDULE_FAMILIES
};

#define SCHEDULE_KNOTS 101

struct schedule {
	enum schedule_family family;
	double p[4];         /* parameters, see enum schedule_family */
	double t_min, t_max; /* range of the noise levels; u = 0 at t_min and u = 1 at t_max */
	double rmse_nats;    /* root mean square residual of the last fit; NAN before a fit */
	int n_knots;         /* for SCHEDULE_PIECEWISE, else 0 */
	double knot_t[SCHEDULE_KNOTS], knot_f[SCHEDULE_KNOTS];
};

/* The names of the families, in the order of the enum, then NULL. */
extern const char *const schedule_families[];

/* schedule_family_name - the name of a family: "uniform", "cauchy", ...
 * schedule_family_find - the family of that name, or -1. */
const char *schedule_family_name(enum schedule_family family);
int schedule_family_find(const char *name);

/*
 * schedule_init - set s to the initial schedule of a family, before any data, for embeddings of
 * dimension d. max_nats is the largest cross-entropy, for example the logarithm of the vocabulary's
 * size. Noise levels scale with sqrt(d). t_min, t_max: 0 means the defaults sqrt(d)/16 and
 * 18 sqrt(d).
 */
void schedule_init(struct schedule *s, enum schedule_family family, int d, double max_nats,
    double t_min, double t_max);

/*
 * schedule_set_knots - make s piecewise, with the values knot_f (nats) at SCHEDULE_KNOTS levels
 * from s->t_min to s->t_max. Values are raised where necessary, so that each interval rises by at
 * least 1e-4 of the whole rise, and every noise level can be drawn.
 */
void schedule_set_knots(struct schedule *s, const double knot_f[SCHEDULE_KNOTS]);

/* schedule_nats - F(t) in nats, for t > 0.
 * schedule_density - du/dt at t, the probability density of the noise levels; 0 outside
 * [t_min, t_max]. */
double schedule_nats(const struct schedule *s, double t);
double schedule_density(const struct schedule *s, double t);

/* schedule_u - (F(t) - F(t_min)) / (F(t_max) - F(t_min)), clamped to [0, 1]. */
double schedule_u(const struct schedule *s, double t);

/*
 * schedule_t - the inverse of schedule_u: the t in [t_min, t_max] for u in [0, 1], in closed form.
 * u = 0 gives exactly t_min and u = 1 exactly t_max, even if F is flat there in floating point.
 */
double schedule_t(const struct schedule *s, double u);

/* schedule_spread - a noise level for evaluation, evenly spaced in ln t: from t_min (u = 0) to
 * t_max (u = 1). It depends on u and the range only, not on F. */
double schedule_spread(const struct schedule *s, double u);

/*
 * schedule_fit - fit s to n observations (t, ce_nats). Observations are first sorted by t, which
 * takes most of the time, and averaged in at most 512 groups of about equal size, without the
 * outliers of each group. Families with parameters are fitted to these means by bounded, robust
 * least squares (diffusion/fit.h), twice: from the parameters in s, and from an estimate made from
 * the data; the better result is kept. The piecewise family is fitted by isotonic regression of the
 * means in up to 100 intervals of equal ratio of t. Observations that are not finite, or whose t is
 * not positive, are ignored. The order of the observations does not matter.
 *
 * Returns 0 with the new parameters and rmse_nats in s; or -1 with s unchanged, if there are too
 * few observations or too little memory, if the fit does not converge, or if the curve does not
 * increase, is a step, or fits no better than a constant.
 */
int schedule_fit(
    struct schedule *s, const double *t, const double *ce_nats, size_t n, struct err *e);

/* schedule_fit_bytes - bytes of memory that a fit to n observations needs while it runs. */
size_t schedule_fit_bytes(size_t n);

/*
 * schedule_misfit - the systematic error of F in nats, without the scatter of single observations:
 * the root mean square of the mean residuals of at most 100 groups of neighbouring t, weighted by
 * their numbers of observations, without outliers. Returns NAN if there are no observations or
 * memory is short.
 */
double schedule_misfit(const struct schedule *s, const double *t, const double *ce_nats, size_t n);

/*
 * schedule_check - check that the parameters of s are finite, that 0 < t_min < t_max, and that F
 * increases between them and is not a step. Returns 0 or -1.
 *
 * schedule_check_range - check only that 0 < t_min < t_max, both finite. Returns 0 or -1.
 */
int schedule_check(const struct schedule *s, struct err *e);
int schedule_check_range(const struct schedule *s, struct err *e);

/*
 * schedule_print - write s to text [capacity] as a CSV row of the columns SCHEDULE_COLUMNS,
 * without a step column or '\n'. Numbers are printed by %.17g, so that they are read back exactly.
 * A parameter that the family does not have is an empty field; the field knots contains the values
 * of F at the knots, separated by spaces. Returns 0, or -1 if capacity is too small (4,096 is
 * enough).
 *
 * schedule_parse - set s from the text of these fields. Returns 0, or -1 with s unchanged if a
 * field is invalid or the schedule does not pass schedule_check.
 */
#define SCHEDULE_COLUMNS "family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots"
#define SCHEDULE_FIELDS 9
int schedule_print(const struct schedule *s, char *text, size_t capacity);
int schedule_parse(struct schedule *s, const char *const field[SCHEDULE_FIELDS], struct err *e);

#endif
