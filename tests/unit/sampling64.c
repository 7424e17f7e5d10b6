/*
 * The sampler compared with numbers computed by hand: a step of each method, its start, guidance,
 * and the order of its error. The module itself is included, to access its x and its single steps.
 */
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include "model/sampler.c"
#include "tiny.h"
/* clang-format on */

enum { SEED = 7 };

static struct kernels *cpu;

/* One row of T noised positions at t = 2, from which t falls in even steps to 0.5. */
struct sampling {
	struct tiny m;
	struct sampler *s;
	struct batch b;
	struct schedule schedule;
};

static const struct sampler_options plain = {
    .steps = 4, .temperature = 1, .tau = 1, .scale = 1, .guidance = 1, .context = 1};

static void sampling_init(
    struct sampling *o, struct config c, int method, const struct sampler_options *options)
{
	struct sampler_options so = *options;
	struct err e = {0};
	size_t T = c.row_len;

	so.method = method;
	tiny_init(&o->m, cpu, c, 1);
	o->s = sampler_new(cpu, &c, o->m.w, 1, &so, &e);
	if (!o->s || batch_init(&o->b, 1, T, &e))
		diag("%s", e.msg);
	o->b.B = 1;
	o->b.t[0] = 2;
	o->b.seed[0] = SEED;
	for (size_t i = 0; i < T; i++)
		o->b.noised[i] = 1;
	schedule_init(&o->schedule, SCHEDULE_UNIFORM, 2, 1, 0.5, 2);
}

static void sampling_release(struct sampling *o)
{
	sampler_free(o->s);
	batch_release(&o->b);
	tiny_release(&o->m);
}

/* --- single steps --- */

static const double start[4] = {3, -1, 0.5, 2}, mean[4] = {1, 2, -1, 0}, before[4] = {5, -2, 0, 4};

/* A step from t = 2 to s = 0.5 of two positions, with the estimate mean; before is the estimate of
 * the previous step. */
static void step_init(struct sampling *o, int method, double T, double eta)
{
	struct sampler_options so = plain;

	so.temperature = T;
	so.eta = eta;
	sampling_init(o, tiny_config(PRECOND_CDCD, 2, false, false), method, &so);
	for (int i = 0; i < 4; i++) {
		o->s->x[i] = (real)start[i];
		o->s->xhat[i] = (real)mean[i];
		o->s->last[i] = (real)before[i];
	}
	o->s->t[0] = 2;
	o->s->next[0] = 0.5;
	o->s->rho[0] = 2;
}

static void check_step(int method, double T, const double expected[4])
{
	struct sampling o;

	step_init(&o, method, T, 0);
	step(o.s, &o.b, 0);
	ok(near(o.s->x, expected, 4),
	    "sampler: a step of %s at T = %g has the values of its formula", sampler_names[method],
	    T);
	sampling_release(&o);
}

static void test_steps(void)
{
	/* (s - t)/(T t) is -0.75, and -1.5 */
	check_step(SAMPLER_EULER, 1, (double[4]){1.5, 1.25, -0.625, 0.5});
	check_step(SAMPLER_EULER, 0.5, (double[4]){0, 3.5, -1.75, -1});
	/* r^(1/T) is 1/4 and 1/16; without ancestral noise both methods are the same */
	check_step(SAMPLER_EXP, 1, (double[4]){1.5, 1.25, -0.625, 0.5});
	check_step(SAMPLER_EXP, 0.5, (double[4]){1.125, 1.8125, -0.90625, 0.125});
	check_step(SAMPLER_ANCESTRAL, 1, (double[4]){1.5, 1.25, -0.625, 0.5});
	check_step(SAMPLER_ANCESTRAL, 0.5, (double[4]){1.125, 1.8125, -0.90625, 0.125});
	/* x / 4 + 3/4 D, with D = 5/4 mean - 1/4 before */
	check_step(SAMPLER_2M, 1, (double[4]){0.75, 2, -0.8125, -0.25});
}

/* The first step of 2m has no previous estimate, and keeps its own for the next step. */
static void test_2m(void)
{
	struct sampling o;

	step_init(&o, SAMPLER_2M, 1, 0);
	o.s->rho[0] = 0;
	step(o.s, &o.b, 0);
	ok(near(o.s->x, (double[4]){1.5, 1.25, -0.625, 0.5}, 4) && near(o.s->last, mean, 4),
	    "sampler: the first step of 2m is that of exp, and its estimate is kept");
	sampling_release(&o);
}

