/*
 * Short tests of the whole method: the sampler with an exact model (oracle), and a model that
 * overfits one batch and reproduces it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/likelihood.h"
#include "model/sampler.h"
#include "train/settings.h"
#include "train/trainer.h"
#include "tap.h"

enum { WORDS = 24, T = 12, ROWS = 16, BATCH = 4 * ROWS, STEPS = 1500 };

static struct kernels *k;

/* A vocabulary of [PAD], [UNK] and words with the frequencies 1, 2, 3... */
static struct shard_header header(void)
{
	struct shard_header h = {.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = WORDS,
	    .row_len = T,
	    .special = {0, 1, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID}};

	return h;
}

static struct trainer *new_trainer(
    const struct trainer_options *o, const struct config *c, uint64_t count[WORDS])
{
	struct shard_header h = header();
	uint32_t id[WORDS];
	struct shard_counts counts = {WORDS, id, count};
	struct err e = {0};
	struct trainer *tr;

	for (uint32_t i = 0; i < WORDS; i++) {
		id[i] = i;
		count[i] = 1000 * (i + 1);
	}
	tr = trainer_new(k, c, o, NULL, &h, &counts, &e);
	if (!tr)
		diag("%s", e.msg);
	return tr;
}

/* With preconditioning bayes and a network whose output is 0, the model is the exact posterior of
 * independent words with the frequencies 1, 2, 3... */
static struct trainer *new_oracle(enum schedule_family family, uint64_t count[WORDS])
{
	struct trainer_options o = settings_preset("tiny")->train;
	struct config c = settings_preset("tiny")->model;
	struct trainer *tr;

	c.layers = 1;
	c.width = 32;
	c.heads = 2;
	c.copy_heads = 0; /* its initial output is not 0 */
	c.precond = PRECOND_BAYES;
	o.schedule = family;
	tr = new_trainer(&o, &c, count);
	k_zero(k, tr->w->head_w, (size_t)(c.embed * c.width));
	return tr;
}

/* Samples of the oracle must follow the prior for every sampler and schedule. */
static void test_oracle(int method, enum schedule_family family, double eta)
{
	struct sampler_options so = {method, 100, 1, 1, 1, eta, 1, 1};
	enum { B = 64, REPEATS = 6 };
	struct trainer *tr;
	struct sampler *s;
	struct batch b;
	struct err e = {0};
	uint64_t count[WORDS];
	double seen[WORDS] = {0}, total = 0, expected = 0, chi2 = 0, n = B * T * REPEATS;

	tr = new_oracle(family, count);
	s = sampler_new(k, &tr->c, tr->w, B, &so, &e);
	batch_init(&b, B, T, &e);
	for (int repeat = 0; repeat < REPEATS; repeat++) {
		b.B = B;
		for (size_t i = 0; i < B; i++) {
			b.t[i] = tr->schedule.t_max;
			b.seed[i] = rng_u64(11, RNG_TEST, (uint32_t)repeat, i);
		}
		for (size_t m = 0; m < B * T; m++)
			b.noised[m] = 1;
		sampler_run(s, &b, SAMPLER_NOISE, &tr->schedule, &e);
		for (size_t m = 0; m < B * T; m++)
			seen[b.ids[m]]++;
	}
	for (int i = 0; i < WORDS; i++)
		total += (double)count[i];
	for (int i = 0; i < WORDS; i++) {
		expected = n * (double)count[i] / total;
		chi2 += (seen[i] - expected) * (seen[i] - expected) / expected;
	}
	/* 23 degrees of freedom: 49.7 is the 0.1 % point; the rest allows for the finite number of
	 * steps */
	ok(chi2 < 65, "oracle: %s, %s: words have their frequencies (chi2 %.1f of 23)",
	    sampler_names[method], schedule_family_name(family), chi2);
	sampler_free(s);
	batch_release(&b);
	trainer_free(tr);
}

