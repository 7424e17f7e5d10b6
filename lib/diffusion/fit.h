#ifndef CDCD_FIT_H
#define CDCD_FIT_H

/*
 * Bounded, robust, weighted nonlinear least squares with lmder of MINPACK (cminpack), and isotonic
 * regression.
 *
 * Bounds: MINPACK has none, so each parameter p in (lo, hi) is a logistic function of an unbounded
 * parameter. Robustness: each residual r is replaced by c sqrt(rho((r/c)^2)) with
 * rho(z) = 2 (sqrt(1 + z) - 1), so that the sum of squares that MINPACK minimises is exactly the
 * loss that scipy.optimize.least_squares calls soft_l1.
 * Source: Moré 1978, "The Levenberg-Marquardt algorithm: implementation and theory".
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define FIT_PARAMETERS 8

struct fit_range {
	double lo, hi; /* finite, lo < hi */
	bool log;      /* for a scale parameter (0 < lo): steps are steps of ln p */
};

/*
 * fit_model - the value at x for the parameters p. Unless dp is NULL, the derivatives with respect
 * to the parameters are written to dp.
 */
typedef double fit_model(const double *p, double x, double *dp);

struct fit_problem {
	int n_parameters;
	const struct fit_range *range; /* [n_parameters] */
	fit_model *model;
	size_t n;                     /* observations, at least n_parameters */
	const double *x, *y, *weight; /* [n] */
};

/*
 * fit_solve - minimise the loss from the start p [n_parameters], and set p to the minimum. Values
 * outside their range are first moved into it. The loss of a residual changes from quadratic to
 * linear around scale > 0 (INFINITY: least squares). Returns 0, or -1 with p unchanged if memory is
 * short, if a number is not finite, or if MINPACK does not converge.
 */
int fit_solve(const struct fit_problem *f, double scale, double *p, struct err *e);

/* fit_cost - the weighted soft-L1 loss of all residuals, which fit_solve minimises. */
double fit_cost(const struct fit_problem *f, double scale, const double *p);

struct fit_weighted {
	double value, weight;
};

/* fit_median - the weighted median of v [n], n > 0. It sorts v. */
double fit_median(struct fit_weighted *v, size_t n);

/*
 * fit_isotonic - replace y [n] by the non-decreasing sequence nearest to it in weighted least
 * squares, by pooling adjacent violators; weight [n] > 0. Returns 0, or -1 if memory is short.
 * Source: Barlow et al. 1972, "Statistical inference under order restrictions".
 */
int fit_isotonic(double *y, const double *weight, size_t n, struct err *e);

#endif