/* s_u² = (0.5 * 0.5 * √3.75 / 2)² = 3.75/64, s_d² = 0.25 - s_u²; at T = 0.5 x keeps (s_d/t)². */
static void test_ancestral(void)
{
	struct sampling o;
	double expected[4];
	float n[2];

	step_init(&o, SAMPLER_ANCESTRAL, 0.5, 0.5);
	step(o.s, &o.b, 3);
	for (uint32_t i = 0; i < 4; i++) {
		rng_normal(rng_u64(SEED, RNG_SAMPLE, 0, 3), RNG_SAMPLE, i / 2, n, 2);
		expected[i] = mean[i] + 0.0478515625 * (start[i] - mean[i]) +
		              sqrt(3.75) / 8 * (double)n[i % 2];
	}
	ok(near(o.s->x, expected, 4),
	    "sampler: ancestral noise at eta = 0.5 and T = 0.5 has the values of its formula");
	sampling_release(&o);
}

/*
 * The output of the network is 0: the estimate is the mean of the words, √2 (0.38, 0.14), for every
 * x. At T = 0.5 the Euler step takes x - x̂ to -1/2 of it, and
 * x += (s - t)/2T ((x0 - x̂)/t + (x1 - x̂)/s) = -1.5 (1/2 - 1) (x0 - x̂).
 */
static void test_heun(void)
{
	static const struct {
		double T, kept;
	} at[] = {{1, 0.25}, {0.5, 1.75}};
	const double c[4] = {0.38 * sqrt(2), 0.14 * sqrt(2), 0.38 * sqrt(2), 0.14 * sqrt(2)};

	for (int i = 0; i < 2; i++) {
		struct sampling o;
		double expected[4];

		step_init(&o, SAMPLER_HEUN, at[i].T, 0);
		for (int j = 0; j < 4; j++) {
			o.s->xhat[j] = (real)c[j];
			expected[j] = c[j] + at[i].kept * (start[j] - c[j]);
		}
		step(o.s, &o.b, 0);
		ok(near(o.s->x, expected, 4),
		    "sampler: a step of heun at T = %g has the values of its formula", at[i].T);
		sampling_release(&o);
	}
}

/* --- a whole run on a constant estimate --- */

/* x = c + r^(1/T) (x0 - c) if a method solves the equation exactly; x0 = s0 t n. */
static void check_exact(int method, double scale, double T, int64_t steps)
{
	struct sampler_options so = plain;
	struct sampling o;
	struct err e = {0};
	double expected[2], keep = pow(0.25, 1 / T);
	const double c[2] = {0.38 * sqrt(2), 0.14 * sqrt(2)};
	float n[2];

	so.scale = scale;
	so.temperature = T;
	so.steps = steps;
	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, false, false), method, &so);
	rng_normal(SEED, RNG_NOISE, 0, n, 2);
	for (int i = 0; i < 2; i++)
		expected[i] = c[i] + keep * (scale * 2 * (double)n[i] - c[i]);
	ok(!sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e) && near(o.s->x, expected, 2),
	    "sampler: %s is exact on a constant estimate (scale %g, T %g, %d steps) %s",
	    sampler_names[method], scale, T, (int)steps, e.msg);
	sampling_release(&o);
}

/* --- the start and the levels --- */

static void test_levels(void)
{
	struct sampling o;
	double rho;

	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, false, false), SAMPLER_2M, &plain);
	begin(o.s, &o.b, SAMPLER_NOISE, &o.schedule);
	advance(o.s, &o.schedule, 1, 0);
	ok(near((real[3]){o.s->t[0], o.s->next[0], o.s->rho[0]}, (double[3]){2, 1.625, 0}, 3),
	    "sampler: the first of four even steps goes from 2 to 1.625");
	advance(o.s, &o.schedule, 1, 1);
	rho = log(2 / 1.625) / log(1.625 / 1.25);
	ok(near((real[3]){o.s->t[0], o.s->next[0], o.s->rho[0]}, (double[3]){1.625, 1.25, rho}, 3),
	    "sampler: the second of four even steps goes to 1.25, and rho is the ratio of both in "
	    "ln t");
	sampling_release(&o);
}

