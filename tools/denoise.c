/* denoise - generate, complete, fill in or repair text by running a trained diffusion backwards. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "formats/shard.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"
#include "compute/kernels.h"
#include "train/checkpoint.h"
#include "model/likelihood.h"
#include "model/sampler.h"
#include "profile.h"
#include "progress.h"

static const char *model_path = "model.safetensors", *output;
static struct sampler_options options = {.method = SAMPLER_EULER,
    .steps = 200,
    .temperature = 1,
    .tau = 1,
    .scale = 1,
    .eta = 1,
    .guidance = 1};
static int64_t count, batch = 32, threads;
static uint64_t seed;
static int precision;
static const char *profile_path;
static bool prefix, infill, loss, last, info;

static const struct option_entry entries[] = {
    {.letter = 'm',
        .name = "model",
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
        .help = "write no text but a CSV row of losses for each noised row"},
    {.letter = 'a',
        .name = "sampler",
        .type = OPTION_CHOICE,
        .value = &options.method,
        .help = "method of stepping from noise to text",
        .choices = sampler_names},
    {.name = "steps",
        .type = OPTION_INT,
        .value = &options.steps,
        .arg = "N",
        .help = "sampling steps per row",
        .min = 1,
        .max = 1e6},
    {.name = "temperature",
        .type = OPTION_REAL,
        .value = &options.temperature,
        .arg = "T",
        .help = "temperature of the score; below 1: likelier, less varied text",
        .min = 0.01,
        .max = 100},
    {.name = "tau",
        .type = OPTION_REAL,
        .value = &options.tau,
        .arg = "TAU",
        .help = "temperature of the softmax over tokens",
        .min = 0.01,
        .max = 100},
    {.name = "scale",
        .type = OPTION_REAL,
        .value = &options.scale,
        .arg = "S",
        .help = "factor by which the initial noise is scaled",
        .min = 0.01,
        .max = 100},
    {.name = "eta",
        .type = OPTION_REAL,
        .value = &options.eta,
        .arg = "SHARE",
        .help = "fraction of fresh noise in ancestral steps",
        .max = 1},
    {.letter = 'g',
        .name = "guidance",
        .type = OPTION_REAL,
        .value = &options.guidance,
        .arg = "G",
        .help = "guidance weight of the given tokens; 1: no guidance",
        .max = 100},
    {.name = "last",
        .type = OPTION_FLAG,
        .value = &last,
        .help = "use the weights of the last step, not their average"},
    {.letter = 'B',
        .name = "batch",
        .type = OPTION_INT,
        .value = &batch,
        .arg = "N",
        .help = "rows that are computed together",
        .min = 1,
        .max = 1e6},
    {.name = "info",
        .type = OPTION_FLAG,
        .value = &info,
        .help = "print the checkpoint's step, settings and provenance, and exit"},
    CLI_OUTPUT(&output, CLI_STANDARD_OUTPUT),
    CLI_SEED(&seed, "random seed of the noise"),
    CLI_PROFILE(&profile_path),
    CLI_PRECISION(&precision),
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
    .usage = "-m model (-n count | --prefix | --infill | --loss | noised rows) [options] [records]",
    .summary = "Turn noise into text with a trained model: generate, complete, fill in, repair.",
    .options = entries,
    .n_options = CLI_COUNT(entries),
    .max_operands = 1,
    .removed = removed,
    .n_removed = CLI_COUNT(removed),
};

struct job {
	struct checkpoint cp;
	struct active_vocab active;
	struct kernels *k;
	struct weights *w;
	struct sampler *sampler;
	struct likelihood *likelihood; /* with --loss, instead of the sampler */
	struct batch b;
	struct shard_writer *out;
	struct output csv;          /* with --loss, instead of out */
	double *ce, *squared_error; /* [batch] */
	struct progress progress;
	uint32_t *ids; /* [T] ids of the record that is read or written */
	uint8_t *mask; /* [(T + 7) / 8] its noised positions */
	uint64_t done;
};

/* --- the model --- */

