#ifndef CDCD_RUNLOG_H
#define CDCD_RUNLOG_H

/*
 * What a run of train writes as it goes, as cdcd-csv(5) says: a row a step, a row a sequence, a row
 * a fit of F. Nothing is written to a log that is not open.
 */

#include <stdbool.h>

#include "formats/steplog.h"
#include "model/schedule.h"
#include "model/trainer.h"

struct runlog_file {
	const char *path; /* NULL: none; of the losses: standard output, which "-" is for all */
	const char *columns;
	struct steplog log;
	bool open; /* false too once its reader has gone or a write has failed */
};

struct runlog {
	struct runlog_file steps, loss, schedule;
	const char *checkpoint; /* that the run goes on from, or NULL */
	uint64_t step;          /* of it */
	bool failed;            /* and it has not been said yet */
	struct err why;
};

/*
 * runlog_open - open them all, or die; what is in them stays as it is. checkpoint, NULL for a new
 * run, and its step: where they are to go on.
 */
void runlog_open(struct runlog *l, const char *checkpoint, uint64_t step);

/* runlog_begin - cut off what the run will log again, all of it where it is new; header: on
 * standard output, too. Returns 0 or -1. */
int runlog_begin(struct runlog *l, bool header, struct err *e);

/* runlog_losses - the levels t [n] and cross-entropies ce [n] of sequences; split: train, valid. */
void runlog_losses(struct runlog *l, uint64_t step, const double *t, const double *ce, size_t n,
    const char *split);

/* runlog_step - rows: of the run so far; seconds: since it began; comm_s: of the step, waiting for
 * other ranks. */
void runlog_step(struct runlog *l, const struct trainer_result *r, uint64_t rows, double seconds,
    double tokens_per_s, double comm_s);

void runlog_schedule(struct runlog *l, uint64_t step, const struct schedule *s);

/*
 * runlog_flush - hand what was written to the kernel. A reader of a log that went away does not end
 * a run; a full disk does, and so does a reader that takes nothing for 5 s once the run is to stop.
 * Returns 0, or -1, once, where any write of a log has failed; nothing more is written to that one.
 */
int runlog_flush(struct runlog *l, struct err *e);

/* runlog_sync - runlog_flush, and what is in files survives a power cut. */
int runlog_sync(struct runlog *l, struct err *e);

/* runlog_close - of what was flushed. */
void runlog_close(struct runlog *l);

#endif
