/* The start and the end of a run: inputs, settings that all ranks have, trainer, outputs. */

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/version.h"
#include "train/checkpoint.h"
#include "train/settings.h"
#include "train/validation.h"
#include "needs.h"
#include "origin.h"
#include "ranks.h"
#include "run.h"

static bool is_first(const struct run *r)
{
	return comm_is_root(r->comm);
}

/* Whether the run continues a checkpoint and writes the same file. */
static bool is_in_place(const struct train_options *o)
{
	return o->resume && !strcmp(o->output, o->resume);
}

/* --- inputs --- */

/* Check that the file of the checkpoint is still the one that was opened. */
static int check_unchanged(const struct train_options *o, struct err *e)
{
	const struct stat *opened = &o->resume_status;
	struct stat now;

	if (stat(o->resume, &now) || now.st_ino != opened->st_ino ||
	    now.st_mtim.tv_sec != opened->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != opened->st_mtim.tv_nsec)
		return err_set(e, "%s: was changed by another run since it was opened; start again",
		    o->resume);
	return 0;
}

/* Lock a checkpoint that the run writes against other runs. */
static int lock_checkpoint(struct lock *l, const char *path, struct err *e)
{
	if (lock_take(l, path, e))
		return -1;
	cli_unlink_at_end(l->path);
	return 0;
}

/* Lock the outputs, and check that no other run has written the checkpoint since it was opened. */
static int lock_outputs(struct run *r, struct err *e)
{
	const struct train_options *o = r->options;

	if (lock_checkpoint(&r->lock, o->output, e) ||
	    (o->keep_best && lock_checkpoint(&r->best_lock, o->keep_best, e)))
		return -1;
	if (is_in_place(o) && check_unchanged(o, e))
		return -1;
	output_sweep(o->output);
	if (o->keep_best)
		output_sweep(o->keep_best);
	return 0;
}

/* Complete the shape of the model from the rows: active vocabulary and row length. */
static int complete_shape(struct run *r, struct err *e)
{
	const struct shard_header *h = shard_header(r->rows);
	struct config *c = &r->settings.model;
	struct active_vocab a;

	if (active_vocab_init(&a, h, shard_counts(r->rows), r->settings.train.full_vocab, e))
		return -1;
	c->active = a.n;
	c->row_len = h->row_len;
	active_vocab_release(&a);
	if (settings_check(&r->settings, e)) {
		e->status = ERR_USAGE;
		return -1;
	}
	return 0;
}

static int open_inputs(struct run *r, struct err *e)
{
	const struct train_options *o = r->options;

	if (!o->dry_run && is_first(r) && lock_outputs(r, e))
		return -1;
	r->kernels = k_new((int)o->threads, o->precision, e);
	if (!r->kernels)
		return -1;
	r->rows = shard_open(o->rows, e);
	if (!r->rows)
		return -1;
	if (shard_expect(r->rows, SHARD_NOISED, e))
		return -1;
	if (!o->resume)
		return complete_shape(r, e);
	r->settings.model = o->from.c;
	return checkpoint_matches(&o->from, r->rows, true, e);
}

/* --- what all ranks have in common --- */

static int compare_settings(struct run *r, struct err *e)
{
	const struct shard_header *h = shard_header(r->rows);
	const struct checkpoint *from = &r->options->from;
	struct ranks_common common = {0};

	ranks_add(&common, "version %s with %zu bytes per number", CDCD_VERSION, sizeof(real));
	ranks_add(&common, "a vocabulary of %u, %016" PRIx64, h->vocab_size, h->vocab_hash);
	ranks_add(&common, "rows noised with seed %" PRIu64, h->seed);
	train_options_compare(r->options, &r->settings.model, &common);
	if (r->options->resume)
		ranks_add(&common, "a checkpoint of step %" PRIu64 ", row %" PRIu64, from->step,
		    from->rows);
	return ranks_compare(&common, r->comm, e);
}

/* Find the number of steps. */
static int complete_steps(struct run *r, struct err *e)
{
	struct trainer_options *o = &r->settings.train;
	uint64_t end, batch = o->batch;

	if (loader_count_rows(r->comm, shard_header(r->rows), &r->n_rows, &end, e))
		return -1;
	if (o->steps)
		return 0;
	r->counted = !r->options->resume;
	o->steps = (end + batch - 1) / batch;
	if (!o->steps)
		return err_with(e, ERR_USAGE, "%s: unknown number of rows: give the steps with -n",
		    shard_name(r->rows));
	return 0;
}

static void print_needs(const struct run *r, FILE *to)
{
	needs_print(
	    to, r->kernels, &r->settings.model, &r->settings.train, r->comm, r->rows, r->n_rows);
}

/* --- the trainer --- */

/* Warn if no row is trained with self-conditioning: denoise and --valid use it for every row. */
static void warn_of_rate(const struct run *r)
{
	const struct trainer_options *o = &r->settings.train;
	double rows = (double)o->steps * (double)o->batch;

	if (r->settings.model.self_cond && o->self_cond * rows < 1)
		warn("--self-cond %g of %.0f rows is less than one row: training uses no "
		     "self-conditioning, but denoise does",
		    o->self_cond, rows);
}