static void print_info(const struct checkpoint *cp)
{
	char text[FIELD_ROOM];

	printf("step: %" PRIu64 "\nrows: %" PRIu64 "\n", cp->step, cp->rows);
	printf("parameters: %zu\n", weights_count(&cp->c));
	printf("vocabulary: %u tokens, %016" PRIx64 "\n", cp->source.vocab_size,
	    cp->source.vocab_hash);
	printf("schedule: %s, t from %g to %g\n", schedule_family_name(cp->schedule.family),
	    cp->schedule.t_min, cp->schedule.t_max);
	for (size_t i = 0; i < config_n_fields; i++) {
		field_print(&config_fields[i], &cp->c, text);
		printf("%s: %s\n", config_fields[i].name, text);
	}
	for (size_t i = 0; i < trainer_n_fields; i++) {
		field_print(&trainer_fields[i], &cp->o, text);
		printf("%s: %s\n", trainer_fields[i].name, text);
	}
	printf("provenance: %s\n", cp->source.provenance);
}

/* Bytes that load allocates and that denoising the rows needs; SIZE_MAX if that overflows. */
static size_t job_bytes(const struct job *j)
{
	const struct config *c = &j->cp.c;
	size_t B = (size_t)batch,
	       own = loss ? likelihood_bytes(j->k, c, B) : sampler_bytes(j->k, c, B);

	if (own == SIZE_MAX)
		return SIZE_MAX;
	return own + k_alloc_bytes(j->k, weights_count(c) * sizeof(real)) +
	       weights_largest(j->w) * sizeof(real) + batch_bytes(B, c->row_len) +
	       B * (sizeof *j->ce + sizeof *j->squared_error);
}

static void load(struct job *j)
{
	const struct config *c = &j->cp.c;
	size_t n = weights_count(c), bytes;
	struct err e;
	real *base;

	if (!(j->k = k_new((int)threads, (enum k_precision)precision, &e)) ||
	    !(j->w = weights_new(c, &e)))
		die(&e);
	bytes = job_bytes(j);
	if (cli_verbose)
		note("memory: %.1f MiB", (double)bytes / 1048576);
	if (bytes > mem_available()) {
		err_set(&e,
		    "%s: needs %.1f MiB of memory, but %.1f MiB are available; try a smaller -B",
		    model_path, (double)bytes / 1048576, (double)mem_available() / 1048576);
		die(&e);
	}
	if (checkpoint_active_vocab(&j->cp, &j->active, &e) ||
	    !(base = k_alloc(j->k, n * sizeof *base, &e)))
		die(&e);
	weights_map(j->w, c, base);
	if (checkpoint_weights(&j->cp, j->k, j->w, last, &e) ||
	    batch_init(&j->b, (size_t)batch, c->row_len, &e) ||
	    (!loss && !(j->sampler = sampler_new(j->k, c, j->w, (size_t)batch, &options, &e))) ||
	    (loss && !(j->likelihood = likelihood_new(j->k, c, j->w, (size_t)batch, &e))) ||
	    !(j->ce = mem_array((size_t)batch, sizeof *j->ce, &e)) ||
	    !(j->squared_error = mem_array((size_t)batch, sizeof *j->squared_error, &e)) ||
	    !(j->ids = mem_array(c->row_len, sizeof *j->ids, &e)) ||
	    !(j->mask = mem_array(c->row_len / 8 + 1, 1, &e)))
		die(&e);
}

/* --- output --- */

static void create(struct job *j, int argc, char **argv)
{
	struct shard_header h = j->cp.source;
	struct err e;

	h.kind = SHARD_ROWS;
	h.seed = seed;
	cli_provenance(h.provenance, sizeof h.provenance, argc, argv);
	cli_refuse_terminal(output);
	j->out = shard_create(output, &h, NULL, output ? 3 : SHARD_STORED, &e);
	if (!j->out)
		die(&e);
	cli_unlink_at_end(shard_temporary(j->out));
}

static void fail(struct job *j, const struct err *e)
{
	shard_abort(j->out);
	die(e);
}

