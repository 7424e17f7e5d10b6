/* Two ranks as threads of one process. A number that is not finite on one rank stops both, with the
 * message of the rank that knows where it began. The self-conditioned rows are those of one
 * process, and so are the losses with Muon. Sums of gradients in bf16 are rounded correctly. */

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "train/buckets.h"
#include "tap.h"

#include "small.h"

enum { RANKS = 2, BATCH = 4 };

/* --- ranks as threads, whose calls wait for each other --- */

static pthread_barrier_t barrier;
static void *shared[RANKS];

/* Publish the data of this rank to the others, and wait again before it may change. */
static void show(const struct comm *t, void *p)
{
	shared[t->rank] = p;
	pthread_barrier_wait(&barrier);
}

static void threads_allreduce(struct comm *t, double *x, size_t n)
{
	double *all = malloc(n * sizeof *all);

	show(t, x);
	for (size_t i = 0; i < n; i++)
		all[i] = ((double *)shared[0])[i] + ((double *)shared[1])[i];
	pthread_barrier_wait(&barrier);
	memcpy(x, all, n * sizeof *all);
	free(all);
}

static void threads_broadcast(struct comm *t, int root, void *p, size_t bytes)
{
	show(t, p);
	if (t->rank != root)
		memcpy(p, shared[root], bytes);
	pthread_barrier_wait(&barrier);
}

static void threads_start_reduce_scatter(
    struct comm *t, int slot, real *own, const real *x, size_t part)
{
	size_t first = (size_t)t->rank * part;

	(void)slot;
	show(t, (void *)(uintptr_t)x);
	for (size_t i = 0; i < part; i++)
		own[i] = ((real *)shared[0])[first + i] + ((real *)shared[1])[first + i];
	pthread_barrier_wait(&barrier);
}

static void threads_start_allreduce(struct comm *t, int slot, real *x, size_t n)
{
	real *all = malloc(n * sizeof *all);

	(void)slot;
	show(t, x);
	for (size_t i = 0; i < n; i++)
		all[i] = ((real *)shared[0])[i] + ((real *)shared[1])[i];
	pthread_barrier_wait(&barrier);
	memcpy(x, all, n * sizeof *all);
	free(all);
}

static void threads_start_allgather(struct comm *t, int slot, void *x, size_t part)
{
	size_t other = (size_t)(1 - t->rank);

	(void)slot;
	show(t, x);
	memcpy((char *)x + other * part, (char *)shared[other] + other * part, part);
	pthread_barrier_wait(&barrier);
}

static void threads_start_alltoall(
    struct comm *t, int slot, void *to, const void *from, size_t part)
{
	(void)slot;
	show(t, (void *)(uintptr_t)from);
	for (size_t i = 0; i < RANKS; i++)
		memcpy((char *)to + i * part, (char *)shared[i] + (size_t)t->rank * part, part);
	pthread_barrier_wait(&barrier);
}

static bool threads_done(struct comm *t, int slot, bool wait)
{
	(void)t;
	(void)slot;
	(void)wait;
	return true;
}

static const struct comm_calls calls = {.allreduce = threads_allreduce,
    .broadcast = threads_broadcast,
    .start_allreduce = threads_start_allreduce,
    .start_reduce_scatter = threads_start_reduce_scatter,
    .start_alltoall = threads_start_alltoall,
    .start_allgather = threads_start_allgather,
    .done = threads_done};

/* --- the ranks --- */

enum { BAD_WEIGHT, BAD_MOMENT };

struct rank {
	struct comm comm;
	int what;
	bool shard, failed;
	struct err good, bad;
	char name[64]; /* of the tensor that was overwritten */
};

static struct trainer *new_trainer(struct rank *r, struct kernels *k)
{
	struct trainer_options o;
	struct config c;

	small_preset(&c, &o);
	c.layers = 2;
	o.batch = BATCH;
	o.buckets.shard = r->shard;
	o.buckets.kib = 4;
	return small_trainer(k, &c, &o, &r->comm, &r->good);
}

/* Read the rows of this rank for the step. */
static int fill(struct trainer *tr, int rank, struct err *e)
{
	tr->batch.B = 0;
	for (uint64_t i = (uint64_t)rank; i < BATCH; i += RANKS)
		if (small_add(&tr->batch, tr, i, NAN, 0.5f, e))
			return -1;
	tr->batch.targets = BATCH;
	small_filled(tr, BATCH);
	return 0;
}

/* Only rank 1 gets the number that is not finite. */
static void spoil(struct rank *r, struct trainer *tr)
{
	size_t last = tr->optimizer.n_pieces - 1;
	const struct buckets_piece *p = &tr->optimizer.piece[last];

	strcpy(r->name, tr->w->tensor[p->tensor].name);
	if (r->comm.rank == 0)
		return;
	if (r->what == BAD_WEIGHT)
		tr->w->block[1].up_w[3] = NAN;
	if (r->what == BAD_MOMENT)
		tr->optimizer.v[tr->optimizer.second[last] + p->n / 2] = INFINITY;
}

