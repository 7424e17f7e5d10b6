#ifndef CDCD_STEPLOG_H
#define CDCD_STEPLOG_H

/*
 * CSV logs whose first column is the step, and which a resumed run continues. If a run logged steps
 * after its last checkpoint, the resumed run repeats them, so their rows must be removed. The last
 * row may also be incomplete.
 */

#include <stdint.h>

#include "base/io.h"

struct steplog {
	struct output out;
	uint64_t length, cut; /* bytes of the old file to keep, lines to remove */
	bool regular;         /* a file, not a standard stream: it can be truncated */
};

/*
 * steplog_open - open path for appending, and find where to continue. Does not change the file.
 * The caller closes log->out with output_commit or output_abort.
 *
 * keep  -1: start a new log; else continue after the rows of steps up to keep. log->cut counts the
 *       lines to remove: all from the first row of a later step, and an incomplete last line
 *
 * Returns 0, or -1 with nothing to close, for example if the first line of the file is not header,
 * or if a row does not begin with a step.
 */
int steplog_open(
    struct steplog *log, const char *path, const char *header, int64_t keep, struct err *e);

/* steplog_begin - remove those lines, and write header (unless NULL) if nothing is left. Pipes,
 * devices, standard output and standard error count as empty. Returns 0 or -1. */
int steplog_begin(struct steplog *log, const char *header, struct err *e);

#endif
