#ifndef CDCD_RUNLOG_H
#define CDCD_RUNLOG_H

/*
 * The CSV logs of a training run, described in cdcd-csv(5): one row per step, one row per sequence,
 * one row per fit of F(t). Writes to a log that is not open are ignored.
 */

#include <stdbool.h>

#include "train/loader.h"
#include "train/steplog.h"
#include "diffusion/schedule.h"
#include "train/trainer.h"

/* "-" is standard output. NULL is no log, except for the losses: standard output. */
struct runlog_paths {
	const char *steps, *loss, *schedule;
};

struct runlog_file {
	const char *path, *columns;
	struct steplog log;
	bool open; /* also false after its reader has closed it or a write has failed */
};

struct runlog {
	struct runlog_file steps, loss, schedule;
	const char *checkpoint; /* checkpoint that the run continues, or NULL */
	uint64_t step;          /* step of that checkpoint */
	bool failed;            /* a write failed, and no function has returned -1 for it yet */
	struct err why;         /* the error of that write */
};

/*
 * runlog_open - open all logs. Their contents are not changed yet. checkpoint: the checkpoint that
 * the run continues, NULL for a new run; step: the step of that checkpoint. The strings must
 * outlive l. Returns 0 or -1; runlog_close is needed in either case.
 */
int runlog_open(struct runlog *l, const struct runlog_paths *paths, const char *checkpoint,
    uint64_t step, struct err *e);

/* runlog_begin - remove the rows that the run will log again (all rows, if it is a new run).
 * header: write the CSV header to standard output, too. Returns 0 or -1. */
int runlog_begin(struct runlog *l, bool header, struct err *e);

/* runlog_losses - log noise level, cross-entropy and number of given positions of each row of a
 * batch. split: "train" or "valid". */
void runlog_losses(
    struct runlog *l, uint64_t step, const struct loader_results *rows, const char *split);

struct runlog_cost {
	double seconds, tokens_per_s; /* since the run began */
	double comm_s; /* seconds of a step in communication, including the wait for other ranks */
};

/* runlog_step - log one step. rows: rows used so far; valid: validation loss after this step, nats,
 * NAN if there is none. */
void runlog_step(struct runlog *l, const struct trainer_result *r, uint64_t rows,
    const struct runlog_cost *cost, double valid);

void runlog_schedule(struct runlog *l, uint64_t step, const struct schedule *s);

/*
 * runlog_flush - flush all logs. If the reader of a log has closed it, the run continues without
 * that log. A full disk is an error, and so is a reader that reads nothing for 5 s after a stop
 * signal. Returns 0, or -1 if a write has failed since the last call; that log is then closed.
 */
int runlog_flush(struct runlog *l, struct err *e);

/* runlog_sync - flush all logs, and sync files to disk, so that the rows survive a power failure.
 */
int runlog_sync(struct runlog *l, struct err *e);

/* runlog_close - close all logs. Rows that are not flushed are lost. l may be all zero. */
void runlog_close(struct runlog *l);

#endif