/* Denoise the rows in the batch, write them and empty the batch. */
static void run(struct job *j, enum sampler_start start)
{
	struct shard_record r = {.ids = j->ids, .n = (uint32_t)j->b.T};
	struct err e;

	if (j->b.B == 0)
		return;
	if (sampler_run(j->sampler, &j->b, start, &j->cp.schedule, &e))
		fail(j, &e);
	for (size_t i = 0; i < j->b.B; i++) {
		for (size_t t = 0; t < j->b.T; t++)
			j->ids[t] = j->active.id[j->b.ids[i * j->b.T + t]];
		if (shard_write(j->out, &r, &e))
			fail(j, &e);
	}
	if (shard_flush(j->out, &e))
		fail(j, &e);
	j->done += j->b.B;
	j->b.B = 0;
	if (progress_due(&j->progress))
		progress_show(&j->progress, "%" PRIu64 " rows, %.1f a second", j->done,
		    (double)j->done / progress_seconds(&j->progress));
}

/* Add a row to the batch: the tokens in ids; those where the mask is 1 are to be generated. */
static void add(struct job *j, double t, uint64_t noise_seed, enum sampler_start start)
{
	struct shard_record r = {.ids = j->ids,
	    .n = (uint32_t)j->b.T,
	    .t = (float)t,
	    .noise_seed = noise_seed,
	    .mask = j->mask};
	struct err e;

	if (batch_add(&j->b, &r, &j->active, &j->cp.schedule, true, &e))
		fail(j, &e);
	j->b.t[j->b.B - 1] = t;
	if (j->b.B == j->b.room)
		run(j, start);
}

static void set_noised(struct job *j, size_t i, bool noised)
{
	if (noised)
		j->mask[i / 8] |= (uint8_t)(1 << i % 8);
	else
		j->mask[i / 8] &= (uint8_t) ~(1 << i % 8);
}

/* The id at positions that are to be generated: any valid id will do. */
static uint32_t any_token(const struct job *j)
{
	return j->active.id[0];
}

/* --- generation without input --- */

static void generate(struct job *j)
{
	for (size_t i = 0; i < j->b.T; i++) {
		j->ids[i] = any_token(j);
		set_noised(j, i, true);
	}
	for (int64_t i = 0; i < count; i++)
		add(j, j->cp.schedule.t_max, rng_u64(seed, RNG_START, 0, (uint64_t)i),
		    SAMPLER_NOISE);
	run(j, SAMPLER_NOISE);
}

/* --- generation from records --- */

/* The number of given tokens of a prompt: all but [PAD] and [SEP] at its end. */
static uint32_t prompt_length(const struct job *j, const struct shard_record *r)
{
	const struct shard_special *s = &j->cp.source.special;
	uint32_t n = r->n;

	while (n > 0 && (r->ids[n - 1] == s->pad || r->ids[n - 1] == s->sep))
		n--;
	return n;
}

static void set_row(struct job *j, const struct shard_record *r)
{
	const struct shard_special *s = &j->cp.source.special;
	uint32_t given = prefix ? prompt_length(j, r) : r->n;
	size_t T = j->b.T;

	for (size_t i = 0; i < T; i++) {
		bool noised = prefix ? i >= given : i < r->n && infill && r->ids[i] == s->mask;

		j->ids[i] = i < given                         ? r->ids[i]
		            : prefix || s->pad == SHARD_NO_ID ? any_token(j)
		                                              : s->pad;
		if (noised)
			j->ids[i] = any_token(j);
		set_noised(j, i, noised);
	}
}

static void from_prompts(struct job *j, struct shard_reader *in)
{
	struct shard_record r;
	uint64_t row = 0;
	struct err e;
	int more;

	while ((more = shard_read(in, &r, &e)) > 0) {
		if (r.n > j->b.T) {
			err_set(&e,
			    "%s: record %" PRIu64 " has %u tokens, the model's rows have only %zu",
			    shard_name(in), row, r.n, j->b.T);
			fail(j, &e);
		}
		for (int64_t i = 0; i < (cli_given("count") ? count : 1); i++) {
			set_row(j, &r);
			add(j, j->cp.schedule.t_max, rng_u64(seed, RNG_SEED, (uint32_t)i + 1, row),
			    SAMPLER_NOISE);
		}
		row++;
	}
	if (more < 0)
		fail(j, &e);
	run(j, SAMPLER_NOISE);
}

