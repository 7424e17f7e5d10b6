#include "train_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "base/lock.h"
#include "base/path.h"
#include "ranks.h"

/* The defaults that no preset sets. */
static struct train_options o = {
    .output = "model.safetensors", .save_every = 1000, .valid_every = 500};
static const char *preset;
static char preset_names[64]; /* "tiny|small|..." */

/* clang-format off */
static const struct option_entry file_entries[] = {
	{.letter = 'r', .name = "resume", .type = OPTION_STRING, .value = &o.resume, .arg = "FILE",
		.help = "checkpoint to continue from", .group = "Input and output"},
	CLI_OUTPUT(&o.output, "checkpoint to write"),
	{.name = "stop-after", .type = OPTION_INT, .value = &o.stop_after, .arg = "N", .max = 1e12,
		.help = "stop after step N, as if interrupted; 0: never"},
	{.name = "save-every", .type = OPTION_INT, .value = &o.save_every, .arg = "N", .min = 1,
		.max = 1e12, .help = "steps between checkpoints"},
	{.letter = 'l', .name = "log", .type = OPTION_STRING, .value = &o.logs.steps,
		.arg = "FILE", .help = "write a CSV row for each step"},
	{.name = "loss-log", .type = OPTION_STRING, .value = &o.logs.loss, .arg = "FILE",
		.help = "write the CSV of losses here, not to standard output"},
	{.name = "schedule-log", .type = OPTION_STRING, .value = &o.logs.schedule,
		.arg = "FILE", .help = "write a CSV row for each fit of F(t)"},
	{.name = "no-header", .type = OPTION_FLAG, .value = &o.no_header,
		.help = "write no CSV header to standard output"},
};

/* The settings follow this entry. */
static const struct option_entry preset_entry[] = {
	{.letter = 'x', .name = "preset", .type = OPTION_STRING, .value = &preset,
		.arg = preset_names, .help = "named set of defaults for shape and training",
		.group = "Model"},
};

static const struct option_entry valid_entries[] = {
	{.name = "valid", .type = OPTION_STRING, .value = &o.valid_path, .arg = "FILE",
		.help = "noised rows to validate on", .group = "Validation"},
	{.name = "valid-every", .type = OPTION_INT, .value = &o.valid_every, .arg = "N", .min = 1,
		.max = 1e12, .help = "steps between validations"},
	{.name = "keep-best", .type = OPTION_STRING, .value = &o.keep_best, .arg = "FILE",
		.help = "also write the checkpoint with the lowest validation loss here"},
	{.name = "patience", .type = OPTION_INT, .value = &o.patience, .arg = "N", .max = 1e12,
		.help = "stop after N validations without improvement; 0: never"},
};

static const struct option_entry general_entries[] = {
	{.name = "dry-run", .type = OPTION_FLAG, .value = &o.dry_run,
		.help = "print the memory and work that the run needs, and exit",
		.group = "General"},
	CLI_PRECISION(&o.precision),
	CLI_PROFILE(&o.profile_path),
	CLI_THREADS(&o.threads),
	CLI_FORCE("replace an existing checkpoint; start even if memory is short"),
	CLI_QUIET,
	CLI_VERBOSE,
};

/* Besides the settings, these options must be the same on all ranks. */
static const char *const same_options[] = {
	"stop-after", "save-every", "valid-every", "patience", "precision", "dry-run",
};

static const struct cli_removed removed[] = {
	{'d', NULL, "--embed"},
	{0, "decay", "--weight-decay"},
	{0, "recall", "--copy-heads"},
	{0, "vocab", "--full-vocab, off or on"},
};
/* clang-format on */

/* --- the table of options --- */

static struct option_entry entries[96];

static struct cli cli = {
    .tool = "train",
    .usage = "[options] [noised rows]",
    .summary = "Train a diffusion model of text on the output of noise.",
    .options = entries,
    .max_operands = 1,
    .removed = removed,
    .n_removed = CLI_COUNT(removed),
};

static struct option_entry setting_entry(const struct setting *s)
{
	static const enum option_type type[] = {
	    [FIELD_SIZE] = OPTION_SIZE,
	    [FIELD_UINT] = OPTION_SEED,
	    [FIELD_REAL] = OPTION_REAL,
	    [FIELD_SWITCH] = OPTION_SWITCH,
	    [FIELD_CHOICE] = OPTION_CHOICE,
	};

	return (struct option_entry){
	    .letter = s->letter,
	    .name = s->option,
	    .type = type[s->field.type],
	    .value = (char *)&o.settings + s->field.offset,
	    .arg = s->arg,
	    .help = s->help,
	    .min = s->field.min,
	    .max = s->field.max,
	    .choices = s->field.choices,
	    .group = s->group,
	};
}

static void add_entries(const struct option_entry *from, size_t n)
{
	if (n > CLI_COUNT(entries) - cli.n_options)
		die_usage("internal error: more than %zu options", CLI_COUNT(entries));
	memcpy(entries + cli.n_options, from, n * sizeof *from);
	cli.n_options += n;
}

