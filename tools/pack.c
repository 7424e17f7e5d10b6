/* pack - turn stories into rows of equal length; print what is in a shard. */

#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/packing.h"
#include "data/rows.h"
#include "formats/shard.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/minmax.h"
#include "base/number.h"
#include "base/rng.h"
#include "inspect.h"

#define SHUFFLE_ROUND UINT32_MAX /* differs from all epochs of noise */

static int64_t length = 64, stride, level = SHARD_AUTO;
static uint64_t seed;
static enum packing_long long_stories = PACKING_CUT;
static bool join, shuffle, info, check, print_ids, print_noise;
static const char *take, *output;

static const char *const longs[] = {"cut", "split", "drop", NULL};

static const struct option_entry options[] = {
    {.letter = 'T',
        .name = "length",
        .type = OPTION_INT,
        .value = &length,
        .arg = "N",
        .help = "ids per row",
        .min = 1,
        .max = 1 << 20},
    {.name = "long",
        .type = OPTION_CHOICE,
        .value = &long_stories,
        .help = "what to do with stories of more than N ids",
        .choices = longs},
    {.name = "join",
        .type = OPTION_FLAG,
        .value = &join,
        .help = "join the stories and cut the rows from them"},
    {.name = "stride",
        .type = OPTION_INT,
        .value = &stride,
        .arg = "N",
        .help = "ids from the start of a joined row to the next; 0: as -T",
        .max = 1 << 20},
    {.name = "shuffle",
        .type = OPTION_FLAG,
        .value = &shuffle,
        .help = "write the rows in random order"},
    CLI_SEED(&seed, "random seed of the order"),
    {.name = "take",
        .type = OPTION_STRING,
        .value = &take,
        .arg = "A:B",
        .help = "output only records A to B - 1, counted from 0"},
    {.name = "info", .type = OPTION_FLAG, .value = &info, .help = "print a summary of each FILE"},
    {.name = "check",
        .type = OPTION_FLAG,
        .value = &check,
        .help = "read each FILE to its end; exit with 1 if any is corrupt"},
    {.name = "ids",
        .type = OPTION_FLAG,
        .value = &print_ids,
        .help = "print ids, one record per line"},
    {.name = "noise",
        .type = OPTION_FLAG,
        .value = &print_noise,
        .help = "print levels, seeds and masks of noised rows as CSV"},
    CLI_OUTPUT(&output, CLI_STANDARD_OUTPUT),
    CLI_COMPRESS(&level),
    CLI_FORCE_TERMINAL,
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli cli = {
    .tool = "pack",
    .usage = "[option ...] [FILE ...]",
    .summary = "Make rows of equal length from stories, or print what is in a shard.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_operands = -1,
};

/* --- rows from stories --- */

struct packer {
	struct shard_header in, out;
	struct shard_vocab vocab; /* of the first input */
	struct packing packing;
	bool begun;
	struct shard_writer *w; /* NULL until the first header is known */
	struct rows rows;       /* all rows, with --shuffle */
	uint64_t index;         /* index of the next row, before --take */
	uint64_t from, to;      /* --take */
};

/* The number from text to end, or fallback if that is empty. */
static uint64_t parse_bound(const char *text, const char *end, uint64_t fallback)
{
	char digits[32];
	uint64_t v;

	if (text == end)
		return fallback;
	snprintf(digits, sizeof digits, "%.*s", (int)(end - text), text);
	if ((size_t)(end - text) >= sizeof digits || number_unsigned(digits, &v))
		die_usage("--take: '%s' is not A:B, such as 0:100, :100 or 100:", take);
	return v;
}

static void parse_take(uint64_t *from, uint64_t *to)
{
	const char *colon = take ? strchr(take, ':') : NULL;

	*from = 0;
	*to = UINT64_MAX;
	if (!take)
		return;
	if (!colon)
		die_usage("--take: '%s' is not A:B, such as 0:100, :100 or 100:", take);
	*from = parse_bound(take, colon, 0);
	*to = parse_bound(colon + 1, colon + strlen(colon), UINT64_MAX);
	if (*from > *to)
		die_usage("--take: '%s': the end is below the start", take);
}

static int create_output(struct packer *p, struct err *e)
{
	p->w = shard_create(output, &p->out, &p->vocab, NULL, (int)level, e);
	if (!p->w)
		return -1;
	cli_unlink_at_end(shard_temporary(p->w));
	return 0;
}

/* Write the next row of the output, unless --take excludes it. */
static int put_row(struct packer *p, const uint32_t *ids, struct err *e)
{
	struct shard_record record = {.ids = ids, .n = p->out.row_len};
	uint64_t i = p->index++;

	return i < p->from || i >= p->to ? 0 : shard_write(p->w, &record, e);
}

static int take_row(void *to, const uint32_t *ids, struct err *e)
{
	struct packer *p = to;

	return shuffle ? rows_add(&p->rows, ids, e) : put_row(p, ids, e);
}

/* Derive the output's header from that of the first input, and start packing. */
static int begin_packing(
    struct packer *p, struct shard_reader *in, const char *provenance, struct err *e)
{
	const struct shard_header *h = shard_header(in);
	struct packing_options o = {
	    .special = h->special, .long_stories = long_stories, .join = join};

	p->begun = true;
	p->in = p->out = *h;
	p->vocab = shard_take_vocab(in);
	if (h->kind == SHARD_NOISED)
		return err_set(e,
		    "%s: holds noised records, expected stream or rows records (the output of tok "
		    "or pack)",
		    shard_name(in));
	if (h->kind == SHARD_ROWS && !cli_given("length"))
		length = h->row_len;
	if (h->kind == SHARD_ROWS && (join || cli_given("long") || length != h->row_len))
		return err_set(e,
		    "%s: expected stories, not rows of %u ids: their length is fixed, and only "
		    "--take "
		    "and --shuffle accept them",
		    shard_name(in), h->row_len);
	p->out.kind = SHARD_ROWS;
	p->out.row_len = (uint32_t)length;
	p->out.seed = shuffle ? seed : h->seed;
	p->out.expected = 0;
	shard_add_provenance(&p->out, provenance);
	o.length = (uint32_t)length;
	o.stride = (uint32_t)(stride == 0 || stride > length ? length : stride);
	rows_init(&p->rows, &p->out);
	if (packing_init(&p->packing, &o, take_row, p, e))
		return -1;
	return shuffle ? 0 : create_output(p, e);
}

static int pack_file(struct packer *p, const char *path, const char *provenance, struct err *e)
{
	struct shard_reader *in = shard_open(path, e);
	struct shard_record record;
	int more = -1;

	if (!in)
		return -1;
	if (!p->begun && begin_packing(p, in, provenance, e))
		more = -1;
	else if (shard_compatible(&p->in, shard_header(in), e)) {
		shard_vocab_explain(&p->vocab, shard_vocab(in), e);
		err_prefix(e, "%s: does not fit the files before it", shard_name(in));
	} else
		while ((more = shard_read(in, &record, e)) > 0)
			if (packing_add(&p->packing, record.ids, record.n, e)) {
				more = -1;
				break;
			}
	shard_close(in);
	return more;
}

/* Write all rows in random order. */
static int put_shuffled(struct packer *p, struct err *e)
{
	uint32_t n = p->rows.n, *order, *row;
	int failed;

	p->out.expected = min_u64(p->to, n) - min_u64(p->from, n);
	order = mem_array(n, sizeof *order, e);
	row = mem_array(p->out.row_len, sizeof *row, e);
	failed = !order || !row || create_output(p, e);
	if (!failed)
		rng_permutation(seed, SHUFFLE_ROUND, order, n);
	for (uint32_t i = 0; i < n && !failed; i++) {
		rows_get(&p->rows, order[i], row);
		failed = put_row(p, row, e);
	}
	free(order);
	free(row);
	return failed ? -1 : 0;
}

static void note_stats(const struct packer *p)
{
	const struct packing_stats *s = &p->packing.stats;
	uint64_t made = s->rows * p->out.row_len, from = min_u64(p->from, s->rows);
	uint64_t taken = min_u64(p->to, s->rows) - from;

	note("%" PRIu64 " %s with %" PRIu64 " ids in all; %" PRIu64 " %s, %" PRIu64
	     " dropped, %.1f%% of the ids left out; %" PRIu64 " rows of %u ids, %.1f%% padding",
	    s->stories, p->in.kind == SHARD_ROWS ? "rows" : "stories", s->tokens, s->cut,
	    long_stories == PACKING_SPLIT ? "split" : "cut", s->dropped,
	    cli_percent(s->lost, s->tokens), s->rows, p->out.row_len,
	    cli_percent(s->padding, made));
	if (long_stories == PACKING_CUT && s->lost > s->tokens / 4)
		note("of long stories, only the beginning is kept; --long split keeps all of them");
	if (take)
		note("%" PRIu64 " of these rows written", taken);
}

static int pack_files(int n, char **paths, const char *provenance, struct err *e)
{
	struct packer p = {0};
	int failed = 0;

	parse_take(&p.from, &p.to);
	for (int i = 0; i < n && !failed; i++)
		failed = pack_file(&p, paths[i], provenance, e);
	if (!failed)
		failed = packing_finish(&p.packing, e) || (shuffle && put_shuffled(&p, e));
	if (failed)
		shard_abort(p.w);
	else
		failed = shard_commit(p.w, e);
	cli_unlink_nothing();
	if (!failed)
		note_stats(&p);
	rows_release(&p.rows);
	shard_vocab_release(&p.vocab);
	packing_release(&p.packing);
	return failed;
}

/* --- what is in a shard --- */

static int print_shards(int n, char **paths, struct err *e)
{
	struct inspection what = {.noise = print_noise};
	struct output out;
	uint64_t next = 0;
	int failed = 0;

	parse_take(&what.from, &what.to);
	if (output_open(&out, output, e))
		return -1;
	cli_unlink_at_end(out.temporary);
	if (print_noise)
		failed = output_printf(&out, e, "record,t,u,seed,mask\n");
	for (int i = 0; i < n && !failed; i++) {
		if (info && i > 0)
			failed = output_write(&out, "\n", 1, e);
		if (!failed)
			failed = info ? inspect_info(paths[i], &out, e)
			              : inspect_records(paths[i], &what, &next, &out, e);
	}
	if (failed)
		output_abort(&out);
	else
		failed = output_commit(&out, e);
	cli_unlink_nothing();
	return failed;
}

/* Read all files to their ends and report the corrupt ones. Returns their number. */
static int check_files(int n, char **paths)
{
	int corrupt = 0;
	struct err e;

	for (int i = 0; i < n; i++)
		if (inspect_check(paths[i], &e)) {
			warn("%s", e.msg);
			corrupt++;
		}
	return corrupt;
}

static void check_options(void)
{
	static const char *const packing[] = {
	    "length", "join", "stride", "long", "shuffle", "seed", "compress", NULL};
	static const char *const no_part[] = {"take", NULL};
	static const char *const no_output[] = {"output", NULL};

	if (info + check + print_ids + print_noise > 1)
		die_usage("--info, --check, --ids and --noise: only one of them can be given");
	if (info || check || print_ids || print_noise)
		cli_refuse_given("--info, --check, --ids or --noise", packing);
	if (info || check)
		cli_refuse_given("--info or --check", no_part);
	if (check)
		cli_refuse_given("--check", no_output);
	if (join)
		cli_refuse(cli_given("long"), "--long", "--join");
	cli_require("stride", "join");
	cli_require("seed", "shuffle");
}

int main(int argc, char **argv)
{
	char *standard[] = {NULL}, **paths, provenance[SHARD_PROVENANCE_MAX];
	int n, operand = cli_parse(&cli, argc, argv);
	bool text;
	struct err e;

	check_options();
	cli_refuse_clashes(&output, 1, NULL, 0, argv + operand);
	n = argc > operand ? argc - operand : 1;
	paths = argc > operand ? argv + operand : standard;
	text = info || print_ids || print_noise;
	if (check)
		return check_files(n, paths) ? ERR_DATA : cli_finish();
	if (!text)
		cli_refuse_terminal(output);
	cli_provenance(provenance, sizeof provenance, argc, argv);
	if (text ? print_shards(n, paths, &e) : pack_files(n, paths, provenance, &e))
		die(&e);
	return cli_finish();
}
