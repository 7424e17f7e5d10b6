/* Numbers that are not finite are put in different places: the run stops and names the place. */

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/trainer.h"
#include "tap.h"

#include "small.h"

enum { BATCH = 4, LAYERS = 3 };

static struct kernels *k;

static struct trainer *new_trainer(size_t batch)
{
	struct trainer_options o;
	struct config c;
	struct err e = {0};

	small_preset(&c, &o);
	c.layers = LAYERS;
	o.batch = batch;
	return small_trainer(k, &c, &o, NULL, &e);
}

static int fill(struct trainer *tr, size_t rows, double t, struct err *e)
{
	tr->batch.B = 0;
	for (uint64_t i = 0; i < rows; i++)
		if (small_add(&tr->batch, tr, i, t, 0.5f, e))
			return -1;
	small_filled(tr, rows);
	return 0;
}

/* Run a step that must fail with status 3 and these words, without changing anything. */
static void must_stop(struct trainer *tr, const char *what, const char *words)
{
	struct trainer_result r = {0};
	double ce[BATCH];
	struct err e = {0};
	size_t bytes = tr->w->n * sizeof(real);
	real *before = malloc(bytes);
	int failed;

	r.ce = ce;
	memcpy(before, tr->w->base, bytes);
	failed = fill(tr, BATCH, NAN, &e) || trainer_step(tr, &r, &e);
	ok(failed && e.status == ERR_NONFINITE && strstr(e.msg, words),
	    "trainer, %s: the step fails: %s", what, e.msg);
	ok(tr->step == 1 && tr->rows == BATCH && !memcmp(before, tr->w->base, bytes),
	    "trainer, %s: the weights and the step are unchanged", what);
	free(before);
}

/* Run a good step first, so that the message names a step and rows. */
static struct trainer *started(void)
{
	struct trainer *tr = new_trainer(BATCH);
	struct trainer_result r = {0};
	double ce[BATCH];
	struct err e = {0};

	r.ce = ce;
	if (!tr || fill(tr, BATCH, NAN, &e) || trainer_step(tr, &r, &e))
		diag("a good step: %s", e.msg);
	return tr;
}

static void test_weights(void)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY};

	for (int i = 0; i < 3; i++) {
		struct trainer *tr = started();

		for (size_t j = 0; j < tr->w->n_tensors; j += 5) {
			const struct tensor *t = &tr->w->tensor[j];
			real *at = &tr->w->base[t->offset + t->n / 2], was = *at;
			char what[96], words[160];

			*at = (real)bad[i];
			snprintf(what, sizeof what, "%g in %s", bad[i], t->name);
			snprintf(words, sizeof words, "it began in the weight %s", t->name);
			must_stop(tr, what, words);
			*at = was;
		}
		trainer_free(tr);
	}
}

/* Finite weights whose products are not finite: the message names the layer. */
static void test_activations(void)
{
	struct trainer *tr = started();
	struct weights *w = tr->w;
	size_t C = tr->c.width;

	for (size_t i = 0; i < 4 * C * C; i++)
		w->block[1].up_w[i] = w->block[1].down_w[i] = FLT_MAX / 4;
	for (size_t i = 0; i < 6 * C; i++)
		w->block[1].mod_b[i] = 1;
	must_stop(tr, "products that overflow in block 1", "it began in block 1");
	ok(!trainer_check_finite(tr, &(struct err){0}), "finite: finite weights may be saved");
	trainer_free(tr);
}

static void test_gradient(void)
{
	struct trainer *tr = started();
	struct block_weights *b = &tr->w->block[1];
	size_t C = tr->c.width;

	/* These large values have no effect in the forward pass, because the next weights are 0,
	 * but they have in the backward pass. */
	for (size_t i = 0; i < 4 * C; i++)
		b->up_b[i] = FLT_MAX / 2;
	for (size_t i = 0; i < 4 * C * C; i++)
		b->down_w[i] = 0;
	must_stop(
	    tr, "a slope that cannot be calculated", "the gradient of blocks.1.mlp.up.bias is");
	trainer_free(tr);
}

