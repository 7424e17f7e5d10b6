/* plotcsv - draw columns of a CSV file as a picture, or on the terminal. */

#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "figure.h"
#include "source.h"

static struct figure_options o = {.dot = NAN, .alpha = NAN};
static const char *x_name, *y_names, *c_name, *g_name, *by_name, *x_limits, *y_limits,
    *size = "1200x750";
static bool discrete;
static int64_t bins, smooth;
static int format; /* index of formats: 0, or a plot_format + 1 */
static size_t max_points = 20000;
static double interval = 1;
static struct cli_list where_specs;

static const char *const formats[] = {"auto", "png", "svg", "pdf", NULL};
static const char *const backgrounds[] = {"white", "dark", "none", NULL};
static const char *const bands[] = {"sd", "se", "range", NULL};

static const struct option_entry options[] = {
    {.letter = 'x',
        .name = "x",
        .type = OPTION_STRING,
        .value = &x_name,
        .arg = "COLUMN",
        .help = "column of the horizontal axis [row number]"},
    {.letter = 'y',
        .name = "y",
        .type = OPTION_STRING,
        .value = &y_names,
        .arg = "COLUMN,...",
        .help = "columns of the vertical axis, each in its own colour"},
    {.letter = 'c',
        .name = "colour",
        .type = OPTION_STRING,
        .value = &c_name,
        .arg = "COLUMN",
        .help = "column that sets the colour: light to dark for numbers, a hue per text"},
    {.letter = 'g',
        .name = "group",
        .type = OPTION_STRING,
        .value = &g_name,
        .arg = "COLUMN",
        .help = "draw one line for each value of this column, coloured by it without -c"},
    {.name = "by",
        .type = OPTION_STRING,
        .value = &by_name,
        .arg = "COLUMN",
        .help = "average the rows with the same value in this column, with a band"},
    {.name = "band",
        .type = OPTION_CHOICE,
        .value = &o.band,
        .help = "with --by: standard deviation, standard error, or all values",
        .choices = bands},
    {.name = "discrete",
        .type = OPTION_FLAG,
        .value = &discrete,
        .help = "treat the numbers of -c as names"},
    {.name = "where",
        .type = OPTION_LIST,
        .value = &where_specs,
        .arg = "COLUMN=TEXT",
        .help = "draw only rows with this text in the column; repeatable"},
    {.name = "points",
        .type = OPTION_FLAG,
        .value = &o.look.points,
        .help = "draw points; the default without -g, --by and --lines"},
    {.name = "density",
        .type = OPTION_FLAG,
        .value = &o.density,
        .help = "draw the number of points in each place, in colours"},
    {.name = "lines",
        .type = OPTION_FLAG,
        .value = &o.look.lines,
        .help = "draw lines; the default with -g and --by"},
    {.name = "hist",
        .type = OPTION_FLAG,
        .value = &o.look.histogram,
        .help = "draw a histogram of -x"},
    {.name = "bins",
        .type = OPTION_INT,
        .value = &bins,
        .arg = "N",
        .help = "bins of the histogram; 0: chosen from the data",
        .max = 10000},
    {.name = "smooth",
        .type = OPTION_INT,
        .value = &smooth,
        .arg = "N",
        .help = "add a line of the moving median over N values of x; 0: none",
        .max = 10000},
    {.name = "mean",
        .type = OPTION_FLAG,
        .value = &o.look.mean,
        .help = "with --smooth: draw the moving mean, not the median"},
    {.name = "line",
        .type = OPTION_LIST,
        .value = &o.overlays,
        .arg = "FILE[:X,Y[:LABEL]]",
        .help = "draw two columns of another file as a line on top; repeatable"},
    {.name = "mark",
        .type = OPTION_LIST,
        .value = &o.marks,
        .arg = "FILE[:X[:LABEL]]",
        .help = "draw a vertical line at each x of another file; repeatable"},
    {.name = "panels",
        .type = OPTION_FLAG,
        .value = &o.panels,
        .help = "draw each column of -y in a panel of its own"},
    {.name = "log-x", .type = OPTION_FLAG, .value = &o.log_x, .help = "logarithmic x axis"},
    {.name = "log-y", .type = OPTION_FLAG, .value = &o.log_y, .help = "logarithmic y axis"},
    {.name = "log-c", .type = OPTION_FLAG, .value = &o.log_c, .help = "logarithmic colour scale"},
    {.name = "xlim",
        .type = OPTION_STRING,
        .value = &x_limits,
        .arg = "FROM:TO",
        .help = "range of x; either end may be left out"},
    {.name = "ylim",
        .type = OPTION_STRING,
        .value = &y_limits,
        .arg = "FROM:TO",
        .help = "range of y; an end may be left out, or be a percentile such as 99%"},
    {.name = "title",
        .type = OPTION_STRING,
        .value = &o.title,
        .arg = "TEXT",
        .help = "title above the picture"},
    {.name = "xlabel",
        .type = OPTION_STRING,
        .value = &o.x_label,
        .arg = "TEXT",
        .help = "title of the x axis [from the column's name]"},
    {.name = "ylabel",
        .type = OPTION_STRING,
        .value = &o.y_label,
        .arg = "TEXT",
        .help = "title of the y axis [from the column's name]"},
    {.name = "dot",
        .type = OPTION_REAL,
        .value = &o.dot,
        .arg = "R",
        .help = "radius of points, in pixels at 900x560 [by the number of points]",
        .min = 0.1,
        .max = 100},
    {.name = "alpha",
        .type = OPTION_REAL,
        .value = &o.alpha,
        .arg = "A",
        .help = "opacity of points, 0 to 1 [by the number of points]",
        .min = 0.001,
        .max = 1},
    {.name = "max-points",
        .type = OPTION_SIZE,
        .value = &max_points,
        .arg = "N",
        .help = "draw at most N points, evenly thinned; 0: all; default: SVG and PDF",
        .max = 4e9},
    {.name = "size",
        .type = OPTION_STRING,
        .value = &size,
        .arg = "WxH",
        .help = "size of the picture, in pixels"},
    {.name = "background",
        .type = OPTION_CHOICE,
        .value = &o.background,
        .help = "of the picture; none: transparent",
        .choices = backgrounds},
    CLI_OUTPUT(&o.path, "picture, .png, .svg or .pdf; -: standard output [the terminal]"),
    {.name = "format",
        .type = OPTION_CHOICE,
        .value = &format,
        .help = "format of the picture; auto: by the suffix of its name",
        .choices = formats},
    CLI_FORCE_TERMINAL,
    {.name = "ascii",
        .type = OPTION_FLAG,
        .value = &o.ascii,
        .help = "use no Unicode characters on the terminal"},
    {.letter = 'F',
        .name = "follow",
        .type = OPTION_FLAG,
        .value = &o.follow,
        .help = "draw again whenever the file grows, until interrupted"},
    {.name = "interval",
        .type = OPTION_REAL,
        .value = &interval,
        .arg = "S",
        .help = "with --follow: seconds between pictures",
        .min = 0.05,
        .max = 86400},
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli cli = {
    .tool = "plotcsv",
    .usage = "[-x COLUMN] (-y COLUMN,... | --hist) [option ...] [[LABEL=]FILE ...]",
    .summary = "Draw columns of CSV files as a picture, or on the terminal.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_operands = -1,
};

/* --- values of options --- */

/* Parse the number from text to end; *v is unchanged if that is empty. */
static int parse_part(const char *text, const char *end, double *v)
{
	char part[64];

	if (text == end)
		return 0;
	if ((size_t)(end - text) >= sizeof part)
		return -1;
	snprintf(part, sizeof part, "%.*s", (int)(end - text), text);
	return number_real(part, v);
}

/* Parse one end of a range. It may be in percent if share is not NULL: *share is then set, to a
 * fraction, and *v is not. */
static int parse_end(const char *text, const char *end, double *v, double *share)
{
	bool percent = share && end > text && end[-1] == '%';

	if (!percent)
		return parse_part(text, end, v);
	if (end - 1 == text || parse_part(text, end - 1, share) || *share < 0 || *share > 100)
		return -1;
	*share /= 100;
	return 0;
}

/* Parse "FROM:TO" into two numbers; NAN if one is left out. share: shares of the data, for ends in
 * percent; NULL: there must be none. */
static void parse_limits(
    const char *option, const char *text, bool is_log, double limit[2], double share[2])
{
	const char *colon = text ? strchr(text, ':') : NULL;

	limit[0] = limit[1] = NAN;
	if (share)
		share[0] = share[1] = NAN;
	if (!text)
		return;
	if (!colon || parse_end(text, colon, &limit[0], share) ||
	    parse_end(colon + 1, text + strlen(text), &limit[1], share ? share + 1 : NULL))
		die_usage("--%s: '%s' is not FROM:TO%s", option, text,
		    share ? ", each a number or 0% to 100%" : "");
	if (limit[0] >= limit[1] || (share && share[0] >= share[1]))
		die_usage("--%s: '%s': the start must be below the end", option, text);
	if (is_log && (limit[0] <= 0 || limit[1] <= 0))
		die_usage(
		    "--%s: '%s': the limits of a logarithmic axis must be above 0", option, text);
}

static void parse_size(const char *text, double *width, double *height)
{
	const char *x = strchr(text, 'x');

	*width = *height = 0;
	if (!x || parse_part(text, x, width) || parse_part(x + 1, text + strlen(text), height) ||
	    *width < 100 || *height < 100 || *width > 20000 || *height > 20000 ||
	    *width != trunc(*width) || *height != trunc(*height))
		die_usage("--size: '%s' is not WIDTHxHEIGHT, each from 100 to 20000", text);
}

static void check_histogram(void)
{
	static const char *const series[] = {
	    "group", "by", "smooth", "lines", "points", "panels", NULL};

	if (!x_name || y_names)
		die_usage("--hist needs -x, the column to count, and takes no -y");
	cli_refuse_given("--hist", series);
}

static void check_output(void)
{
	if (format == 0 && path_is_standard(o.path))
		die_usage("-o -: standard output needs --format");
	if (format == 0 && plot_format(o.path) < 0)
		die_usage("%s: unknown picture format: the name must end in .png, .svg or .pdf, or "
		          "--format must be given",
		    o.path);
	o.format = (enum plot_format)(format ? format - 1 : plot_format(o.path));
	if (o.format != PLOT_SVG)
		cli_refuse_terminal(o.path);
	if (o.follow && path_is_standard(o.path))
		die_usage("-o -: --follow needs a file, to replace it");
}

static void check_options(void)
{
	static const char *const not_counted[] = {
	    "colour", "group", "by", "lines", "dot", "alpha", "max-points", "log-c", "hist", NULL};

	if (o.path)
		check_output();
	if (o.look.histogram)
		check_histogram();
	else if (!y_names)
		die_usage("nothing to draw: name a column with -y, or with -x and --hist");
	cli_require("bins", "hist");
	cli_require("mean", "smooth");
	cli_require("band", "by");
	if (o.density)
		cli_refuse_given("--density", not_counted);
	cli_refuse(o.panels && o.overlays.n > 0, "--panels", "--line");
	cli_refuse(o.panels && o.y_label, "--panels", "--ylabel, which is the title of one axis");
	if (o.log_c && !c_name && !g_name)
		die_usage("--log-c: needs -c, or -g, whose numbers set the colours");
	cli_refuse(o.log_c && discrete, "--log-c", "--discrete");
	cli_require("interval", "follow");
	cli_require("format", "output");
	cli_require("background", "output");
	cli_require("force", "output");
	cli_refuse(o.ascii && o.path, "--ascii", "--output, which is a picture");
}

static char *copy_text(const char *text)
{
	struct err e;
	char *to = mem_copy_string(text, &e);

	if (!to)
		die(&e);
	return to;
}

/* A column name without its backslashes, or NULL. */
static const char *parse_column(const char *text)
{
	char *rest = text ? copy_text(text) : NULL;

	return rest ? columns_part(&rest, "") : NULL;
}

/* "COLUMN,COLUMN" */
static void parse_columns(struct columns_spec *spec)
{
	for (char *rest = y_names ? copy_text(y_names) : NULL; rest;) {
		if (spec->n_y == COLUMNS_Y_MAX)
			die_usage("-y: too many columns (expected at most %d)", COLUMNS_Y_MAX);
		spec->y[spec->n_y++] = columns_part(&rest, ",");
	}
}

static void parse_filters(struct columns_spec *spec)
{
	static struct columns_filter filter[COLUMNS_FILTERS_MAX];

	_Static_assert((int)COLUMNS_FILTERS_MAX >= (int)CLI_LIST_MAX, "a filter for each --where");
	for (size_t i = 0; i < where_specs.n; i++) {
		char *rest = copy_text(where_specs.item[i]);

		filter[i].column = columns_part(&rest, "=");
		filter[i].text = rest;
		if (!rest)
			die_usage("--where: '%s' is not COLUMN=TEXT", where_specs.item[i]);
	}
	spec->filter = filter;
	spec->n_filters = where_specs.n;
}

static void parse_spec(struct columns_spec *spec, size_t n_files)
{
	*spec = (struct columns_spec){.x = parse_column(x_name),
	    .c = parse_column(c_name),
	    .group = parse_column(g_name),
	    .by = parse_column(by_name),
	    .c_is_text = discrete || o.look.histogram};
	parse_columns(spec);
	parse_filters(spec);
	if (o.density && (n_files > 1 || (spec->n_y > 1 && !o.panels)))
		die_usage("--density needs a single file and a single column of -y, or --panels");
	if (c_name && spec->n_y > 1 && !o.panels)
		die_usage(
		    "-c needs a single column of -y, or --panels, but %zu are given", spec->n_y);
	if (n_files > 1 && spec->n_y > 1 && !o.panels)
		die_usage(
		    "several files need a single column of -y, or --panels, but %zu are given",
		    spec->n_y);
	if (!c_name && (spec->n_y == 1 || o.panels) && n_files == 1)
		spec->c = spec->group;
}

/* Refuse an output file that is also an input, and what cannot be read as asked. */
static void refuse_clashes(const struct sources *rows)
{
	char *spec[2 * CLI_LIST_MAX];
	const char *file[2 * CLI_LIST_MAX];
	size_t n = o.overlays.n + o.marks.n;
	struct err e;

	if (o.follow && rows->n > 1)
		die_usage("--follow takes one file, but %zu are given", rows->n);
	for (size_t i = 0; i < n; i++) {
		struct overlay overlay = {.marks = i >= o.overlays.n};

		spec[i] =
		    copy_text(overlay.marks ? o.marks.item[i - o.overlays.n] : o.overlays.item[i]);
		if (overlay_parse(spec[i], &file[i], &overlay, &e))
			die(&e);
		if ((o.follow || o.panels) && path_is_stream(file[i]))
			die_usage("--%s %s: %s needs a file, to read it again",
			    overlay.marks ? "mark" : "line", file[i],
			    o.follow ? "--follow" : "--panels");
	}
	cli_refuse_clashes(&o.path, 1, file, n, rows->path);
	for (size_t i = 0; i < n; i++)
		free(spec[i]);
}

static void set_options(size_t n_files)
{
	struct look *look = &o.look;

	look->bins = (int)bins;
	look->smooth = (int)smooth;
	if ((g_name || by_name) && !look->points && !look->histogram)
		look->lines = true;
	if (!look->lines && !look->histogram)
		look->points = true;
	parse_limits("xlim", x_limits, o.log_x, look->x_limit, NULL);
	parse_limits("ylim", y_limits, o.log_y, o.y_limit, o.y_share);
	parse_size(size, &o.width, &o.height);
	parse_spec(&o.spec, n_files);
	if (cli_given("max-points") || (o.path && o.format != PLOT_PNG))
		o.max_points = max_points;
}

int main(int argc, char **argv)
{
	static struct figure f;
	int at = cli_parse(&cli, argc, argv), failed;
	struct sources rows;
	struct err e;

	check_options();
	if (sources_init(&rows, argv + at, &e))
		die(&e);
	refuse_clashes(&rows);
	set_options(rows.n);
	figure_init(&f, &o);
	failed = o.follow ? source_follow(&rows, interval, &f, &e) : source_draw(&rows, &f, &e);
	if (failed || figure_finish(&f, &e))
		die(&e);
	sources_release(&rows);
	return cli_finish();
}
