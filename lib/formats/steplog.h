#ifndef CDCD_STEPLOG_H
#define CDCD_STEPLOG_H

/*
 * CSV logs whose first column is the step, and that go on where a run goes on: a run that went
 * further than its last checkpoint has logged steps that will be repeated, and the end of its last
 * row may be missing.
 */

#include <stdint.h>

#include "ground/io.h"

/*
 * steplog_open - open path for writing, to log, and, where it is new or empty, write the header
 * row.
 *
 * keep  -1: begin anew; else append, after the rows of steps up to keep: what comes behind the
 *       first row of a later step, and a last line cut short, is cut off
 * cut   receives how many lines were
 *
 * A device or pipe is appended to as it is. The caller ends it by output_commit. Returns 0, or -1
 * with nothing to close: the first line of what is there is another one, or a row does not begin
 * with a step.
 */
int steplog_open(struct output *log, const char *path, const char *header, int64_t keep,
    uint64_t *cut, struct err *e);

#endif
