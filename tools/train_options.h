#ifndef CDCD_TRAIN_OPTIONS_H
#define CDCD_TRAIN_OPTIONS_H

/* The command line of train: its options, their defaults, and which of them go together. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "compute/kernels.h"
#include "train/checkpoint.h"
#include "train/settings.h"
#include "ranks.h"
#include "runlog.h"

struct train_options {
	struct settings
	    settings; /* without what the rows determine: active, row_len and, if 0, steps */
	enum k_precision precision;
	int64_t threads;             /* 0: one per processor */
	const char *rows;            /* NULL: standard input */
	const char *output, *resume; /* checkpoints to write and to continue; resume may be NULL */
	struct checkpoint from;      /* the open checkpoint resume, or all zero */
	struct stat resume_status;   /* the state of its file before it was opened */
	const char *valid_path, *profile_path; /* NULL: none */
	const char *keep_best; /* checkpoint of the best validation to write, or NULL */
	struct runlog_paths logs;
	int64_t save_every, valid_every;
	int64_t stop_after; /* 0: never */
	int64_t patience;   /* validations without improvement after which to stop; 0: any number */
	bool dry_run, no_header;
};

/*
 * train_options_parse - parse and check the command line; the strings in options are those of argv.
 * Returns 0, 1 if -h or -V was handled, or -1; train_options_release is needed in any case.
 */
int train_options_parse(struct train_options *options, int argc, char **argv, struct err *e);
void train_options_release(struct train_options *options);

/* train_options_compare - add to common the options that must be the same on all ranks. c: the
 * complete shape of the model. Log files may differ. */
void train_options_compare(
    const struct train_options *options, const struct config *c, struct ranks_common *common);

#endif
