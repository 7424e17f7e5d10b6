/* train - train a denoiser on noised rows; write a checkpoint and each row's cross-entropy. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "formats/shard.h"
#include "base/lock.h"
#include "base/version.h"
#include "compute/kernels.h"
#include "train/checkpoint.h"
#include "train/trainer.h"
#include "train/validation.h"
#include "needs.h"
#include "origin.h"
#include "profile.h"
#include "ranks.h"
#include "run.h"
#include "stop.h"
#include "train_options.h"

static struct train_options *options;
static struct comm *comm;

/* --- the rows and the ranks --- */

/* The model's shape, completed from the rows: active vocabulary and row length. */
static struct config full_shape(const struct shard_reader *rows)
{
	const struct shard_header *h = shard_header(rows);
	struct config c = options->settings.model;
	struct active_vocab a;
	struct err e;

	if (active_vocab_init(&a, h, shard_counts(rows), options->settings.train.full_vocab, &e))
		die(&e);
	c.active = a.n;
	c.row_len = h->row_len;
	active_vocab_release(&a);
	if (config_check(&c, &e))
		die_usage("%s", e.msg);
	return c;
}

/* Tell the other ranks what must be the same on all ranks. */
static void say_terms(
    const struct config *c, const struct shard_reader *rows, const struct checkpoint *from)
{
	const struct shard_header *h = shard_header(rows);

	ranks_say("version %s with %zu bytes per number", CDCD_VERSION, sizeof(real));
	ranks_say("a vocabulary of %u, %016" PRIx64, h->vocab_size, h->vocab_hash);
	ranks_say("rows noised with seed %" PRIu64, h->seed);
	train_options_say(options, c);
	if (options->resume)
		ranks_say("a checkpoint of step %" PRIu64 ", row %" PRIu64, from->step, from->rows);
}

/* Check that all ranks have the same settings, and count their rows. Collective. */
static struct config meet(
    const struct shard_reader *rows, const struct checkpoint *from, uint64_t *n_rows)
{
	struct config c = options->resume ? from->c : full_shape(rows);
	uint64_t end;
	struct err e;

	if (options->resume &&
	    checkpoint_matches(from, shard_name(rows), shard_header(rows), true, &e))
		die(&e);
	say_terms(&c, rows, from);
	ranks_gate();
	ranks_compare();
	if (loader_count_rows(comm, shard_header(rows), n_rows, &end, &e))
		die(&e);
	if (!options->settings.train.steps)
		options->settings.train.steps =
		    (end + options->settings.train.batch - 1) / options->settings.train.batch;
	if (!options->settings.train.steps)
		die_usage("%s: unknown number of rows: give the steps with -n", shard_name(rows));
	return c;
}

/* Warn if no row is trained with self-conditioning: denoise and --valid use it for every row. */
static void warn_of_rate(const struct config *c)
{
	double rows = (double)options->settings.train.steps * (double)options->settings.train.batch;

	if (c->self_cond && options->settings.train.self_cond_rate * rows < 1 && ranks_first())
		warn("--self-cond %g of %.0f rows is less than one row: training uses no "
		     "self-conditioning, but denoise does",
		    options->settings.train.self_cond_rate, rows);
}

/* Warn if the rows differ from those that the checkpoint was started with: in seed, in the counts
 * of ids, or in the options of noise. */
static void warn_of_rows(const struct run *r, const struct checkpoint *from)
{
	const struct shard_header *h = shard_header(r->rows);
	char asked[ORIGIN_ROOM], had[ORIGIN_ROOM];
	uint64_t was, is;
	uint32_t id;

	if (h->seed != from->source.seed)
		warn("%s: noised with seed %" PRIu64 ", but %s began with seed %" PRIu64,
		    shard_name(r->rows), h->seed, options->resume, from->source.seed);
	if (active_vocab_differs(&r->tr->active, shard_counts(r->rows), &id, &was, &is))
		warn("%s: not the rows that %s began with: token %" PRIu32 " occurs %" PRIu64
		     " times in these, %" PRIu64 " times in those",
		    shard_name(r->rows), options->resume, id, is, was);
	if (origin_differs(h->provenance, from->source.provenance, asked, had))
		warn("%s: noised with %s, but %s began with %s", shard_name(r->rows), asked,
		    options->resume, had);
}