/* From t = 1.25, which is at half of the range. */
static void test_lower_start(void)
{
	struct sampling o;

	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, false, false), SAMPLER_EXP, &plain);
	o.b.t[0] = 1.25;
	begin(o.s, &o.b, SAMPLER_NOISE, &o.schedule);
	advance(o.s, &o.schedule, 1, 0);
	ok(near((real[2]){o.s->t[0], o.s->next[0]}, (double[2]){1.25, 1.0625}, 2),
	    "sampler: four steps from 1.25 begin with one to 1.0625");
	sampling_release(&o);
}

static void test_damaged(void)
{
	struct sampler_options so = plain;
	struct sampling o;
	double expected[2];
	float n[2];

	so.scale = 0.5;
	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, false, false), SAMPLER_EXP, &so);
	o.b.ids[0] = 2;
	begin(o.s, &o.b, SAMPLER_NOISED_TOKENS, &o.schedule);
	rng_normal(SEED, RNG_NOISE, 0, n, 2);
	expected[0] = -0.6 * sqrt(2) + 2 * (double)n[0];
	expected[1] = -0.8 * sqrt(2) + 2 * (double)n[1];
	ok(near(o.s->x, expected, 2),
	    "sampler: a damaged row begins at its words with noise of level t");
	sampling_release(&o);
}

/* --- estimates --- */

/* At tau = 1/2 the probabilities are proportional to their squares: 25, 9 and 4 of 38. */
static void test_tau(void)
{
	struct sampler_options so = plain;
	struct sampling o;
	const double expected[2] = {22.6 / 38 * sqrt(2), 5.8 / 38 * sqrt(2)};

	so.tau = 0.5;
	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, false, false), SAMPLER_EXP, &so);
	estimate(o.s, &o.b, o.s->xhat, o.s->x, NULL, o.b.t);
	ok(near(o.s->xhat, expected, 2),
	    "sampler: tau = 0.5 squares the probabilities of the words");
	sampling_release(&o);
}

/* A network whose output is 0: with weight 3, D' = -2 x/t², which at t = 2 is -x/2. */
static void test_context(void)
{
	struct sampler_options so = plain;
	struct sampling o;
	double p[TINY_WORDS], mean_of_words[2];

	so.context = 3;
	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, false, false), SAMPLER_EXP, &so);
	for (int i = 0; i < 2; i++)
		o.s->x[i] = (real)start[i];
	estimate(o.s, &o.b, o.s->xhat, o.s->x, NULL, o.b.t);
	tiny_expect((double[2]){-start[0] / 2, -start[1] / 2}, 1, p, mean_of_words);
	ok(near(o.s->xhat, mean_of_words, 2),
	    "sampler: context guidance 3 subtracts twice the logits of x alone");
	sampling_release(&o);
}

/*
 * A network whose output depends on its tokens: first the second of two is given, then both are
 * noised. With self-conditioning each of the two estimates depends on its own previous one: mean if
 * the token is given, else before.
 */
static void test_guidance(bool memory)
{
	struct sampler_options so = plain;
	struct sampling o;
	double with[4], without[4], expected[4];

	so.guidance = 3;
	sampling_init(&o, tiny_config(PRECOND_CDCD, 2, memory, false), SAMPLER_EXP, &so);
	tiny_shake(&o.m);
	o.b.ids[1] = 2;
	for (int i = 0; i < 4; i++) {
		o.s->x[i] = (real)start[i];
		o.s->last[i] = (real)mean[i];
		o.s->free_xhat[i] = (real)before[i];
	}
	for (int given = 0; given < 2; given++) {
		const real *last = given ? o.s->last : o.s->free_xhat;

		o.b.noised[1] = !given;
		denoiser_set_tokens(o.m.dn, o.b.ids, o.b.noised, 1);
		denoiser_set_levels(o.m.dn, o.b.t, 1);
		denoiser_estimate(o.m.dn, o.m.w, o.s->xhat, o.s->x, memory ? last : NULL, 1, 1);
		for (int i = 0; i < 4; i++)
			(given ? with : without)[i] = (double)o.s->xhat[i];
	}
	for (int i = 0; i < 4; i++)
		expected[i] = i < 2 ? without[i] + 3 * (with[i] - without[i]) : without[i];
	ok(fabs(with[0] - without[0]) > 1e-3,
	    "sampler: a given token changes the estimate beside it");
	estimate(o.s, &o.b, o.s->xhat, o.s->x, memory ? o.s->last : NULL, o.b.t);
	ok(near(o.s->xhat, expected, 4),
	    "sampler: guidance 3 extrapolates from the estimate without to that with given "
	    "tokens%s",
	    memory ? ", each after its own last one" : "");
	sampling_release(&o);
}

