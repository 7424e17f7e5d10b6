#include "diffusion/fit.h"

#include <cminpack.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* --- bounds --- */

/* Starts are kept this far from the ends of their range, where a logistic function is flat. */
static const double margin = 1e-4;

static double range_length(const struct fit_range *r)
{
	return r->log ? log(r->hi / r->lo) : r->hi - r->lo;
}

static double to_unbounded(const struct fit_range *r, double p)
{
	double share = 0;

	if (!r->log)
		share = (p - r->lo) / range_length(r);
	else if (p > r->lo)
		share = log(p / r->lo) / range_length(r);
	share = fmin(fmax(share, margin), 1 - margin);
	return log(share / (1 - share));
}

/* The parameter for the unbounded z, and its derivative with respect to z. */
static double from_unbounded(const struct fit_range *r, double z, double *slope)
{
	double share = 1 / (1 + exp(-z));
	double p = r->log ? r->lo * exp(share * range_length(r)) : r->lo + share * range_length(r);

	*slope = range_length(r) * share * (1 - share) * (r->log ? p : 1);
	return p;
}

/* --- the loss --- */

/* The residual whose square is the loss, and its derivative with respect to r. */
static double soften_residual(double r, double scale, double *slope)
{
	double q = hypot(1, r / scale), factor = sqrt(2 / (q + 1));

	*slope = 1 / (q * factor);
	return r * factor;
}

double fit_cost(const struct fit_problem *f, double scale, const double *p)
{
	double cost = 0, slope;

	for (size_t i = 0; i < f->n; i++) {
		double r = soften_residual(f->model(p, f->x[i], NULL) - f->y[i], scale, &slope);

		cost += f->weight[i] * r * r;
	}
	return cost;
}

/* --- MINPACK --- */

struct context {
	const struct fit_problem *problem;
	double scale;
};

/* The callback of lmder: compute the residuals (iflag 1) or the Jacobian, by columns (iflag 2). */
static int evaluate_residuals(
    void *arg, int m, int n, const double *z, double *fvec, double *fjac, int ldfjac, int iflag)
{
	const struct context *c = arg;
	const struct fit_problem *f = c->problem;
	double p[FIT_PARAMETERS], dp[FIT_PARAMETERS] = {0}, slope[FIT_PARAMETERS] = {0}, soft;

	for (int j = 0; j < n; j++)
		p[j] = from_unbounded(&f->range[j], z[j], &slope[j]);
	for (int i = 0; i < m; i++) {
		double w = sqrt(f->weight[i]);
		double r = f->model(p, f->x[i], iflag == 2 ? dp : NULL) - f->y[i];
		double value = w * soften_residual(r, c->scale, &soft);

		if (!isfinite(value))
			return -1;
		if (iflag == 1)
			fvec[i] = value;
		else
			for (int j = 0; j < n; j++)
				fjac[i + (size_t)j * (size_t)ldfjac] = w * soft * dp[j] * slope[j];
	}
	return 0;
}

/* Run MINPACK from z [n], which is set to the minimum. Returns 0, or -1 if memory is short or if
 * MINPACK fails. */
static int minimise_cost(struct context *c, double *z, struct err *e)
{
	enum { MAX_EVALUATIONS = 1000, COLUMNS = FIT_PARAMETERS + 2 };
	const double tolerance = 1e-8; /* SciPy's */
	size_t m = c->problem->n;
	int n = c->problem->n_parameters, pivot[FIT_PARAMETERS], evaluations, jacobians, info;
	double diag[FIT_PARAMETERS], qtf[FIT_PARAMETERS], wa[3][FIT_PARAMETERS];
	double *work = mem_array(m, COLUMNS * sizeof *work, e);

	if (!work)
		return -1;
	info = lmder(evaluate_residuals, c, (int)m, n, z, work, work + 2 * m, (int)m, tolerance,
	    tolerance, 0, MAX_EVALUATIONS, diag, 1, 1, 0, &evaluations, &jacobians, pivot, qtf,
	    wa[0], wa[1], wa[2], work + m);
	free(work);
	if (info < 0)
		return err_set(e, "the fit is not finite");
	if (info == 0 || info == 5)
		return err_set(e, "the fit does not converge (%d evaluations)", evaluations);
	return 0;
}

int fit_solve(const struct fit_problem *f, double scale, double *p, struct err *e)
{
	struct context c = {f, scale};
	double z[FIT_PARAMETERS], slope;

	if (f->n < (size_t)f->n_parameters || f->n > INT_MAX / FIT_PARAMETERS)
		return err_set(e, "%zu observations for %d parameters", f->n, f->n_parameters);
	for (int j = 0; j < f->n_parameters; j++)
		z[j] = to_unbounded(&f->range[j], p[j]);
	if (minimise_cost(&c, z, e))
		return -1;
	for (int j = 0; j < f->n_parameters; j++)
		p[j] = from_unbounded(&f->range[j], z[j], &slope);
	return 0;
}

/* --- median and isotonic regression --- */

static int by_value(const void *a, const void *b)
{
	const struct fit_weighted *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

double fit_median(struct fit_weighted *v, size_t n)
{
	double total = 0, below = 0;

	qsort(v, n, sizeof *v, by_value);
	for (size_t i = 0; i < n; i++)
		total += v[i].weight;
	for (size_t i = 0; i < n; i++) {
		below += v[i].weight;
		if (below > total / 2)
			return v[i].value;
		if (below == total / 2 && i + 1 < n)
			return (v[i].value + v[i + 1].value) / 2;
	}
	return v[n - 1].value;
}

struct block {
	double value, weight;
	size_t n;
};

int fit_isotonic(double *y, const double *weight, size_t n, struct err *e)
{
	struct block *block = mem_array(n, sizeof *block, e);
	size_t blocks = 0, at = 0;

	if (!block)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct block *b = &block[blocks++];

		*b = (struct block){y[i], weight[i], 1};
		for (; b > block && b[-1].value >= b->value; b--, blocks--) {
			double sum = b[-1].weight + b->weight;

			b[-1].value += (b->value - b[-1].value) * (b->weight / sum);
			b[-1].weight = sum;
			b[-1].n += b->n;
		}
	}
	for (size_t i = 0; i < blocks; i++)
		for (size_t j = 0; j < block[i].n; j++)
			y[at++] = block[i].value;
	free(block);
	return 0;
}
