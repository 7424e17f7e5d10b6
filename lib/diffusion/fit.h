#ifndef CDCD_FIT_H
#define CDCD_FIT_H

/*
 * Bounded, robust, weighted nonlinear least squares over MINPACK's lmder (cminpack), and isotonic
 * regression.
 *
 * Bounds: MINPACK knows none, so each parameter p in (lo, hi) is written as a logistic function of
 * an unbounded one. Robustness: each residual r becomes c sqrt(rho((r/c)^2)) with
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
	bool log;      /* for a scale (0 < lo): steps are steps of ln p */
};

/*
 * fit_model - the value at x for these parameters, and its derivatives by them into dp, unless dp
 * is NULL.
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
 * fit_solve - improve p [n_parameters] in place (what lies out of its range is moved into it), for
 * residuals whose loss turns from quadratic to linear around scale > 0 (INFINITY: least squares).
 * Returns 0, or -1 with p untouched where memory is short, a number is not finite, or MINPACK does
 * not converge.
 */
int fit_solve(const struct fit_problem *f, double scale, double *p, struct err *e);

/* fit_cost - the weighted soft-L1 loss of all residuals, as fit_solve sums it. */
double fit_cost(const struct fit_problem *f, double scale, const double *p);

struct fit_weighted {
	double value, weight;
};

/* fit_median - the weighted median of v [n], n > 0, which is left sorted. */
double fit_median(struct fit_weighted *v, size_t n);

/*
 * fit_isotonic - the non-decreasing sequence nearest to y [n] in weighted least squares, in place,
 * by pooling adjacent violators; weight [n] > 0. Returns 0, or -1 where memory is short.
 * Source: Barlow et al. 1972, "Statistical inference under order restrictions".
 */
int fit_isotonic(double *y, const double *weight, size_t n, struct err *e);

#endif
