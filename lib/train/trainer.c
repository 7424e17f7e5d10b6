#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/finite.h"

/* Training stops if the mean loss exceeds that of a uniform guess by this factor: no run of a small
 * model that reached it recovered. */
#define EXPLODED 100

/* --- memory --- */

enum { ARRAY_WEIGHTS, ARRAY_GRADIENT, ARRAY_EMA, ARRAY_M, ARRAY_V, ARRAYS };

/* Arrays of the host: of the trainer while it lives, and the larger of what its start, a fit and a
 * save take for a while. */
static size_t host_bytes(const struct trainer_options *o, const struct comm *comm,
    const struct denoiser *dn, const struct weights *w, const struct buckets *x)
{
	size_t window = o->window, batch = o->batch;
	size_t passing = weights_largest(w) * sizeof(real);

	if (o->refit_every && schedule_fit_bytes(window) > passing)
		passing = schedule_fit_bytes(window);
	/* trainer_state makes two arrays of a shared state whole. */
	if (x && o->buckets.shard && comm_rank(comm) == 0)
		passing = k_alloc_bytes(dn->k, 2 * w->n * sizeof(real));
	return 2 * window * sizeof(double) + 4 * batch * sizeof(double) +
	       batch_bytes(loader_capacity(comm, batch), dn->c.row_len) + passing;
}

static void layout(struct arena *a, const struct trainer_options *o, const struct comm *comm,
    struct denoiser *dn, const struct weights *w, struct buckets *x, real *array[ARRAYS],
    size_t n_state)
{
	size_t n = buckets_padded(w->n, comm);

	for (int i = 0; i < ARRAYS; i++)
		array[i] = arena_take(a, i < ARRAY_EMA ? n : n_state, sizeof(real));
	denoiser_layout(dn, a);
	if (x)
		buckets_layout(x, a);
	a->host += host_bytes(o, comm, dn, w, x);
}

size_t trainer_bytes(
    struct kernels *k, const struct config *c, const struct trainer_options *o, struct comm *comm)
{
	struct arena a = {0};
	struct err e;
	size_t rows = loader_capacity(comm, o->batch);
	struct denoiser *dn = denoiser_new(k, c, rows, true, &e);
	struct weights *w = weights_new(c, &e);
	struct buckets *x = NULL;
	real *array[ARRAYS];
	size_t n, ranks = (size_t)comm_size(comm), bytes = SIZE_MAX;

	if (dn && w && (ranks == 1 || (x = buckets_new(k, comm, w, &o->buckets, &e)))) {
		n = buckets_padded(w->n, comm);
		layout(&a, o, comm, dn, w, x, array, o->buckets.shard ? n / ranks : n);
		bytes = arena_bytes(k, &a);
	}
	buckets_free(x);
	weights_free(w);
	denoiser_free(dn);
	return bytes;
}

/* Set up the optimiser for the parameters that this process updates: all, or its pieces if the
 * state is sharded. */
static int divide(struct trainer *tr, struct err *e)
{
	struct optimizer_piece *piece = NULL;
	size_t n_pieces = 0, n_state = 0;

	if (comm_size(tr->comm) > 1) {
		tr->buckets = buckets_new(tr->k, tr->comm, tr->w, &tr->o.buckets, e);
		if (!tr->buckets)
			return -1;
	}
	if (tr->buckets && tr->o.buckets.shard) {
		piece = buckets_pieces(tr->buckets, tr->w, &n_pieces, &n_state, e);
		if (!piece)
			return -1;
	}
	if (optimizer_init(
	        &tr->optimizer, tr->k, &tr->o.optimizer, tr->w, piece, n_pieces, n_state, e))
		return -1;
	tr->optimizer.comm = piece ? tr->comm : NULL;
	return 0;
}

/* Whether the optimiser's state is sharded over the ranks. */
static bool is_shared(const struct trainer *tr)
{
	return tr->optimizer.comm != NULL;
}

