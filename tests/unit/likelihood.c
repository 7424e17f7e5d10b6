/*
 * The squared error that denoise --loss measures is a small difference of large numbers if the
 * model knows the words: test it at the lowest and the highest noise level, in each precision.
 */

#include <math.h>
#include <stdlib.h>

#include "model/likelihood.h"
#include "tap.h"

#include "small.h"

enum { EMBED = 32, B = 4 };

static struct trainer *new_trainer(struct kernels *k)
{
	struct trainer_options o;
	struct config c;
	struct err e = {0};

	small_preset(&c, &o);
	c.width = 32;
	c.copy_heads = 0;
	c.embed = EMBED;
	c.precond = PRECOND_BAYES;
	o.batch = B;
	o.t_min = 0.01;
	return small_trainer(k, &c, &o, NULL, &e);
}

/* Means over B rows of noise level t, of an untrained model. */
static void measure(struct kernels *k, double t, double *ce, double *squared_error)
{
	struct trainer *tr = new_trainer(k);
	double each_ce[B], each[B];
	struct likelihood *m;
	struct batch b;
	struct err e = {0};

	m = likelihood_new(k, &tr->c, tr->w, B, &e);
	batch_init(&b, B, T, &e);
	for (uint64_t i = 0; i < B; i++)
		if (small_add(&b, tr, i, t, 0, &e))
			diag("%s", e.msg);
	if (likelihood_run(m, &b, each_ce, each, &e))
		diag("%s", e.msg);
	*ce = *squared_error = 0;
	for (size_t i = 0; i < B; i++) {
		*ce += each_ce[i] / B;
		*squared_error += each[i] / B;
	}
	likelihood_free(m);
	batch_release(&b);
	trainer_free(tr);
}

static void test(struct kernels *k, const char *precision)
{
	double ce, least, much, most, t = 0.01;

	measure(k, t, &ce, &least);
	ok(least / (t * t) < 1e-3,
	    "denoise --loss, %s: the squared error of known words adds %.2g nats to the bound",
	    precision, least / (t * t));
	ok(ce >= 0 && ce < 1e-5, "denoise --loss, %s: known words cost %.2g nats", precision, ce);
	measure(k, 1e4, &ce, &much);
	measure(k, 1e8, &ce, &most);
	ok(much > EMBED / 2 && fabs(most - much) < 1e-3 * much,
	    "denoise --loss, %s: after pure noise the squared error is %.4f at t = 1e4, %.4f at "
	    "1e8",
	    precision, much, most);
}

int main(void)
{
	struct err e;
	struct kernels *k = k_new(2, K_FP32, &e);

	test(k, "fp32");
	k_free(k);
	k = k_new(2, K_BF16, &e);
	if (k)
		test(k, "bf16");
	else
		skip("likelihood: denoise --loss in bf16", e.msg);
	k_free(k);
	return tap_done();
}
