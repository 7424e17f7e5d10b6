#ifndef CDCD_RUN_H
#define CDCD_RUN_H

/*
 * A training run, from its command line to its last checkpoint.
 *
 * All functions are collective. Those that can fail return 0 or -1 with the same error on all
 * ranks; run_close is needed in either case.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/lock.h"
#include "comm/comm.h"
#include "compute/kernels.h"
#include "formats/shard.h"
#include "train/settings.h"
#include "train/trainer.h"
#include "progress.h"
#include "runlog.h"
#include "train_options.h"

struct run {
	/* The caller's. */
	const struct train_options *options;
	struct comm *comm;
	/* What run_open opens. */
	struct lock lock, best_lock; /* on the checkpoints to write; held by rank 0 */
	struct kernels *kernels;
	struct shard_reader *rows;
	struct settings settings; /* those of the options, completed from the rows */
	uint64_t n_rows;          /* rows of all ranks together; 0: unknown */
	bool counted;             /* the number of steps follows from n_rows */
	struct trainer *tr;
	struct runlog logs; /* open on rank 0 */
	/* The state of run_train. */
	struct progress progress;
	double *ce;    /* [batch] cross-entropies of a step, nats */
	double valid;  /* last validation loss, nats; NAN: none yet */
	double waited; /* seconds of communication until the end of the last step */
	uint64_t first_step, tokens;
	uint64_t valid_step; /* step of the last validation loss */
	uint64_t saved;      /* step of the checkpoint in the output; UINT64_MAX: none */
	bool save_failed;    /* the last save could not write the checkpoint */
	bool begun;          /* the first rows have arrived */
};

/*
 * run_open - open everything that a run needs, and find now the errors that would otherwise appear
 * after hours. With options->dry_run, it prints what the run needs, and opens no outputs. options
 * and comm must outlive r.
 */
int run_open(struct run *r, const struct train_options *options, struct comm *comm, struct err *e);

/*
 * run_train - train until the last step, the end of the rows, a stop signal or an error, and save
 * the last step. After an error, the last step is saved unless numbers are not finite or no step
 * was done. It catches the stop signals (stop_catch).
 */
int run_train(struct run *r, struct err *e);

/* run_close - free everything and release the locks. */
void run_close(struct run *r);

#endif