static int allocate(struct trainer *tr, struct err *e)
{
	size_t rows = loader_capacity(tr->comm, (size_t)tr->o.batch);
	real *array[ARRAYS];

	tr->w = weights_new(&tr->c, e);
	tr->g = weights_new(&tr->c, e);
	tr->average = weights_new(&tr->c, e);
	tr->dn = denoiser_new(tr->k, &tr->c, rows, true, e);
	tr->window_t = mem_array(tr->o.window, sizeof *tr->window_t, e);
	tr->window_ce = mem_array(tr->o.window, sizeof *tr->window_ce, e);
	if (!tr->w || !tr->g || !tr->average || !tr->dn || !tr->window_t || !tr->window_ce ||
	    loader_results_init(&tr->results, tr->o.batch, e) ||
	    batch_init(&tr->batch, rows, tr->c.row_len, e) || divide(tr, e))
		return -1;
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1 && arena_alloc(&tr->arena, tr->k, e))
			return -1;
		layout(&tr->arena, &tr->o, tr->comm, tr->dn, tr->w, tr->buckets, array,
		    tr->optimizer.n_state);
	}
	weights_map(tr->w, &tr->c, array[ARRAY_WEIGHTS]);
	weights_map(tr->g, &tr->c, array[ARRAY_GRADIENT]);
	/* If the average is sharded, it is gathered in the array of the gradient. */
	weights_map(tr->average, &tr->c, array[is_shared(tr) ? ARRAY_GRADIENT : ARRAY_EMA]);
	tr->optimizer.m = array[ARRAY_M];
	tr->optimizer.v = array[ARRAY_V];
	tr->optimizer.ema = array[ARRAY_EMA];
	if (tr->buckets)
		denoiser_set_gradient_hook(tr->dn, buckets_ready, tr->buckets);
	return denoiser_ready(tr->dn, e);
}

struct trainer *trainer_alloc(struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, const struct shard_header *source,
    struct active_vocab *active, struct err *e)
{
	struct trainer *tr = mem_array(1, sizeof *tr, e);

	if (!tr) {
		active_vocab_release(active);
		return NULL;
	}
	tr->k = k;
	tr->comm = comm;
	tr->c = *c;
	tr->o = *o;
	tr->source = *source;
	tr->active = *active;
	tr->loader = (struct loader){.comm = comm,
	    .size = o->batch,
	    .active = &tr->active,
	    .schedule = &tr->schedule,
	    .pad_loss = o->pad_loss};
	if (config_check(c, e) || trainer_check(o, e) || allocate(tr, e)) {
		trainer_free(tr);
		return NULL;
	}
	return tr;
}

struct trainer *trainer_new(struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, const struct shard_header *source,
    const struct shard_counts *counts, struct err *e)
{
	struct config own = *c;
	struct active_vocab active;
	struct trainer *tr;
	double *prior;
	int failed;

	if (active_vocab_init(&active, source, counts, o->full_vocab, e))
		return NULL;
	own.active = active.n;
	own.row_len = source->row_len;
	tr = trainer_alloc(k, &own, o, comm, source, &active, e);
	if (!tr)
		return NULL;
	schedule_init(
	    &tr->schedule, o->family, (int)own.embed, log((double)own.active), o->t_min, o->t_max);
	if (schedule_check(&tr->schedule, e)) {
		trainer_free(tr);
		return NULL;
	}
	prior = mem_array(own.active, sizeof *prior, e);
	if (!prior) {
		trainer_free(tr);
		return NULL;
	}
	active_vocab_log_prior(&tr->active, prior);
	failed = weights_init(tr->w, &own, k, o->seed, prior, e);
	free(prior);
	if (failed) {
		trainer_free(tr);
		return NULL;
	}
	for (size_t i = 0; i < tr->optimizer.n_pieces; i++) {
		const struct optimizer_piece *p = &tr->optimizer.piece[i];

		k_copy(k, tr->optimizer.ema + p->state, tr->w->base + p->at, p->n);
	}
	return tr;
}

void trainer_free(struct trainer *tr)
{
	if (!tr)
		return;
	weights_free(tr->w);
	weights_free(tr->g);
	weights_free(tr->average);
	denoiser_free(tr->dn);
	batch_release(&tr->batch);
	active_vocab_release(&tr->active);
	k_release(tr->k, tr->arena.base);
	optimizer_release(&tr->optimizer);
	buckets_free(tr->buckets);
	loader_results_release(&tr->results);
	free(tr->window_t);
	free(tr->window_ce);
	free(tr);
}

