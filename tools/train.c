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
#include "base/mem.h"
#include "base/path.h"
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

static const char *const off_on[] = {"off", "on", NULL};
static const char *const vocabularies[] = {"active", "full", NULL};
static const char *const wires[] = {"float", "bf16", NULL};

static struct config shape;
static struct trainer_options options;
static struct runlog logs;
static const char *output = "model.safetensors", *resume, *valid_path, *profile_path;
static int64_t threads, save_every = 1000, valid_every = 500, stop_after, bucket = 4096;
static bool dry_run, no_header, preset_seen, valid_every_seen;
static int preset, precision, positions, qk_norm, posterior, pad_loss, vocabulary, wire, shard;
static struct comm *comm;

static const struct option_entry entries[] = {
    {'x', "preset", OPTION_CHOICE, &preset, NULL, "named set of defaults for shape and training", 0,
        0, config_presets, &preset_seen},
    {'o', "output", OPTION_STRING, &output, "FILE", "checkpoint to write", 0, 0, 0, 0},
    {'r', "resume", OPTION_STRING, &resume, "FILE", "checkpoint to continue from", 0, 0, 0, 0},
    {'n', "steps", OPTION_INT, &options.steps, "N",
        "steps of the whole run; 0: as many as the rows allow", 0, 1e12, 0, 0},
    {0, "stop-after", OPTION_INT, &stop_after, "N",
        "stop after step N, as if interrupted; 0: never", 0, 1e12, 0, 0},
    {'B', "batch", OPTION_INT, &options.batch, "N", "sequences per step, of all ranks together", 1,
        1e6, 0, 0},
    {0, "layers", OPTION_INT, &shape.layers, "N", "number of transformer blocks", 1, 1000, 0, 0},
    {0, "width", OPTION_INT, &shape.width, "N", "channels of the transformer", 2, 65536, 0, 0},
    {0, "heads", OPTION_INT, &shape.heads, "N", "attention heads per block", 1, 1024, 0, 0},
    {'d', "embed", OPTION_INT, &shape.embed, "N", "dimension of the embeddings", 2, 65536, 0, 0},
    {0, "time-width", OPTION_INT, &shape.time_width, "N",
        "features of the noise level and width of their network", 2, 65536, 0, 0},
    {'p', "precond", OPTION_CHOICE, &shape.precond, NULL, "preconditioning of the network", 0, 0,
        precond_names, 0},
    {0, "qk-norm", OPTION_CHOICE, &qk_norm, NULL, "normalise queries and keys in attention", 0, 0,
        off_on, 0},
    {0, "positions", OPTION_CHOICE, &positions, NULL, "add a learned vector for each position", 0,
        0, off_on, 0},
    {0, "posterior", OPTION_CHOICE, &posterior, NULL,
        "give the network each position's posterior mean embedding", 0, 0, off_on, 0},
    {0, "recall", OPTION_INT, &shape.copy_heads, "N",
        "heads of the copy attention at the end; 0: none", 0, 64, 0, 0},
    {0, "self-cond", OPTION_REAL, &options.self_cond_rate, "SHARE",
        "fraction of the rows trained with self-conditioning", 0, 1, 0, 0},
    {0, "pad-loss", OPTION_CHOICE, &pad_loss, NULL, "count noised [PAD] tokens in the loss", 0, 0,
        off_on, 0},
    {0, "vocab", OPTION_CHOICE, &vocabulary, NULL, "ids in the softmax: those in use, or all", 0, 0,
        vocabularies, 0},
    {0, "lr", OPTION_REAL, &options.optimizer.lr, "RATE", "peak learning rate", 0, 10, 0, 0},
    {0, "lr-end", OPTION_REAL, &options.optimizer.lr_end, "SHARE",
        "final learning rate, as a fraction of the peak", 0, 1, 0, 0},
    {0, "warmup", OPTION_REAL, &options.optimizer.warmup, "SHARE",
        "fraction of the steps for learning rate warm-up", 0, 1, 0, 0},
    {0, "beta1", OPTION_REAL, &options.optimizer.beta1, "B", "decay of AdamW's first moment", 0,
        0.999999, 0, 0},
    {0, "beta2", OPTION_REAL, &options.optimizer.beta2, "B", "decay of AdamW's second moment", 0,
        0.999999, 0, 0},
    {0, "decay", OPTION_REAL, &options.optimizer.weight_decay, "D",
        "weight decay of AdamW, matrices only", 0, 10, 0, 0},
    {0, "clip", OPTION_REAL, &options.optimizer.clip, "NORM",
        "largest norm of the gradient; 0: no clipping", 0, 1e9, 0, 0},
    {0, "ema", OPTION_REAL, &options.optimizer.ema, "DECAY",
        "decay of the moving average of the weights", 0, 0.9999999, 0, 0},
    {0, "schedule", OPTION_CHOICE, &options.family, NULL, "family of the noise schedule F(t)", 0, 0,
        schedule_families, 0},
    {0, "t-min", OPTION_REAL, &options.t_min, "T", "smallest noise level; 0: sqrt(d)/16", 0, 1e9, 0,
        0},
    {0, "t-max", OPTION_REAL, &options.t_max, "T", "largest noise level; 0: 18 sqrt(d)", 0, 1e9, 0,
        0},
    {0, "refit-every", OPTION_INT, &options.refit_every, "N",
        "steps between fits of F(t); 0: no fits", 0, 1e9, 0, 0},
    {0, "window", OPTION_INT, &options.window, "N", "number of latest sequences in a fit of F(t)",
        64, 1e9, 0, 0},
    {'l', "log", OPTION_STRING, &logs.steps.path, "FILE", "write a CSV row for each step", 0, 0, 0,
        0},
    {0, "loss-log", OPTION_STRING, &logs.loss.path, "FILE",
        "write the CSV of losses here, not to standard output", 0, 0, 0, 0},
    {0, "schedule-log", OPTION_STRING, &logs.schedule.path, "FILE",
        "write a CSV row for each fit of F(t)", 0, 0, 0, 0},
    {0, "valid", OPTION_STRING, &valid_path, "FILE", "noised rows to validate on", 0, 0, 0, 0},
    {0, "valid-every", OPTION_INT, &valid_every, "N", "steps between validations", 1, 1e12, 0,
        &valid_every_seen},
    {0, "save-every", OPTION_INT, &save_every, "N", "steps between checkpoints", 1, 1e12, 0, 0},
    {0, "profile", OPTION_STRING, &profile_path, "FILE",
        "write a CSV of the time spent in each kernel", 0, 0, 0, 0},
    {0, "no-header", OPTION_FLAG, &no_header, NULL, "write no CSV header to standard output", 0, 0,
        0, 0},
    {0, "dry-run", OPTION_FLAG, &dry_run, NULL,
        "print the memory and work that the run needs, and exit", 0, 0, 0, 0},
    {0, "wire", OPTION_CHOICE, &wire, NULL, "number format of gradients between ranks", 0, 0, wires,
        0},
    {0, "shard", OPTION_CHOICE, &shard, NULL, "split the optimiser's state over the ranks (ZeRO-1)",
        0, 0, off_on, 0},
    {0, "bucket", OPTION_INT, &bucket, "KIB", "smallest bucket of gradients sent together, in KiB",
        1, 1048576, 0, 0},
    {'s', "seed", OPTION_SEED, &options.seed, "SEED", "random seed of the initial weights", 0, 0, 0,
        0},
    {0, "precision", OPTION_CHOICE, &precision, NULL,
        "number format of matrix products; auto: bf16 if it is fast", 0, 0, k_precisions, 0},
    {'j', "threads", OPTION_INT, &threads, "N", "threads; 0: one per processor", 0, 1024, 0, 0},
    CLI_FORCE("replace an existing checkpoint; start even if memory is short"),
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli cli = {
    .tool = "train",
    .usage = "[options] [noised rows]",
    .summary = "Train a diffusion model of text on the output of noise.",
    .options = entries,
    .n_options = CLI_COUNT(entries),
    .max_operands = 1,
};

/* --- options --- */

/* Presets and checkpoints set the defaults of all other options, so these two are parsed first. */
static void set_defaults(int argc, char **argv, struct checkpoint *from, struct stat *opened)
{
	const char *name = cli_peek(&cli, argc, argv, 'x');
	struct err e;
	int i = 0;

	for (int n = 0; name && config_presets[n]; n++)
		if (!strcmp(name, config_presets[n]))
			i = n;
	trainer_preset(&options, &shape, i);
	resume = cli_peek(&cli, argc, argv, 'r');
	if (resume) {
		if (stat(resume, opened))
			memset(opened, 0, sizeof *opened);
		if (checkpoint_open(from, resume, &e))
			die(&e);
		shape = from->c;
		options = from->o;
		output = resume;
	}
	positions = shape.positions;
	qk_norm = shape.qk_norm;
	posterior = shape.posterior;
	pad_loss = options.pad_loss;
	vocabulary = options.full_vocab;
}

/* Options that only affect the first step, or that determine the meaning of saved state. */
static bool is_fixed(const char *name)
{
	static const char *const fixed[] = {"train.seed", "train.full_vocab", "train.family",
	    "train.t_min", "train.t_max", "train.window"};

	for (size_t i = 0; i < CLI_COUNT(fixed); i++)
		if (!strcmp(name, fixed[i]))
			return true;
	return false;
}

static void must_stay(const struct field *f, const void *own, const void *asked)
{
	char is[FIELD_ROOM], not [FIELD_ROOM];

	field_print(f, own, is);
	field_print(f, asked, not );
	if (strcmp(is, not ))
		die_usage("%s: %s is %s in the checkpoint and cannot be changed to %s", resume,
		    f->name, is, not );
}

/* Whether path is standard output, by any of its names. */
static bool is_standard(const char *path)
{
	return path_is_standard(path) || path_is_output(path);
}

static void check_standard(void)
{
	const char *log[] = {logs.steps.path, logs.schedule.path, profile_path};
	int n = is_standard(logs.loss.path);

	if (is_standard(output))
		die_usage("--output: a checkpoint cannot be written to standard output (expected a "
		          "file)");
	for (size_t i = 0; i < CLI_COUNT(log); i++)
		n += log[i] && is_standard(log[i]);
	if (n > 1)
		die_usage(
		    "only one log can go to standard output: use --loss-log FILE for the losses");
}

/* If the run continues in the same file, that checkpoint is both read and written, which is fine.
 */
static void check_files(char *const *rows)
{
	struct err e;
	char *lock_file = lock_path(output, &e);
	const char *written[] = {
	    output, lock_file, logs.steps.path, logs.loss.path, logs.schedule.path, profile_path};
	const char *read[] = {valid_path, resume && strcmp(output, resume) != 0 ? resume : NULL};

	if (!lock_file)
		die(&e);
	cli_refuse_clashes(written, CLI_COUNT(written), read, CLI_COUNT(read), rows);
	free(lock_file);
}

static void refuse_options(void)
{
	if (valid_path && path_is_stream(valid_path))
		die_usage(
		    "--valid: %s: is a stream (expected a file, as each validation reads it again)",
		    valid_path);
	cli_refuse(no_header && logs.loss.path, "--no-header", "--loss-log");
	if (valid_every_seen && !valid_path)
		die_usage("--valid-every: needs --valid");
	cli_refuse(
	    preset_seen && resume, "--preset", "--resume, as the checkpoint has its own settings");
	cli_check_threads(threads);
}

static void take_options(const struct checkpoint *from)
{
	struct err e;

	shape.positions = positions;
	shape.qk_norm = qk_norm;
	shape.posterior = posterior;
	shape.self_cond = options.self_cond_rate > 0;
	options.pad_loss = pad_loss;
	options.full_vocab = vocabulary;
	options.comm = comm;
	options.buckets =
	    (struct buckets_options){wire, shard, bucket * 1024 / (int64_t)sizeof(real)};
	if (trainer_check(&options, &e))
		die_usage("%s", e.msg);
	if (!resume)
		return;
	for (size_t i = 0; i < config_n_fields; i++)
		must_stay(&config_fields[i], &from->c, &shape);
	for (size_t i = 0; i < trainer_n_fields; i++)
		if (is_fixed(trainer_fields[i].name))
			must_stay(&trainer_fields[i], &from->o, &options);
}

/* --- the rows and the ranks --- */

/* The number of rows that all ranks have together, and in *end the end of the last one in the
 * stream; both 0 if unknown. A rank may read the whole stream or only its part. Collective. */
static uint64_t count_rows(const struct shard_header *h, uint64_t *end)
{
	uint64_t stride = h->stride > 1 ? h->stride : 1, whole = 0, shares = 0;
	size_t ranks = (size_t)comm_size(comm), rank = (size_t)comm_rank(comm);
	double *n;
	struct err e;

	n = mem_array(3 * ranks, sizeof *n, &e);
	if (!n)
		die(&e);
	n[rank] = h->expected ? (double)(h->first + (h->expected - 1) * stride + 1) : 0;
	n[ranks + rank] = stride == 1 ? (double)h->expected : 0;
	n[2 * ranks + rank] = stride == 1 ? 0 : (double)h->expected;
	comm_allreduce(comm, n, 3 * ranks);
	*end = 0;
	for (size_t i = 0; i < ranks; i++) {
		*end = (uint64_t)n[i] > *end ? (uint64_t)n[i] : *end;
		whole = (uint64_t)n[ranks + i] > whole ? (uint64_t)n[ranks + i] : whole;
		shares += (uint64_t)n[2 * ranks + i];
	}
	free(n);
	return whole ? whole : shares;
}

/* The model's shape, completed from the rows: active vocabulary and row length. */
static struct config full_shape(const struct shard_reader *rows)
{
	const struct shard_header *h = shard_header(rows);
	struct config c = shape;
	struct active_vocab a;
	struct err e;

	if (active_vocab_init(&a, h, shard_counts(rows), options.full_vocab, &e))
		die(&e);
	c.active = a.n;
	c.row_len = h->row_len;
	active_vocab_release(&a);
	if (config_check(&c, &e))
		die_usage("%s", e.msg);
	return c;
}

/* Tell the other ranks the settings that must be the same on all ranks; log files may differ. */
static void say_terms(
    const struct config *c, const struct shard_reader *rows, const struct checkpoint *from)
{
	const struct shard_header *h = shard_header(rows);

	ranks_say("version %s with %zu bytes per number", CDCD_VERSION, sizeof(real));
	ranks_say("a vocabulary of %u, %016" PRIx64, h->vocab_size, h->vocab_hash);
	ranks_say("rows noised with seed %" PRIu64, h->seed);
	ranks_say_fields(config_fields, config_n_fields, c);
	ranks_say_fields(trainer_fields, trainer_n_fields, &options);
	ranks_say("--precision %s", k_precisions[precision]);
	ranks_say("--wire %s", wires[wire]);
	ranks_say("--shard %s", off_on[shard]);
	ranks_say("--bucket %" PRId64, bucket);
	ranks_say("--stop-after %" PRId64, stop_after);
	ranks_say("--save-every %" PRId64, save_every);
	ranks_say("--valid-every %" PRId64, valid_path ? valid_every : 0);
	ranks_say("--dry-run %s", off_on[dry_run]);
	ranks_say("--resume %s", off_on[resume != NULL]);
	if (resume)
		ranks_say("a checkpoint of step %" PRIu64 ", row %" PRIu64, from->step, from->rows);
}

/* Check that all ranks have the same settings, and count their rows. Collective. */
static struct config meet(
    const struct shard_reader *rows, const struct checkpoint *from, uint64_t *n_rows)
{
	struct config c = resume ? from->c : full_shape(rows);
	uint64_t end;
	struct err e;

	if (resume && checkpoint_matches(from, shard_name(rows), shard_header(rows), true, &e))
		die(&e);
	say_terms(&c, rows, from);
	ranks_gate();
	ranks_compare();
	*n_rows = count_rows(shard_header(rows), &end);
	if (!options.steps)
		options.steps =
		    (int64_t)((end + (uint64_t)options.batch - 1) / (uint64_t)options.batch);
	if (!options.steps)
		die_usage("%s: unknown number of rows: give the steps with -n", shard_name(rows));
	return c;
}

/* Warn if no row is trained with self-conditioning: denoise and --valid use it for every row. */
static void warn_of_rate(const struct config *c)
{
	double rows = (double)options.steps * (double)options.batch;

	if (c->self_cond && options.self_cond_rate * rows < 1 && ranks_first())
		warn("--self-cond %g of %.0f rows is less than one row: training uses no "
		     "self-conditioning, but denoise does",
		    options.self_cond_rate, rows);
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
		    shard_name(r->rows), h->seed, resume, from->source.seed);
	if (active_vocab_differs(&r->tr->active, shard_counts(r->rows), &id, &was, &is))
		warn("%s: not the rows that %s began with: token %" PRIu32 " occurs %" PRIu64
		     " times in these, %" PRIu64 " times in those",
		    shard_name(r->rows), resume, id, is, was);
	if (origin_differs(h->provenance, from->source.provenance, asked, had))
		warn("%s: noised with %s, but %s began with %s", shard_name(r->rows), asked, resume,
		    had);
}

