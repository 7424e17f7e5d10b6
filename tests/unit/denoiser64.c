/*
 * The denoiser, the likelihood and the trainer compared with numbers computed by hand: the
 * posterior without context, losses and their weights, self-conditioning, and the batches of a
 * stream.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/likelihood.h"
#include "train/settings.h"
#include "train/trainer.h"
#include "tiny.h"

enum { T = 3, SEED = 7 };

static struct kernels *k;

/* B rows of T words, alternately at t = 0.8 and 1.6, with every position noised. */
static void noised_rows(struct batch *b, size_t B)
{
	struct err e = {0};

	if (batch_init(b, B, T, &e))
		diag("%s", e.msg);
	b->B = B;
	for (size_t i = 0; i < B; i++) {
		b->t[i] = i % 2 ? 1.6 : 0.8;
		b->seed[i] = SEED + i;
		for (size_t m = i * T; m < (i + 1) * T; m++) {
			b->ids[m] = (int32_t)(m % TINY_WORDS);
			b->noised[m] = 1;
			b->weight[m] = (real)(1 / 3.0);
		}
	}
}

/* x = e + t n of position j of row i. */
static void noisy(const struct batch *b, size_t i, size_t j, double x[2])
{
	const double *e = tiny_direction[b->ids[i * T + j]];
	float n[2];

	rng_normal(b->seed[i], RNG_NOISE, (uint32_t)j, n, 2);
	for (int c = 0; c < 2; c++)
		x[c] = sqrt(2) * e[c] + b->t[i] * (double)n[c];
}

/* Cross-entropy and squared error of position j of row i under the exact posterior. */
static void exact(const struct batch *b, size_t i, size_t j, double *ce, double *error)
{
	int32_t id = b->ids[i * T + j];
	double x[2], p[TINY_WORDS], xhat[2];

	noisy(b, i, j, x);
	tiny_posterior(x, b->t[i], p, xhat);
	*ce = -log(p[id]);
	*error = pow(sqrt(2) * tiny_direction[id][0] - xhat[0], 2) +
	         pow(sqrt(2) * tiny_direction[id][1] - xhat[1], 2);
}

/* --- the posterior --- */

static void test_posterior(void)
{
	static const double x[T][2] = {{0.3, -0.9}, {1.2, 0.4}, {-2, 0.1}};
	struct tiny m;
	struct batch b;
	double p[TINY_WORDS], mean[2 * T];

	tiny_init(&m, k, tiny_config(PRECOND_BAYES, T, false, true), 1);
	noised_rows(&b, 1);
	b.t[0] = 2;
	denoiser_set_tokens(m.dn, b.ids, b.noised, 1);
	denoiser_set_levels(m.dn, b.t, 1);
	for (int j = 0; j < T; j++) {
		m.dn->x[2 * j] = (real)x[j][0];
		m.dn->x[2 * j + 1] = (real)x[j][1];
		tiny_posterior(x[j], 2, p, mean + 2 * j);
	}
	denoiser_estimate(m.dn, m.w, m.dn->p, m.dn->x, NULL, 1, 1);
	ok(near(m.dn->q, mean, 6), "denoiser: the mean of the posterior is that of x/t²");
	ok(near(m.dn->p, mean, 6),
	    "denoiser: the estimate of an untrained bayes model is that of the posterior");
	denoiser_estimate(m.dn, m.w, m.dn->p, m.dn->x, NULL, 0.5, 1);
	for (int j = 0; j < T; j++)
		tiny_expect((double[2]){x[j][0] / 4, x[j][1] / 4}, 0.5, p, mean + 2 * j);
	ok(near(m.dn->p, mean, 6), "denoiser: tau divides the logits of the estimate");
	batch_release(&b);
	tiny_release(&m);
}

/*
 * The output of the network is (1, -0.5) for every input. At σ = 0.75 the preconditioning computes
 * D from it and x; the estimate is that of the logits ⟨D, e⟩ + b.
 */
