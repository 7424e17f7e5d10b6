#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "train/checkpoint.h"
#include "train/even_loss.h"
#include "train/settings.h"

/* Training stops if the mean loss exceeds that of a uniform guess by this factor: no small model
 * whose loss reached it recovered. */
#define EXPLODED 100

/* Rows of the window in the loss at evenly spread levels. */
#define EVEN_ROWS 1024

/* --- memory --- */

/*
 * The number of rows that are computed at one time. Of several ranks, each computes all of its
 * rows: only the last backward pass of a step overlaps with the sums of the gradients.
 */
static size_t pass_size(const struct trainer *tr)
{
	size_t rows = loader_capacity(tr->comm, tr->o.batch);

	return comm_size(tr->comm) > 1 ? rows : denoiser_micro_batch(&tr->c, rows);
}

/* The parts of a trainer that determine how much memory it needs. */
static int create_parts(struct trainer *tr, struct err *e)
{
	struct buckets_piece *piece = NULL;
	size_t n_pieces = 0, n_state = 0;

	if (!(tr->w = weights_new(&tr->c, e)) ||
	    !(tr->dn = denoiser_new(tr->k, &tr->c, pass_size(tr), true, e)) ||
	    !(tr->buckets = buckets_new(tr->k, tr->comm, tr->w, &tr->o.buckets, e)))
		return -1;
	if (buckets_is_sharded(tr->buckets)) {
		piece = buckets_pieces(tr->buckets, tr->w, &n_pieces, &n_state, e);
		if (!piece)
			return -1;
	}
	if (optimizer_init(
	        &tr->optimizer, tr->k, &tr->o.optimizer, tr->w, piece, n_pieces, n_state, e))
		return -1;
	tr->optimizer.comm = piece ? tr->comm : NULL;
	tr->optimizer.buckets = piece ? tr->buckets : NULL;
	return 0;
}

/* Arrays in host memory: those that the trainer always has, and the most that loading, a fit and
 * saving need for a while. */
static size_t host_bytes(const struct trainer *tr)
{
	size_t window = tr->o.window, batch = tr->o.batch;
	size_t rows = loader_capacity(tr->comm, batch);
	size_t passing = weights_largest(tr->w) * sizeof(real);

	if (tr->o.refit_every)
		passing = max_size(passing, schedule_fit_bytes(window));
	/* gather_state: all arrays but the last, which takes the place of the gradient. */
	if (buckets_is_sharded(tr->buckets) && comm_is_root(tr->comm)) {
		size_t gathered = (OPTIMIZER_ARRAYS - 1) * tr->w->n * sizeof(real);

		passing = max_size(passing, k_alloc_bytes(tr->k, gathered));
	}
	return 2 * window * sizeof(double) + 4 * batch * sizeof(double) +
	       batch_bytes(rows, tr->c.row_len) + passing;
}

static void layout_trainer(struct trainer *tr, struct arena *a, real **weights, real **gradient)
{
	size_t n = buckets_padded(tr->w->n, tr->comm);

	*weights = arena_take(a, n, sizeof **weights);
	*gradient = arena_take(a, n, sizeof **gradient);
	optimizer_layout(&tr->optimizer, tr->w, a);
	denoiser_layout(tr->dn, a);
	buckets_layout(tr->buckets, a);
	a->host += host_bytes(tr);
}

static void release_parts(struct trainer *tr)
{
	weights_free(tr->w);
	denoiser_free(tr->dn);
	optimizer_release(&tr->optimizer);
	buckets_free(tr->buckets);
}

size_t trainer_bytes(
    struct kernels *k, const struct config *c, const struct trainer_options *o, struct comm *comm)
{
	struct trainer tr = {.k = k, .comm = comm, .c = *c, .o = *o};
	real *weights, *gradient;
	struct arena a = {0};
	size_t bytes = SIZE_MAX;
	struct err e;

	if (!create_parts(&tr, &e)) {
		layout_trainer(&tr, &a, &weights, &gradient);
		bytes = arena_bytes(k, &a);
	}
	release_parts(&tr);
	return bytes;
}

