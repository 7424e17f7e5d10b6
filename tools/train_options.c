#include "train_options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "base/lock.h"
#include "base/path.h"
#include "ranks.h"

static const char *const vocabularies[] = {"active", "full", NULL};
static const char *const wires[] = {"float", "bf16", NULL};

/* The defaults that no preset sets. */
static struct train_options o = {
    .output = "model.safetensors", .save_every = 1000, .valid_every = 500};
static bool preset_seen, valid_every_seen;
static int preset;

static const struct option_entry entries[] = {
    {'x', "preset", OPTION_CHOICE, &preset, NULL, "named set of defaults for shape and training", 0,
        0, config_presets, &preset_seen},
    {'o', "output", OPTION_STRING, &o.output, "FILE", "checkpoint to write", 0, 0, 0, 0},
    {'r', "resume", OPTION_STRING, &o.resume, "FILE", "checkpoint to continue from", 0, 0, 0, 0},
    {'n', "steps", OPTION_SIZE, &o.settings.train.steps, "N",
        "steps of the whole run; 0: as many as the rows allow", 0, 1e12, 0, 0},
    {0, "stop-after", OPTION_INT, &o.stop_after, "N",
        "stop after step N, as if interrupted; 0: never", 0, 1e12, 0, 0},
    {'B', "batch", OPTION_SIZE, &o.settings.train.batch, "N",
        "sequences per step, of all ranks together", 1, 1e6, 0, 0},
    {0, "layers", OPTION_SIZE, &o.settings.model.layers, "N", "number of transformer blocks", 1,
        1000, 0, 0},
    {0, "width", OPTION_SIZE, &o.settings.model.width, "N", "channels of the transformer", 2, 65536,
        0, 0},
    {0, "heads", OPTION_SIZE, &o.settings.model.heads, "N", "attention heads per block", 1, 1024, 0,
        0},
    {'d', "embed", OPTION_SIZE, &o.settings.model.embed, "N", "dimension of the embeddings", 2,
        65536, 0, 0},
    {0, "time-width", OPTION_SIZE, &o.settings.model.time_width, "N",
        "features of the noise level and width of their network", 2, 65536, 0, 0},
    {'p', "precond", OPTION_CHOICE, &o.settings.model.precond, NULL,
        "preconditioning of the network", 0, 0, precond_names, 0},
    {0, "qk-norm", OPTION_SWITCH, &o.settings.model.qk_norm, NULL,
        "normalise queries and keys in attention", 0, 0, cli_off_on, 0},
    {0, "positions", OPTION_SWITCH, &o.settings.model.positions, NULL,
        "add a learned vector for each position", 0, 0, cli_off_on, 0},
    {0, "posterior", OPTION_SWITCH, &o.settings.model.posterior, NULL,
        "give the network each position's posterior mean embedding", 0, 0, cli_off_on, 0},
    {0, "recall", OPTION_SIZE, &o.settings.model.copy_heads, "N",
        "heads of the copy attention at the end; 0: none", 0, 64, 0, 0},
    {0, "self-cond", OPTION_REAL, &o.settings.train.self_cond_rate, "SHARE",
        "fraction of the rows trained with self-conditioning", 0, 1, 0, 0},
    {0, "pad-loss", OPTION_SWITCH, &o.settings.train.pad_loss, NULL,
        "count noised [PAD] tokens in the loss", 0, 0, cli_off_on, 0},
    {0, "vocab", OPTION_SWITCH, &o.settings.train.full_vocab, NULL,
        "ids in the softmax: those in use, or all", 0, 0, vocabularies, 0},
    {0, "lr", OPTION_REAL, &o.settings.train.optimizer.lr, "RATE", "peak learning rate", 0, 10, 0,
        0},
    {0, "lr-end", OPTION_REAL, &o.settings.train.optimizer.lr_end, "SHARE",
        "final learning rate, as a fraction of the peak", 0, 1, 0, 0},
    {0, "warmup", OPTION_REAL, &o.settings.train.optimizer.warmup, "SHARE",
        "fraction of the steps for learning rate warm-up", 0, 1, 0, 0},
    {0, "beta1", OPTION_REAL, &o.settings.train.optimizer.beta1, "B",
        "decay of AdamW's first moment", 0, 0.999999, 0, 0},
    {0, "beta2", OPTION_REAL, &o.settings.train.optimizer.beta2, "B",
        "decay of AdamW's second moment", 0, 0.999999, 0, 0},
    {0, "decay", OPTION_REAL, &o.settings.train.optimizer.weight_decay, "D",
        "weight decay of AdamW, matrices only", 0, 10, 0, 0},
    {0, "clip", OPTION_REAL, &o.settings.train.optimizer.clip, "NORM",
        "largest norm of the gradient; 0: no clipping", 0, 1e9, 0, 0},
    {0, "ema", OPTION_REAL, &o.settings.train.optimizer.ema, "DECAY",
        "decay of the moving average of the weights", 0, 0.9999999, 0, 0},
    {0, "schedule", OPTION_CHOICE, &o.settings.train.family, NULL,
        "family of the noise schedule F(t)", 0, 0, schedule_families, 0},
    {0, "t-min", OPTION_REAL, &o.settings.train.t_min, "T", "smallest noise level; 0: sqrt(d)/16",
        0, 1e9, 0, 0},
    {0, "t-max", OPTION_REAL, &o.settings.train.t_max, "T", "largest noise level; 0: 18 sqrt(d)", 0,
        1e9, 0, 0},
    {0, "refit-every", OPTION_SIZE, &o.settings.train.refit_every, "N",
        "steps between fits of F(t); 0: no fits", 0, 1e9, 0, 0},
    {0, "window", OPTION_SIZE, &o.settings.train.window, "N",
        "number of latest sequences in a fit of F(t)", 64, 1e9, 0, 0},
    {'l', "log", OPTION_STRING, &o.logs.steps, "FILE", "write a CSV row for each step", 0, 0, 0, 0},
    {0, "loss-log", OPTION_STRING, &o.logs.loss, "FILE",
        "write the CSV of losses here, not to standard output", 0, 0, 0, 0},
    {0, "schedule-log", OPTION_STRING, &o.logs.schedule, "FILE",
        "write a CSV row for each fit of F(t)", 0, 0, 0, 0},
    {0, "valid", OPTION_STRING, &o.valid_path, "FILE", "noised rows to validate on", 0, 0, 0, 0},
    {0, "valid-every", OPTION_INT, &o.valid_every, "N", "steps between validations", 1, 1e12, 0,
        &valid_every_seen},
    {0, "save-every", OPTION_INT, &o.save_every, "N", "steps between checkpoints", 1, 1e12, 0, 0},
    {0, "profile", OPTION_STRING, &o.profile_path, "FILE",
        "write a CSV of the time spent in each kernel", 0, 0, 0, 0},
    {0, "no-header", OPTION_FLAG, &o.no_header, NULL, "write no CSV header to standard output", 0,
        0, 0, 0},
    {0, "dry-run", OPTION_FLAG, &o.dry_run, NULL,
        "print the memory and work that the run needs, and exit", 0, 0, 0, 0},
    {0, "wire", OPTION_SWITCH, &o.settings.train.buckets.bf16, NULL,
        "number format of gradients between ranks", 0, 0, wires, 0},
    {0, "shard", OPTION_SWITCH, &o.settings.train.buckets.shard, NULL,
        "split the optimiser's state over the ranks (ZeRO-1)", 0, 0, cli_off_on, 0},
    {0, "bucket", OPTION_SIZE, &o.settings.train.buckets.kib, "KIB",
        "smallest bucket of gradients sent together, in KiB", 1, 1048576, 0, 0},
    {'s', "seed", OPTION_SEED, &o.settings.train.seed, "SEED", "random seed of the initial weights",
        0, 0, 0, 0},
    {0, "precision", OPTION_CHOICE, &o.precision, NULL,
        "number format of matrix products; auto: bf16 if it is fast", 0, 0, k_precisions, 0},
    {'j', "threads", OPTION_INT, &o.threads, "N", "threads; 0: one per processor", 0, 1024, 0, 0},
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

/* Presets and checkpoints set the defaults of all other options, so these two are parsed first. */
static int set_defaults(int argc, char **argv, struct err *e)
{
	const char *name = cli_peek(&cli, argc, argv, 'x');
	int i = 0;

	for (int n = 0; name && config_presets[n]; n++)
		if (!strcmp(name, config_presets[n]))
			i = n;
	trainer_preset(&o.settings.train, &o.settings.model, i);
	o.resume = cli_peek(&cli, argc, argv, 'r');
	if (o.resume) {
		if (stat(o.resume, &o.resume_status))
			memset(&o.resume_status, 0, sizeof o.resume_status);
		if (checkpoint_open(&o.from, o.resume, e))
			return -1;
		o.settings.model = o.from.c;
		o.settings.train = o.from.o;
		o.output = o.resume;
	}
	o.settings.train.buckets.kib = 4096;
	return 0;
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

/* Check that a field that cannot be changed has the value of the checkpoint. */
static int check_field(const struct field *f, const void *saved, const void *asked, struct err *e)
{
	char before[FIELD_ROOM], now[FIELD_ROOM];

	field_print(f, saved, before);
	field_print(f, asked, now);
	if (strcmp(before, now))
		return err_with(e, ERR_USAGE,
		    "%s: %s is %s in the checkpoint and cannot be changed to %s", o.resume, f->name,
		    before, now);
	return 0;
}

/* Check the options against those of the checkpoint. */
static int check_fields(struct err *e)
{
	for (size_t i = 0; i < config_n_fields; i++)
		if (check_field(&config_fields[i], &o.from.c, &o.settings.model, e))
			return -1;
	for (size_t i = 0; i < trainer_n_fields; i++)
		if (is_fixed(trainer_fields[i].name) &&
		    check_field(&trainer_fields[i], &o.from.o, &o.settings.train, e))
			return -1;
	return 0;
}

/* Whether path is standard output, by any of its names. */
static bool is_standard(const char *path)
{
	return path_is_standard(path) || path_is_output(path);
}

static int check_standard(struct err *e)
{
	const char *log[] = {o.logs.steps, o.logs.schedule, o.profile_path};
	int n = is_standard(o.logs.loss);

	if (is_standard(o.output))
		return err_with(e, ERR_USAGE,
		    "--output: a checkpoint cannot be written to standard output (expected a "
		    "file)");
	for (size_t i = 0; i < CLI_COUNT(log); i++)
		n += log[i] && is_standard(log[i]);
	if (n > 1)
		return err_with(e, ERR_USAGE,
		    "only one log can go to standard output: use --loss-log FILE for the losses");
	return 0;
}

/* If the run continues in the same file, that checkpoint is both read and written, which is fine.
 */
static int check_files(char *const *rows, struct err *e)
{
	char *lock_file = lock_path(o.output, e);
	const char *written[] = {
	    o.output, lock_file, o.logs.steps, o.logs.loss, o.logs.schedule, o.profile_path};
	const char *read[] = {
	    o.valid_path, o.resume && strcmp(o.output, o.resume) != 0 ? o.resume : NULL};
	int failed = -1;

	if (lock_file)
		failed =
		    cli_try_clashes(written, CLI_COUNT(written), read, CLI_COUNT(read), rows, e);
	free(lock_file);
	return failed;
}

static int refuse_options(struct err *e)
{
	if (o.valid_path && path_is_stream(o.valid_path))
		return err_with(e, ERR_USAGE,
		    "--valid: %s: is a stream (expected a file, as each validation reads it again)",
		    o.valid_path);
	if (o.no_header && o.logs.loss)
		return err_with(e, ERR_USAGE, "--no-header does not go with --loss-log");
	if (valid_every_seen && !o.valid_path)
		return err_with(e, ERR_USAGE, "--valid-every: needs --valid");
	if (preset_seen && o.resume)
		return err_with(e, ERR_USAGE,
		    "--preset does not go with --resume, as the checkpoint has its own settings");
	return cli_try_threads(o.threads, e);
}

static int take_options(struct err *e)
{
	o.settings.model.self_cond = o.settings.train.self_cond_rate > 0;
	if (trainer_check(&o.settings.train, e)) {
		e->status = ERR_USAGE;
		return -1;
	}
	return o.resume ? check_fields(e) : 0;
}

/* Parse and check the options into o. Returns 0, 1 if -h or -V was handled, or -1. */
static int parse_options(int argc, char **argv, struct err *e)
{
	int first, done;

	if (set_defaults(argc, argv, e))
		return -1;
	done = cli_try_parse(&cli, argc, argv, &first, e);
	if (done)
		return done;
	o.rows = argv[first];
	if (refuse_options(e))
		return -1;
	if (take_options(e))
		return -1;
	if (check_standard(e))
		return -1;
	return check_files(argv + first, e);
}

int train_options_parse(struct train_options *options, int argc, char **argv, struct err *e)
{
	int done = parse_options(argc, argv, e);

	*options = o;
	return done;
}

void train_options_release(struct train_options *options)
{
	checkpoint_close(&options->from);
}

void train_options_compare(
    const struct train_options *opt, const struct config *c, struct ranks_common *common)
{
	ranks_add_fields(common, config_fields, config_n_fields, c);
	ranks_add_fields(common, trainer_fields, trainer_n_fields, &opt->settings.train);
	ranks_add(common, "--precision %s", k_precisions[opt->precision]);
	ranks_add(common, "--wire %s", wires[opt->settings.train.buckets.bf16]);
	ranks_add(common, "--shard %s", cli_off_on[opt->settings.train.buckets.shard]);
	ranks_add(common, "--bucket %zu", opt->settings.train.buckets.kib);
	ranks_add(common, "--stop-after %" PRId64, opt->stop_after);
	ranks_add(common, "--save-every %" PRId64, opt->save_every);
	ranks_add(common, "--valid-every %" PRId64, opt->valid_path ? opt->valid_every : 0);
	ranks_add(common, "--dry-run %s", cli_off_on[opt->dry_run]);
	ranks_add(common, "--resume %s", cli_off_on[opt->resume != NULL]);
}
