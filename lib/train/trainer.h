#ifndef CDCD_TRAINER_H
#define CDCD_TRAINER_H

/*
 * Training. Each step takes a batch of rows, computes the gradients and updates the weights. Every
 * refit_every steps, the noise schedule is fitted to the losses of the most recent sequences.
 *
 * Several ranks compute the same as one process, except for the order of sums. The batch of a step
 * is the same rows of the stream, of which each rank has some (loader.h). Losses, gradients, the
 * fraction of self-conditioned rows and the schedule are those of the whole batch. Functions that
 * are called collective below must be called by all ranks.
 */

#include "compute/arena.h"
#include "model/active_vocab.h"
#include "model/batch.h"
#include "model/denoiser.h"
#include "train/loader.h"
#include "train/settings.h"
#include "train/state.h"
#include "train/validation.h"
#include "comm/comm.h"

struct checkpoint;

struct trainer {
	struct kernels *k;
	struct comm *comm;
	struct config c;
	struct trainer_options o;
	struct shard_header source; /* header of the training rows: vocabulary, row length */
	const struct shard_vocab
	    *vocab; /* for the checkpoint; the caller may set it, and owns it */
	struct active_vocab active;
	struct schedule schedule;
	struct weights *w, *g, *average; /* weights, gradients; average: the EMA of w */
	struct optimizer optimizer;
	struct denoiser *dn;
	struct arena arena;
	struct state state;            /* the arrays of a checkpoint */
	struct loader loader;          /* the caller calls loader_open before the first step */
	struct batch batch;            /* the rows of the step on this rank; the caller fills it */
	struct loader_results results; /* of the last batch, over all ranks */
	struct buckets *buckets;
	double *window_t, *window_ce; /* [window] ring buffer of noise levels, losses (nats) */
	uint64_t window_n;            /* number of sequences ever added to it */
	uint64_t step, rows;          /* steps and rows done so far */
	struct validation_best best;  /* kept by the caller, if it needs it */
};

struct trainer_result {
	uint64_t step;              /* number of the step, from 1 */
	double loss, lr, grad_norm; /* loss: nats, mean over the sequences that have targets */
	double even;     /* nats, of the last 1,024 rows at levels spread evenly (even_loss.h) */
	size_t n;        /* number of rows of the step, over all ranks */
	const double *t; /* [n] noise levels; valid until the next step or validation */
	double *ce;      /* [n] nats; NAN for a sequence without targets */
	int refit;       /* 1: new schedule; -1: the fit failed, see why; 0: no fit */
	struct err why;
};

/* trainer_bytes - bytes of memory that training with this configuration needs on this rank. Memory
 * that does not depend on it (the program, libraries, readers) is not included. Returns SIZE_MAX on
 * error. */
size_t trainer_bytes(
    struct kernels *k, const struct config *c, const struct trainer_options *o, struct comm *comm);

/*
 * trainer_new - a trainer with random initial weights, for rows with the header source. The active
 * vocabulary comes from source and counts; its size and source->row_len replace c->active and
 * c->row_len in the trainer's copy of c. comm is NULL for one process. k and comm must outlive the
 * trainer; trainer_free frees it, and allows NULL. Returns NULL on error.
 */
struct trainer *trainer_new(struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, const struct shard_header *source,
    const struct shard_counts *counts, struct err *e);
void trainer_free(struct trainer *tr);

/*
 * trainer_resume - a new trainer with the state of the checkpoint and the options o; o->window must
 * be that of the checkpoint. k and comm are as in trainer_new; the caller frees the result with
 * trainer_free. Returns NULL on error.
 *
 * trainer_save - write a checkpoint of the whole state to path. Collective: the ranks check that
 * their weights are the same, and rank 0 writes. tr->average and the gradients are overwritten.
 * Returns 0 or -1, the same on all ranks.
 */
struct trainer *trainer_resume(const struct checkpoint *cp, struct kernels *k,
    const struct trainer_options *o, struct comm *comm, struct err *e);
int trainer_save(struct trainer *tr, const char *path, struct err *e);

/*
 * trainer_step - one training step on tr->batch, which loader_next has read. The caller provides
 * r->ce with a capacity of o.batch numbers. Collective. Returns 0, or -1 with status ERR_NONFINITE
 * and the weights unchanged if the schedule, a loss or a gradient is not finite, or if the loss is
 * so large (100 times that of a uniform guess) that training cannot recover. The message gives the
 * step, the rows and, for a loss, the layer where the first non-finite number is, on any rank.
 */
int trainer_step(struct trainer *tr, struct trainer_result *r, struct err *e);

/* trainer_check_finite - check that the weights, their EMA, the optimiser's moments and the window,
 * which a checkpoint would store, are finite on all ranks. Collective. Returns 0, or -1 with status
 * ERR_NONFINITE and a message that names the first array that is not. */
int trainer_check_finite(struct trainer *tr, struct err *e);

/*
 * trainer_average - make tr->average hold the current EMA of the weights, until the next step or
 * trainer_save. Call it before trainer_validate. Collective.
 * trainer_validate - ce [b->B] = the cross-entropy of each sequence of b under the EMA, in nats per
 * target; NAN for a sequence without targets. Not collective.
 */
void trainer_average(struct trainer *tr);
void trainer_validate(struct trainer *tr, const struct batch *b, double *ce);

#endif