static int allocate_arrays(struct trainer *tr, struct err *e)
{
	size_t rows = loader_capacity(tr->comm, tr->o.batch);
	real *weights, *gradient;

	tr->g = weights_new(&tr->c, e);
	tr->average = weights_new(&tr->c, e);
	tr->window_t = mem_array(tr->o.window, sizeof *tr->window_t, e);
	tr->window_ce = mem_array(tr->o.window, sizeof *tr->window_ce, e);
	if (!tr->g || !tr->average || !tr->window_t || !tr->window_ce ||
	    loader_results_init(&tr->results, tr->o.batch, e) ||
	    batch_init(&tr->batch, rows, tr->c.row_len, e))
		return -1;
	layout_trainer(tr, &tr->arena, &weights, &gradient);
	if (arena_alloc(&tr->arena, tr->k, e))
		return -1;
	layout_trainer(tr, &tr->arena, &weights, &gradient);
	weights_map(tr->w, &tr->c, weights);
	weights_map(tr->g, &tr->c, gradient);
	/* If ranks divide the average, it is gathered in the place of the gradient. */
	weights_map(
	    tr->average, &tr->c, buckets_is_sharded(tr->buckets) ? gradient : tr->optimizer.ema);
	denoiser_set_gradient_hook(tr->dn, buckets_ready, tr->buckets);
	return denoiser_ready(tr->dn, e);
}

/* The arrays of a checkpoint, in the order of its file. */
static int register_arrays(struct trainer *tr, struct err *e)
{
	struct state *s = &tr->state;

	if (state_add_weights(s, "", "the weight ", tr->w, tr->w->base, e) ||
	    optimizer_register(&tr->optimizer, tr->w, s, e) ||
	    state_add_host(s, "active.id", ST_I32, tr->active.n, tr->active.id, e) ||
	    state_add_host(s, "active.count", ST_I64, tr->active.n, tr->active.count, e) ||
	    state_add_host(s, "window.t", ST_F64, 0, tr->window_t, e) ||
	    state_add_host(s, "window.ce", ST_F64, 0, tr->window_ce, e))
		return -1;
	return 0;
}

/* The number of observations in the window. */
static size_t window_length(const struct trainer *tr)
{
	return (size_t)min_u64(tr->window_n, tr->o.window);
}

/* The list of the arrays, as long as they are now. */
static struct state *current_state(struct trainer *tr)
{
	state_set_length(&tr->state, "window.t", window_length(tr));
	state_set_length(&tr->state, "window.ce", window_length(tr));
	return &tr->state;
}

/*
 * A trainer with the given active vocabulary, but without weights, EMA and schedule. It takes
 * ownership of the arrays of active, also on error.
 */
static struct trainer *allocate_trainer(struct kernels *k, const struct config *c,
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
	    .pad_loss = o->pad_loss,
	    .even = o->even_levels};
	state_init(&tr->state, k);
	if (settings_check(&(struct settings){*c, *o}, e) || create_parts(tr, e) ||
	    allocate_arrays(tr, e) || register_arrays(tr, e)) {
		trainer_free(tr);
		return NULL;
	}
	return tr;
}

/* The EMA begins with the weights. */
static void initialize_average(struct trainer *tr)
{
	const struct state *s = &tr->state;

	for (size_t i = 0; i < s->n; i++) {
		const struct state_array *a = &s->array[i];

		if (!a->tensor || strcmp(a->prefix, OPTIMIZER_EMA) != 0)
			continue;
		for (size_t j = a->first; j < a->first + a->n_pieces; j++)
			k_copy(tr->k, s->piece[j].data,
			    tr->w->base + a->tensor->offset + s->piece[j].at, s->piece[j].n);
	}
}

/* The first schedule, weights and EMA. */
static int initialize_state(struct trainer *tr, struct err *e)
{
	const struct trainer_options *o = &tr->o;
	double *prior;
	int failed;

	schedule_init(&tr->schedule, o->schedule, (int)tr->c.embed, log((double)tr->c.active),
	    o->t_min, o->t_max);
	if (schedule_check(&tr->schedule, e))
		return -1;
	prior = mem_array(tr->c.active, sizeof *prior, e);
	if (!prior)
		return -1;
	active_vocab_log_prior(&tr->active, prior);
	failed = weights_init(tr->w, &tr->c, tr->k, o->seed, prior, e);
	free(prior);
	if (failed)
		return -1;
	initialize_average(tr);
	return 0;
}

