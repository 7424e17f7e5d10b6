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
	SCHEDULE_UNIFORM,   /* u linear in t: no parameters */
	SCHEDULE_CAUCHY,    /* h (atan((t - mu) / s) / pi + 1/2) + o; p = mu, s, h, o */
	SCHEDULE_LOGISTIC,  /* h / (1 + (t / t0)^-k) + o: logistic in ln t; p = t0, k, h, o */
	SCHEDULE_FRECHET,   /* h exp(-(t0 / t)^k) + o; p = t0, k, h, o */
	SCHEDULE_PIECEWISE, /* monotone, linear between knots */
	SCHEDULE_FAMILIES
};

#define SCHEDULE_KNOTS 101

struct schedule {
	enum schedule_family family;
	double p[4];
	double t_min, t_max; /* F is truncated to this range, both ends pinned: u = 0 and u = 1 */
	double rmse_nats;    /* of the last fit; NAN before any */
	int n_knots;         /* SCHEDULE_PIECEWISE */
	double knot_t[SCHEDULE_KNOTS], knot_f[SCHEDULE_KNOTS];
};

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

/* schedule_nats - F(t), nats. schedule_density - du/dt of the truncated, normalised F. */
double schedule_nats(const struct schedule *s, double t);
double schedule_density(const struct schedule *s, double t);

/* schedule_u - (F(t) - F(t_min)) / (F(t_max) - F(t_min)), clamped to [0, 1]. */
double schedule_u(const struct schedule *s, double t);

/* schedule_t - the inverse: the t in [t_min, t_max] with schedule_u = u, for u in [0, 1]. */
double schedule_t(const struct schedule *s, double u);

/*
 * schedule_fit - fit s to n observations (t, ce_nats), starting from what s holds: bounded, robust
 * least squares. On success s holds the new parameters and rmse_nats. On failure (too few points,
 * no convergence, a curve that is not increasing or not finite) s is untouched.
 * The result does not depend on anything but the arguments. Returns 0 or -1.
 */
int schedule_fit(
    struct schedule *s, const double *t, const double *ce_nats, size_t n, struct err *e);

/*
 * schedule_check - whether s can be used: finite, increasing, a usable range. Returns 0 or -1.
 */
int schedule_check(const struct schedule *s, struct err *e);

/*
 * schedule_print - s as one CSV row without its step column or '\n':
 * family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots (%.17g: reads back to the same bits).
 * Returns 0, or -1 where room is short (4,096 bytes are enough).
 * schedule_parse - the reverse, from the fields' text. "" is a missing value.
 */
#define SCHEDULE_COLUMNS "family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots"
#define SCHEDULE_FIELDS 9
int schedule_print(const struct schedule *s, char *text, size_t room);
int schedule_parse(struct schedule *s, const char *const field[SCHEDULE_FIELDS], struct err *e);

#endif
