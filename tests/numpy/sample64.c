/*
 * sample64 CHECKPOINT NOISED START METHOD STEPS T TAU S0 ETA GAMMA CONTEXT: run a sampler of the
 * library in double precision on all rows of NOISED as one batch, and write x [N,T,d] at the last
 * level as raw doubles to standard output. START is noise or damaged. GAMMA and CONTEXT are the
 * weights of both kinds of guidance. tests/reference.t compares it with numpy.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/shard.h"
#include "compute/kernels.h"
#include "train/checkpoint.h"
#include "model/sampler.h"

enum { ROWS = 64 };

static struct kernels *k;
static struct err e;

static void need(int ok)
{
	if (ok)
		return;
	fprintf(stderr, "sample64: %s\n", e.msg);
	exit(1);
}

static struct weights *load_weights(const struct checkpoint *cp)
{
	struct weights *w = weights_new(&cp->c, &e);
	real *base;

	need(w != NULL);
	base = k_alloc(k, w->n * sizeof *base, &e);
	need(base != NULL);
	weights_map(w, &cp->c, base);
	need(!checkpoint_weights(cp, k, w, false, &e));
	return w;
}

static void load_rows(struct batch *b, const struct checkpoint *cp, const char *path)
{
	struct shard_reader *in = shard_open(path, &e);
	struct shard_record r;
	struct active_vocab active;
	int more;

	need(in != NULL);
	need(!checkpoint_active_vocab(cp, &active, &e));
	need(!batch_init(b, ROWS, cp->c.row_len, &e));
	while ((more = shard_read(in, &r, &e)) > 0 && b->B < ROWS) {
		if (isnan(r.t))
			r.t = (float)schedule_spread(&cp->schedule, r.u);
		need(!batch_add(b, &r, &active, &cp->schedule, true, &e));
	}
	need(more >= 0);
	active_vocab_release(&active);
	shard_close(in);
}

static int find_method(const char *name)
{
	int i = 0;

	while (sampler_names[i] && strcmp(sampler_names[i], name) != 0)
		i++;
	err_set(&e, "no sampler is named '%s'", name);
	need(sampler_names[i] != NULL);
	return i;
}

int main(int argc, char **argv)
{
	struct checkpoint cp;
	struct batch b;
	struct sampler *s;
	struct weights *w;
	enum sampler_start start;

	err_set(&e, "wrong number of arguments");
	need(argc == 12);
	struct sampler_options o = {.method = find_method(argv[4]),
	    .steps = atoi(argv[5]),
	    .temperature = atof(argv[6]),
	    .tau = atof(argv[7]),
	    .scale = atof(argv[8]),
	    .eta = atof(argv[9]),
	    .guidance = atof(argv[10]),
	    .context = atof(argv[11])};
	start = strcmp(argv[3], "damaged") == 0 ? SAMPLER_NOISED_TOKENS : SAMPLER_NOISE;
	k = k_new(2, K_FP32, &e);
	need(k != NULL);
	need(!checkpoint_open(&cp, argv[1], &e));
	w = load_weights(&cp);
	load_rows(&b, &cp, argv[2]);
	s = sampler_new(k, &cp.c, w, b.B, &o, &e);
	need(s != NULL);
	need(!sampler_run(s, &b, start, &cp.schedule, &e));
	fwrite(sampler_x(s), sizeof(real), b.B * b.T * cp.c.embed, stdout);
	sampler_free(s);
	k_release(k, w->base);
	weights_free(w);
	batch_release(&b);
	checkpoint_close(&cp);
	k_free(k);
	return fflush(stdout) || ferror(stdout);
}
