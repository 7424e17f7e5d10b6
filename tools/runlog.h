#ifndef CDCD_RUNLOG_H
#define CDCD_RUNLOG_H

/*
 * What a run of train writes as it goes, as cdcd-csv(5) says: a row a step, a row a sequence, a row
 * a fit of F. Nothing is written to a log that is not open.
 */

#include <stdbool.h>
#include <stdio.h>

#include "model/schedule.h"
#include "model/trainer.h"

struct runlog {
	const char *steps_path, *loss_path, *schedule_path; /* NULL: none */
	FILE *steps, *loss, *schedule; /* loss: standard output without loss_path */
	bool reader_gone;              /* that of standard output, or of a pipe */
};

/*
 * runlog_open - open them all, or die. After a checkpoint, go on behind what they have of the run
 * up to its step; with a NULL one, begin anew. header: on standard output, too.
 */
void runlog_open(struct runlog *l, const char *checkpoint, uint64_t step, bool header);

/* runlog_losses - the levels t [n] and cross-entropies ce [n] of sequences; split: train, valid. */
void runlog_losses(struct runlog *l, uint64_t step, const double *t, const double *ce, size_t n,
    const char *split);

/* runlog_step - rows: of the run so far; seconds: since it began; comm_s: of the step, waiting for
 * other ranks. */
void runlog_step(struct runlog *l, const struct trainer_result *r, uint64_t rows, double seconds,
    double tokens_per_s, double comm_s);

void runlog_schedule(struct runlog *l, uint64_t step, const struct schedule *s);

/* runlog_flush - a reader of a log that went away does not end a run; a full disk does. Returns 0
 * or -1. */
int runlog_flush(struct runlog *l, struct err *e);

#endif
