#ifndef CDCD_RUN_H
#define CDCD_RUN_H

/* A run of train, from its first step to its last checkpoint: what is done after which step. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "ground/err.h"
#include "model/trainer.h"
#include "progress.h"
#include "runlog.h"

struct run {
	/* The caller's, borrowed. */
	struct trainer *tr;
	struct shard_reader *rows; /* at the row that tr wants next */
	struct runlog *logs;       /* opened, not begun */
	const char *output;        /* the checkpoint */
	const char *valid_path;    /* NULL: no validation */
	int64_t valid_every, save_every;
	int64_t stop_after; /* a step; 0: the last */
	bool header;        /* of the losses on standard output */
	bool counted;       /* steps are as many as the rows said that they are */
	uint64_t saved;     /* the step that output holds; UINT64_MAX: none */
	/* Its own. */
	struct progress progress; /* started by the caller */
	double *ce;
	double valid, waited; /* waited: of the team's seconds, until the last report */
	uint64_t first_step, tokens;
	double seconds; /* that the steps took, after run_finish */
	bool begun;
	bool save_failed; /* it was the checkpoint that the last save could not write */
};

/* run_init - once the fields of the caller are set. Returns 0 or -1. run_release - of its own. */
int run_init(struct run *r, struct err *e);
void run_release(struct run *r);

/* run_train - go on until the last step, the end of the rows, a stop or an error. Returns 0 or -1,
 * the same on all ranks. Collective. */
int run_train(struct run *r, struct err *e);

/*
 * run_finish - save what there is to save after run_train, which has failed, or not, with e; say
 * what was wrong; and where all went well, read the rows to their end. Returns the exit status.
 * Collective.
 */
int run_finish(struct run *r, int failed, struct err *e);

#endif