struct trainer *trainer_new(struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, const struct shard_header *source,
    const struct shard_counts *counts, struct err *e)
{
	struct config own = *c;
	struct active_vocab active;
	struct trainer *tr;

	if (active_vocab_init(&active, source, counts, o->full_vocab, e))
		return NULL;
	own.active = active.n;
	own.row_len = source->row_len;
	tr = allocate_trainer(k, &own, o, comm, source, &active, e);
	if (tr && initialize_state(tr, e)) {
		trainer_free(tr);
		return NULL;
	}
	return tr;
}

void trainer_free(struct trainer *tr)
{
	if (!tr)
		return;
	release_parts(tr);
	weights_free(tr->g);
	weights_free(tr->average);
	batch_release(&tr->batch);
	active_vocab_release(&tr->active);
	state_release(&tr->state);
	k_release(tr->k, tr->arena.base);
	loader_results_release(&tr->results);
	free(tr->window_t);
	free(tr->window_ce);
	free(tr);
}

/* --- steps --- */

static void add_to_window(struct trainer *tr, const struct trainer_result *r)
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

static double compute_even_loss(const struct trainer *tr)
{
	struct even_loss l = {.t_min = tr->schedule.t_min, .t_max = tr->schedule.t_max};
	size_t n = (size_t)min_u64(window_length(tr), EVEN_ROWS);

	for (size_t i = 1; i <= n; i++) {
		size_t at = (size_t)((tr->window_n - i) % tr->o.window);

		even_loss_add(&l, tr->window_t[at], tr->window_ce[at]);
	}
	return even_loss_mean(&l);
}

/* Rank 0 fits for all ranks: the libraries of different machines may differ in the last bit. */
static void refit_schedule(struct trainer *tr, struct trainer_result *r)
{
	if (tr->o.schedule == SCHEDULE_UNIFORM || !tr->o.refit_every ||
	    tr->step % tr->o.refit_every)
		return;
	if (comm_is_root(tr->comm)) {
		r->refit = 1;
		if (schedule_fit(
		        &tr->schedule, tr->window_t, tr->window_ce, window_length(tr), &r->why))
			r->refit = -1;
	}
	comm_broadcast(tr->comm, &r->refit, sizeof r->refit);
	comm_broadcast(tr->comm, &tr->schedule, sizeof tr->schedule);
}

/*
 * Compute the loss of row i of the batch again, alone, and find where it ceases to be finite. A
 * self-conditioned row is first computed without its estimate, as the estimate was.
 */
static const char *find_nonfinite(const struct trainer *tr, size_t i, char where[DENOISER_WHERE])
{
	struct batch row = batch_slice(&tr->batch, loader_count(&tr->loader, i), 1);
	double ce;

	denoiser_loss(tr->dn, tr->w, NULL, &row, 0, &ce);
	if (isfinite(ce))
		denoiser_loss(tr->dn, tr->w, NULL, &row, 1, &ce);
	return denoiser_find_nonfinite(tr->dn, tr->w, &row, where);
}

/* Set e for row i, whose loss is not finite. The rank that had the row finds where that began. */
static int report_nonfinite_loss(
    const struct trainer *tr, const struct trainer_result *r, size_t i, struct err *e)
{
	char where[DENOISER_WHERE];
	int failed = 0;

	if (loader_has(&tr->loader, i))
		failed = err_with(e, ERR_NONFINITE,
		    "step %" PRIu64 ": the loss of row %" PRIu64 " (t = %g), of rows %" PRIu64
		    " to %" PRIu64 ", is not finite; it began %s",
		    r->step, tr->rows + i, r->t[i], tr->rows, tr->rows + r->n - 1,
		    find_nonfinite(tr, i, where));
	return comm_agree(tr->comm, failed, e);
}