/* --- order of convergence --- */

/* dx/dt = (x - x̂)/(T t) of the exact posterior, from t = 2 to 0.5 by classical Runge-Kutta. */
static void slope(const double x[2], double t, double T, double d[2])
{
	double p[TINY_WORDS], xhat[2];

	tiny_posterior(x, t, p, xhat);
	for (int i = 0; i < 2; i++)
		d[i] = (x[i] - xhat[i]) / (T * t);
}

static void solve(double x[2], double T)
{
	enum { N = 2000 };
	double h = -1.5 / N, d[4][2], y[2];

	for (int n = 0; n < N; n++) {
		double t = 2 + n * h;

		slope(x, t, T, d[0]);
		for (int j = 1; j < 4; j++) {
			double part = j < 3 ? h / 2 : h;

			for (int i = 0; i < 2; i++)
				y[i] = x[i] + part * d[j - 1][i];
			slope(y, t + part, T, d[j]);
		}
		for (int i = 0; i < 2; i++)
			x[i] += h / 6 * (d[0][i] + 2 * d[1][i] + 2 * d[2][i] + d[3][i]);
	}
}

static double error(int method, double T, int64_t steps)
{
	struct sampler_options so = plain;
	struct sampling o;
	struct err e = {0};
	double x[2], distance;
	float n[2];

	so.temperature = T;
	so.steps = steps;
	sampling_init(&o, tiny_config(PRECOND_BAYES, 1, false, false), method, &so);
	rng_normal(SEED, RNG_NOISE, 0, n, 2);
	x[0] = 2 * (double)n[0];
	x[1] = 2 * (double)n[1];
	solve(x, T);
	if (sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e))
		diag("%s", e.msg);
	distance = hypot((double)o.s->x[0] - x[0], (double)o.s->x[1] - x[1]);
	sampling_release(&o);
	return distance;
}

static void check_order(int method, double T, double factor)
{
	double coarse = error(method, T, 80), fine = error(method, T, 160), ratio = coarse / fine;

	ok(fine < 0.05 && ratio > 0.9 * factor && ratio < 1.15 * factor,
	    "sampler: %s at T = %g: half the step, %g times less error (%.3f; %.2g left)",
	    sampler_names[method], T, factor, ratio, fine);
}

/* --- the tokens at the end --- */

static void test_prompted(void)
{
	struct sampling o;
	struct err e = {0};
	const int32_t first[4] = {1, 2, 1, 2}, last[4] = {1, 2, 0, 0};

	sampling_init(&o, tiny_config(PRECOND_CDCD, 4, false, false), SAMPLER_EXP, &plain);
	memcpy(o.b.ids, first, sizeof first);
	o.b.noised[0] = o.b.noised[1] = 0;
	ok(!sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e) &&
	        !memcmp(o.b.ids, last, sizeof last),
	    "sampler: given words stay, and noised ones become the most likely word %s", e.msg);
	sampling_release(&o);
}

/* At t = 0.5, x = (0, 0.2) becomes word 1 instead of the more frequent word 0, but not at t = 2. */
static void test_last_level(void)
{
	struct sampling o;
	struct err e = {0};

	sampling_init(&o, tiny_config(PRECOND_BAYES, 1, false, false), SAMPLER_EXP, &plain);
	begin(o.s, &o.b, SAMPLER_NOISE, &o.schedule);
	o.s->x[0] = 0;
	o.s->x[1] = (real)0.2;
	o.s->next[0] = 0.5;
	ok(!finish(o.s, &o.b, &e) && o.b.ids[0] == 1,
	    "sampler: the words are chosen at the last level %s", e.msg);
	sampling_release(&o);
}

/* The same x and level with sixteen different last estimates give different words. */
static void test_last_estimate(void)
{
	struct sampling o;
	struct err e = {0};
	int seen[TINY_WORDS] = {0}, words = 0;

	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, true, false), SAMPLER_EXP, &plain);
	tiny_shake(&o.m);
	begin(o.s, &o.b, SAMPLER_NOISE, &o.schedule);
	for (int i = 0; i < 16; i++) {
		o.s->xhat[0] = (real)(100 * cos(M_PI * i / 8));
		o.s->xhat[1] = (real)(100 * sin(M_PI * i / 8));
		if (finish(o.s, &o.b, &e))
			diag("%s", e.msg);
		seen[o.b.ids[0]]++;
	}
	for (int i = 0; i < TINY_WORDS; i++)
		words += seen[i] > 0;
	ok(words > 1, "sampler: the words are chosen with the last estimate (%d of 3 words)",
	    words);
	sampling_release(&o);
}

