#ifndef CDCD_RUN_H
#define CDCD_RUN_H

/* A training run, from its first step to its last checkpoint: steps, logs, validation, saving. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "base/err.h"
#include "train/trainer.h"
#include "progress.h"
#include "runlog.h"

struct run {
	/* Set by the caller; borrowed. */
	struct trainer *tr;
	struct shard_reader *rows; /* positioned at the next row that tr needs */
	struct runlog *logs;       /* opened with runlog_open */
	const char *output;        /* path of the checkpoint */
	const char *valid_path;    /* NULL: no validation */
	int64_t valid_every, save_every;
	int64_t stop_after; /* stop after this step; 0: after the last */
	bool header;        /* write a CSV header to standard output */
	bool counted;       /* the number of steps follows from the row count in the header */
	uint64_t saved;     /* step of the checkpoint in output; UINT64_MAX: none */
	/* Owned by the run. */
	struct progress progress; /* started by the caller */
	double *ce;
	double valid;  /* last validation loss, nats; NAN: none yet */
	double waited; /* seconds of communication until the last report */
	uint64_t first_step, tokens;
	double seconds; /* duration of the steps; set by run_finish */
	bool begun;
	bool save_failed; /* the last save failed to write the checkpoint itself */
};

/* run_init - call it after setting the caller's fields. Returns 0 or -1.
 * run_release - free what the run owns. */
int run_init(struct run *r, struct err *e);
void run_release(struct run *r);

/* run_train - train until the last step, the end of the rows, a stop signal or an error. Returns 0
 * or -1, the same on all ranks. Collective. */
int run_train(struct run *r, struct err *e);

/*
 * run_finish - end a run after run_train. failed: what run_train returned, e: its error. Prints the
 * error and saves the last step, but not after an error of non-finite numbers or before any step is
 * done. After success it checks that the rows end where their header says. Returns the exit status.
 * Collective.
 */
int run_finish(struct run *r, int failed, struct err *e);

#endif
