#ifndef CDCD_TRAINER_H
#define CDCD_TRAINER_H

/*
 * Training: rows in, a step of the optimiser, the schedule refitted every so many steps to what the
 * last steps measured.
 *
 * A team trains as one process would: the batch of a step is the same rows of the stream, of which
 * each rank takes those whose number leaves its rank as the remainder, and losses, gradients, the
 * share of self-conditioning, the schedule and what is remembered of them are those of the whole
 * batch. Only the order of sums differs. What is said to be collective below is so with a team.
 */

#include "math/arena.h"
#include "model/active.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/denoiser.h"
#include "model/exchange.h"
#include "model/optimizer.h"
#include "model/schedule.h"
#include "model/team.h"

struct trainer_options {
	int64_t batch; /* sequences a step */
	int64_t steps; /* of the whole run: the cosine ends there */
	uint64_t seed; /* of the initial weights */
	struct optimizer_options optimizer;
	double self_cond_rate; /* share of the rows that see their own first estimate */
	bool pad_loss;         /* [PAD] is a target */
	bool full_vocab;       /* the softmax runs over all ids */
	int family;            /* enum schedule_family */
	double t_min, t_max;   /* 0: the defaults for the embedding's size */
	int64_t refit_every;   /* steps; 0: never */
	int64_t window;        /* sequences that a refit sees */
	/* Who trains together, and how: no fields, because a checkpoint can be continued by others.
	 */
	struct team *team; /* the caller's; NULL: one process alone */
	struct exchange_options exchange;
};

/* The fields, for the checkpoint; names begin with "train.". */
extern const struct field trainer_fields[];
extern const size_t trainer_n_fields;

/* trainer_preset - the options that go with config_preset(i), and that preset's shape. */
void trainer_preset(struct trainer_options *o, struct config *c, int i);

/* trainer_check - every option within bounds. Returns 0 or -1. */
int trainer_check(const struct trainer_options *o, struct err *e);

struct trainer {
	struct kernels *k;
	struct config c;
	struct trainer_options o;
	struct shard_header source; /* vocabulary and row length of what it is trained on */
	struct active active;
	struct schedule schedule;
	struct weights *w, *g, *average; /* average: the EMA, as weights */
	struct optimizer optimizer;
	struct denoiser *dn;
	struct arena arena;
	struct batch batch;        /* this process's share of the step's rows */
	struct exchange *exchange; /* NULL without a team */
	double *all;               /* [3,o.batch] of all rows of the step: t, ce, has targets */
	uint64_t at, stride;       /* of the next row that the reader has; rows to the one after */
	size_t step_rows;          /* of the step, in all ranks */
	double *window_t, *window_ce; /* [window] a ring */
	uint64_t window_n;            /* sequences that ever went in */
	uint64_t step, rows;          /* done so far */
};

struct trainer_result {
	uint64_t step;
	double loss, lr, grad_norm; /* loss: nats, mean over the sequences that have targets */
	size_t n;                   /* rows of the step, in all ranks */
	const double *t;            /* [n] their levels; valid until the next step or validation */
	double *ce;                 /* [n] nats; NAN for a sequence without targets */
	int refit;                  /* 1: the schedule is new; -1: it failed, why says how */
	struct err why;
};

/* trainer_bytes - memory that training with these options takes, beside what the program, its
 * libraries and its readers take whatever the shape. SIZE_MAX on error. */
size_t trainer_bytes(struct kernels *k, const struct config *c, const struct trainer_options *o);

/*
 * trainer_new - fresh weights for rows such as those of source. c->active and c->row_len are set
 * from source and counts. Returns NULL on error.
 */
struct trainer *trainer_new(struct kernels *k, const struct config *c,
    const struct trainer_options *o, const struct shard_header *source,
    const struct shard_counts *counts, struct err *e);
void trainer_free(struct trainer *tr);

/*
 * trainer_alloc - trainer_new without the first weights and schedule, for a given active
 * vocabulary, which it takes over: what a checkpoint is loaded into. Returns NULL on error.
 */
struct trainer *trainer_alloc(struct kernels *k, const struct config *c,
    const struct trainer_options *o, const struct shard_header *source, struct active *active,
    struct err *e);

/*
 * trainer_skip - make the next row of the stream the one that tr wants next: read and drop what a
 * run before has seen. Returns 0, or -1 if the stream begins after it or ends before it, or is the
 * share of another rank. A rank may have the whole stream: then it takes its share of it.
 */
int trainer_skip(struct trainer *tr, struct shard_reader *rows, struct err *e);

/*
 * trainer_fill - read the next batch of rows into tr->batch: up to o.batch of them in all ranks.
 * Returns how many those are, 0 at the end of the input, -1 on error, the same on all. Collective.
 */
int trainer_fill(struct trainer *tr, struct shard_reader *rows, struct err *e);

/*
 * trainer_step - one step on tr->batch. r->ce is the caller's, with room for o.batch numbers.
 * Returns 0, or -1 with status ERR_NONFINITE and the weights as they were where a loss or gradient
 * is not finite, or the loss is so large that nothing can come of it; the message says at which
 * step and rows, and in which layer it began, of whichever rank. Collective.
 */
int trainer_step(struct trainer *tr, struct trainer_result *r, struct err *e);

/* trainer_sound - whether all that a checkpoint would keep is finite, on all ranks. Collective.
 * Returns 0, or -1 with status ERR_NONFINITE and the first tensor that is not. */
int trainer_sound(const struct trainer *tr, struct err *e);

/*
 * trainer_average - make tr->average the averaged weights of now, until the next step: for
 * trainer_validate. Collective.
 * trainer_validate - cross-entropy of each sequence of b under the averaged weights; ce [b->B].
 */
void trainer_average(struct trainer *tr);
void trainer_validate(struct trainer *tr, const struct batch *b, double *ce);

/*
 * trainer_collect - tr->all receives level, ce and whether there are targets of all n rows of a
 * batch, of which tr->batch holds those at first, first + ranks ... with these ce. Collective.
 */
void trainer_collect(struct trainer *tr, const double *ce, size_t first, size_t n);

/* trainer_share - where in n rows that begin with row number base of a stream this rank's first one
 * is; n or more where it has none. The others follow ranks apart. */
size_t trainer_share(const struct trainer *tr, uint64_t base);

/*
 * trainer_state - the whole of the optimiser's state on rank 0, laid out as the weights: what is
 * tr's own unless the state is shared out. It is valid until the next step; trainer_state_release
 * frees what was taken for it. Collective. Returns 0 or -1.
 */
struct trainer_state {
	const real *m, *v, *ema;
	real *taken; /* or NULL */
};
int trainer_state(struct trainer *tr, struct trainer_state *s, struct err *e);
void trainer_state_release(struct trainer_state *s, struct kernels *k);

#endif
