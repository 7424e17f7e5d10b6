#ifndef CDCD_TRAIN_OPTIONS_H
#define CDCD_TRAIN_OPTIONS_H

/* The command line of train: its options, their defaults, and which of them go together. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "compute/kernels.h"
#include "train/checkpoint.h"
#include "train/settings.h"
#include "runlog.h"

struct train_options {
	struct settings
	    settings; /* without what the rows determine: active, row_len and, if 0, steps */
	enum k_precision precision;
	int64_t threads;             /* 0: one per processor */
	const char *output, *resume; /* checkpoints to write and to continue; resume may be NULL */
	const char *valid_path, *profile_path; /* NULL: none */
	struct runlog logs;                    /* not open yet */
	int64_t save_every, valid_every;
	int64_t stop_after; /* 0: never */
	bool dry_run, no_header;
};

/*
 * train_options_parse - parse the command line, or die. With -r, from becomes the open checkpoint,
 * which the caller closes, and opened the state of its file before it was opened. *first receives
 * the index in argv of the first operand. Returns the options, which the caller may change.
 */
struct train_options *train_options_parse(
    int argc, char **argv, struct checkpoint *from, struct stat *opened, int *first);

/* train_options_say - tell the other ranks (ranks_say) the options that must be the same on all
 * ranks. c: the complete shape of the model. Log files may differ. */
void train_options_say(const struct train_options *o, const struct config *c);

#endif