static void *run(void *arg)
{
	struct rank *r = arg;
	struct kernels *k = k_new(1, K_AUTO, &r->good);
	struct trainer *tr = new_trainer(r, k);
	struct trainer_result result = {0};
	double ce[BATCH];

	result.ce = ce;
	r->failed = fill(tr, r->comm.rank, &r->good) || trainer_step(tr, &result, &r->good) ||
	            trainer_check_finite(tr, &r->good) || fill(tr, r->comm.rank, &r->good);
	spoil(r, tr);
	if (!r->failed && r->what == BAD_MOMENT)
		r->failed = !trainer_check_finite(tr, &r->bad);
	else if (!r->failed)
		r->failed = !trainer_step(tr, &result, &r->bad);
	trainer_free(tr);
	k_free(k);
	return NULL;
}

static void test(int what, bool shard, const char *words)
{
	struct rank r[RANKS] = {0};
	pthread_t thread[RANKS];
	pthread_barrier_init(&barrier, NULL, RANKS);
	for (int i = 0; i < RANKS; i++) {
		r[i].comm = (struct comm){.rank = i, .size = RANKS, .calls = &calls};
		r[i].what = what;
		r[i].shard = shard;
		pthread_create(&thread[i], NULL, run, &r[i]);
	}
	for (int i = 0; i < RANKS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < RANKS; i++)
		ok(!r[i].failed && r[i].bad.status == ERR_NONFINITE &&
		        strstr(r[i].bad.msg, words) &&
		        (what != BAD_MOMENT || strstr(r[i].bad.msg, r[1].name)),
		    "ranks: rank %d%s reports the error of a bad step: %s%s", i,
		    shard ? ", sharded" : "", r[i].good.msg, r[i].bad.msg);
}

/* --- the losses of one process --- */

enum { ODD = 3, LARGE = 256, STEPS = 4 };

/* A run of some steps. */
struct steps {
	struct comm *comm; /* NULL: one process */
	size_t rows;       /* in a batch */
	bool muon;         /* train with Muon, and with a state that the ranks divide */
	size_t micro;      /* rows computed at one time */
	double ce[STEPS * LARGE];
	struct err e;
};

/* Make all weights different from 0. Without Muon, keep them constant. */
static struct trainer *steps_trainer(struct steps *o, struct kernels *k)
{
	struct trainer_options options;
	struct trainer *tr;
	struct config c;

	small_preset(&c, &options);
	options.batch = o->rows;
	options.steps = STEPS;
	options.refit_every = 0;
	options.optimizer.lr = o->muon ? 0.01 : 0;
	options.optimizer.method = o->muon ? OPTIMIZER_MUON : OPTIMIZER_ADAMW;
	options.buckets.shard = o->muon;
	options.self_cond = 0.5;
	options.buckets.kib = 4;
	tr = small_trainer(k, &c, &options, o->comm, &o->e);
	small_shake(tr);
	return tr;
}

/* Read the rows of this process among the next n of the stream. */
static int steps_fill(struct trainer *tr, size_t n, struct err *e)
{
	tr->batch.B = 0;
	tr->batch.targets = n;
	small_filled(tr, n);
	for (size_t i = 0; i < n; i++)
		if (loader_has(&tr->loader, i) &&
		    small_add(&tr->batch, tr, tr->rows + i, 1.5, 0, e))
			return -1;
	return 0;
}

static void *run_steps(void *arg)
{
	struct steps *o = arg;
	struct kernels *k = k_new(1, K_FP32, &o->e);
	struct trainer *tr = steps_trainer(o, k);
	struct trainer_result result = {0};

	o->micro = tr->dn->B;
	for (size_t i = 0; i < STEPS; i++) {
		result.ce = o->ce + i * o->rows;
		if (steps_fill(tr, o->rows, &o->e) || trainer_step(tr, &result, &o->e))
			break;
	}
	trainer_free(tr);
	k_free(k);
	return NULL;
}