/*
 * Two ancestral steps, 2 to 1.25 to 0.5, at T = 1 with eta = 1: s_u = s √(t² - s²)/t, s_d = s²/t.
 * The second estimate sees the first, and each step has noise of its own.
 */
static void test_two_steps(void)
{
	static const double t[3] = {2, 1.25, 0.5};
	struct sampler_options so = plain;
	struct sampling o;
	struct err e = {0};
	double x[2];
	float n[2];
	real *noisy, *xhat;

	so.steps = 2;
	so.eta = 1;
	sampling_init(&o, tiny_config(PRECOND_CDCD, 1, true, false), SAMPLER_ANCESTRAL, &so);
	tiny_shake(&o.m);
	noisy = o.m.dn->x;
	xhat = o.m.dn->p;
	rng_normal(SEED, RNG_NOISE, 0, n, 2);
	for (int i = 0; i < 2; i++)
		x[i] = 2 * (double)n[i];
	denoiser_set_tokens(o.m.dn, o.b.ids, o.b.noised, 1);
	for (uint64_t step = 0; step < 2; step++) {
		double from = t[step], to = t[step + 1],
		       up = to * sqrt(from * from - to * to) / from;

		for (int i = 0; i < 2; i++)
			noisy[i] = (real)x[i];
		denoiser_set_levels(o.m.dn, &from, 1);
		denoiser_estimate(o.m.dn, o.m.w, xhat, noisy, step ? xhat : NULL, 1, 1);
		rng_normal(rng_u64(SEED, RNG_SAMPLE, 0, step), RNG_SAMPLE, 0, n, 2);
		for (int i = 0; i < 2; i++)
			x[i] = (double)xhat[i] +
			       to * to / (from * from) * (x[i] - (double)xhat[i]) +
			       up * (double)n[i];
	}
	ok(!sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e) && near(o.s->x, x, 2),
	    "sampler: the second estimate sees the first, and the second step has other noise %s",
	    e.msg);
	sampling_release(&o);
}

/* --- the predictions that a hook gets --- */

enum { SEEN_MAX = 8 };

/* The predictions of a run of two positions. */
struct seen {
	int n, fail_at; /* the hook fails at this call; -1: never */
	int64_t step[SEEN_MAX];
	double t[SEEN_MAX];
	int32_t ids[SEEN_MAX][2];
	real prob[SEEN_MAX][2];
};

static int see(
    void *arg, const struct batch *b, const struct sampler_prediction *now, struct err *e)
{
	struct seen *seen = arg;
	int n = seen->n++;

	if (n == seen->fail_at)
		return err_set(e, "the hook fails");
	seen->step[n] = now->step;
	seen->t[n] = now->t[0];
	for (size_t m = 0; m < b->T; m++) {
		seen->ids[n][m] = now->ids[m];
		seen->prob[n][m] = now->prob[m];
	}
	return 0;
}

/* Start two positions whose second token, word 2, is given. */
static void hook_init(struct sampling *o, int method, const struct sampler_options *options)
{
	sampling_init(o, tiny_config(PRECOND_CDCD, 2, true, false), method, options);
	tiny_shake(&o->m);
	denoiser_embed(o->s->dn, o->m.w);
	o->b.ids[1] = 2;
	o->b.noised[1] = 0;
}

/* The first word and its probability for the x and estimate of the first step. */
static void first_prediction(struct sampling *o, int32_t *id, double *prob)
{
	double D[2], p[TINY_WORDS], unused[2];

	begin(o->s, &o->b, SAMPLER_NOISE, &o->schedule);
	denoiser_set_tokens(o->m.dn, o->b.ids, o->b.noised, 1);
	denoiser_set_levels(o->m.dn, o->b.t, 1);
	denoiser_predict(o->m.dn, o->m.w, o->s->x, NULL, 1);
	D[0] = (double)o->m.dn->D[0];
	D[1] = (double)o->m.dn->D[1];
	tiny_expect(D, 1, p, unused);
	*id = 0;
	for (int v = 1; v < TINY_WORDS; v++)
		if (p[v] > p[*id])
			*id = v;
	*prob = p[*id];
}