static void start(struct run *r, struct kernels *k, const struct checkpoint *from)
{
	const struct shard_header *h = shard_header(r->rows);
	uint64_t n_rows;
	bool counted = !options.steps;
	struct config c = meet(r->rows, from, &n_rows);
	struct err e;

	if (dry_run) {
		needs_print(stdout, k, &c, &options, r->rows, n_rows);
		exit(cli_finish());
	}
	if (!cli_quiet)
		needs_print(stderr, k, &c, &options, r->rows, n_rows);
	needs_check(k, &c, &options);
	r->tr = resume ? checkpoint_resume(from, k, &options, &e)
	               : trainer_new(k, &c, &options, h, shard_counts(r->rows), &e);
	if (!r->tr || trainer_skip(r->tr, r->rows, &e))
		die(&e);
	if (cli_verbose)
		note("%s", k_name(k));
	r->counted = counted && !resume;
	/* Before the first step there is nothing to save, unless output is another file. */
	r->saved = resume && strcmp(output, resume) != 0 ? UINT64_MAX : r->tr->step;
	if (resume && ranks_first())
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

	if (lock_take(&lock, output, &e))
		die(&e);
	atexit(unlock);
	cli_unlink_on_signal(lock.path);
	if (resume && !strcmp(output, resume) &&
	    (stat(resume, &now) || now.st_ino != opened->st_ino ||
	        now.st_mtim.tv_sec != opened->st_mtim.tv_sec ||
	        now.st_mtim.tv_nsec != opened->st_mtim.tv_nsec)) {
		err_set(
		    &e, "%s: was changed by another run since it was opened; start again", resume);
		die(&e);
	}
	output_sweep(output);
}

