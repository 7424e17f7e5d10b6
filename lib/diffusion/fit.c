#include "diffusion/fit.h"

#include <cminpack.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* --- bounds --- */

/* No start lies closer to the ends of its range, where a logistic function is flat. */
static const double margin = 1e-4;

static double span(const struct fit_range *r)
{
	return r->log ? log(r->hi / r->lo) : r->hi - r->lo;
}

static double to_free(const struct fit_range *r, double p)
{
	double share = 0;

	if (!r->log)
		share = (p - r->lo) / span(r);
	else if (p > r->lo)
		share = log(p / r->lo) / span(r);
	share = fmin(fmax(share, margin), 1 - margin);
	return log(share / (1 - share));
}

/* The parameter, and its derivative by the free one. */
static double from_free(const struct fit_range *r, double z, double *slope)
{
	double share = 1 / (1 + exp(-z));
	double p = r->log ? r->lo * exp(share * span(r)) : r->lo + share * span(r);

	*slope = span(r) * share * (1 - share) * (r->log ? p : 1);
	return p;
}

/* --- the loss --- */

/* The residual whose square is the loss, and its derivative by the plain residual. */
static double soften(double r, double scale, double *slope)
{
	double q = hypot(1, r / scale), factor = sqrt(2 / (q + 1));

	*slope = 1 / (q * factor);
	return r * factor;
}

double fit_cost(const struct fit_problem *f, double scale, const double *p)
{
	double cost = 0, slope;

	for (size_t i = 0; i < f->n; i++) {
		double r = soften(f->model(p, f->x[i], NULL) - f->y[i], scale, &slope);

		cost += f->weight[i] * r * r;
	}
	return cost;
}

/* --- MINPACK --- */

struct context {
	const struct fit_problem *problem;
	double scale;
};

/* lmder's callback: residuals (iflag 1) or the Jacobian, by columns (iflag 2). */
static int evaluate(
    void *arg, int m, int n, const double *z, double *fvec, double *fjac, int ldfjac, int iflag)
{
	const struct context *c = arg;
	const struct fit_problem *f = c->problem;
	double p[FIT_PARAMETERS], dp[FIT_PARAMETERS] = {0}, slope[FIT_PARAMETERS] = {0}, soft;

	for (int j = 0; j < n; j++)
		p[j] = from_free(&f->range[j], z[j], &slope[j]);
	for (int i = 0; i < m; i++) {
		double w = sqrt(f->weight[i]);
		double r = f->model(p, f->x[i], iflag == 2 ? dp : NULL) - f->y[i];
		double value = w * soften(r, c->scale, &soft);

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

/* MINPACK's answer, or -1 where memory is short. z [n] is improved in place. */
static int minimise(struct context *c, double *z, struct err *e)
{
	enum { MAX_EVALUATIONS = 1000, COLUMNS = FIT_PARAMETERS + 2 };
	const double tolerance = 1e-8; /* SciPy's */
	size_t m = c->problem->n;
	int n = c->problem->n_parameters, pivot[FIT_PARAMETERS], evaluations, jacobians, info;
	double diag[FIT_PARAMETERS], qtf[FIT_PARAMETERS], wa[3][FIT_PARAMETERS];
	double *room = mem_array(m, COLUMNS * sizeof *room, e);

	if (!room)
		return -1;
	info = lmder(evaluate, c, (int)m, n, z, room, room + 2 * m, (int)m, tolerance, tolerance, 0,
	    MAX_EVALUATIONS, diag, 1, 1, 0, &evaluations, &jacobians, pivot, qtf, wa[0], wa[1],
	    wa[2], room + m);
	free(room);
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
		z[j] = to_free(&f->range[j], p[j]);
	if (minimise(&c, z, e))
		return -1;
	for (int j = 0; j < f->n_parameters; j++)
		p[j] = from_free(&f->range[j], z[j], &slope);
	return 0;
}

/* --- order --- */

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
