#ifndef CDCD_STEPLOG_H
#define CDCD_STEPLOG_H

/*
 * CSV logs whose first column is the step, and that go on where a run goes on: a run that went
 * further than its last checkpoint has logged steps that will be repeated, and the end of its last
 * row may be missing.
 */

#include <stdint.h>

#include "ground/io.h"

struct steplog {
	struct output out;
	uint64_t length, cut; /* bytes that stay of what is there, lines that do not */
	bool regular;
};

/*
 * steplog_open - open path for appending, and find where to go on; what is there stays as it is.
 * The caller ends log->out by output_commit or output_abort.
 *
 * keep  -1: begin anew; else go on behind the rows of steps up to keep: log->cut lines, those from
 *       the first of a later step on and a last one cut short, are to go
 *
 * Returns 0, or -1 with nothing to close: the first line of what is there is not header, or a row
 * does not begin with a step.
 */
int steplog_open(
    struct steplog *log, const char *path, const char *header, int64_t keep, struct err *e);

/* steplog_begin - cut off what is to go, and write the header (NULL: none) where nothing is left.
 * Pipes, devices, standard output and standard error are as empty. Returns 0 or -1. */
int steplog_begin(struct steplog *log, const char *header, struct err *e);

#endif