/* --- steps --- */

static void remember(struct trainer *tr, const struct trainer_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t at = (size_t)(tr->window_n % tr->o.window);

		if (!isfinite(r->ce[i]))
			continue;
		tr->window_t[at] = r->t[i];
		tr->window_ce[at] = r->ce[i];
		tr->window_n++;
	}
}

/* One rank fits the schedule for all, because libraries of different machines can differ in the
 * last bit. */
static void refit(struct trainer *tr, struct trainer_result *r)
{
	uint64_t n = tr->window_n < tr->o.window ? tr->window_n : tr->o.window;

	if (tr->o.family == SCHEDULE_UNIFORM || !tr->o.refit_every || tr->step % tr->o.refit_every)
		return;
	if (comm_rank(tr->comm) == 0)
		r->refit =
		    schedule_fit(&tr->schedule, tr->window_t, tr->window_ce, n, &r->why) ? -1 : 1;
	comm_broadcast(tr->comm, &r->refit, sizeof r->refit);
	comm_broadcast(tr->comm, &tr->schedule, sizeof tr->schedule);
}

/* Set e for row i, whose loss is not finite. The rank that had the row finds where that began. */
static int not_finite(
    const struct trainer *tr, const struct trainer_result *r, size_t i, struct err *e)
{
	char where[DENOISER_WHERE];
	int failed = 0;

	if (loader_has(&tr->loader, i))
		failed = err_with(e, ERR_NONFINITE,
		    "step %llu: the loss of row %llu (t = %g) is not finite; of rows %llu to %llu, "
		    "it began %s",
		    (unsigned long long)r->step, (unsigned long long)(tr->rows + i), r->t[i],
		    (unsigned long long)tr->rows, (unsigned long long)(tr->rows + r->n - 1),
		    denoiser_find_nonfinite(tr->dn, tr->w, &tr->batch, where));
	return comm_agree(tr->comm, failed, e);
}

static int mean_loss(const struct trainer *tr, struct trainer_result *r, struct err *e)
{
	double sum = 0, guess = log((double)tr->active.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (!(tr->results.has_target[i] > 0))
			continue;
		if (!isfinite(r->ce[i]))
			return not_finite(tr, r, i, e);
		sum += r->ce[i];
		n++;
	}
	r->loss = n ? sum / (double)n : NAN;
	if (r->loss > EXPLODED * guess)
		return err_with(e, ERR_NONFINITE,
		    "step %llu, rows %llu to %llu: the loss has exploded to %g nats, where a guess "
		    "costs %g",
		    (unsigned long long)r->step, (unsigned long long)tr->rows,
		    (unsigned long long)(tr->rows + r->n - 1), r->loss, guess);
	return 0;
}

/*
 * This rank's rows among those of the next n that see their own first estimate. These are the first
 * rows of the batch. Their number is a difference of totals that depend on the row number alone, so
 * that the rate holds over the run for every batch size, on any number of ranks and after --resume.
 */
static size_t count_self_cond(const struct trainer *tr, size_t n)
{
	double before = floor(tr->o.self_cond_rate * (double)tr->rows);
	double after = floor(tr->o.self_cond_rate * (double)(tr->rows + n));
	size_t whole = (size_t)fmin(after - before, (double)n);

	if (!tr->c.self_cond)
		return 0;
	return loader_count(&tr->loader, whole);
}

/* Compute the losses and gradients of the whole batch. */
static void gradients(struct trainer *tr, struct trainer_result *r)
{
	size_t n_sc = count_self_cond(tr, r->n);

	k_zero(tr->k, tr->g->base, tr->g->n);
	if (tr->buckets)
		buckets_begin(tr->buckets, tr->g->base);
	if (tr->batch.B) {
		denoiser_embed(tr->dn, tr->w);
		denoiser_loss(tr->dn, tr->w, tr->g, &tr->batch, n_sc, r->ce);
	}
	if (tr->buckets)
		buckets_finish(tr->buckets);
	loader_collect(&tr->loader, &tr->batch, r->ce, &tr->results);
	memcpy(r->ce, tr->results.ce, r->n * sizeof *r->ce);
	r->t = tr->results.t;
}

