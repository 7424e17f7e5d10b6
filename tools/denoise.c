/* denoise - generate, complete, fill in or reconstruct text by running a trained diffusion
 * backwards; measure the losses of a model. */

#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "formats/shard.h"
#include "base/fields.h"
#include "base/io.h"
#include "base/path.h"
#include "compute/kernels.h"
#include "train/settings.h"
#include "model/sampler.h"
#include "evaluate.h"
#include "generate.h"
#include "model.h"
#include "profile.h"
#include "progress.h"

static const char *model_path = "model.safetensors", *output, *profile_path, *trace_path;
static struct sampler_options sampler = {.method = SAMPLER_EULER,
    .steps = 200,
    .temperature = 1,
    .tau = 1,
    .scale = 1,
    .eta = 1,
    .guidance = 1,
    .context = 1};
static int64_t count = 1, rounds, threads;
static size_t batch = 32;
static uint64_t seed;
static enum k_precision precision;
static bool prefix, infill, loss, last, info;

static const struct option_entry entries[] = {
    {.letter = 'm',
        .name = "model",
        .group = "Input and output",
        .type = OPTION_STRING,
        .value = &model_path,
        .arg = "FILE",
        .help = "checkpoint to read"},
    {.letter = 'n',
        .name = "count",
        .type = OPTION_INT,
        .value = &count,
        .arg = "N",
        .help = "rows to generate, or completions per prompt",
        .max = 1e12},
    {.name = "prefix",
        .type = OPTION_FLAG,
        .value = &prefix,
        .help = "treat records as prompts and complete each one"},
    {.name = "infill",
        .type = OPTION_FLAG,
        .value = &infill,
        .help = "fill in the [MASK] positions of each record"},
    {.name = "loss",
        .type = OPTION_FLAG,
        .value = &loss,
        .help = "write the losses of each noised row as CSV, and no rows"},
    {.name = "info",
        .type = OPTION_FLAG,
        .value = &info,
        .help = "print the checkpoint's step, settings and provenance, and exit"},
    {.name = "last",
        .type = OPTION_FLAG,
        .value = &last,
        .help = "use the weights of the last step, not their average"},
    CLI_OUTPUT(&output, CLI_STANDARD_OUTPUT),
    {.letter = 'a',
        .name = "sampler",
        .group = "Sampling",
        .type = OPTION_CHOICE,
        .value = &sampler.method,
        .help = "method of stepping from noise to text",
        .choices = sampler_names},
    {.name = "steps",
        .type = OPTION_INT,
        .value = &sampler.steps,
        .arg = "N",
        .help = "sampling steps per row",
        .min = 1,
        .max = 1e6},
    {.name = "temperature",
        .type = OPTION_REAL,
        .value = &sampler.temperature,
        .arg = "T",
        .help = "temperature of the score; below 1: likelier, less varied text",
        .min = 0.01,
        .max = 100},
    {.name = "tau",
        .type = OPTION_REAL,
        .value = &sampler.tau,
        .arg = "TAU",
        .help = "temperature of the softmax over tokens",
        .min = 0.01,
        .max = 100},
    {.name = "scale",
        .type = OPTION_REAL,
        .value = &sampler.scale,
        .arg = "S",
        .help = "factor by which the initial noise is scaled",
        .min = 0.01,
        .max = 100},
    {.name = "eta",
        .type = OPTION_REAL,
        .value = &sampler.eta,
        .arg = "SHARE",
        .help = "fraction of fresh noise in ancestral steps",
        .max = 1},
    {.letter = 'g',
        .name = "guidance",
        .type = OPTION_REAL,
        .value = &sampler.guidance,
        .arg = "G",
        .help = "guidance weight of the given tokens; 1: no guidance",
        .max = 100},
    {.name = "context-guidance",
        .type = OPTION_REAL,
        .value = &sampler.context,
        .arg = "G",
        .help = "weight of what the other positions say; above 1: more coherent text",
        .max = 100},
    {.name = "refine",
        .type = OPTION_INT,
        .value = &rounds,
        .arg = "N",
        .help = "rounds in which improbable halves of rows are generated anew",
        .max = 1e6},
    CLI_SEED(&seed, "random seed of the noise"),
    {.name = "trace",
        .type = OPTION_STRING,
        .value = &trace_path,
        .arg = "FILE",
        .help = "write a CSV of the most probable tokens before each step"},
    {.letter = 'B',
        .name = "batch",
        .group = "General",
        .type = OPTION_SIZE,
        .value = &batch,
        .arg = "N",
        .help = "rows that are computed together",
        .min = 1,
        .max = 1e6},
    CLI_PRECISION(&precision),
    CLI_PROFILE(&profile_path),
    CLI_THREADS(&threads),
    CLI_FORCE_TERMINAL,
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli_removed removed[] = {
    {.letter = 'N', .use = "--steps"},
    {.letter = 'T', .use = "--temperature"},
    {.name = "mend", .use = "--infill"},
};

static const struct cli cli = {
    .tool = "denoise",
    .usage =
        "[-m model] (-n count | --prefix | --infill | --loss | noised rows) [options] [records]",
    .summary =
        "Turn noise into text with a trained model: generate, complete, fill in, reconstruct.",
    .options = entries,
    .n_options = CLI_COUNT(entries),
    .max_operands = 1,
    .removed = removed,
    .n_removed = CLI_COUNT(removed),
};

/* --- options --- */

/* Options that have no effect together. */
static void refuse_combinations(const char *records)
{
	static const char *const with_info[] = {"info", "model", "force", "quiet", "verbose"};
	static const char *const sampling[] = {"sampler", "steps", "temperature", "tau", "scale",
	    "eta", "guidance", "context-guidance", "refine", "trace", NULL};

	if (info)
		cli_refuse_others("--info", with_info, CLI_COUNT(with_info));
	if (info && records)
		die_usage("%s: a file of records does not go with --info", records);
	if (prefix + infill + loss > 1)
		die_usage("--prefix, --infill and --loss: only one of them can be given");
	if (loss)
		cli_refuse_given("--loss, which generates no rows", sampling);
	cli_refuse(loss && cli_given("count"), "-n", "--loss, which generates no rows");
	cli_refuse(cli_given("eta") && sampler.method != SAMPLER_ANCESTRAL, "--eta",
	    "a sampler that is not ancestral");
	cli_refuse(rounds > 0 && trace_path, "--refine", "--trace");
	cli_refuse(cli_given("temperature") && sampler.method == SAMPLER_2M, "--temperature",
	    sampler_names[sampler.method]);
}

/* Refuse more than one file on standard output. */
static void refuse_shared_output(void)
{
	bool used = path_is_standard(output);

	if (trace_path && path_is_standard(trace_path)) {
		if (used)
			die_usage("--trace: standard output is already used for the rows");
		used = true;
	}
	if (profile_path && path_is_standard(profile_path) && used)
		die_usage("--profile: standard output is already used for the %s",
		    !path_is_standard(output) ? "trace"
		    : loss                    ? "losses"
		                              : "rows");
}

static void check_options(char *const *operands)
{
	const char *written[] = {output, profile_path, trace_path}, *records = *operands;

	refuse_combinations(records);
	if (cli_given("count") && records && !prefix && !infill)
		die_usage("-n: applies to %s only with --prefix or --infill; leave it out to "
		          "reconstruct noised rows",
		    records);
	cli_refuse(sampler.guidance != 1 && cli_given("count") && !prefix && !infill, "--guidance",
	    "rows without given tokens");
	cli_refuse_clashes(written, CLI_COUNT(written), &model_path, 1, operands);
	refuse_shared_output();
	cli_check_threads(threads);
	if (!loss && !info)
		cli_refuse_terminal(output);
}

static enum generation_task chosen_task(const char *records)
{
	if (prefix)
		return GENERATE_PREFIX;
	if (infill)
		return GENERATE_INFILL;
	return cli_given("count") && !records ? GENERATE_ROWS : GENERATE_RECONSTRUCT;
}

/* --- the checkpoint --- */

static void print_info(const struct checkpoint *cp)
{
	struct settings s = {cp->c, cp->o};
	char text[FIELD_ROOM];

	printf("step: %" PRIu64 "\nrows: %" PRIu64 "\n", cp->step, cp->rows);
	printf("parameters: %zu\n", weights_count(&cp->c));
	printf("vocabulary: %u tokens, %016" PRIx64 "%s\n", cp->source.vocab_size,
	    cp->source.vocab_hash, cp->vocab.text ? ", in the file" : "");
	printf("schedule: %s, t from %g to %g\n", schedule_family_name(cp->schedule.family),
	    cp->schedule.t_min, cp->schedule.t_max);
	for (size_t i = 0; i < settings_n; i++) {
		if (settings_table[i].per_run)
			continue;
		field_print(&settings_table[i].field, &s, text);
		printf("%s: %s\n", settings_table[i].field.name, text);
	}
	printf("provenance: %s\n", cp->source.provenance);
}

/* --- the records --- */

/* Noised rows contain their own seeds and noise levels. */
static int refuse_noise_options(const char *name, struct err *e)
{
	if (cli_given("seed"))
		return err_with(e, ERR_USAGE,
		    "%s: --seed does not go with noised rows, which have their own seeds", name);
	if (cli_given("scale"))
		return err_with(e, ERR_USAGE,
		    "%s: --scale does not go with noised rows, which have their own levels", name);
	return 0;
}

/* Whether the records can be used for the task, or with loss, be measured. */
static int check_records(
    const struct model *m, const struct shard_reader *in, enum generation_task task, struct err *e)
{
	const struct shard_header *h = shard_header(in);
	const char *name = shard_name(in);

	if (checkpoint_matches(&m->cp, in, h->kind == SHARD_NOISED, e))
		return -1;
	if (task == GENERATE_INFILL && m->cp.source.special.mask == SHARD_NO_ID)
		return err_with(
		    e, ERR_USAGE, "--infill: the model's vocabulary has no [MASK] token");
	if (task != GENERATE_RECONSTRUCT)
		return 0;
	if (h->kind != SHARD_NOISED)
		return err_with(e, ERR_USAGE, "%s: holds %s, not noised rows: %s", name,
		    shard_kind_name(h->kind),
		    loss ? "make them with noise"
		         : "use --prefix to complete its records, --infill to fill in their [MASK] "
		           "positions");
	return refuse_noise_options(name, e);
}

/* --- the work --- */

static int load_model(struct model *m, struct err *e)
{
	if (model_prepare(m, (int)threads, precision, e))
		return -1;
	return model_load(
	    m, last, loss ? evaluate_bytes(m, batch) : generate_bytes(m, batch, rounds), e);
}

static int process_records(struct model *m, enum generation_task task, struct shard_reader *in,
    const char *provenance, struct err *e)
{
	const struct generation what = {.task = task,
	    .sampler = sampler,
	    .count = count,
	    .seed = seed,
	    .refine = rounds,
	    .batch = batch,
	    .output = output,
	    .trace = trace_path,
	    .provenance = provenance};
	struct progress progress;
	uint64_t rows;
	int failed;

	if (load_model(m, e) || (profile_path && output_check(profile_path, e)))
		return -1;
	progress_start(&progress);
	failed = loss ? evaluate(m, batch, output, in, &progress, &rows, e)
	              : generate(m, &what, in, &progress, &rows, e);
	progress_end();
	if (failed ||
	    (profile_path && profile_write(profile_path, m->k, progress_seconds(&progress), e)))
		return -1;
	note("%" PRIu64 " rows, %.1f s", rows, progress_seconds(&progress));
	return 0;
}

static int run_model(struct model *m, const char *records, const char *provenance, struct err *e)
{
	enum generation_task task = chosen_task(records);
	struct shard_reader *in = NULL;
	int failed = 0;

	if (task != GENERATE_ROWS)
		failed = !(in = shard_open(records, e)) || check_records(m, in, task, e);
	if (!failed)
		failed = process_records(m, task, in, provenance, e);
	shard_close(in);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	char provenance[SHARD_PROVENANCE_MAX];
	struct model m = {0};
	struct err e;
	int first, failed = 0;

	if (k_room(&e))
		die_at_once(cli.tool, &e);
	first = cli_parse(&cli, argc, argv);
	check_options(argv + first);
	cli_provenance(provenance, sizeof provenance, argc, argv);
	if (model_open(&m, model_path, &e))
		die(&e);
	if (info)
		print_info(&m.cp);
	else
		failed = run_model(&m, argv[first], provenance, &e);
	model_close(&m);
	if (failed)
		die(&e);
	return cli_finish();
}