/* Row n of a stream of words drawn from the prior; u is its noise level on a logarithmic scale. */
static void add_from_prior(struct trainer *tr, struct batch *b, uint64_t n, double u)
{
	uint8_t mask[(T + 7) / 8];
	uint32_t ids[T];
	struct shard_record r = {ids, T, (float)schedule_spread(&tr->schedule, u), 0, n, mask};
	struct err e;

	memset(mask, 0xff, sizeof mask);
	for (uint64_t j = 0; j < T; j++) {
		uint64_t at = rng_below(5, RNG_TEST, 3, n * T + j, WORDS * (WORDS + 1) / 2);

		for (ids[j] = 0; at > ids[j]; ids[j]++)
			at -= ids[j] + 1;
	}
	if (batch_add(b, &r, &tr->active, &tr->schedule, true, &e))
		diag("%s", e.msg);
}

/*
 * For the exact posterior the likelihood bound is equal to the entropy of the words: the integral
 * of the squared error is the information that the noise leaves (Guo, Shamai & Verdú 2005, IEEE
 * Transactions on Information Theory 51:1261, theorem 1).
 */
static void test_bound(void)
{
	enum { B = 64, BATCHES = 160 };
	uint64_t count[WORDS];
	struct trainer *tr = new_oracle(SCHEDULE_CAUCHY, count);
	double t_min = tr->schedule.t_min, t_max = tr->schedule.t_max;
	double ce[B], error[B], entropy = 0, bound, integral = 0, last = 0;
	struct likelihood *m;
	struct batch b;
	struct err e = {0};
	int failed = 0;

	m = likelihood_new(k, &tr->c, tr->w, B, &e);
	batch_init(&b, B, T, &e);
	for (uint64_t i = 0; i < BATCHES && !failed; i++) {
		b.B = 0;
		for (uint64_t n = i * B; n < (i + 1) * B; n++) {
			double whole;

			add_from_prior(tr, &b, n, modf((double)n * 0.6180339887498949, &whole));
		}
		failed = likelihood_run(m, &b, ce, error, &e);
		for (size_t n = 0; n < B; n++)
			integral +=
			    error[n] / (b.t[n] * b.t[n]) * log(t_max / t_min) / (B * BATCHES);
	}
	b.B = 0;
	for (uint64_t n = 0; n < B; n++)
		add_from_prior(tr, &b, n, 0);
	failed |= likelihood_run(m, &b, ce, error, &e);
	for (size_t n = 0; n < B; n++)
		last += ce[n] / B;
	for (int i = 1; i <= WORDS; i++) {
		double p = i / (WORDS * (WORDS + 1) / 2.0);

		entropy -= p * log(p);
	}
	bound = (double)tr->c.embed / (2 * t_max * t_max) + last + integral;
	ok(!failed && fabs(bound - entropy) < 0.03,
	    "oracle: the likelihood bound is the entropy (%.4f and %.4f nats) %s", bound, entropy,
	    e.msg);
	likelihood_free(m);
	batch_release(&b);
	trainer_free(tr);
}

/* Row i % ROWS of the batch of random stories, at u of the schedule, with its first words given. */
static void add_row(
    struct trainer *tr, struct batch *b, uint64_t i, double u, uint64_t seed, uint32_t given)
{
	uint8_t mask[(T + 7) / 8];
	uint32_t ids[T];
	struct shard_record r = {ids, T, NAN, (float)u, seed, mask};
	struct err e;

	memset(mask, 0xff, sizeof mask);
	for (uint32_t j = 0; j < given; j++)
		mask[j / 8] &= (uint8_t) ~(1u << j % 8);
	for (uint64_t j = 0; j < T; j++)
		ids[j] = (uint32_t)(2 + rng_below(5, RNG_TEST, 2, i % ROWS * T + j, WORDS - 2));
	if (batch_add(b, &r, &tr->active, &tr->schedule, true, &e))
		diag("%s", e.msg);
}

/* Each row once, all at the same u of the schedule. */
static void known_rows(struct trainer *tr, struct batch *b, double u)
{
	b->B = 0;
	for (uint64_t i = 0; i < ROWS; i++)
		add_row(tr, b, i, u, rng_u64(3, RNG_TEST, 6, i), 0);
}