/* Warn if the rows differ from those that the checkpoint was started with: in seed, in the counts
 * of ids, or in the options of noise. */
static void warn_of_rows(const struct run *r)
{
	const char *name = shard_name(r->rows), *resume = r->options->resume;
	const struct shard_header *h = shard_header(r->rows), *before = &r->options->from.source;
	char asked[ORIGIN_ROOM], had[ORIGIN_ROOM];
	uint64_t was, is;
	uint32_t id;

	if (h->seed != before->seed)
		warn("%s: noised with seed %" PRIu64 ", but %s began with seed %" PRIu64, name,
		    h->seed, resume, before->seed);
	if (active_vocab_differs(&r->tr->active, shard_counts(r->rows), &id, &was, &is))
		warn("%s: not the rows that %s began with: token %" PRIu32 " occurs %" PRIu64
		     " times, not %" PRIu64 " times",
		    name, resume, id, is, was);
	if (origin_differs(h->provenance, before->provenance, asked, had))
		warn("%s: noised with %s, but %s began with %s", name, asked, resume, had);
}

/* The vocabulary for the checkpoint: a checkpoint of an earlier version has none. */
static const struct shard_vocab *vocab_to_save(const struct run *r)
{
	const struct checkpoint *from = &r->options->from;

	return from->vocab.text ? &from->vocab : shard_vocab(r->rows);
}

static struct trainer *new_trainer(const struct run *r, struct err *e)
{
	const struct settings *s = &r->settings;

	if (r->options->resume)
		return trainer_resume(&r->options->from, r->kernels, &s->train, r->comm, e);
	return trainer_new(r->kernels, &s->model, &s->train, r->comm, shard_header(r->rows),
	    shard_counts(r->rows), e);
}

static int open_trainer(struct run *r, struct err *e)
{
	const struct train_options *o = r->options;

	if (needs_check(r->kernels, &r->settings.model, &r->settings.train, r->comm, e))
		return -1;
	r->tr = new_trainer(r, e);
	if (!r->tr)
		return -1;
	r->tr->vocab = vocab_to_save(r);
	if (loader_open(&r->tr->loader, r->rows, r->tr->rows, e))
		return -1;
	r->ce = mem_array(r->tr->o.batch, sizeof *r->ce, e);
	if (!r->ce)
		return -1;
	r->first_step = r->tr->step;
	/* Before the first step there is nothing to save, unless output is another file. */
	r->saved = o->resume && !is_in_place(o) ? UINT64_MAX : r->tr->step;
	if (cli_verbose)
		note("%s", k_name(r->kernels));
	if (o->resume && is_first(r))
		warn_of_rows(r);
	if (is_first(r))
		warn_of_rate(r);
	if (r->tr->step >= r->tr->o.steps && is_first(r))
		note("%s: has done %" PRIu64 " of %zu steps; to train further, give a larger -n",
		    o->resume, r->tr->step, r->tr->o.steps);
	return 0;
}

/* --- outputs --- */

/* Check that the checkpoint and the profile can be written. */
static int check_outputs(const struct train_options *o, struct err *e)
{
	if (!is_in_place(o) && !cli_force && !access(o->output, F_OK))
		return err_with(e, ERR_USAGE,
		    "%s: already exists: -r %s continues it, -f replaces it", o->output, o->output);
	if (o->keep_best && !o->resume && !cli_force && !access(o->keep_best, F_OK))
		return err_with(e, ERR_USAGE, "%s: already exists: -f replaces it", o->keep_best);
	if (output_check(o->output, e) || (o->keep_best && output_check(o->keep_best, e)))
		return -1;
	if (o->profile_path && output_check(o->profile_path, e))
		return -1;
	return 0;
}

static int open_outputs(struct run *r, struct err *e)
{
	const struct train_options *o = r->options;

	if (o->valid_path && validation_check(r->tr, o->valid_path, e))
		return -1;
	if (!is_first(r))
		return 0;
	if (check_outputs(o, e))
		return -1;
	return runlog_open(&r->logs, &o->logs, o->resume, r->tr->step, e);
}

/* --- all of it --- */

int run_open(struct run *r, const struct train_options *options, struct comm *comm, struct err *e)
{
	*r = (struct run){
	    .options = options, .comm = comm, .settings = options->settings, .valid = NAN};
	r->lock.fd = r->best_lock.fd = -1;
	if (comm_agree(comm, open_inputs(r, e), e))
		return -1;
	if (compare_settings(r, e))
		return -1;
	if (complete_steps(r, e))
		return -1;
	if (options->dry_run || !cli_quiet)
		print_needs(r, options->dry_run ? stdout : stderr);
	if (options->dry_run)
		return 0;
	return comm_agree(comm, open_trainer(r, e) || open_outputs(r, e), e);
}

void run_close(struct run *r)
{
	runlog_close(&r->logs);
	free(r->ce);
	trainer_free(r->tr);
	shard_close(r->rows);
	k_free(r->kernels);
	/* Another run may take a lock now, so a signal must no longer remove its file. */
	cli_unlink_nothing();
	lock_release(&r->lock);
	lock_release(&r->best_lock);
	memset(r, 0, sizeof *r);
	r->lock.fd = r->best_lock.fd = -1;
}
