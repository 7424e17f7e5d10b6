/* noise - turn rows into noised rows: add noise level, mask and seed to each row. */

#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/noising.h"
#include "data/rows.h"
#include "formats/shard.h"
#include "base/mem.h"
#include "base/number.h"

static int64_t epochs = 1, all_first, skip, limit = -1, level = SHARD_AUTO, rank = -1, world;
static uint64_t seed;
static double fixed_t = NAN, fixed_u = NAN, max_given = 1;
static bool no_shuffle;
static enum noising_mask mask = NOISING_ALL;
static const char *output, *counts_file;

static const char *const masks[] = {"all", "prefix", "random", "mixed", NULL};

#define MOST 9007199254740992.0 /* 2^53 */
#define RANKS 1000000

static const struct option_entry options[] = {
    {.letter = 'e',
        .name = "epochs",
        .type = OPTION_INT,
        .value = &epochs,
        .arg = "N",
        .help = "number of passes over the rows",
        .min = 1,
        .max = 1e9},
    CLI_SEED(&seed, "random seed of order, levels, masks and noise"),
    {.letter = 't',
        .name = "level",
        .type = OPTION_REAL,
        .value = &fixed_t,
        .arg = "T",
        .help = "fixed noise level t for all records",
        .min = 1e-6,
        .max = 1e6},
    {.letter = 'u',
        .name = "uniform",
        .type = OPTION_REAL,
        .value = &fixed_u,
        .arg = "U",
        .help = "fixed u in [0, 1) for all records; train computes t from u",
        .max = 1},
    {.name = "mask",
        .type = OPTION_CHOICE,
        .value = &mask,
        .help = "which positions are noised; the others are given",
        .choices = masks},
    {.name = "all-first",
        .type = OPTION_INT,
        .value = &all_first,
        .arg = "N",
        .help = "noise every position of the first N records of the stream",
        .max = MOST},
    {.name = "max-given",
        .type = OPTION_REAL,
        .value = &max_given,
        .arg = "FRACTION",
        .help = "largest fraction of positions that a mask gives",
        .max = 1},
    {.name = "no-shuffle",
        .type = OPTION_FLAG,
        .value = &no_shuffle,
        .help = "keep the order of the rows"},
    {.name = "skip",
        .type = OPTION_INT,
        .value = &skip,
        .arg = "N",
        .help = "start at record N, counted from 0",
        .max = MOST},
    {.name = "limit",
        .type = OPTION_INT,
        .value = &limit,
        .arg = "N",
        .help = "write at most N records; -1: all",
        .min = -1,
        .max = MOST},
    {.name = "rank",
        .type = OPTION_INT,
        .value = &rank,
        .arg = "R",
        .help = "write each record n with n mod world = R; -1: ask the launcher",
        .min = -1,
        .max = RANKS - 1},
    {.name = "world",
        .type = OPTION_INT,
        .value = &world,
        .arg = "N",
        .help = "number of ranks that divide the stream; 0: ask the launcher",
        .max = RANKS},
    {.name = "counts",
        .type = OPTION_STRING,
        .value = &counts_file,
        .arg = "FILE",
        .help = "rows or noised rows to take the counts of ids from"},
    CLI_OUTPUT(&output, CLI_STANDARD_OUTPUT),
    CLI_COMPRESS(&level),
    CLI_FORCE_TERMINAL,
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli_removed removed[] = {
    {.letter = 'm', .use = "--mask"},
};

static const struct cli cli = {
    .tool = "noise",
    .usage = "[option ...] [FILE ...]",
    .summary = "Add a noise level, a noise seed and a mask to each row.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_operands = -1,
    .removed = removed,
    .n_removed = CLI_COUNT(removed),
};

/* --- this rank's part of the stream --- */

/* A number that an MPI launcher set in the environment, or -1. */
static int64_t launcher_number(const char *name)
{
	const char *text = getenv(name);
	int64_t v;

	if (!text)
		return -1;
	if (number_int(text, &v) || v < 0 || v > RANKS)
		die_usage("%s is '%s' in the environment (expected a number from 0 to %d)", name,
		    text, RANKS);
	return v;
}

/* The batch script of a Slurm job is not a task, although Slurm sets the variables of task 0 in it.
 */
static bool is_job_script(void)
{
	return getenv("SLURM_JOB_ID") && !getenv("SLURM_STEP_ID");
}

static void take_rank_from_launcher(void)
{
	static const char *const variable[][2] = {
	    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, /* Open MPI */
	    {"PMI_RANK", "PMI_SIZE"},                         /* MPICH and MPIs derived from it */
	    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},         /* srun: tasks of this step */
	    {"SLURM_PROCID", "SLURM_NTASKS"},
	};

	rank = 0;
	world = 1;
	for (size_t i = 0; i < CLI_COUNT(variable); i++) {
		int64_t r = launcher_number(variable[i][0]), n = launcher_number(variable[i][1]);

		if (r < 0 || n < 1 || (i >= 2 && is_job_script()))
			continue;
		if (r >= n)
			die_usage("%s is %lld and %s is %lld in the environment (expected a rank "
			          "below the size); give --rank and --world",
			    variable[i][0], (long long)r, variable[i][1], (long long)n);
		rank = r;
		world = n;
		return;
	}
}

