#ifndef CDCD_TRAINER_H
#define CDCD_TRAINER_H

/*
 * Training: rows in, a step of the optimiser, the schedule refitted every so many steps to what the
 * last steps measured.
 */

#include "math/arena.h"
#include "model/active.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/denoiser.h"
#include "model/optimizer.h"
#include "model/schedule.h"

struct trainer_options {
	int64_t batch; /* sequences a step */
	int64_t steps; /* of the whole run: the cosine ends there */
	uint64_t seed; /* of the initial weights */
	struct optimizer_options optimizer;
	double self_cond_rate; /* share of each batch that sees its own first estimate */
	bool pad_loss;         /* [PAD] is a target */
	bool full_vocab;       /* the softmax runs over all ids */
	int family;            /* enum schedule_family */
	double t_min, t_max;   /* 0: the defaults for the embedding's size */
	int64_t refit_every;   /* steps; 0: never */
	int64_t window;        /* sequences that a refit sees */
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
	struct batch batch;
	double *window_t, *window_ce; /* [window] a ring */
	uint64_t window_n;            /* sequences that ever went in */
	uint64_t step, rows;          /* done so far */
};

struct trainer_result {
	uint64_t step;
	double loss, lr, grad_norm; /* loss: nats, mean over the sequences that have targets */
	double *ce;                 /* [batch.B] nats; NAN for a sequence without targets */
	int refit;                  /* 1: the schedule is new; -1: it failed, why says how */
	struct err why;
};

/* trainer_bytes - memory that training with these options takes, in kernels' buffers. */
size_t trainer_bytes(const struct config *c, const struct trainer_options *o);

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
 * run before has seen. Returns 0, or -1 if the stream begins after it or ends before it.
 */
int trainer_skip(struct trainer *tr, struct shard_reader *rows, struct err *e);

/*
 * trainer_fill - read the next batch of rows into tr->batch: up to o.batch of them.
 * Returns how many, 0 at the end of the input, -1 on error.
 */
int trainer_fill(struct trainer *tr, struct shard_reader *rows, struct err *e);

/*
 * trainer_step - one step on tr->batch. r->ce is the caller's, with room for o.batch numbers.
 * Returns 0, or -1 with status ERR_NONFINITE and the weights as they were where a loss or gradient
 * is not finite; the message says where.
 */
int trainer_step(struct trainer *tr, struct trainer_result *r, struct err *e);

/* trainer_validate - cross-entropy of each sequence of b under the averaged weights; ce [b->B]. */
void trainer_validate(struct trainer *tr, const struct batch *b, double *ce);

#endif
