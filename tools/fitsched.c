/* fitsched: fit noise schedules to the cross-entropies that train measured; draw their curves. */

#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/csv.h"
#include "base/mem.h"
#include "diffusion/schedule.h"

static const char *const families[] = {
    "uniform", "cauchy", "logistic", "frechet", "piecewise", "all", NULL};
enum { ALL = SCHEDULE_FAMILIES };

static int family = SCHEDULE_CAUCHY;
static const char *split = "train", *output;
static int64_t every, embed;
static size_t window, points = 200;
static double t_min, t_max;
static bool curve, history;

static const struct option_entry options[] = {
    {.name = "schedule",
        .type = OPTION_CHOICE,
        .value = &family,
        .help = "family of F(t) to fit",
        .choices = families},
    {.name = "window",
        .type = OPTION_SIZE,
        .value = &window,
        .arg = "N",
        .help = "fit to the last N rows only; 0: to all rows",
        .max = 1e15},
    {.name = "every",
        .type = OPTION_INT,
        .value = &every,
        .arg = "N",
        .help = "fit after every N steps; 0: once, at the end",
        .max = 1e15},
    {.name = "split",
        .type = OPTION_STRING,
        .value = &split,
        .arg = "NAME",
        .help = "use the rows of this split"},
    {.name = "embed",
        .type = OPTION_INT,
        .value = &embed,
        .arg = "N",
        .help = "embedding dimension, which sets the range of t; 0: range of the data",
        .max = 1 << 20},
    {.name = "t-min",
        .type = OPTION_REAL,
        .value = &t_min,
        .arg = "T",
        .help = "smallest noise level; 0: by --embed",
        .max = 1e15},
    {.name = "t-max",
        .type = OPTION_REAL,
        .value = &t_max,
        .arg = "T",
        .help = "largest noise level; 0: by --embed",
        .max = 1e15},
    {.name = "curve",
        .type = OPTION_FLAG,
        .value = &curve,
        .help = "read schedules and write their curves"},
    {.name = "history",
        .type = OPTION_FLAG,
        .value = &history,
        .help = "with --curve: write a curve for every row, not only the last"},
    {.name = "points",
        .type = OPTION_SIZE,
        .value = &points,
        .arg = "N",
        .help = "with --curve: points per curve",
        .min = 2,
        .max = 1e6},
    CLI_OUTPUT(&output, CLI_STANDARD_OUTPUT),
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli_removed removed[] = {
    {.letter = 'w', .use = "--window"},
    {.letter = 'd', .name = "dim", .use = "--embed"},
    {.name = "family", .use = "--schedule"},
};

static const struct cli cli = {
    .tool = "fitsched",
    .usage = "[option ...] [FILE]",
    .summary = "Fit a noise schedule F(t) to the rows step,t,ce_nats,split that train writes.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_operands = 1,
    .removed = removed,
    .n_removed = CLI_COUNT(removed),
};

static void check_options(void)
{
	static const char *const fitting[] = {
	    "schedule", "split", "window", "every", "embed", "t-min", "t-max", NULL};

	if (curve)
		cli_refuse_given("--curve, which fits nothing", fitting);
	cli_require("history", "curve");
	cli_require("points", "curve");
	if (t_min > 0 && t_max > 0 && t_min >= t_max)
		die_usage(
		    "--t-min: %g is too large (expected less than --t-max, %g)", t_min, t_max);
}

/* --- the observations --- */

struct rows {
	double *step, *t, *ce;
	size_t n, cap[3];
	size_t ignored; /* rows of this split without usable numbers */
	double least_t, largest_t, largest_ce;
};

static void rows_free(struct rows *r)
{
	free(r->step);
	free(r->t);
	free(r->ce);
}

static int rows_add(struct rows *r, double step, double t, double ce, struct err *e)
{
	if (mem_grow(&r->step, &r->cap[0], r->n + 1, sizeof *r->step, e) ||
	    mem_grow(&r->t, &r->cap[1], r->n + 1, sizeof *r->t, e) ||
	    mem_grow(&r->ce, &r->cap[2], r->n + 1, sizeof *r->ce, e))
		return -1;
	if (r->n == 0) {
		r->least_t = r->largest_t = t;
		r->largest_ce = ce;
	}
	r->least_t = fmin(r->least_t, t);
	r->largest_t = fmax(r->largest_t, t);
	r->largest_ce = fmax(r->largest_ce, ce);
	r->step[r->n] = step;
	r->t[r->n] = t;
	r->ce[r->n++] = ce;
	return 0;
}

/* The index of an optional column, or -1. */
static int find_optional_column(const struct csv_reader *csv, const char *name)
{
	for (size_t i = 0; i < csv_n_columns(csv); i++)
		if (!strcmp(csv_name(csv, i), name))
			return (int)i;
	return -1;
}

static int rows_read(struct rows *r, struct csv_reader *csv, struct err *e)
{
	int t_at = csv_column(csv, "t", e), ce_at = t_at < 0 ? -1 : csv_column(csv, "ce_nats", e);
	int step_at = find_optional_column(csv, "step"),
	    split_at = find_optional_column(csv, "split"), more;

	if (t_at < 0 || ce_at < 0 || (every > 0 && (step_at = csv_column(csv, "step", e)) < 0) ||
	    (cli_given("split") && (split_at = csv_column(csv, "split", e)) < 0))
		return -1;
	while ((more = csv_next(csv, e)) > 0) {
		double step = NAN, t, ce;

		if (split_at >= 0 && strcmp(csv_field(csv, (size_t)split_at), split) != 0)
			continue;
		if (csv_number(csv, (size_t)t_at, &t, e) ||
		    csv_number(csv, (size_t)ce_at, &ce, e) ||
		    (step_at >= 0 && csv_number(csv, (size_t)step_at, &step, e)))
			return -1;
		if (!(isfinite(t) && t > 0 && isfinite(ce)) || (every > 0 && !isfinite(step)))
			r->ignored++;
		else if (rows_add(r, step, t, ce, e))
			return -1;
	}
	return more;
}

/* --- fitting --- */

struct fits {
	struct schedule schedule[SCHEDULE_FAMILIES]; /* each fit starts from the last */
	size_t printed;
	struct err why; /* of the last failure */
};

static void fits_init(struct fits *f, const struct rows *r)
{
	double low = t_min, high = t_max, root_d;

	f->printed = 0;
	if (!embed) {
		low = low > 0 ? low : r->least_t;
		high = high > 0 ? high : r->largest_t;
	}
	root_d = fmin(high / 18, 1000);
	for (int i = 0; i < SCHEDULE_FAMILIES; i++)
		schedule_init(&f->schedule[i], (enum schedule_family)i,
		    embed ? (int)embed : (int)ceil(root_d * root_d), r->largest_ce, low, high);
}

static int print_step(struct output *out, double step, struct err *e)
{
	return isnan(step) ? output_printf(out, e, ",") : output_printf(out, e, "%.15g,", step);
}

static int print_fit(struct output *out, double step, const struct schedule *s, struct err *e)
{
	char text[4096];

	if (schedule_print(s, text, sizeof text))
		return err_set(e, "internal error: a schedule of more than %zu bytes", sizeof text);
	return print_step(out, step, e) || output_write(out, text, strlen(text), e) ||
	               output_write(out, "\n", 1, e)
	           ? -1
	           : 0;
}

/* "step 900: ", or "" if the step is NAN. */
static const char *format_step(double step, char text[32])
{
	text[0] = '\0';
	if (!isnan(step))
		snprintf(text, 32, "step %.15g: ", step);
	return text;
}

/* Fit the chosen families to rows [begin, end), and print the fits, the largest misfit first. */
static int fit_rows(struct fits *f, const struct rows *r, size_t begin, size_t end,
    struct output *out, struct err *e)
{
	double step = r->step[end - 1], misfit[SCHEDULE_FAMILIES];
	const double *t = r->t + begin, *ce = r->ce + begin;
	size_t n = end - begin;
	int done[SCHEDULE_FAMILIES], n_done = 0;
	char at[32];

	for (int i = 0; i < SCHEDULE_FAMILIES; i++) {
		int place = n_done;

		if (family != ALL && family != i)
			continue;
		if (schedule_fit(&f->schedule[i], t, ce, n, &f->why)) {
			if (family == ALL || every > 0)
				note("%s%s", format_step(step, at), f->why.msg);
			continue;
		}
		misfit[i] = schedule_misfit(&f->schedule[i], t, ce, n);
		for (; place > 0 && misfit[done[place - 1]] < misfit[i]; place--)
			done[place] = done[place - 1];
		done[place] = i;
		n_done++;
	}
	for (int i = 0; i < n_done; i++) {
		const struct schedule *s = &f->schedule[done[i]];

		if (print_fit(out, step, s, e))
			return -1;
		if (end == r->n || cli_verbose)
			note("%s%s: %zu rows, rmse %.4f nats, misfit %.4f nats",
			    format_step(step, at), schedule_family_name(s->family), n, s->rmse_nats,
			    misfit[done[i]]);
		f->printed++;
	}
	return 0;
}

/* Whether a fit is due between two rows. As train does, fit after each multiple of --every. */
static bool is_fit_due(double step, double next)
{
	return every > 0 && ceil(step / (double)every) != ceil(next / (double)every);
}

/* Fit once at the end, or, with --every, also at each multiple of it that the steps pass. */
static int fit_history(struct fits *f, const struct rows *r, struct output *out, struct err *e)
{
	for (size_t end = 1; end <= r->n; end++) {
		size_t begin = window > 0 && end > window ? end - window : 0;

		if (end < r->n && !is_fit_due(r->step[end - 1], r->step[end]))
			continue;
		if (fit_rows(f, r, begin, end, out, e))
			return -1;
	}
	return 0;
}

static int run_fit(struct input *in, struct csv_reader *csv, struct output *out, struct err *e)
{
	struct rows r = {0};
	struct fits f;
	int failed = rows_read(&r, csv, e);

	if (!failed && r.n == 0)
		failed = err_set(e, "%s: no row%s%s has numbers t > 0 and ce_nats", in->name,
		    find_optional_column(csv, "split") >= 0 ? " of split " : "",
		    find_optional_column(csv, "split") >= 0 ? split : "");
	if (!failed) {
		fits_init(&f, &r);
		failed = output_printf(out, e, "step," SCHEDULE_COLUMNS "\n") ||
		         fit_history(&f, &r, out, e);
	}
	if (!failed && f.printed == 0) {
		*e = f.why;
		failed = err_prefix(e, "%s: no schedule could be fitted", in->name);
	}
	if (!failed && r.ignored)
		note("%s: ignored %zu rows without a finite ce_nats or a finite t above 0",
		    in->name, r.ignored);
	rows_free(&r);
	return failed ? -1 : 0;
}

/* --- drawing --- */

static int print_curve(struct output *out, double step, const struct schedule *s, struct err *e)
{
	double width = log(s->t_max / s->t_min) / (double)(points - 1);

	for (size_t i = 0; i < points; i++) {
		double t = i == points - 1 ? s->t_max : s->t_min * exp((double)i * width);

		if (print_step(out, step, e) ||
		    output_printf(out, e, "%s,%.9g,%.9g,%.9g\n", schedule_family_name(s->family), t,
		        schedule_nats(s, t), schedule_density(s, t)))
			return -1;
	}
	return 0;
}

static int find_columns(const struct csv_reader *csv, int at[SCHEDULE_FIELDS], struct err *e)
{
	char names[] = SCHEDULE_COLUMNS, *rest = names;

	for (int i = 0; i < SCHEDULE_FIELDS; i++)
		if ((at[i] = csv_column(csv, strsep(&rest, ","), e)) < 0)
			return -1;
	return 0;
}

static int read_schedule(struct csv_reader *csv, const int at[SCHEDULE_FIELDS], int step_at,
    struct schedule *s, double *step, struct err *e)
{
	const char *field[SCHEDULE_FIELDS];

	for (int i = 0; i < SCHEDULE_FIELDS; i++)
		field[i] = csv_field(csv, (size_t)at[i]);
	*step = NAN;
	return (step_at >= 0 && csv_number(csv, (size_t)step_at, step, e)) ||
	               schedule_parse(s, field, e)
	           ? -1
	           : 0;
}

static int run_curve(struct input *in, struct csv_reader *csv, struct output *out, struct err *e)
{
	int at[SCHEDULE_FIELDS], step_at = find_optional_column(csv, "step"), more;
	struct schedule s;
	double step = NAN;
	size_t n = 0;

	if (find_columns(csv, at, e) || output_printf(out, e, "step,family,t,f_nats,density\n"))
		return -1;
	while ((more = csv_next(csv, e)) > 0) {
		if (read_schedule(csv, at, step_at, &s, &step, e))
			return err_prefix(e, "%s: line %" PRIu64, in->name, csv_line(csv));
		if (history && print_curve(out, step, &s, e))
			return -1;
		n++;
	}
	if (more < 0)
		return -1;
	if (n == 0)
		return err_set(e, "%s: contains no schedule, only a header row", in->name);
	return history ? 0 : print_curve(out, step, &s, e);
}

int main(int argc, char **argv)
{
	int at = cli_parse(&cli, argc, argv), failed;
	struct csv_reader *csv;
	struct output out;
	struct input in;
	struct err e;

	check_options();
	cli_refuse_clashes(&output, 1, NULL, 0, argv + at);
	if (input_open(&in, at < argc ? argv[at] : NULL, &e))
		die(&e);
	if (!(csv = csv_open(&in, CSV_CDCD, &e)) || output_open(&out, output, &e))
		die(&e);
	cli_unlink_at_end(out.temporary);
	failed = curve ? run_curve(&in, csv, &out, &e) : run_fit(&in, csv, &out, &e);
	if (failed) {
		output_abort(&out);
		die(&e);
	}
	if (output_commit(&out, &e))
		die(&e);
	cli_unlink_nothing();
	csv_close(csv);
	input_close(&in);
	return cli_finish();
}