static void start(struct run *r, struct kernels *k, const struct checkpoint *from)
{
	const struct shard_header *h = shard_header(r->rows);
	uint64_t n_rows;
	bool counted = !options->settings.train.steps;
	struct config c = meet(r->rows, from, &n_rows);
	struct err e;

	if (options->dry_run) {
		needs_print(stdout, k, &c, &options->settings.train, comm, r->rows, n_rows);
		exit(cli_finish());
	}
	if (!cli_quiet)
		needs_print(stderr, k, &c, &options->settings.train, comm, r->rows, n_rows);
	needs_check(k, &c, &options->settings.train, comm);
	r->tr = options->resume ? trainer_resume(from, k, &options->settings.train, comm, &e)
	                        : trainer_new(k, &c, &options->settings.train, comm, h,
	                              shard_counts(r->rows), &e);
	if (!r->tr || loader_open(&r->tr->loader, r->rows, r->tr->rows, &e))
		die(&e);
	if (cli_verbose)
		note("%s", k_name(k));
	r->counted = counted && !options->resume;
	/* Before the first step there is nothing to save, unless output is another file. */
	r->saved = options->resume && strcmp(options->output, options->resume) != 0 ? UINT64_MAX
	                                                                            : r->tr->step;
	if (options->resume && ranks_first())
		warn_of_rows(r, from);
	warn_of_rate(&c);
	if (run_init(r, &e))
		die(&e);
}

static struct lock lock = {-1, NULL};

/* Release the lock. Another run may take it now, so a signal must no longer remove the file. */
static void unlock(void)
{
	cli_unlink_on_signal(NULL);
	lock_release(&lock);
}

/* Lock the output against other runs, and check that none has written it since the checkpoint was
 * opened. */
static void take_lock(const struct stat *opened)
{
	struct stat now;
	struct err e;

	if (lock_take(&lock, options->output, &e))
		die(&e);
	atexit(unlock);
	cli_unlink_on_signal(lock.path);
	if (options->resume && !strcmp(options->output, options->resume) &&
	    (stat(options->resume, &now) || now.st_ino != opened->st_ino ||
	        now.st_mtim.tv_sec != opened->st_mtim.tv_sec ||
	        now.st_mtim.tv_nsec != opened->st_mtim.tv_nsec)) {
		err_set(&e, "%s: was changed by another run since it was opened; start again",
		    options->resume);
		die(&e);
	}
	output_sweep(options->output);
}

/* Detect errors now that would otherwise appear after hours: a checkpoint that cannot be written,
 * validation rows that do not match the model. */
static void check_ahead(const struct trainer *tr)
{
	struct err e;

	if (options->valid_path && validation_check(tr, options->valid_path, &e))
		die(&e);
	if (!ranks_first())
		return;
	if ((!options->resume || strcmp(options->output, options->resume)) && !cli_force &&
	    !access(options->output, F_OK))
		die_usage("%s: already exists: -r %s continues it, -f replaces it", options->output,
		    options->output);
	if (output_check(options->output, &e) ||
	    (options->profile_path && output_check(options->profile_path, &e)))
		die(&e);
}

static void open_outputs(const struct trainer *tr)
{
	check_ahead(tr);
	if (ranks_first())
		runlog_open(&options->logs, options->resume, tr->step);
}

/* Write the profile of rank 0. Returns status, or the status of an error here if status is 0. */
static int write_profile(const struct kernels *k, double seconds, int status)
{
	struct err e;

	if (!comm_agree(comm,
	        options->profile_path && ranks_first() &&
	            profile_write(options->profile_path, k, seconds, &e),
	        &e))
		return status;
	if (ranks_first())
		warn("%s", e.msg);
	return status ? status : (int)e.status;
}

int main(int argc, char **argv)
{
	struct checkpoint from = {0};
	struct run r = {0};
	struct kernels *k;
	struct stat opened = {0};
	struct err e = {0};
	int first, status;

	if (k_room(&e))
		die_at_once("train", &e);
	comm = ranks_join(&argc, &argv);
	options = train_options_parse(argc, argv, &from, &opened, &first);
	cli_quiet = cli_quiet || !ranks_first();
	signal(SIGHUP, SIG_IGN);
	if (!options->dry_run && ranks_first())
		take_lock(&opened);
	if (!(k = k_new((int)options->threads, options->precision, &e)) ||
	    !(r.rows = shard_open(argv[first], &e)) || shard_expect(r.rows, SHARD_NOISED, &e))
		die(&e);
	r.logs = &options->logs;
	r.output = options->output;
	r.valid_path = options->valid_path;
	r.valid_every = options->valid_every;
	r.save_every = options->save_every;
	r.stop_after = options->stop_after;
	r.header = !options->no_header;
	start(&r, k, &from);
	open_outputs(r.tr);
	ranks_gate();
	ranks_begin();
	shard_stop(r.rows, &stop_signal);
	stop_catch();
	progress_start(&r.progress);
	status = run_finish(&r, run_train(&r, &e), &e);
	status = write_profile(k, r.seconds, status);
	runlog_close(&options->logs);
	trainer_free(r.tr);
	checkpoint_close(&from);
	shard_close(r.rows);
	run_release(&r);
	k_free(k);
	if (!status)
		status = cli_finish();
	ranks_leave();
	if (!status && stop_signal) {
		unlock();
		raise(stop_signal);
	}
	return status;
}