static int compute_mean_loss(const struct trainer *tr, struct trainer_result *r, struct err *e)
{
	double sum = 0, guess = log((double)tr->active.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (!(tr->results.has_target[i] > 0))
			continue;
		if (!isfinite(r->ce[i]))
			return report_nonfinite_loss(tr, r, i, e);
		sum += r->ce[i];
		n++;
	}
	r->loss = n ? sum / (double)n : NAN;
	if (r->loss > EXPLODED * guess)
		return err_with(e, ERR_NONFINITE,
		    "step %" PRIu64 ", rows %" PRIu64 " to %" PRIu64
		    ": the loss has exploded to %g nats (a uniform guess: %g); use a smaller --lr",
		    r->step, tr->rows, tr->rows + r->n - 1, r->loss, guess);
	return 0;
}

/*
 * This rank's rows among those of the next n that see their own first estimate. These are the first
 * rows of the batch. Their number is a difference of totals that depend on the row number alone, so
 * that the rate holds over the run for every batch size, on any number of ranks and after --resume.
 */
static size_t count_self_cond(const struct trainer *tr, size_t n)
{
	double before = floor(tr->o.self_cond * (double)tr->rows);
	double after = floor(tr->o.self_cond * (double)(tr->rows + n));
	size_t whole = (size_t)fmin(after - before, (double)n);

	if (!tr->c.self_cond)
		return 0;
	return loader_count(&tr->loader, whole);
}

/* Compute the losses and gradients of the whole batch. */
static void compute_gradients(struct trainer *tr, struct trainer_result *r)
{
	size_t n_sc = count_self_cond(tr, r->n);

	k_zero(tr->k, tr->g->base, tr->g->n);
	buckets_begin(tr->buckets, tr->g->base);
	if (tr->batch.B) {
		denoiser_embed(tr->dn, tr->w);
		denoiser_loss(tr->dn, tr->w, tr->g, &tr->batch, n_sc, r->ce);
	}
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
		return err_prefix(e, "step %" PRIu64 ": the schedule", r->step);
	}
	r->lr = optimizer_lr(&tr->o.optimizer, r->step, tr->o.steps);
	compute_gradients(tr, r);
	if (compute_mean_loss(tr, r, e))
		return -1;
	if (optimizer_step(&tr->optimizer, tr->w, tr->g, r->step, tr->o.steps, &r->grad_norm, e))
		return err_prefix(e, "step %" PRIu64 ", rows %" PRIu64 " to %" PRIu64, r->step,
		    tr->rows, tr->rows + r->n - 1);
	if (buckets_is_sharded(tr->buckets))
		buckets_allgather(tr->buckets, tr->w->base);
	tr->step++;
	tr->rows += r->n;
	add_to_window(tr, r);
	r->even = compute_even_loss(tr);
	refit_schedule(tr, r);
	return 0;
}

void trainer_validate(struct trainer *tr, const struct batch *b, double *ce)
{
	if (!b->B)
		return;
	denoiser_embed(tr->dn, tr->average);
	denoiser_loss(tr->dn, tr->average, NULL, b, tr->c.self_cond ? b->B : 0, ce);
}

/* --- saving and resuming --- */

int trainer_check_finite(struct trainer *tr, struct err *e)
{
	int failed = state_check_finite(current_state(tr), e);

	if (failed)
		err_prefix(e, "step %" PRIu64, tr->step);
	return comm_agree(tr->comm, failed, e);
}

/* Gather the arrays with this prefix, which the ranks divide, in the place of the gradient. */
static void gather_arrays(struct trainer *tr, const char *prefix)
{
	const struct state *s = &tr->state;

	for (size_t i = 0; i < s->n; i++) {
		const struct state_array *a = &s->array[i];

		if (!a->divided || strcmp(a->prefix, prefix) != 0)
			continue;
		for (size_t j = a->first; j < a->first + a->n_pieces; j++)
			k_copy(tr->k, tr->g->base + a->tensor->offset + s->piece[j].at,
			    s->piece[j].data, s->piece[j].n);
	}
	buckets_allgather(tr->buckets, tr->g->base);
}

