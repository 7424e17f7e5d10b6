#include "model/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ground/mem.h"

#define AT(name) offsetof(struct trainer_options, name)

const struct field trainer_fields[] = {
    {"train.batch", FIELD_INT, AT(batch), 1, 1e6, NULL},
    {"train.steps", FIELD_INT, AT(steps), 0, 1e12, NULL},
    {"train.seed", FIELD_SEED, AT(seed), 0, 0, NULL},
    {"train.lr", FIELD_REAL, AT(optimizer.lr), 0, 10, NULL},
    {"train.lr_end", FIELD_REAL, AT(optimizer.lr_end), 0, 1, NULL},
    {"train.warmup", FIELD_REAL, AT(optimizer.warmup), 0, 1, NULL},
    {"train.beta1", FIELD_REAL, AT(optimizer.beta1), 0, 0.999999, NULL},
    {"train.beta2", FIELD_REAL, AT(optimizer.beta2), 0, 0.999999, NULL},
    {"train.eps", FIELD_REAL, AT(optimizer.eps), 1e-12, 1, NULL},
    {"train.decay", FIELD_REAL, AT(optimizer.decay), 0, 10, NULL},
    {"train.clip", FIELD_REAL, AT(optimizer.clip), 0, 1e9, NULL},
    {"train.ema", FIELD_REAL, AT(optimizer.ema), 0, 0.9999999, NULL},
    {"train.self_cond_rate", FIELD_REAL, AT(self_cond_rate), 0, 1, NULL},
    {"train.pad_loss", FIELD_FLAG, AT(pad_loss), 0, 1, NULL},
    {"train.full_vocab", FIELD_FLAG, AT(full_vocab), 0, 1, NULL},
    {"train.family", FIELD_CHOICE, AT(family), 0, 0, schedule_families},
    {"train.t_min", FIELD_REAL, AT(t_min), 0, 1e9, NULL},
    {"train.t_max", FIELD_REAL, AT(t_max), 0, 1e9, NULL},
    {"train.refit_every", FIELD_INT, AT(refit_every), 0, 1e9, NULL},
    {"train.window", FIELD_INT, AT(window), 64, 1e9, NULL},
};
const size_t trainer_n_fields = sizeof trainer_fields / sizeof *trainer_fields;

void trainer_preset(struct trainer_options *o, struct config *c, int i)
{
	static const struct {
		int64_t batch;
		double lr, ema;
	} preset[] = {
	    {64, 2e-3, 0.999}, {32, 1e-3, 0.9995}, {16, 3e-4, 0.9999}, {16, 1e-4, 0.9999}};

	config_preset(c, i);
	*o = (struct trainer_options){
	    .batch = preset[i].batch,
	    .optimizer = {.lr = preset[i].lr,
	        .lr_end = 0.1,
	        .warmup = 0.03,
	        .beta1 = 0.9,
	        .beta2 = 0.99,
	        .eps = 1e-8,
	        .decay = 0.01,
	        .clip = 1,
	        .ema = preset[i].ema},
	    .self_cond_rate = c->self_cond ? 0.5 : 0,
	    .pad_loss = true,
	    .family = SCHEDULE_CAUCHY,
	    .refit_every = 200,
	    .window = 16384,
	};
}

int trainer_check(const struct trainer_options *o, struct err *e)
{
	for (size_t i = 0; i < trainer_n_fields; i++)
		if (field_check(&trainer_fields[i], o, e))
			return -1;
	if (o->t_min > 0 && o->t_max > 0 && o->t_min >= o->t_max)
		return err_set(e, "train.t_min %g is not below train.t_max %g", o->t_min, o->t_max);
	return 0;
}

/* --- memory --- */

static void layout(struct arena *a, struct denoiser *dn, real *array[5], size_t n)
{
	for (int i = 0; i < 5; i++)
		array[i] = arena_take(a, n, sizeof(real));
	denoiser_layout(dn, a);
}