static void test_schedule_and_noise(void)
{
	struct trainer *tr = started();
	struct schedule was = tr->schedule;

	tr->schedule.p[0] = NAN;
	must_stop(tr, "NaN in the schedule", "step 2: the schedule: ");
	tr->schedule = was;
	tr->schedule.t_max = INFINITY;
	must_stop(tr, "an infinite range of levels", "step 2: the schedule: ");
	tr->schedule = was;
	trainer_free(tr);
}

static void test_noise(void)
{
	struct trainer *tr = started();
	struct trainer_result r = {0};
	double ce[BATCH];
	struct err e = {0};
	int failed;

	r.ce = ce;
	ok(fill(tr, BATCH, INFINITY, &e) && e.status == ERR_DATA,
	    "finite: an infinite noise level in a row is refused: %s", e.msg);
	fill(tr, BATCH, NAN, &e);
	tr->batch.t[2] = INFINITY;
	failed = trainer_step(tr, &r, &e);
	ok(failed && e.status == ERR_NONFINITE &&
	        strstr(e.msg, "it began in the noised embeddings") &&
	        strstr(e.msg, "step 2: the loss of row") && strstr(e.msg, "rows 4 to 7"),
	    "finite: infinite noise is refused: %s", e.msg);
	trainer_free(tr);
}

/* Only self-conditioned rows see the columns of in_w that belong to the estimate. */
static void test_estimate(void)
{
	struct trainer *tr = started();
	size_t d = tr->c.embed, width = config_input(&tr->c);

	for (size_t i = 0; i < tr->c.width; i++)
		for (size_t j = 2 * d; j < 3 * d; j++)
			tr->w->in_w[i * width + j] = FLT_MAX;
	must_stop(tr, "an estimate that overflows", "it began in block 0");
	trainer_free(tr);
}

/* A row whose level is infinite, in each micro-batch. */
static void test_micro_batches(void)
{
	enum { ROWS = 256 };
	static const size_t bad[] = {3, 100, ROWS - 1};

	for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
		struct trainer *tr = new_trainer(ROWS);
		double ce[ROWS];
		struct trainer_result r = {.ce = ce};
		struct err e = {0};
		char words[64];
		int failed = fill(tr, ROWS, NAN, &e);

		snprintf(words, sizeof words, "the loss of row %zu (", bad[j]);
		tr->batch.t[bad[j]] = INFINITY;
		failed = failed || !trainer_step(tr, &r, &e);
		ok(!failed && tr->dn->B <= ROWS / 3 + 1 && strstr(e.msg, words) &&
		        strstr(e.msg, "it began in the noised embeddings"),
		    "trainer, batches of %d rows in micro-batches of %zu: %s", ROWS, tr->dn->B,
		    e.msg);
		trainer_free(tr);
	}
}

static void test_explosion(void)
{
	struct trainer *tr = started();
	size_t d = tr->c.embed, C = tr->c.width;

	for (size_t i = 0; i < d * C; i++)
		tr->w->head_w[i] = i % 3 ? 1000 : -1000;
	must_stop(tr, "a loss of thousands of nats", "the loss has exploded to");
	trainer_free(tr);
}

/* The check before a save tests each of the four arrays. */
static void test_sound(void)
{
	struct trainer *tr = started();
	real *array[4] = {tr->w->base, tr->optimizer.ema, tr->optimizer.m, tr->optimizer.v};
	static const char *const what[4] = {"the weight head.bias", "the averaged weight head.bias",
	    "the first moment of head.bias", "the second moment of head.bias"};

	for (int i = 0; i < 4; i++) {
		real *at = &array[i][tr->w->head_b - tr->w->base], was = *at;
		struct err e = {0};

		*at = INFINITY;
		ok(trainer_check_finite(tr, &e) && e.status == ERR_NONFINITE &&
		        strstr(e.msg, what[i]),
		    "finite: weights that are not finite may not be saved: %s", e.msg);
		*at = was;
		ok(!trainer_check_finite(tr, &e),
		    "finite: weights that are finite again may be saved");
	}
	trainer_free(tr);
}