/* Run them in one process and on two ranks. Returns the largest difference between the losses. */
static double compare_losses(size_t rows, bool muon, struct steps *one, struct steps rank[RANKS])
{
	struct comm comm[RANKS];
	pthread_t thread[RANKS];
	double most = 0;

	one->rows = rows;
	one->muon = muon;
	run_steps(one);
	pthread_barrier_init(&barrier, NULL, RANKS);
	for (int i = 0; i < RANKS; i++) {
		comm[i] = (struct comm){.rank = i, .size = RANKS, .calls = &calls};
		rank[i].comm = &comm[i];
		rank[i].rows = rows;
		rank[i].muon = muon;
		pthread_create(&thread[i], NULL, run_steps, &rank[i]);
	}
	for (int i = 0; i < RANKS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (size_t i = 0; i < STEPS * rows; i++)
		most = fmax(most, fabs(one->ce[i] - rank[0].ce[i]));
	return most;
}

static void test_self_cond(void)
{
	struct steps one = {0}, rank[RANKS] = {0};
	double most = compare_losses(ODD, false, &one, rank);

	ok(one.ce[STEPS * ODD - 1] > 0 && most < 1e-4,
	    "ranks: two ranks with batches of 3 have the losses of one process, to %g nats, with "
	    "the same rows self-conditioned %s%s",
	    most, one.e.msg, rank[0].e.msg);
}

/* The buckets are so small that each rank owns a part of every matrix. */
static void test_muon(void)
{
	struct steps one = {0}, still = {.rows = ODD}, rank[RANKS] = {0};
	double most = compare_losses(ODD, true, &one, rank), change;

	run_steps(&still);
	change = one.ce[STEPS * ODD - 1] - still.ce[STEPS * ODD - 1];
	ok(one.ce[STEPS * ODD - 1] > 0 && most < 1e-4,
	    "ranks: two ranks with Muon that divide the state have the losses of one process, to "
	    "%g nats %s%s",
	    most, one.e.msg, rank[0].e.msg);
	ok(fabs(change) > 0.01, "ranks: the steps of Muon change the losses, by %g nats", change);
}

/* One process computes micro-batches, each rank all of its rows at one time. */
static void test_micro_batches(void)
{
	struct steps one = {0}, rank[RANKS] = {0};
	double most = compare_losses(LARGE, true, &one, rank);

	ok(one.micro < LARGE / 2 && rank[0].micro == LARGE / RANKS &&
	        one.ce[STEPS * LARGE - 1] > 0 && most < 1e-4,
	    "ranks: two ranks with batches of %d rows have the losses of one process with "
	    "micro-batches of %zu rows, to %g nats %s%s",
	    LARGE, one.micro, most, one.e.msg, rank[0].e.msg);
}

/* --- sums in bf16 --- */

struct sum {
	struct comm comm;
	real g;
	size_t n, wrong;
};

/* Sum gradients that are all g in bf16, and count the wrong results. */
static void *add_up(void *arg)
{
	struct buckets_options o = {.bf16 = true, .kib = 4};
	struct sum *s = arg;
	struct arena a = {0};
	struct config c = settings_preset("tiny")->model;
	struct err e;
	struct weights *w;
	struct buckets *x;
	struct kernels *k = k_new(1, K_FP32, &e);
	real *g;

	c.active = WORDS;
	c.row_len = T;
	w = weights_new(&c, &e);
	x = buckets_new(k, &s->comm, w, &o, &e);
	buckets_layout(x, &a);
	a.base = malloc(a.used);
	a.used = 0;
	buckets_layout(x, &a);
	s->n = buckets_padded(w->n, &s->comm);
	g = malloc(s->n * sizeof *g);
	for (size_t i = 0; i < s->n; i++)
		g[i] = s->g;
	buckets_begin(x, g);
	buckets_finish(x);
	for (size_t i = 0; i < s->n; i++)
		s->wrong += g[i] != 520.0f / 256;
	free(g), free(a.base);
	buckets_free(x);
	weights_free(w);
	k_free(k);
	return NULL;
}

/* 1.004 becomes 258/256, the tie 259/256 becomes 260/256, and their sum, a tie again, 520/256. */
static void test_bf16(void)
{
	struct sum s[RANKS] = {{.g = 1.004f}, {.g = 259.0f / 256}};
	pthread_t thread[RANKS];

	pthread_barrier_init(&barrier, NULL, RANKS);
	for (int i = 0; i < RANKS; i++) {
		s[i].comm = (struct comm){.rank = i, .size = RANKS, .calls = &calls};
		pthread_create(&thread[i], NULL, add_up, &s[i]);
	}
	for (int i = 0; i < RANKS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < RANKS; i++)
		ok(s[i].n > 0 && s[i].wrong == 0,
		    "ranks: rank %d: the sum of buckets in bf16 rounds to nearest, ties to even: "
		    "%zu of %zu differ",
		    i, s[i].wrong, s[i].n);
}

/* Rank 0 fits the schedule and, at other times, gathers the state that the ranks divide. Here the
 * window is much larger than the state. */
static void test_estimate(void)
{
	const size_t window = 1 << 20, fit = schedule_fit_bytes(window);
	struct comm rank0 = {.size = RANKS};
	struct trainer_options o;
	struct kernels *k;
	struct config c;
	struct err e;
	size_t bytes;

	small_preset(&c, &o);
	c.active = WORDS;
	o.window = window;
	o.buckets.shard = true;
	k = k_new(1, K_FP32, &e);
	bytes = trainer_bytes(k, &c, &o, &rank0);
	ok(bytes < SIZE_MAX && bytes >= 2 * window * sizeof(double) + fit,
	    "ranks: with --shard, the memory estimate includes a fit of the schedule: %zu bytes, "
	    "of which %zu for the fit",
	    bytes, fit);
	k_free(k);
}

int main(void)
{
	for (int shard = 0; shard < 2; shard++) {
		test(BAD_WEIGHT, shard, "rank 1 of 2: step 2: the loss of row 5 (t = ");
		test(BAD_MOMENT, shard, "rank 1 of 2: step 1: the second moment of ");
	}
	test_self_cond();
	test_muon();
	test_micro_batches();
	test_bf16();
	test_estimate();
	return tap_done();
}
