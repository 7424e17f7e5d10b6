/*
 * Which rows of a stream are self-conditioned: the fraction --self-cond, for every batch size, and
 * the same rows after a restart.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include "small.h"

enum { ROOM = 64 };

static struct kernels *k;

/* Make all weights different from 0, and keep them constant. */
static struct trainer *new_trainer(int64_t batch, double rate)
{
	struct trainer_options o;
	struct config c;
	struct err e = {0};
	struct trainer *tr;

	small_preset(&c, &o);
	o.batch = batch;
	o.refit_every = 0;
	o.optimizer.lr = 0;
	o.self_cond = rate;
	tr = small_trainer(k, &c, &o, NULL, &e);
	small_shake(tr);
	return tr;
}

static void fill(struct trainer *tr, size_t n)
{
	struct err e;

	tr->batch.B = 0;
	for (uint64_t row = tr->rows; row < tr->rows + n; row++)
		if (small_add(&tr->batch, tr, row, 1.5, 0, &e))
			diag("%s", e.msg);
	small_filled(tr, n);
}

/* Run a step of n rows. seen gets a letter for each: 1 if its loss is that with an estimate, 0 if
 * it is that without, ? if it is neither or both. */
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
	    "train: batches of %zu, --self-cond %g: rows with their first estimate are %s (%s)",
	    batch, rate, seen, wanted);
	trainer_free(tr);
}

/* Another trainer that begins at a row in the middle, as with --resume. */
static void test_resumed(void)
{
	struct trainer *tr = new_trainer(3, 0.5);
	char seen[ROOM + 1];

	tr->step = 3;
	tr->rows = 9;
	step(tr, 3, seen);
	ok(!strcmp(seen, "110"),
	    "train: a run resumed at row 9 self-conditions the same rows as one from row 0: %s",
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
	    "train: of batches of 4, 1 and 1 rows, 3 rows are self-conditioned: %s", seen);
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