static void check_mixing(enum precond row, double skip, double out)
{
	const double x[2] = {0.3, -0.9};
	struct tiny m;
	struct batch b;
	double p[TINY_WORDS], mean[2];

	tiny_init(&m, k, tiny_config(row, T, false, false), 1);
	noised_rows(&b, 1);
	b.t[0] = 0.75;
	m.w->head_b[0] = 1;
	m.w->head_b[1] = -0.5;
	denoiser_set_tokens(m.dn, b.ids, b.noised, 1);
	denoiser_set_levels(m.dn, b.t, 1);
	m.dn->x[0] = (real)x[0];
	m.dn->x[1] = (real)x[1];
	denoiser_estimate(m.dn, m.w, m.dn->p, m.dn->x, NULL, 1, 1);
	tiny_expect((double[2]){skip * x[0] + out, skip * x[1] - 0.5 * out}, 1, p, mean);
	ok(near(m.dn->p, mean, 2),
	    "denoiser: %s mixes x and the output of the network with its coefficients",
	    precond_names[row]);
	batch_release(&b);
	tiny_release(&m);
}

/* --- the network's input --- */

/* At t = 0.75, c_in is 0.8. The first tested position is noised, the second is given. */
static void test_input(void)
{
	struct tiny m;
	struct batch b;
	double p[TINY_WORDS], q[2];
	real *row;
	size_t width;

	tiny_init(&m, k, tiny_config(PRECOND_BAYES, T, true, true), 1);
	noised_rows(&b, 1);
	b.t[0] = 0.75;
	b.noised[1] = 0;
	b.ids[1] = 2;
	for (int i = 0; i < 4; i++) {
		m.dn->x[i] = (real)(i + 1);
		m.dn->p[i] = (real)(10 * (i + 1));
	}
	tiny_posterior((double[2]){1, 2}, 0.75, p, q);
	denoiser_set_tokens(m.dn, b.ids, b.noised, 1);
	denoiser_set_levels(m.dn, b.t, 1);
	denoiser_estimate(m.dn, m.w, m.dn->D, m.dn->x, m.dn->p, 1, 1);
	row = (real *)m.dn->input;
	width = config_input(&m.c);
	ok(near(row, (double[10]){0.8, 1.6, 0, 0, 10, 20, q[0], q[1], 1, 0}, 10),
	    "denoiser: the input of a noised position has c_in x, both estimates and the mark of "
	    "noise");
	ok(near(row + width, (double[10]){0, 0, -0.6 * sqrt(2), -0.8 * sqrt(2), 0, 0, 0, 0, 0, 0},
	       10),
	    "denoiser: the input of a given position has only its embedding");
	batch_release(&b);
	tiny_release(&m);
}

/* --- losses --- */

/* Of three rows the first has one target, the second all but one, the third none. */
static void test_loss(void)
{
	struct tiny m;
	struct batch b;
	double ce[3], expected[2], one, error;
	const double share[3 * T] = {0, 0.5, 0, 0.25, 0.25, 0, 0, 0, 0};

	tiny_init(&m, k, tiny_config(PRECOND_BAYES, T, false, false), 3);
	noised_rows(&b, 3);
	for (size_t i = 0; i < 3 * T; i++)
		b.weight[i] = (real)(2 * share[i]);
	exact(&b, 0, 1, &expected[0], &error);
	exact(&b, 1, 0, &expected[1], &error);
	exact(&b, 1, 1, &one, &error);
	expected[1] = (expected[1] + one) / 2;
	denoiser_loss(m.dn, m.w, NULL, &b, 0, ce);
	ok(near((real[2]){(real)ce[0], (real)ce[1]}, expected, 2),
	    "denoiser: the cross-entropy of an untrained bayes model is that of the posterior "
	    "(%.3f and %.3f)",
	    ce[0], ce[1]);
	ok(isnan(ce[2]), "denoiser: a row without a target has no loss");
	ok(near(m.dn->weight, share, 3 * T),
	    "denoiser: each of two rows with targets gets half of the gradient");
	b.targets = 4;
	denoiser_loss(m.dn, m.w, NULL, &b, 0, ce);
	ok(near(m.dn->weight + 1, (double[1]){0.25}, 1),
	    "denoiser: each row gets a quarter of the gradient if the step has four rows with "
	    "targets");
	m.w->bias[0] = -INFINITY;
	denoiser_loss(m.dn, m.w, NULL, &b, 0, ce);
	ok(isfinite(ce[0]), "denoiser: an infinite loss without a target does not count");
	batch_release(&b);
	tiny_release(&m);
}