size_t trainer_bytes(const struct config *c, const struct trainer_options *o)
{
	struct arena a = {0};
	struct err e;
	struct denoiser *dn = denoiser_new(NULL, c, (size_t)o->batch, true, &e);
	real *array[5];

	if (!dn)
		return SIZE_MAX;
	layout(&a, dn, array, weights_count(c));
	denoiser_free(dn);
	return a.used;
}

static int allocate(struct trainer *tr, struct err *e)
{
	size_t n = weights_count(&tr->c);
	real *array[5];

	tr->w = weights_new(&tr->c, e);
	tr->g = weights_new(&tr->c, e);
	tr->average = weights_new(&tr->c, e);
	tr->dn = denoiser_new(tr->k, &tr->c, (size_t)tr->o.batch, true, e);
	tr->window_t = mem_array((size_t)tr->o.window, sizeof *tr->window_t, e);
	tr->window_ce = mem_array((size_t)tr->o.window, sizeof *tr->window_ce, e);
	if (!tr->w || !tr->g || !tr->average || !tr->dn || !tr->window_t || !tr->window_ce ||
	    batch_init(&tr->batch, (size_t)tr->o.batch, (size_t)tr->c.row_len, e))
		return -1;
	layout(&tr->arena, tr->dn, array, n);
	tr->arena.base = k_alloc(tr->k, tr->arena.used, e);
	if (!tr->arena.base)
		return -1;
	tr->arena.used = 0;
	layout(&tr->arena, tr->dn, array, n);
	weights_map(tr->w, &tr->c, array[0]);
	weights_map(tr->g, &tr->c, array[1]);
	weights_map(tr->average, &tr->c, array[2]);
	tr->optimizer = (struct optimizer){tr->k, tr->o.optimizer, array[3], array[4], array[2]};
	return denoiser_ready(tr->dn, e);
}

struct trainer *trainer_alloc(struct kernels *k, const struct config *c,
    const struct trainer_options *o, const struct shard_header *source, struct active *active,
    struct err *e)
{
	struct trainer *tr = mem_array(1, sizeof *tr, e);

	if (!tr) {
		active_release(active);
		return NULL;
	}
	tr->k = k;
	tr->c = *c;
	tr->o = *o;
	tr->source = *source;
	tr->active = *active;
	if (config_check(c, e) || trainer_check(o, e) || allocate(tr, e)) {
		trainer_free(tr);
		return NULL;
	}
	return tr;
}

struct trainer *trainer_new(struct kernels *k, const struct config *c,
    const struct trainer_options *o, const struct shard_header *source,
    const struct shard_counts *counts, struct err *e)
{
	struct config own = *c;
	struct active active;
	struct trainer *tr;
	double *prior;
	int failed;

	if (active_init(&active, source, counts, o->full_vocab, e))
		return NULL;
	own.active = active.n;
	own.row_len = source->row_len;
	tr = trainer_alloc(k, &own, o, source, &active, e);
	if (!tr)
		return NULL;
	schedule_init(&tr->schedule, (enum schedule_family)o->family, (int)own.embed,
	    log((double)own.active), o->t_min, o->t_max);
	if (schedule_check(&tr->schedule, e)) {
		trainer_free(tr);
		return NULL;
	}
	prior = mem_array((size_t)own.active, sizeof *prior, e);
	if (!prior) {
		trainer_free(tr);
		return NULL;
	}
	active_log_prior(&tr->active, prior);
	failed = weights_init(tr->w, &own, k, o->seed, prior, e);
	free(prior);
	if (failed) {
		trainer_free(tr);
		return NULL;
	}
	k_copy(k, tr->optimizer.ema, tr->w->base, tr->w->n);
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
	active_release(&tr->active);
	k_release(tr->k, tr->arena.base);
	free(tr->window_t);
	free(tr->window_ce);
	free(tr);
}

/* --- steps --- */