void trainer_average(struct trainer *tr)
{
	if (buckets_is_sharded(tr->buckets))
		gather_arrays(tr, OPTIMIZER_EMA);
}

/* Whether array i is the first of those with its prefix that the ranks divide. */
static bool begins_group(const struct state *s, size_t i)
{
	const struct state_array *a = &s->array[i];

	return a->divided &&
	       !(i > 0 && s->array[i - 1].divided && !strcmp(a->prefix, s->array[i - 1].prefix));
}

/*
 * Make the arrays that the ranks divide whole on rank 0, until the next step: the last group in the
 * place of the gradient, the others in *memory, which the caller releases. Collective.
 */
static int gather_state(struct trainer *tr, real **memory, struct err *e)
{
	struct state *s = &tr->state;
	size_t n = tr->w->n, groups = 0, group = 0;
	real *to = NULL;
	int failed = 0;

	for (size_t i = 0; i < s->n; i++)
		groups += begins_group(s, i);
	if (groups > 1 && comm_is_root(tr->comm))
		failed = !(*memory = k_alloc(tr->k, (groups - 1) * n * sizeof **memory, e));
	if (comm_agree(tr->comm, failed, e))
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		struct state_array *a = &s->array[i];

		if (begins_group(s, i)) {
			gather_arrays(tr, a->prefix);
			to = tr->g->base;
			if (++group < groups && *memory)
				k_copy(tr->k, to = *memory + (group - 1) * n, tr->g->base, n);
		}
		if (a->divided)
			a->whole = to + a->tensor->offset;
	}
	return 0;
}

static void release_gathered(struct trainer *tr, real *memory)
{
	for (size_t i = 0; i < tr->state.n; i++)
		if (tr->state.array[i].divided)
			tr->state.array[i].whole = NULL;
	k_release(tr->k, memory);
}

/* Ranks that each update all weights must have the same ones. */
static int check_same_weights(const struct trainer *tr, struct err *e)
{
	size_t n = tr->w->n;
	uint64_t hash = XXH64(k_host(tr->k, tr->w->base, n), n * sizeof(real), 0), first = hash;
	int failed = 0;

	comm_broadcast(tr->comm, &first, sizeof first);
	if (hash != first)
		failed = err_set(e,
		    "has other weights than rank 0 after step %" PRIu64
		    ", as machines of different kinds may; use --shard on",
		    tr->step);
	return comm_agree(tr->comm, failed, e);
}

int trainer_save(struct trainer *tr, const char *path, struct err *e)
{
	struct checkpoint cp = {.c = tr->c,
	    .o = tr->o,
	    .source = tr->source,
	    .schedule = tr->schedule,
	    .step = tr->step,
	    .rows = tr->rows,
	    .window_n = tr->window_n,
	    .best = tr->best};
	real *memory = NULL;
	int failed;

	if (tr->vocab)
		cp.vocab = *tr->vocab;
	if (check_same_weights(tr, e) || gather_state(tr, &memory, e))
		return -1;
	failed = comm_is_root(tr->comm) && checkpoint_save(&cp, current_state(tr), path, e);
	release_gathered(tr, memory);
	return comm_agree(tr->comm, failed, e);
}

struct trainer *trainer_resume(const struct checkpoint *cp, struct kernels *k,
    const struct trainer_options *o, struct comm *comm, struct err *e)
{
	struct active_vocab active;
	struct trainer *tr;

	if (cp->o.window != o->window) {
		err_set(e, "%s: has a window of %zu rows (expected %zu)", cp->path, cp->o.window,
		    o->window);
		return NULL;
	}
	if (checkpoint_active_vocab(cp, &active, e))
		return NULL;
	tr = allocate_trainer(k, &cp->c, o, comm, &cp->source, &active, e);
	if (!tr)
		return NULL;
	tr->schedule = cp->schedule;
	tr->step = cp->step;
	tr->rows = cp->rows;
	tr->window_n = cp->window_n;
	tr->best = cp->best;
	if (checkpoint_load(cp, current_state(tr), e)) {
		trainer_free(tr);
		return NULL;
	}
	return tr;
}