static void from_noised(struct job *j, struct shard_reader *in)
{
	struct shard_record r;
	struct err e;
	int more;

	while ((more = shard_read(in, &r, &e)) > 0) {
		double t = r.t == r.t ? r.t : schedule_t(&j->cp.schedule, r.u);

		memcpy(j->ids, r.ids, r.n * sizeof *r.ids);
		memcpy(j->mask, r.mask, (r.n + 7) / 8);
		add(j, t, r.noise_seed, SAMPLER_DAMAGED);
	}
	if (more < 0)
		fail(j, &e);
	run(j, SAMPLER_DAMAGED);
}

/* --- losses --- */

static void fail_measuring(struct job *j, const struct err *e)
{
	output_abort(&j->csv);
	die(e);
}

/* The number of tokens of row i over which its losses are averaged. */
static size_t count_targets(const struct batch *b, size_t i)
{
	size_t n = 0;

	for (size_t t = 0; t < b->T; t++)
		n += b->weight[i * b->T + t] > 0;
	return n;
}

static void print_losses(struct job *j)
{
	const struct batch *b = &j->b;
	struct err e;
	int failed;

	if (likelihood_run(j->likelihood, b, j->ce, j->squared_error, &e))
		fail_measuring(j, &e);
	for (size_t i = 0; i < b->B; i++) {
		failed = output_printf(
		    &j->csv, &e, "%.9g,%.9g,", b->t[i], schedule_u(&j->cp.schedule, b->t[i]));
		if (!failed)
			failed = isfinite(j->ce[i])
			             ? output_printf(&j->csv, &e, "%.9g,%.9g,%zu\n", j->ce[i],
			                   j->squared_error[i], count_targets(b, i))
			             : output_printf(&j->csv, &e, ",,0\n");
		if (failed)
			fail_measuring(j, &e);
	}
	if (output_flush(&j->csv, &e))
		fail_measuring(j, &e);
	j->done += b->B;
	j->b.B = 0;
	if (progress_due(&j->progress))
		progress_show(&j->progress, "%" PRIu64 " rows, %.1f a second", j->done,
		    (double)j->done / progress_seconds(&j->progress));
}

/* Write losses as train validates: open noise levels are spread evenly over ln t, and [PAD] counts
 * in the loss if it did in training. */
static void measure(struct job *j, struct shard_reader *in)
{
	const struct schedule *s = &j->cp.schedule;
	struct shard_record r;
	struct err e;
	int more;

	if (output_open(&j->csv, output, &e))
		die(&e);
	cli_unlink_at_end(j->csv.temporary);
	if (output_printf(&j->csv, &e, "t,u,ce_nats,squared_error,targets\n"))
		fail_measuring(j, &e);
	while ((more = shard_read(in, &r, &e)) > 0) {
		if (isnan(r.t))
			r.t = (float)schedule_spread(s, r.u);
		if (batch_add(&j->b, &r, &j->active, s, j->cp.o.pad_loss, &e))
			fail_measuring(j, &e);
		if (j->b.B == j->b.room)
			print_losses(j);
	}
	if (more < 0)
		fail_measuring(j, &e);
	if (j->b.B > 0)
		print_losses(j);
}

/* --- main --- */

static void from_records(struct job *j, struct shard_reader *in)
{
	if (loss)
		measure(j, in);
	else if (shard_header(in)->kind == SHARD_NOISED && !prefix && !infill)
		from_noised(j, in);
	else
		from_prompts(j, in);
}

static struct shard_reader *open_records(const struct job *j, const char *path)
{
	struct err e;
	struct shard_reader *in = shard_open(path, &e);