int trainer_skip(struct trainer *tr, struct shard_reader *rows, struct err *e)
{
	struct shard_record record;
	uint64_t first = shard_header(rows)->first;

	if (first > tr->rows)
		return err_set(e, "%s: begins with row %llu of its stream, but row %llu comes next",
		    shard_name(rows), (unsigned long long)first, (unsigned long long)tr->rows);
	for (; first < tr->rows; first++) {
		int more = shard_read(rows, &record, e);

		if (more < 0)
			return -1;
		if (more == 0)
			return err_set(e, "%s: ends at row %llu, but row %llu comes next",
			    shard_name(rows), (unsigned long long)first,
			    (unsigned long long)tr->rows);
	}
	return 0;
}

int trainer_fill(struct trainer *tr, struct shard_reader *rows, struct err *e)
{
	struct shard_record record;

	tr->batch.B = 0;
	while (tr->batch.B < tr->batch.room) {
		int more = shard_read(rows, &record, e);

		if (more < 0)
			return -1;
		if (more == 0)
			break;
		if (batch_add(&tr->batch, &record, &tr->active, &tr->schedule, tr->o.pad_loss, e))
			return err_prefix(e, "%s: row %llu", shard_name(rows),
			    (unsigned long long)(tr->rows + tr->batch.B));
	}
	return (int)tr->batch.B;
}

static void remember(struct trainer *tr, const double *ce)
{
	for (size_t i = 0; i < tr->batch.B; i++) {
		size_t at = (size_t)(tr->window_n % (uint64_t)tr->o.window);

		if (!isfinite(ce[i]))
			continue;
		tr->window_t[at] = tr->batch.t[i];
		tr->window_ce[at] = ce[i];
		tr->window_n++;
	}
}

static void refit(struct trainer *tr, struct trainer_result *r)
{
	uint64_t n = tr->window_n < (uint64_t)tr->o.window ? tr->window_n : (uint64_t)tr->o.window;

	if (tr->o.family == SCHEDULE_UNIFORM || !tr->o.refit_every ||
	    tr->step % (uint64_t)tr->o.refit_every)
		return;
	r->refit = schedule_fit(&tr->schedule, tr->window_t, tr->window_ce, n, &r->why) ? -1 : 1;
}

static int mean_loss(const struct trainer *tr, struct trainer_result *r, struct err *e)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < tr->batch.B; i++) {
		size_t targets = 0;

		for (size_t j = 0; j < tr->batch.T; j++)
			targets += tr->batch.weight[i * tr->batch.T + j] > 0;
		if (!targets)
			continue;
		if (!isfinite(r->ce[i]))
			return err_with(e, ERR_NONFINITE,
			    "step %llu: the loss of row %llu (t = %g) is not finite",
			    (unsigned long long)r->step, (unsigned long long)(tr->rows + i),
			    tr->batch.t[i]);
		sum += r->ce[i];
		n++;
	}
	r->loss = n ? sum / (double)n : NAN;
	return 0;
}

int trainer_step(struct trainer *tr, struct trainer_result *r, struct err *e)
{
	size_t n_sc = tr->c.self_cond ? (size_t)(tr->o.self_cond_rate * (double)tr->batch.B) : 0;

	r->step = tr->step + 1;
	r->refit = 0;
	r->lr = optimizer_lr(&tr->o.optimizer, r->step, (uint64_t)tr->o.steps);
	k_zero(tr->k, tr->g->base, tr->g->n);
	denoiser_embed(tr->dn, tr->w);
	denoiser_loss(tr->dn, tr->w, tr->g, &tr->batch, n_sc, r->ce);
	if (mean_loss(tr, r, e))
		return -1;
	if (optimizer_step(
	        &tr->optimizer, tr->w, tr->g, r->step, (uint64_t)tr->o.steps, &r->grad_norm, e))
		return err_prefix(e, "step %llu, rows %llu to %llu", (unsigned long long)r->step,
		    (unsigned long long)tr->rows, (unsigned long long)(tr->rows + tr->batch.B - 1));
	tr->step++;
	tr->rows += tr->batch.B;
	remember(tr, r->ce);
	refit(tr, r);
	return 0;
}

void trainer_validate(struct trainer *tr, const struct batch *b, double *ce)
{
	denoiser_embed(tr->dn, tr->average);
	denoiser_loss(tr->dn, tr->average, NULL, b, tr->c.self_cond ? b->B : 0, ce);
}
