/*
 * Which rows of a stream are trained on with their own first estimate: the share of them that
 * --self-cond says, for every size of a batch, and the same ones after a restart.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ground/rng.h"
#include "model/trainer.h"
#include "tap.h"

enum { WORDS = 24, T = 12, ROOM = 64 };

static struct kernels *k;

/* Weights that are nowhere 0, and stay as they are. */
static struct trainer *new_trainer(int64_t batch, double rate)
{
	struct shard_header h = {.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = WORDS,
	    .row_len = T,
	    .special = {0, 1, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID}};
	struct shard_counts none = {0};
	struct trainer_options o;
	struct config c;
	struct err e = {0};
	struct trainer *tr;

	trainer_preset(&o, &c, 0);
	c.layers = 1;
	c.width = 16;
	c.heads = 2;
	c.embed = 8;
	c.time_width = 8;
	o.batch = batch;
	o.steps = 100;
	o.window = 64;
	o.refit_every = 0;
	o.optimizer.lr = 0;
	o.self_cond_rate = rate;
	tr = trainer_new(k, &c, &o, &h, &none, &e);
	if (!tr)
		diag("%s", e.msg);
	for (size_t i = 0; i < tr->w->n_tensors; i++)
		for (size_t j = 0; j < tr->w->tensor[i].n; j++)
			tr->w->base[tr->w->tensor[i].offset + j] +=
			    (real)(rng_uniform(9, RNG_TEST, (uint32_t)i, j) - 0.5);
	return tr;
}

static void fill(struct trainer *tr, size_t n)
{
	uint8_t mask[(T + 7) / 8];
	uint32_t ids[T];
	struct err e;

	memset(mask, 0xff, sizeof mask);
	mask[T / 8] &= (uint8_t)((1 << T % 8) - 1);
	tr->batch.B = 0;
	for (uint64_t row = tr->rows; row < tr->rows + n; row++) {
		struct shard_record r = {ids, T, 1.5f, 0, row, mask};

		for (uint32_t j = 0; j < T; j++)
			ids[j] = (uint32_t)rng_below(1, RNG_TEST, (uint32_t)row, j, WORDS);
		if (batch_add(&tr->batch, &r, &tr->active, &tr->schedule, true, &e))
			diag("%s", e.msg);
	}
}

/* One step of n rows. seen gets a letter for each: 1 where its loss is that with an estimate, 0
 * where it is that without, ? where it is neither or both. */
static void step(struct trainer *tr, size_t n, char *seen)
{
	double with[ROOM], without[ROOM], ce[ROOM];
	struct trainer_result r = {.ce = ce};
	struct err e = {0};

	fill(tr, n);
	denoiser_embed(tr->dn, tr->w);
	denoiser_loss(tr->dn, tr->w, NULL, &tr->batch, n, with);
	denoiser_loss(tr->dn, tr->w, NULL, &tr->batch, 0, without);
	if (trainer_step(tr, &r, &e))
		diag("%s", e.msg);
	for (size_t i = 0; i < n; i++) {
		bool one = fabs(ce[i] - with[i]) < 1e-5, zero = fabs(ce[i] - without[i]) < 1e-5;

		seen[i] = one == zero ? '?' : one ? '1' : '0';
	}
	seen[n] = '\0';
}

static void test(size_t batch, double rate, const char *wanted)
{
	struct trainer *tr = new_trainer((int64_t)batch, rate);
	char seen[ROOM + 1];

	for (size_t at = 0; at < strlen(wanted); at += batch)
		step(tr, batch, seen + at);
	ok(!strcmp(seen, wanted),
	    "train: batches of %zu, --self-cond %g: rows that see their estimate: %s (%s)", batch,
	    rate, seen, wanted);
	trainer_free(tr);
}

/* As --resume does: another trainer, which begins at a row in the middle. */
static void test_resumed(void)
{
	struct trainer *tr = new_trainer(3, 0.5);
	char seen[ROOM + 1];

	tr->step = 3;
	tr->rows = 9;
	step(tr, 3, seen);
	ok(!strcmp(seen, "110"),
	    "train: a run that goes on at row 9 has the self-conditioning of one from row 0: %s",
	    seen);
	trainer_free(tr);
}

static void test_short_batch(void)
{
	struct trainer *tr = new_trainer(4, 0.5);
	char seen[ROOM + 1];

	step(tr, 4, seen);
	step(tr, 1, seen + 4);
	step(tr, 1, seen + 5);
	ok(!strcmp(seen, "110001"),
	    "train: batches of 4, 1 and 1 rows have 3 with self-conditioning in all: %s", seen);
	trainer_free(tr);
}

int main(void)
{
	struct err e;

	k = k_new(1, K_FP32, &e);
	test(1, 0.5, "01010101");
	test(2, 0.5, "10101010");
	test(3, 0.5, "100110100110");
	test(5, 0.3, "10000110001000011000");
	test(4, 0.1, "00000000100000001000000000001000000010000000");
	test(3, 0, "000000");
	test(3, 1, "111111");
	test_resumed();
	test_short_batch();
	k_free(k);
	return tap_done();
}
