#ifndef CDCD_SCHEDULE_H
#define CDCD_SCHEDULE_H

/*
 * Noise schedules by time warping: F(t), the cross-entropy in nats as a function of the noise
 * level, is fitted to what training measures, and levels are drawn as t = F^-1(u), so that every
 * level of entropy gets the same attention.
 * Source: Dieleman et al. 2022, arXiv:2211.15089, section 3.3.
 */

#include <stddef.h>

#include "ground/err.h"

enum schedule_family {
	SCHEDULE_UNIFORM,   /* h (t - t_min) / (t_max - t_min) + o; p = 0, 0, h, o */
	SCHEDULE_CAUCHY,    /* h (atan((t - mu) / s) / pi + 1/2) + o; p = mu, s, h, o */
	SCHEDULE_LOGISTIC,  /* h / (1 + (t / t0)^-k) + o: logistic in ln t; p = t0, k, h, o */
	SCHEDULE_FRECHET,   /* h exp(-(t0 / t)^k) + o; p = t0, k, h, o */
	SCHEDULE_PIECEWISE, /* monotone, linear between knots that lie evenly in ln t */
	SCHEDULE_FAMILIES
};

#define SCHEDULE_KNOTS 101

struct schedule {
	enum schedule_family family;
	double p[4];
	double t_min, t_max; /* F is truncated to this range, both ends pinned: u = 0 and u = 1 */
	double rmse_nats;    /* of the observations of the last fit; NAN before any */
	int n_knots;         /* SCHEDULE_PIECEWISE; else 0 */
	double knot_t[SCHEDULE_KNOTS], knot_f[SCHEDULE_KNOTS];
};

/* The names of the families, in the order of the enum, and NULL. */
extern const char *const schedule_families[];

/* schedule_family_name - "uniform", "cauchy", ...; schedule_family_find - the reverse, or -1. */
const char *schedule_family_name(enum schedule_family family);
int schedule_family_find(const char *name);

/*
 * schedule_init - where a family starts before any data, for embeddings of dimension d whose
 * largest entropy is max_nats (the log of the vocabulary's size, say). All lengths scale with
 * sqrt(d). t_min, t_max: 0 for the defaults sqrt(d)/16 and 18 sqrt(d).
 */
void schedule_init(struct schedule *s, enum schedule_family family, int d, double max_nats,
    double t_min, double t_max);

/*
 * schedule_set_knots - make s piecewise, with these values at SCHEDULE_KNOTS levels from t_min to
 * t_max; an interval rises by at least a tenth of a per mille of the whole, so that every level can
 * be reached.
 */
void schedule_set_knots(struct schedule *s, const double knot_f[SCHEDULE_KNOTS]);

/* schedule_nats - F(t), nats, for t > 0. schedule_density - du/dt of the truncated, normalised F:
 * 0 outside of [t_min, t_max]. */
double schedule_nats(const struct schedule *s, double t);
double schedule_density(const struct schedule *s, double t);

/* schedule_u - (F(t) - F(t_min)) / (F(t_max) - F(t_min)), clamped to [0, 1]. */
double schedule_u(const struct schedule *s, double t);

/*
 * schedule_t - the inverse: the t in [t_min, t_max] with schedule_u = u, for u in [0, 1]. In closed
 * form; u = 0 and 1 give t_min and t_max also where F is flat there to the last bit.
 */
double schedule_t(const struct schedule *s, double u);

/* schedule_spread - a level by an even spread of ln t from t_min (u = 0) to t_max (u = 1): the same
 * for the same range, whatever F is. For measuring. */
double schedule_spread(const struct schedule *s, double u);

/*
 * schedule_fit - fit s to n observations (t, ce_nats), starting from what s holds and from what the
 * data look like, whichever ends better: bounded, robust least squares (math/fit.h). Observations
 * are sorted by t and averaged in at most 512 groups of equal numbers (piecewise: in up to
 * 100 intervals of equal ratio, made monotone by isotonic regression), without those far out of
 * their group, so that the time it takes is that of sorting. Observations that are not finite, or
 * whose t is not positive, are passed over.
 *
 * On success s holds the new parameters and rmse_nats. On failure s is untouched, and e says why:
 * too few points, no convergence, a curve that does not increase, rises all at once, or tells no
 * more than a constant. The result depends on the arguments alone, not on the order of the points.
 * Returns 0 or -1.
 */
int schedule_fit(
    struct schedule *s, const double *t, const double *ce_nats, size_t n, struct err *e);

/* schedule_fit_bytes - memory that a fit to n observations takes while it runs. */
size_t schedule_fit_bytes(size_t n);

/*
 * schedule_misfit - how far F runs beside the data where the scatter of single observations
 * averages out: the root mean square, over at most 100 groups of neighbouring t, of the mean
 * residual, without those far out of their group, nats. NAN where there is nothing to compare, or
 * memory is short.
 */
double schedule_misfit(const struct schedule *s, const double *t, const double *ce_nats, size_t n);

/*
 * schedule_check - whether s can be used: finite, increasing, a usable range. Returns 0 or -1.
 */
int schedule_check(const struct schedule *s, struct err *e);

/*
 * schedule_print - s as one CSV row without its step column or '\n':
 * family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots (%.17g: reads back to the same bits).
 * Returns 0, or -1 where room is short (4,096 bytes are enough).
 * A parameter that the family has not is an empty field; knots are the values of F at the knots,
 * with spaces between them.
 * schedule_parse - the reverse, from the fields' text; what it accepts passes schedule_check.
 */
#define SCHEDULE_COLUMNS "family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots"
#define SCHEDULE_FIELDS 9
int schedule_print(const struct schedule *s, char *text, size_t room);
int schedule_parse(struct schedule *s, const char *const field[SCHEDULE_FIELDS], struct err *e);

#endif