/* Each row four times, each time at another level, and once with its first half given. */
static void training_rows(struct trainer *tr, struct batch *b, uint64_t step)
{
	b->B = 0;
	for (uint64_t i = 0; i < BATCH; i++) {
		uint64_t n = step * BATCH + i;
		double whole;

		add_row(tr, b, i, modf((double)n * 0.6180339887498949, &whole),
		    rng_u64(3, RNG_TEST, 7, n), i / ROWS == step % 4 ? T / 2 : 0);
	}
}

static size_t count_rows(const struct batch *b, const struct batch *known)
{
	size_t hits = 0;

	for (size_t i = 0; i < b->B; i++)
		for (size_t j = 0; j < known->B; j++)
			if (!memcmp(b->ids + i * T, known->ids + j * T, T * sizeof *b->ids)) {
				hits++;
				break;
			}
	return hits;
}

/* Count the rows whose first half is that of the row of known, and those whose second half is. */
static void count_halves(
    const struct batch *b, const struct batch *known, size_t *first, size_t *second)
{
	size_t half = T / 2 * sizeof *b->ids;

	*first = *second = 0;
	for (size_t i = 0; i < ROWS; i++) {
		const int32_t *row = b->ids + i * T, *meant = known->ids + i * T;

		*first += !memcmp(row, meant, half);
		*second += !memcmp(row + T / 2, meant + T / 2, half);
	}
}

static void test_memory(struct trainer *tr, struct batch *known)
{
	struct sampler_options so = {SAMPLER_EULER, 50, 1, 1, 1, 1, 1, 1};
	struct err e = {0};
	struct batch b;
	struct weights w = *tr->w;
	struct sampler *s = sampler_new(k, &tr->c, &w, ROWS, &so, &e);
	size_t right = 0, wrong = 0, given, followed;

	batch_init(&b, ROWS, T, &e);
	for (int method = SAMPLER_EULER; method <= SAMPLER_ANCESTRAL; method++) {
		so.method = method;
		sampler_free(s);
		s = sampler_new(k, &tr->c, &w, ROWS, &so, &e);
		known_rows(tr, &b, 1);
		for (size_t i = 0; i < ROWS; i++) {
			b.t[i] = tr->schedule.t_max;
			b.seed[i] = i + 1000;
		}
		ok(!sampler_run(s, &b, SAMPLER_NOISE, &tr->schedule, &e),
		    "overfit: sampler %s runs %s", sampler_names[method], e.msg);
		right = count_rows(&b, known);
		ok(right >= ROWS - 2, "overfit: %zu of %d samples of %s are rows of the batch",
		    right, ROWS, sampler_names[method]);
	}
	known_rows(tr, &b, 0);
	for (size_t i = 0; i < ROWS; i++)
		b.t[i] = 2 * tr->schedule.t_min;
	ok(!sampler_run(s, &b, SAMPLER_NOISED_TOKENS, &tr->schedule, &e),
	    "overfit: repairing damaged rows runs");
	for (size_t m = 0; m < ROWS * T; m++)
		wrong += b.ids[m] != known->ids[m];
	/* If training gives two words similar embeddings, the noise decides between them, and how
	 * similar they are depends on the last bits of the arithmetic: one in twenty may be wrong;
	 * of random guesses 21 in 22 would be. */
	ok(wrong <= ROWS * T / 20,
	    "overfit: rows damaged at 2 t_min are repaired: %zu of %d words differ", wrong,
	    ROWS * T);
	/* the first half of every row is given, and the model must generate the second */
	known_rows(tr, &b, 1);
	for (size_t m = 0; m < ROWS * T; m++) {
		b.noised[m] = m % T >= T / 2;
		b.ids[m] = b.noised[m] > 0 ? 0 : b.ids[m];
	}
	for (size_t i = 0; i < ROWS; i++)
		b.t[i] = tr->schedule.t_max;
	ok(!sampler_run(s, &b, SAMPLER_NOISE, &tr->schedule, &e),
	    "overfit: generation after a prompt runs");
	count_halves(&b, known, &given, &followed);
	ok(given == ROWS && followed >= ROWS - 2,
	    "overfit: prompted with the first half of %d rows, %zu keep it and %zu continue with "
	    "the second",
	    ROWS, given, followed);
	sampler_free(s);
	batch_release(&b);
}