static void test_measure(void)
{
	struct tiny m;
	struct batch b;
	struct likelihood *likelihood;
	struct err e = {0};
	double ce[2], error[2], sum[4] = {0};

	tiny_init(&m, k, tiny_config(PRECOND_BAYES, T, false, false), 2);
	noised_rows(&b, 2);
	likelihood = likelihood_new(k, &m.c, m.w, 2, &e);
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < T; j++) {
			double one, square;

			exact(&b, i, j, &one, &square);
			sum[i] += one / T;
			sum[2 + i] += square / T;
		}
	}
	ok(!likelihood_run(likelihood, &b, ce, error, &e) &&
	        near((real[4]){ce[0], ce[1], error[0], error[1]}, sum, 4),
	    "likelihood: cross-entropy and squared error are those of the posterior (%.3f and "
	    "%.3f) %s",
	    ce[0], error[0], e.msg);
	likelihood_free(likelihood);
	batch_release(&b);
	tiny_release(&m);
}

/* --- self-conditioning --- */

static bool same(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* Losses of two rows, of which the first 0, 1 and 2 see the first estimate. */
static void test_self_conditioning(void)
{
	struct tiny m;
	struct batch b;
	double ce[3][2], p[TINY_WORDS], mean[2 * T];

	tiny_init(&m, k, tiny_config(PRECOND_KARRAS, T, true, false), 2);
	tiny_shake(&m);
	noised_rows(&b, 2);
	for (size_t n = 0; n < 3; n++)
		denoiser_loss(m.dn, m.w, NULL, &b, n, ce[n]);
	ok(!same(ce[0][0], ce[1][0]) && !same(ce[0][1], ce[2][1]),
	    "self-conditioning: the estimate changes the loss (%.4f to %.4f)", ce[0][0], ce[1][0]);
	ok(same(ce[0][1], ce[1][1]) && same(ce[1][0], ce[2][0]),
	    "self-conditioning: only the first n_sc rows see the estimate");
	tiny_release(&m);
	/* The output of the network is 0, so the first estimate is that of D = c_skip x. */
	tiny_init(&m, k, tiny_config(PRECOND_KARRAS, T, true, false), 2);
	denoiser_loss(m.dn, m.w, NULL, &b, 1, ce[0]);
	for (size_t j = 0; j < T; j++) {
		double x[2];

		noisy(&b, 0, j, x);
		tiny_expect((double[2]){x[0] / 1.64, x[1] / 1.64}, 1, p, mean + 2 * j);
	}
	ok(near(m.dn->p, mean, 2 * T), "self-conditioning: rows see the first estimate");
	ok(near(m.dn->p + 2 * T, (double[2 * T]){0}, 2 * T),
	    "self-conditioning: the other rows see zeros");
	batch_release(&b);
	tiny_release(&m);
}

/* --- slices --- */

enum { ROWS = 7, HOOKS = 8 };

/* What a pass over a batch computes. */
struct pass {
	double ce[ROWS];
	real *g;
	size_t n;               /* length of g */
	size_t complete[HOOKS]; /* offsets that the gradient hook was given */
	size_t n_complete;
};

static void record_complete(void *arg, size_t offset)
{
	struct pass *p = arg;

	if (p->n_complete < HOOKS)
		p->complete[p->n_complete] = offset;
	p->n_complete++;
}

/* The losses and gradients of b by a denoiser of up to B sequences, added to gradients of 1. */
static struct pass run_pass(const struct batch *b, size_t n_sc, size_t B)
{
	struct config c = tiny_config(PRECOND_KARRAS, T, true, true);
	struct pass p = {.n_complete = 0};
	struct tiny m;

	c.copy_heads = 1;
	c.positions = c.qk_norm = true;
	tiny_init(&m, k, c, B);
	tiny_shake(&m);
	for (size_t i = 0; i < m.g->n; i++)
		m.gradient[i] = 1;
	denoiser_set_gradient_hook(m.dn, record_complete, &p);
	denoiser_loss(m.dn, m.w, m.g, b, n_sc, p.ce);
	p.n = m.g->n;
	p.g = malloc(p.n * sizeof *p.g);
	memcpy(p.g, m.gradient, p.n * sizeof *p.g);
	tiny_release(&m);
	return p;
}

/* Rows 2 and 5 have no target. */
static void slice_rows(struct batch *b)
{
	noised_rows(b, ROWS);
	for (size_t j = 0; j < T; j++)
		b->weight[2 * T + j] = b->weight[5 * T + j] = 0;
}

/* The largest difference between two gradients, relative to the largest number in one of them. */
static double difference(const struct pass *a, const struct pass *b)
{
	double most = 0, largest = 0;

	for (size_t i = 0; i < a->n; i++) {
		most = fmax(most, fabs((double)(a->g[i] - b->g[i])));
		largest = fmax(largest, fabs((double)a->g[i]));
	}
	return most / largest;
}

/* A batch in slices of B rows compared with the whole one. targets: those of the step; 0: count. */
static void check_slices(size_t B, size_t n_sc, size_t targets)
{
	struct pass whole, slices;
	struct batch b;
	bool equal = true;
	double most;

	slice_rows(&b);
	b.targets = targets;
	whole = run_pass(&b, n_sc, ROWS);
	slices = run_pass(&b, n_sc, B);
	for (int i = 0; i < ROWS; i++)
		equal &= i == 2 || i == 5 ? isnan(whole.ce[i]) && isnan(slices.ce[i])
		                          : same(whole.ce[i], slices.ce[i]);
	ok(equal, "slices of %zu of %d rows: the losses are those of the whole batch", B, ROWS);
	most = difference(&whole, &slices);
	ok(most < 1e-12,
	    "slices of %zu of %d rows, %zu self-conditioned: the gradient is that of the whole "
	    "batch (to %.2g)",
	    B, ROWS, n_sc, most);
	ok(whole.n_complete == 3 && slices.n_complete == 3 &&
	        !memcmp(whole.complete, slices.complete, 3 * sizeof *whole.complete),
	    "slices of %zu of %d rows: each gradient is complete once", B, ROWS);
	free(whole.g);
	free(slices.g);
	batch_release(&b);
}

/* The arrays of a slice are parts of those of the batch. */
static void test_batch_slice(void)
{
	struct batch b, s;

	slice_rows(&b);
	s = batch_slice(&b, 2, 3);
	ok(s.B == 3 && s.T == T && s.t == b.t + 2 && s.seed == b.seed + 2 &&
	        s.ids == b.ids + 2 * T && s.noised == b.noised + 2 * T &&
	        s.weight == b.weight + 2 * T,
	    "batch: a slice has the rows from its first on");
	ok(s.targets == 5, "batch: a slice has the number of targets of the batch: %zu", s.targets);
	b.targets = 9;
	s = batch_slice(&b, 2, 3);
	ok(s.targets == 9, "batch: a slice has the number of targets of the step: %zu", s.targets);
	batch_release(&b);
}

/* --- the trainer --- */

static struct trainer *new_trainer(bool self_cond, int64_t batch)
{
	struct shard_header h = {.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = TINY_WORDS,
	    .row_len = T,
	    .special = {SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID}};
	struct shard_counts none = {0};
	struct config c = tiny_config(PRECOND_KARRAS, T, self_cond, false);
	struct trainer_options o = settings_preset("tiny")->train;
	struct err e = {0};
	struct trainer *tr;

	o.batch = batch;
	o.steps = 10;
	o.schedule = SCHEDULE_UNIFORM;
	o.self_cond = 0.5;
	o.full_vocab = true;
	tr = trainer_new(k, &c, &o, NULL, &h, &none, &e);
	if (!tr)
		diag("%s", e.msg);
	return tr;
}

/* Half of five rows, rounded down, see the estimate in a step, and all of them in validation. */
static void test_share(void)
{
	enum { B = 5 };
	struct trainer *tr = new_trainer(true, B);
	struct tiny m;
	struct likelihood *likelihood;
	double got[B], shown[B], hidden[B], error[B];
	struct trainer_result r = {.ce = got};
	struct err e = {0};
	bool right = true;

	tiny_init(&m, k, tr->c, B);
	tiny_shake(&m);
	batch_release(&tr->batch);
	noised_rows(&tr->batch, B);
	k_copy(k, tr->w->base, m.base, m.w->n);
	k_copy(k, tr->optimizer.ema, m.base, m.w->n);
	denoiser_loss(m.dn, m.w, NULL, &tr->batch, B, shown);
	denoiser_loss(m.dn, m.w, NULL, &tr->batch, 0, hidden);
	trainer_validate(tr, &tr->batch, got);
	for (int i = 0; i < B; i++)
		right &= same(got[i], shown[i]) && !same(shown[i], hidden[i]);
	ok(right, "trainer: every row of a validation sees its first estimate");
	likelihood = likelihood_new(k, &m.c, m.w, B, &e);
	right = !likelihood_run(likelihood, &tr->batch, got, error, &e);
	for (int i = 0; i < B; i++)
		right &= same(got[i], shown[i]);
	ok(right, "likelihood: every row sees its first estimate %s", e.msg);
	likelihood_free(likelihood);
	tr->loader.n = B;
	right = !trainer_step(tr, &r, &e);
	for (int i = 0; i < B; i++)
		right &= same(got[i], i < 2 ? shown[i] : hidden[i]);
	ok(right, "trainer: two rows of five see their first estimate at a rate of 0.5 %s", e.msg);
	trainer_free(tr);
	tiny_release(&m);
}

static void write_rows(const char *path, const struct shard_header *h, uint64_t n)
{
	const uint32_t ids[T] = {0, 1, 2};
	const uint8_t mask[1] = {7};
	struct err e = {0};
	struct shard_writer *w = shard_create(path, h, NULL, NULL, SHARD_STORED, &e);

	for (uint64_t i = 0; w && i < n; i++) {
		struct shard_record record = {ids, T, NAN, 0.25f, i, mask};

		if (shard_write(w, &record, &e))
			diag("%s", e.msg);
	}
	if (!w || shard_commit(w, &e))
		diag("%s", e.msg);
}

static void test_stream(void)
{
	char path[] = "/tmp/denoiser64-XXXXXX";
	struct trainer *tr = new_trainer(false, 16);
	double ce[16];
	struct trainer_result r = {.ce = ce};
	struct shard_reader *rows;
	struct err e = {0};
	int fd = mkstemp(path), n[4], failed = 0;

	close(fd);
	write_rows(path, &tr->source, 33);
	rows = shard_open(path, &e);
	failed = !rows || loader_open(&tr->loader, rows, tr->rows, &e);
	for (int i = 0; i < 4 && !failed; i++) {
		n[i] = loader_next(&tr->loader, &tr->batch, &e);
		if (n[i] > 0)
			failed = trainer_step(tr, &r, &e);
	}
	ok(!failed && n[0] == 16 && n[1] == 16 && n[2] == 1 && n[3] == 0,
	    "trainer: 33 rows are batches of 16, 16 and 1 %s", e.msg);
	ok(tr->step == 3 && tr->rows == 33 && tr->window_n == 33 && r.n == 1,
	    "trainer: 33 rows make three steps, and the loss of each row is kept");
	shard_close(rows);
	unlink(path);
	trainer_free(tr);
}

int main(void)
{
	struct err e;

	k = k_new(1, K_AUTO, &e);
	test_posterior();
	check_mixing(PRECOND_KARRAS, 0.64, 0.6);
	check_mixing(PRECOND_TANH, tanh(0.25), tanh(0.75));
	check_mixing(PRECOND_CDCD, 0, 1);
	check_mixing(PRECOND_BAYES, 16 / 9.0, 1);
	test_input();
	test_loss();
	test_measure();
	test_self_conditioning();
	test_batch_slice();
	check_slices(1, 0, 0);
	check_slices(2, 3, 0);
	check_slices(3, 3, 0);
	check_slices(4, 7, 9);
	test_share();
	test_stream();
	k_free(k);
	return tap_done();
}