static void make_table(void)
{
	for (size_t i = 0, n = 0; i < settings_n_presets; i++, n = strlen(preset_names))
		snprintf(preset_names + n, sizeof preset_names - n, "%s%s", i ? "|" : "",
		    settings_presets[i].name);
	add_entries(file_entries, CLI_COUNT(file_entries));
	add_entries(preset_entry, CLI_COUNT(preset_entry));
	for (size_t i = 0; i < settings_n; i++) {
		struct option_entry entry = setting_entry(&settings_table[i]);

		if (entry.help)
			add_entries(&entry, 1);
	}
	add_entries(valid_entries, CLI_COUNT(valid_entries));
	add_entries(general_entries, CLI_COUNT(general_entries));
}

/* --- defaults and checks --- */

/* Presets and checkpoints set the defaults of all other options, so these two are parsed first. */
static int set_defaults(int argc, char **argv, struct err *e)
{
	const struct settings *known;

	preset = cli_peek(&cli, argc, argv, 'x');
	if (!preset)
		preset = settings_presets[0].name;
	known = settings_preset(preset);
	if (!known)
		return err_with(e, ERR_USAGE, "--preset: unknown value '%s' (expected %s)", preset,
		    preset_names);
	o.settings = *known;
	o.resume = cli_peek(&cli, argc, argv, 'r');
	if (o.resume) {
		if (stat(o.resume, &o.resume_status))
			memset(&o.resume_status, 0, sizeof o.resume_status);
		if (checkpoint_open(&o.from, o.resume, e))
			return -1;
		o.settings = (struct settings){o.from.c, o.from.o};
		o.output = o.resume;
	}
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

	if (is_standard(o.output) || (o.keep_best && is_standard(o.keep_best)))
		return err_with(e, ERR_USAGE,
		    "--%s: a checkpoint cannot be written to standard output (expected a "
		    "file)",
		    is_standard(o.output) ? "output" : "keep-best");
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
	char *lock = lock_path(o.output, e);
	char *best_lock = o.keep_best && lock ? lock_path(o.keep_best, e) : NULL;
	const char *written[] = {o.output, lock, o.keep_best, best_lock, o.logs.steps, o.logs.loss,
	    o.logs.schedule, o.profile_path};
	const char *read[] = {
	    o.valid_path, o.resume && strcmp(o.output, o.resume) != 0 ? o.resume : NULL};
	int failed = -1;

	if (lock && (best_lock || !o.keep_best))
		failed =
		    cli_try_clashes(written, CLI_COUNT(written), read, CLI_COUNT(read), rows, e);
	free(lock);
	free(best_lock);
	return failed;
}

static int check_together(struct err *e)
{
	static const char *const validating[] = {"valid-every", "keep-best", "patience"};

	if (o.valid_path && path_is_stream(o.valid_path))
		return err_with(e, ERR_USAGE,
		    "--valid: %s: is a stream (expected a file, as each validation reads it again)",
		    o.valid_path);
	if (o.no_header && o.logs.loss)
		return err_with(e, ERR_USAGE, "--no-header does not go with --loss-log");
	for (size_t i = 0; i < CLI_COUNT(validating); i++)
		if (cli_given(validating[i]) && !o.valid_path)
			return err_with(e, ERR_USAGE, "--%s: needs --valid", validating[i]);
	if (cli_given("preset") && o.resume)
		return err_with(e, ERR_USAGE,
		    "--preset does not go with --resume, as the checkpoint has its own settings");
	return cli_try_threads(o.threads, e);
}

/* With --resume, most settings are those of the checkpoint. */
static int check_settings(struct err *e)
{
	struct settings own = {o.from.c, o.from.o};

	o.settings.model.self_cond = o.settings.train.self_cond > 0;
	return o.resume ? settings_check_fixed(&own, &o.settings, o.resume, e) : 0;
}

/* Parse and check the options into o. Returns 0, 1 if -h or -V was handled, or -1. */
static int parse_options(int argc, char **argv, struct err *e)
{
	int first, done;

	make_table();
	if (set_defaults(argc, argv, e))
		return -1;
	done = cli_try_parse(&cli, argc, argv, &first, e);
	if (done)
		return done;
	o.rows = argv[first];
	if (check_together(e))
		return -1;
	if (check_settings(e))
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
    const struct train_options *options, const struct config *c, struct ranks_common *common)
{
	struct settings s = {*c, options->settings.train};
	char text[FIELD_ROOM];

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *entry = &settings_table[i];

		settings_show(entry, &s, text);
		ranks_add(common, "%s%s %s", entry->help ? "--" : "",
		    entry->help ? entry->option : entry->field.name, text);
	}
	for (size_t i = 0; i < cli.n_options; i++)
		if (cli_is_listed(entries[i].name, same_options, CLI_COUNT(same_options))) {
			cli_show(&entries[i], text, sizeof text);
			ranks_add(common, "--%s %s", entries[i].name, text);
		}
	ranks_add(common, "--valid %s", cli_off_on[options->valid_path != NULL]);
	ranks_add(common, "--keep-best %s", cli_off_on[options->keep_best != NULL]);
	ranks_add(common, "--resume %s", cli_off_on[options->resume != NULL]);
}