/* A sharded state: pieces that cut across tensors, stored without gaps. */
static void test_pieces(void)
{
	struct trainer *tr = started();
	const struct weights *w = tr->w;
	size_t last = w->n_tensors - 1, n = w->tensor[last].n, half = w->tensor[0].n / 2;
	struct buckets_piece *piece = malloc(2 * sizeof *piece);
	real *state = calloc(half + n, sizeof *state);
	struct optimizer opt;
	struct state list;
	struct err e = {0};

	piece[0] = (struct buckets_piece){0, w->tensor[0].offset + half, 0, half};
	piece[1] = (struct buckets_piece){last, w->tensor[last].offset, half, n};
	ok(!optimizer_init(&opt, k, &tr->o.optimizer, w, piece, 2, half + n, &e), "two pieces");
	opt.ema = opt.m = opt.v = state;
	state_init(&list, k);
	ok(!optimizer_register(&opt, w, &list, &e) && !state_check_finite(&list, &e),
	    "both finite");
	state[half - 1] = NAN;
	ok(state_check_finite(&list, &e) && strstr(e.msg, w->tensor[0].name),
	    "the end of the first is not: %s", e.msg);
	state[half - 1] = 0;
	state[half] = INFINITY;
	ok(state_check_finite(&list, &e) && e.status == ERR_NONFINITE &&
	        strstr(e.msg, w->tensor[last].name),
	    "the beginning of the second is not: %s", e.msg);
	state_release(&list);
	optimizer_release(&opt);
	free(state);
	trainer_free(tr);
}

/* The activations of a step are overwritten at one place after the other, the last one first: the
 * message names the earliest. */
static void test_forward(void)
{
	struct trainer *tr = started();
	struct denoiser *dn = tr->dn;
	real *const place[] = {dn->D, dn->x, dn->noise, dn->e};
	static const char *const name[] = {"in the head", "in the noised embeddings",
	    "in the noise", "in the normalised embeddings"};
	char text[DENOISER_WHERE];

	ok(!strcmp(denoiser_find_nonfinite(dn, tr->w, &tr->batch, text), "in the softmax"),
	    "where all before it is finite: %s", text);
	for (int i = 0; i < 4; i++) {
		place[i][3] = i % 2 ? NAN : INFINITY;
		ok(!strcmp(denoiser_find_nonfinite(dn, tr->w, &tr->batch, text), name[i]), "%s",
		    text);
	}
	trainer_free(tr);
}

/* Fits that fail do not change the schedule. */
static void test_fit(void)
{
	enum { N = 300 };
	double t[N], ce[N];
	struct schedule s, was;
	struct err e = {0};

	for (int family = SCHEDULE_CAUCHY; family < SCHEDULE_FAMILIES; family++) {
		for (int kind = 0; kind < 5; kind++) {
			static const char *const name[] = {
			    "NaN", "infinities", "a constant", "a fall", "one level"};

			memset(&s, 0, sizeof s);
			schedule_init(&s, (enum schedule_family)family, 16, 3, 0, 0);
			was = s;
			for (int i = 0; i < N; i++) {
				t[i] = kind == 4 ? 1 : 0.1 * (i + 1);
				ce[i] = kind == 0   ? NAN
				        : kind == 1 ? (i % 2 ? INFINITY : -INFINITY)
				        : kind == 3 ? 3 - 0.01 * i
				                    : 1.5;
			}
			ok(schedule_fit(&s, t, ce, N, &e) && !memcmp(&s, &was, sizeof s),
			    "schedule %s: a fit to %s leaves the schedule unchanged: %s",
			    schedule_family_name((enum schedule_family)family), name[kind], e.msg);
		}
	}
}

int main(void)
{
	struct err e;

	k = k_new(1, K_AUTO, &e);
	if (!k)
		return 1;
	test_weights();
	test_activations();
	test_gradient();
	test_schedule_and_noise();
	test_noise();
	test_estimate();
	test_micro_batches();
	test_explosion();
	test_sound();
	test_pieces();
	test_forward();
	test_fit();
	k_free(k);
	return tap_done();
}