/*
 * The cross-entropy, before any training, of a rare word at pure noise if all others in its row are
 * the same word. Copy attention is uniform here: its output must reach the logits from the start.
 */
static double first_guess(size_t copy_heads)
{
	struct trainer_options o = settings_preset("tiny")->train;
	struct config c = settings_preset("tiny")->model;
	struct trainer *tr;
	struct batch b;
	struct err e = {0};
	uint64_t count[WORDS];
	double ce[1];

	c.copy_heads = copy_heads;
	tr = new_trainer(&o, &c, count);
	if (copy_heads)
		k_zero(k, tr->average->copy_scale, copy_heads);
	batch_init(&b, 1, T, &e);
	b.B = 1;
	b.t[0] = 100;
	b.seed[0] = 5;
	for (size_t i = 0; i < T; i++) {
		b.ids[i] = 2;
		b.noised[i] = b.weight[i] = i == T / 2;
	}
	trainer_validate(tr, &b, ce);
	batch_release(&b);
	trainer_free(tr);
	return ce[0];
}

static void test_copy_attention(void)
{
	double with = first_guess(2), without = first_guess(0);

	ok(with < 0.5 && without > 4,
	    "copy attention: %.3f nats for a word that fills the row; %.3f nats without copy "
	    "attention",
	    with, without);
}

static void test_overfit(void)
{
	struct trainer_options o = settings_preset("tiny")->train;
	struct config c = settings_preset("tiny")->model;
	struct trainer *tr;
	struct trainer_result r = {0};
	double ce[BATCH], first = 0, last = 0;
	uint64_t count[WORDS];
	struct batch known;
	struct err e = {0};
	int failed = 0;

	c.layers = 2;
	c.width = 64;
	c.embed = 16;
	c.copy_heads =
	    0; /* random rows have nothing to copy; with it only 13 of 16 samples are correct */
	o.batch = BATCH;
	o.steps = STEPS;
	o.optimizer.lr = 4e-3;
	o.refit_every = 25;
	o.window = 3200;
	tr = new_trainer(&o, &c, count);
	r.ce = ce;
	for (uint64_t step = 0; step < STEPS && !failed; step++) {
		training_rows(tr, &tr->batch, step);
		tr->loader.n = BATCH;
		failed = trainer_step(tr, &r, &e);
		first = step == 0 ? r.loss : first;
		last = r.loss;
		if (r.refit < 0)
			diag("step %d: %s", (int)step, r.why.msg);
	}
	ok(!failed, "overfit: %d training steps succeed %s", STEPS, e.msg);
	diag("loss %.3f nats at first, %.3f at last", first, last);
	batch_init(&known, ROWS, T, &e);
	known_rows(tr, &known, 0);
	test_memory(tr, &known);
	batch_release(&known);
	trainer_free(tr);
}

int main(void)
{
	struct err e;

	k = k_new(2, K_AUTO, &e);
	diag("%s", k_name(k));
	test_oracle(SAMPLER_EULER, SCHEDULE_CAUCHY, 1);
	test_oracle(SAMPLER_EXP, SCHEDULE_FRECHET, 1);
	test_oracle(SAMPLER_HEUN, SCHEDULE_LOGISTIC, 1);
	test_oracle(SAMPLER_2M, SCHEDULE_CAUCHY, 1);
	test_oracle(SAMPLER_ANCESTRAL, SCHEDULE_CAUCHY, 1);
	test_oracle(SAMPLER_ANCESTRAL, SCHEDULE_PIECEWISE, 0.5);
	test_bound();
	test_copy_attention();
	test_overfit();
	k_free(k);
	return tap_done();
}