static void test_hook(int method, double guidance)
{
	static const double levels[5] = {2, 1.625, 1.25, 0.875, 0.5};
	struct sampler_options so = plain;
	struct sampling o;
	struct err e = {0};
	struct seen seen = {.fail_at = -1};
	bool steps = true, given = true;
	double prob;
	int32_t id;

	so.guidance = guidance;
	so.tau = 0.5;
	hook_init(&o, method, &so);
	first_prediction(&o, &id, &prob);
	sampler_set_hook(o.s, see, &seen);
	if (sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e))
		diag("%s", e.msg);
	for (int n = 0; n < seen.n; n++) {
		steps = steps && seen.step[n] == n && fabs(seen.t[n] - levels[n]) < 1e-12;
		given = given && seen.ids[n][1] == 2 && seen.prob[n][1] == 1;
	}
	ok(seen.n == 5 && steps,
	    "sampler: the hook gets the level of each step of %s, and the last level",
	    sampler_names[method]);
	ok(given, "sampler: the hook gets given words with probability 1 (%s, guidance %g)",
	    sampler_names[method], guidance);
	ok(seen.ids[0][0] == id && near(&seen.prob[0][0], &prob, 1),
	    "sampler: the hook gets the most probable word and its probability (%s, guidance %g)",
	    sampler_names[method], guidance);
	ok(seen.ids[4][0] == o.b.ids[0], "sampler: the last words of the hook are the result (%s)",
	    sampler_names[method]);
	sampling_release(&o);
}

/* The same run with and without a hook. */
static void test_hook_changes_nothing(int method)
{
	struct sampler_options so = plain;
	struct seen seen = {.fail_at = -1};
	struct err e = {0};
	real x[2][4];

	so.guidance = 2;
	for (int hooked = 0; hooked < 2; hooked++) {
		struct sampling o;

		hook_init(&o, method, &so);
		if (hooked)
			sampler_set_hook(o.s, see, &seen);
		if (sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e))
			diag("%s", e.msg);
		memcpy(x[hooked], o.s->x, sizeof x[hooked]);
		sampling_release(&o);
	}
	ok(seen.n == 5 && !memcmp(x[0], x[1], sizeof x[0]),
	    "sampler: %s with guidance has the same x with a hook as without",
	    sampler_names[method]);
}

static void check_failing_hook(int call, int32_t word)
{
	struct seen seen = {.fail_at = call};
	struct sampling o;
	struct err e = {0};

	hook_init(&o, SAMPLER_EULER, &plain);
	o.b.ids[0] = word;
	sampler_set_hook(o.s, see, &seen);
	ok(sampler_run(o.s, &o.b, SAMPLER_NOISE, &o.schedule, &e) &&
	        !strcmp(e.msg, "the hook fails") && o.b.ids[0] == word,
	    "sampler: if the hook fails at call %d, the run fails, and word %d stays", call, word);
	sampling_release(&o);
}

int main(void)
{
	struct err e;

	cpu = k_new(1, K_AUTO, &e);
	test_steps();
	test_2m();
	test_ancestral();
	test_heun();
	check_exact(SAMPLER_EXP, 1, 1, 1);
	check_exact(SAMPLER_EXP, 0.5, 0.5, 5);
	check_exact(SAMPLER_2M, 1, 1, 1);
	check_exact(SAMPLER_2M, 0.5, 1, 5);
	check_exact(SAMPLER_ANCESTRAL, 1, 0.5, 5);
	test_levels();
	test_lower_start();
	test_damaged();
	test_tau();
	test_context();
	test_guidance(false);
	test_guidance(true);
	check_order(SAMPLER_EULER, 0.8, 2);
	check_order(SAMPLER_EXP, 0.8, 2);
	check_order(SAMPLER_ANCESTRAL, 0.8, 2);
	check_order(SAMPLER_HEUN, 1, 4);
	check_order(SAMPLER_HEUN, 0.8, 4);
	check_order(SAMPLER_2M, 1, 4);
	test_prompted();
	test_last_level();
	test_last_estimate();
	test_two_steps();
	test_hook(SAMPLER_EULER, 1);
	test_hook(SAMPLER_HEUN, 1);
	test_hook(SAMPLER_2M, 3);
	test_hook_changes_nothing(SAMPLER_HEUN);
	test_hook_changes_nothing(SAMPLER_ANCESTRAL);
	check_failing_hook(0, 0);
	check_failing_hook(4, 0);
	check_failing_hook(4, 1);
	k_free(cpu);
	return tap_done();
}