static void find_rank(void)
{
	if (rank < 0 && world == 0) {
		take_rank_from_launcher();
		return;
	}
	if (rank < 0 && world == 1)
		rank = 0;
	if (rank < 0 || world == 0)
		die_usage("--rank and --world: both must be given");
	if (rank >= world)
		die_usage("--rank: %lld is too large (expected less than --world %lld)",
		    (long long)rank, (long long)world);
}

/* --- rows --- */

/* The rows of one or more shards, and the header and vocabulary of the first one. */
struct source {
	struct shard_header header;
	struct shard_vocab vocab;
	struct rows rows;
};

static void source_release(struct source *s)
{
	shard_vocab_release(&s->vocab);
	rows_release(&s->rows);
}

/* Append the rows of a shard. */
static int load_rows(struct shard_reader *in, struct source *s, struct err *e)
{
	struct shard_record record;
	int more;

	if (shard_expect(in, SHARD_ROWS, e))
		return -1;
	if (s->rows.length == 0) {
		s->header = *shard_header(in);
		s->vocab = shard_take_vocab(in);
		rows_init(&s->rows, &s->header);
	} else if (shard_compatible(&s->header, shard_header(in), e)) {
		shard_vocab_explain(&s->vocab, shard_vocab(in), e);
		return err_prefix(e, "%s: does not fit the files before it", shard_name(in));
	}
	while ((more = shard_read(in, &record, e)) > 0)
		if (rows_add(&s->rows, record.ids, e))
			return err_prefix(e, "%s", shard_name(in));
	return more;
}

/* Copy the counts of ids that a noised shard contains. */
static int copy_counts(const struct shard_reader *in, struct shard_counts *c, struct err *e)
{
	const struct shard_counts *from = shard_counts(in);

	if (from->n == 0)
		return err_set(e, "%s: contains no counts of ids", shard_name(in));
	c->id = mem_array(from->n, sizeof *c->id, e);
	c->count = mem_array(from->n, sizeof *c->count, e);
	if (!c->id || !c->count)
		return -1;
	memcpy(c->id, from->id, from->n * sizeof *c->id);
	memcpy(c->count, from->count, from->n * sizeof *c->count);
	c->n = from->n;
	return 0;
}

/* Take the counts of ids from another file of the same vocabulary: a validation set needs the
 * counts of the training rows. */
static int load_counts(
    const char *path, const struct source *s, struct shard_counts *c, struct err *e)
{
	struct shard_reader *in = shard_open(path, e);
	struct shard_header like = s->header;
	struct source theirs = {0};
	int failed = -1;

	if (!in)
		return -1;
	like.kind = shard_header(in)->kind;
	like.row_len = shard_header(in)->row_len;
	if (shard_compatible(&like, shard_header(in), e)) {
		shard_vocab_explain(&s->vocab, shard_vocab(in), e);
		err_prefix(e, "%s: does not fit the rows to be noised", shard_name(in));
		goto out;
	}
	if (like.kind == SHARD_NOISED)
		failed = copy_counts(in, c, e);
	else if (!load_rows(in, &theirs, e))
		failed = theirs.rows.n == 0 ? err_set(e, "%s: contains no rows", shard_name(in))
		                            : rows_count(&theirs.rows, like.vocab_size, c, e);
out:
	source_release(&theirs);
	shard_close(in);
	return failed;
}