/* Detect errors now that would otherwise appear after hours: a checkpoint that cannot be written,
 * validation rows that do not match the model. */
static void check_ahead(const struct trainer *tr)
{
	struct err e;

	if (valid_path && validation_check(tr, valid_path, &e))
		die(&e);
	if (!ranks_first())
		return;
	if ((!resume || strcmp(output, resume)) && !cli_force && !access(output, F_OK))
		die_usage("%s: already exists: -r %s continues it, -f replaces it", output, output);
	if (output_check(output, &e) || (profile_path && output_check(profile_path, &e)))
		die(&e);
}

static void open_outputs(const struct trainer *tr)
{
	check_ahead(tr);
	if (ranks_first())
		runlog_open(&logs, resume, tr->step);
}

/* Write the profile of rank 0. Returns status, or the status of an error here if status is 0. */
static int write_profile(const struct kernels *k, double seconds, int status)
{
	struct err e;

	if (!comm_agree(comm,
	        profile_path && ranks_first() && profile_write(profile_path, k, seconds, &e), &e))
		return status;
	if (ranks_first())
		warn("%s", e.msg);
	return status ? status : (int)e.status;
}

int main(int argc, char **argv)
{
	struct checkpoint from = {0};
	struct run r = {.logs = &logs};
	struct kernels *k;
	struct stat opened = {0};
	struct err e = {0};
	int first, status;

	if (k_room(&e))
		die_at_once(cli.tool, &e);
	comm = ranks_join(&argc, &argv);
	set_defaults(argc, argv, &from, &opened);
	first = cli_parse(&cli, argc, argv);
	cli_quiet = cli_quiet || !ranks_first();
	signal(SIGHUP, SIG_IGN);
	refuse_options();
	take_options(&from);
	check_standard();
	check_files(argv + first);
	if (!dry_run && ranks_first())
		take_lock(&opened);
	if (!(k = k_new((int)threads, (enum k_precision)precision, &e)) ||
	    !(r.rows = shard_open(argv[first], &e)) || shard_expect(r.rows, SHARD_NOISED, &e))
		die(&e);
	r.output = output;
	r.valid_path = valid_path;
	r.valid_every = valid_every;
	r.save_every = save_every;
	r.stop_after = stop_after;
	r.header = !no_header;
	start(&r, k, &from);
	open_outputs(r.tr);
	ranks_gate();
	ranks_begin();
	shard_stop(r.rows, &stop_signal);
	stop_catch();
	progress_start(&r.progress);
	status = run_finish(&r, run_train(&r, &e), &e);
	status = write_profile(k, r.seconds, status);
	runlog_close(&logs);
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