int trainer_step(struct trainer *tr, struct trainer_result *r, struct err *e)
{
	r->step = tr->step + 1;
	r->refit = 0;
	r->n = tr->loader.n;
	/* Of all ranks: they have the same one. */
	if (schedule_check(&tr->schedule, e)) {
		e->status = ERR_NONFINITE;
		return err_prefix(e, "step %llu: the schedule", (unsigned long long)r->step);
	}
	r->lr = optimizer_lr(&tr->o.optimizer, r->step, tr->o.steps);
	gradients(tr, r);
	if (mean_loss(tr, r, e))
		return -1;
	if (optimizer_step(&tr->optimizer, tr->w, tr->g, r->step, tr->o.steps, &r->grad_norm, e))
		return err_prefix(e, "step %llu, rows %llu to %llu", (unsigned long long)r->step,
		    (unsigned long long)tr->rows, (unsigned long long)(tr->rows + r->n - 1));
	if (is_shared(tr))
		buckets_allgather(tr->buckets, tr->w->base);
	tr->step++;
	tr->rows += r->n;
	remember(tr, r);
	refit(tr, r);
	return 0;
}

int trainer_check_finite(const struct trainer *tr, struct err *e)
{
	const struct optimizer *opt = &tr->optimizer;
	int failed = 0;

	if (finite_check_weights(tr->k, tr->w, tr->w->base, "the weight ", e) ||
	    finite_check_state(opt, tr->w, opt->ema, "the averaged weight ", e) ||
	    finite_check_state(opt, tr->w, opt->m, "the first moment of ", e) ||
	    finite_check_state(opt, tr->w, opt->v, "the second moment of ", e))
		failed = err_prefix(e, "step %llu", (unsigned long long)tr->step);
	return comm_agree(tr->comm, failed, e);
}

void trainer_validate(struct trainer *tr, const struct batch *b, double *ce)
{
	if (!b->B)
		return;
	denoiser_embed(tr->dn, tr->average);
	denoiser_loss(tr->dn, tr->average, NULL, b, tr->c.self_cond ? b->B : 0, ce);
}

/* --- a sharded state --- */

/* Gather a whole array of the state, in the array of the gradient. */
static void gather_state(struct trainer *tr, const real *state)
{
	for (size_t i = 0; i < tr->optimizer.n_pieces; i++) {
		const struct optimizer_piece *p = &tr->optimizer.piece[i];

		k_copy(tr->k, tr->g->base + p->at, state + p->state, p->n);
	}
	buckets_allgather(tr->buckets, tr->g->base);
}

void trainer_average(struct trainer *tr)
{
	if (is_shared(tr))
		gather_state(tr, tr->optimizer.ema);
}

int trainer_state(struct trainer *tr, struct trainer_state *s, struct err *e)
{
	size_t n = tr->w->n;
	int failed = 0;

	*s = (struct trainer_state){tr->optimizer.m, tr->optimizer.v, tr->optimizer.ema, NULL};
	if (!is_shared(tr))
		return 0;
	if (comm_rank(tr->comm) == 0)
		failed = !(s->taken = k_alloc(tr->k, 2 * n * sizeof *s->taken, e));
	if (comm_agree(tr->comm, failed, e))
		return -1;
	/* The padding between tensors is not gathered, and nothing reads it. */
	k_zero(tr->k, tr->g->base, n);
	for (int i = 0; i < 3; i++) {
		gather_state(tr, i == 0 ? s->m : i == 1 ? s->v : s->ema);
		if (s->taken && i < 2)
			k_copy(tr->k, s->taken + (size_t)i * n, tr->g->base, n);
	}
	s->m = s->taken;
	s->v = s->taken ? s->taken + n : NULL;
	s->ema = tr->g->base;
	return 0;
}

void trainer_state_release(struct trainer_state *s, struct kernels *k)
{
	k_release(k, s->taken);
	s->taken = NULL;
}