static int load_all_rows(int n, char **paths, struct source *s, struct err *e)
{
	char *standard[] = {NULL};

	if (n == 0) {
		n = 1;
		paths = standard;
	}
	for (int i = 0; i < n; i++) {
		struct shard_reader *in = shard_open(paths[i], e);
		int failed = in ? load_rows(in, s, e) : -1;

		shard_close(in);
		if (failed)
			return -1;
	}
	if (s->rows.n == 0)
		return err_set(e, "%s: contains no rows", paths[0] ? paths[0] : "standard input");
	return 0;
}

/* Write n records: first, first + world, first + 2 world ... */
static int write_records(
    struct shard_writer *w, struct noising *g, uint64_t first, uint64_t n, struct err *e)
{
	for (uint64_t i = 0; i < n; i++) {
		struct shard_record record;

		noising_record(g, first + i * (uint64_t)world, &record);
		if (shard_write(w, &record, e))
			return -1;
	}
	return 0;
}

/* Write this rank's part of the records [skip, skip + limit) of the stream. */
static int write_noised_rows(struct source *s, const struct shard_counts *counts, struct err *e)
{
	const struct noising_options o = {.seed = seed,
	    .shuffle = !no_shuffle,
	    .t = (float)fixed_t,
	    .u = (float)fixed_u,
	    .mask = mask,
	    .all_first = (uint64_t)all_first,
	    .max_given = max_given};
	uint64_t total = s->rows.n * (uint64_t)epochs, ranks = (uint64_t)world, first, n;
	struct shard_header *h = &s->header;
	struct shard_writer *w;
	struct noising g;

	if ((uint64_t)skip > total)
		return err_with(e, ERR_USAGE,
		    "--skip: %lld is more than the %llu records of the stream", (long long)skip,
		    (unsigned long long)total);
	n = total - (uint64_t)skip;
	if (limit >= 0 && (uint64_t)limit < n)
		n = (uint64_t)limit;
	total = (uint64_t)skip + n;
	first = (uint64_t)skip + ((uint64_t)rank + ranks - (uint64_t)skip % ranks) % ranks;
	n = first < total ? (total - first + ranks - 1) / ranks : 0;
	h->kind = SHARD_NOISED;
	h->seed = seed;
	h->first = first;
	h->stride = ranks;
	h->expected = n;
	if (noising_init(&g, &o, &s->rows, h->special.pad, e))
		return -1;
	w = shard_create(output, h, &s->vocab, counts, (int)level, e);
	if (w)
		cli_unlink_at_end(shard_temporary(w));
	if (w && write_records(w, &g, first, n, e)) {
		shard_abort(w);
		w = NULL;
	}
	noising_release(&g);
	if (!w || shard_commit(w, e))
		return -1;
	cli_unlink_nothing();
	return 0;
}

static void warn_of_max_given(const struct rows *rows)
{
	if ((mask == NOISING_PREFIX || mask == NOISING_MIXED) && max_given > 0 &&
	    noising_max_given(max_given, rows->length) == 0)
		warn("--max-given %g of rows of %u tokens is less than one token: prefix masks "
		     "noise every position; increase it",
		    max_given, rows->length);
}

int main(int argc, char **argv)
{
	int operand = cli_parse(&cli, argc, argv), failed;
	struct shard_counts counts = {0};
	struct source source = {0};
	char provenance[SHARD_PROVENANCE_MAX];
	struct err e;

	if (!isnan(fixed_t) && !isnan(fixed_u))
		die_usage("-t and -u: only one of them can be given");
	if ((float)fixed_u >= 1)
		die_usage("--uniform: %.9g is too large (expected less than 1)", fixed_u);
	cli_refuse(cli_given("max-given") && mask == NOISING_ALL, "--max-given",
	    "--mask all, which noises every position");
	cli_refuse(all_first > 0 && mask == NOISING_ALL, "--all-first",
	    "--mask all, which noises every position");
	cli_refuse_clashes(&output, 1, &counts_file, 1, argv + operand);
	find_rank();
	cli_refuse_terminal(output);
	cli_provenance(provenance, sizeof provenance, argc, argv);
	failed = load_all_rows(argc - operand, argv + operand, &source, &e);
	if (!failed)
		failed = counts_file
		             ? load_counts(counts_file, &source, &counts, &e)
		             : rows_count(&source.rows, source.header.vocab_size, &counts, &e);
	if (!failed) {
		warn_of_max_given(&source.rows);
		shard_add_provenance(&source.header, provenance);
		failed = write_noised_rows(&source, &counts, &e);
	}
	rows_counts_release(&counts);
	source_release(&source);
	if (failed)
		die(&e);
	return cli_finish();
}