	if (!in)
		die(&e);
	if (checkpoint_matches(&j->cp, shard_name(in), shard_header(in),
	        shard_header(in)->kind == SHARD_NOISED, &e))
		die(&e);
	if (shard_header(in)->kind != SHARD_NOISED && !prefix && !infill)
		die_usage("%s: holds %s, not noised rows: %s", shard_name(in),
		    shard_kind_name(shard_header(in)->kind),
		    loss ? "make them with noise"
		         : "use --prefix to complete its records, --infill to fill in their [MASK] "
		           "positions");
	if (infill && j->cp.source.special.mask == SHARD_NO_ID)
		die_usage("--infill: the model's vocabulary has no [MASK] token");
	return in;
}

static void refuse_options(char *const *operands)
{
	static const char *const with_info[] = {"info", "model", "force", "quiet", "verbose"};
	static const char *const sampling[] = {
	    "sampler", "steps", "temperature", "tau", "scale", "eta", "guidance", NULL};
	const char *written[] = {output, profile_path}, *records = *operands;

	if (info)
		cli_refuse_others("--info", with_info, CLI_COUNT(with_info));
	if (info && records)
		die_usage("%s: a file of records does not go with --info", records);
	if (prefix + infill + loss > 1)
		die_usage("--prefix, --infill and --loss: only one of them can be given");
	if (cli_given("count") && loss)
		die_usage("-n does not go with --loss, which generates no rows");
	if (cli_given("count") && records && !prefix && !infill)
		die_usage("-n: needs --prefix or --infill to generate rows from the records of %s",
		    records);
	cli_refuse_clashes(written, CLI_COUNT(written), &model_path, 1, operands);
	if (profile_path && path_is_standard(profile_path) && path_is_standard(output))
		die_usage("--profile: standard output is already used for the %s",
		    loss ? "losses" : "rows");
	if (loss)
		cli_refuse_given("--loss", sampling);
	cli_refuse(cli_given("eta") && options.method != SAMPLER_ANCESTRAL, "--eta",
	    "a sampler that is not ancestral");
	cli_refuse(cli_given("temperature") && options.method == SAMPLER_2M, "--temperature",
	    sampler_names[options.method]);
	cli_refuse(options.guidance != 1 && cli_given("count") && !prefix && !infill, "--guidance",
	    "rows without given tokens");
	cli_check_threads(threads);
}

/* Noised rows contain their own seeds and noise levels. */
static void refuse_noise_options(const struct shard_reader *in)
{
	if (shard_header(in)->kind != SHARD_NOISED || prefix || infill)
		return;
	cli_refuse(cli_given("seed"), "--seed", "noised rows, which have their own seeds");
	cli_refuse(cli_given("scale"), "--scale", "noised rows, which have their own levels");
}

int main(int argc, char **argv)
{
	struct job j = {0};
	struct shard_reader *in = NULL;
	struct err e;
	int first;

	if (k_room(&e))
		die_at_once(cli.tool, &e);
	first = cli_parse(&cli, argc, argv);
	refuse_options(argv + first);
	if (checkpoint_open(&j.cp, model_path, &e))
		die(&e);
	if (info) {
		print_info(&j.cp);
		checkpoint_close(&j.cp);
		return cli_finish();
	}
	if (!cli_given("count") || prefix || infill || argv[first])
		in = open_records(&j, argv[first]);
	if (in)
		refuse_noise_options(in);
	load(&j);
	if (profile_path && output_check(profile_path, &e))
		die(&e);
	if (!loss)
		create(&j, argc, argv);
	progress_start(&j.progress);
	if (in)
		from_records(&j, in);
	else
		generate(&j);
	progress_end();
	if (loss ? output_commit(&j.csv, &e) : shard_commit(j.out, &e))
		die(&e);
	cli_unlink_at_end(NULL);
	if (profile_path && profile_write(profile_path, j.k, progress_seconds(&j.progress), &e))
		die(&e);
	note("%" PRIu64 " rows, %.1f s", j.done, progress_seconds(&j.progress));
	shard_close(in);
	sampler_free(j.sampler);
	likelihood_free(j.likelihood);
	k_release(j.k, j.w->base);
	weights_free(j.w);
	batch_release(&j.b);
	active_vocab_release(&j.active);
	checkpoint_close(&j.cp);
	k_free(j.k);
	free(j.ce);
	free(j.squared_error);
	free(j.ids);
	free(j.mask);
	return cli_finish();
}
