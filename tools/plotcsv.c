#include "cli.h"

#include <ctype.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "formats/csv.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "picture/overlay.h"
#include "picture/plot.h"
#include "picture/columns.h"
#include "picture/term.h"
#include "picture/words.h"

enum { NAME_SIZE = 256 };

static const char *x_name, *y_names, *c_name, *g_name;
static bool discrete, points, lines, histogram, mean, log_x, log_y, log_c, ascii, follow;
static int64_t bins, smooth, max_points = 20000;
static double dot = NAN, alpha = NAN, interval = 1;
static const char *title, *x_label, *y_label, *x_limits, *y_limits, *size = "1200x750", *path;
static struct cli_list line_specs, where_specs;

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
        .value = &points,
        .help = "draw points; the default without -g and --lines"},
    {.name = "lines",
        .type = OPTION_FLAG,
        .value = &lines,
        .help = "draw lines; the default with -g"},
    {.name = "hist", .type = OPTION_FLAG, .value = &histogram, .help = "draw a histogram of -x"},
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
        .help = "add a line of the moving median of N rows; 0: none",
        .max = 10000},
    {.name = "mean",
        .type = OPTION_FLAG,
        .value = &mean,
        .help = "with --smooth: draw the moving mean, not the median"},
    {.name = "line",
        .type = OPTION_LIST,
        .value = &line_specs,
        .arg = "FILE[:X,Y[:LABEL]]",
        .help = "draw two columns of another file as a line on top; repeatable"},
    {.name = "log-x", .type = OPTION_FLAG, .value = &log_x, .help = "logarithmic x axis"},
    {.name = "log-y", .type = OPTION_FLAG, .value = &log_y, .help = "logarithmic y axis"},
    {.name = "log-c", .type = OPTION_FLAG, .value = &log_c, .help = "logarithmic colour scale"},
    {.name = "xlim",
        .type = OPTION_STRING,
        .value = &x_limits,
        .arg = "FROM:TO",
        .help = "range of x; either end may be left out"},
    {.name = "ylim",
        .type = OPTION_STRING,
        .value = &y_limits,
        .arg = "FROM:TO",
        .help = "range of y; either end may be left out"},
    {.name = "title",
        .type = OPTION_STRING,
        .value = &title,
        .arg = "TEXT",
        .help = "title above the picture"},
    {.name = "xlabel",
        .type = OPTION_STRING,
        .value = &x_label,
        .arg = "TEXT",
        .help = "title of the x axis [from the column's name]"},
    {.name = "ylabel",
        .type = OPTION_STRING,
        .value = &y_label,
        .arg = "TEXT",
        .help = "title of the y axis [from the column's name]"},
    {.name = "dot",
        .type = OPTION_REAL,
        .value = &dot,
        .arg = "R",
        .help = "radius of points, in pixels at 900x560 [by the number of points]",
        .min = 0.1,
        .max = 100},
    {.name = "alpha",
        .type = OPTION_REAL,
        .value = &alpha,
        .arg = "A",
        .help = "opacity of points, 0 to 1 [by the number of points]",
        .min = 0.001,
        .max = 1},
    {.name = "max-points",
        .type = OPTION_INT,
        .value = &max_points,
        .arg = "N",
        .help = "draw at most N points, evenly thinned; 0: all; default: SVG only",
        .max = 4e9},
    {.name = "size",
        .type = OPTION_STRING,
        .value = &size,
        .arg = "WxH",
        .help = "size of the picture, in pixels"},
    {.letter = 'o',
        .name = "output",
        .type = OPTION_STRING,
        .value = &path,
        .arg = "FILE",
        .help = "output file, .png or .svg; replaced when complete [the terminal]"},
    {.name = "ascii",
        .type = OPTION_FLAG,
        .value = &ascii,
        .help = "use no Unicode characters on the terminal"},
    {.letter = 'F',
        .name = "follow",
        .type = OPTION_FLAG,
        .value = &follow,
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
    .usage = "[-x COLUMN] (-y COLUMN,... | --hist) [OPTION]... [FILE]",
    .summary = "Draw columns of a CSV file as a picture, or on the terminal.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_operands = 1,
};

/* --- the command line --- */

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

/* Parse "FROM:TO" into two numbers; NAN if one is left out. */
static void parse_limits(const char *option, const char *text, bool is_log, double limit[2])
{
	const char *colon = text ? strchr(text, ':') : NULL;

	limit[0] = limit[1] = NAN;
	if (!text)
		return;
	if (!colon || parse_part(text, colon, &limit[0]) ||
	    parse_part(colon + 1, text + strlen(text), &limit[1]))
		die_usage("--%s: '%s' is not FROM:TO", option, text);
	if (limit[0] >= limit[1])
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

static void check_options(void)
{
	if (path && plot_format(path) < 0)
		die_usage("%s: unknown picture format: the name must end in .png or .svg", path);
	if (histogram) {
		if (!x_name || y_names)
			die_usage("--hist needs -x, the column to count, and takes no -y");
		if (g_name || smooth || lines || points)
			die_usage("--hist does not go with -g, --smooth, --lines or --points");
		discrete = true;
	} else if (!y_names) {
		die_usage("nothing to draw: name a column with -y, or with -x and --hist");
	} else if (cli_given("bins")) {
		die_usage("--bins needs --hist");
	}
	if (mean && !smooth)
		die_usage("--mean needs --smooth");
	if (cli_given("interval") && !follow)
		die_usage("--interval needs --follow");
	cli_refuse(ascii && path, "--ascii", "--output, which is a picture");
	if (g_name && !points && !histogram)
		lines = true;
	if (!lines && !histogram)
		points = true;
}

static char *copy(const char *text)
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
	char *rest = text ? copy(text) : NULL;

	return rest ? columns_part(&rest, "") : NULL;
}

/* "COLUMN,COLUMN" */
static void parse_columns(struct columns_spec *spec)
{
	for (char *rest = y_names ? copy(y_names) : NULL; rest;) {
		if (spec->n_y == COLUMNS_Y_MAX)
			die_usage("-y: more than %d columns", COLUMNS_Y_MAX);
		spec->y[spec->n_y++] = columns_part(&rest, ",");
	}
}

static void parse_filters(struct columns_spec *spec)
{
	static struct columns_filter filter[COLUMNS_FILTERS_MAX];

	_Static_assert((int)COLUMNS_FILTERS_MAX >= (int)CLI_LIST_MAX, "a filter for each --where");
	for (size_t i = 0; i < where_specs.n; i++) {
		char *rest = copy(where_specs.item[i]);

		filter[i].column = columns_part(&rest, "=");
		filter[i].text = rest;
		if (!rest)
			die_usage("--where: '%s' is not COLUMN=TEXT", where_specs.item[i]);
	}
	spec->filter = filter;
	spec->n_filters = where_specs.n;
}

static void parse_spec(struct columns_spec *spec)
{
	*spec = (struct columns_spec){.x = parse_column(x_name),
	    .c = parse_column(c_name),
	    .group = parse_column(g_name),
	    .c_is_text = discrete || histogram};
	parse_columns(spec);
	parse_filters(spec);
	if (c_name && spec->n_y > 1)
		die_usage("-c needs a single column of -y, but %zu are given", spec->n_y);
	if (!c_name && spec->n_y == 1)
		spec->c = spec->group;
}

/* --- the lines on top --- */

/* Refuse an output file that is also an input. */
static void refuse_clashes(char *const *rows)
{
	char *spec[CLI_LIST_MAX];
	const char *file[CLI_LIST_MAX];
	struct err e;

	for (size_t i = 0; i < line_specs.n; i++) {
		struct overlay o = {0};

		spec[i] = copy(line_specs.item[i]);
		if (overlay_parse(spec[i], &file[i], &o, &e))
			die(&e);
		if (follow && path_is_stream(file[i]))
			die_usage("--line %s: --follow needs a file, to read it again", file[i]);
	}
	cli_refuse_clashes(&path, 1, file, line_specs.n, rows);
	for (size_t i = 0; i < line_specs.n; i++)
		free(spec[i]);
}

static int draw_line(struct plot *p, const char *text, struct overlay *o, struct err *e)
{
	char *spec = copy(text);
	struct csv_reader *csv;
	struct input in;
	const char *file;
	int failed = -1;

	if (!overlay_parse(spec, &file, o, e) && !input_open(&in, file, e)) {
		csv = csv_open(&in, CSV_RFC4180, e);
		failed = !csv || overlay_add(p, csv, o, e) ? err_prefix(e, "--line") : 0;
		csv_close(csv);
		input_close(&in);
	}
	free(spec);
	return failed;
}

static int draw_lines(struct plot *p, const struct columns_spec *below, struct err *e)
{
	for (size_t i = 0; i < line_specs.n; i++) {
		struct overlay o = {.x_below = below->x, .y_below = below->y[0], .index = i};

		/* With --follow, the file may not exist yet or be incomplete. */
		if (draw_line(p, line_specs.item[i], &o, e) && !follow)
			return -1;
	}
	return 0;
}

/* --- the picture --- */

struct picture {
	struct columns_spec spec;
	struct look look;
	double x_limit[2], y_limit[2], width, height;
	struct table_skips skips;
	char x_text[NAME_SIZE], c_text[NAME_SIZE], y_text[COLUMNS_Y_MAX][NAME_SIZE];
	const char *y_labels[COLUMNS_Y_MAX];
	struct output terminal;
	bool terminal_open;
};

static void picture_init(struct picture *p)
{
	memset(p, 0, sizeof *p);
	parse_limits("xlim", x_limits, log_x, p->x_limit);
	parse_limits("ylim", y_limits, log_y, p->y_limit);
	parse_size(size, &p->width, &p->height);
	parse_spec(&p->spec);
	words_of_column(p->x_text, NAME_SIZE, p->spec.x ? p->spec.x : "row");
	words_of_column(p->c_text, NAME_SIZE, p->spec.c ? p->spec.c : "");
	for (size_t k = 0; k < p->spec.n_y; k++) {
		words_of_column(p->y_text[k], NAME_SIZE, p->spec.y[k]);
		p->y_labels[k] = p->y_text[k];
	}
	p->look = (struct look){.points = points,
	    .lines = lines,
	    .histogram = histogram,
	    .bins = (int)bins,
	    .smooth = (int)smooth,
	    .mean = mean,
	    .x_limit = {p->x_limit[0], p->x_limit[1]},
	    .y_labels = p->y_labels};
}

static void describe(const struct picture *p, struct plot *plot)
{
	plot_init(plot);
	plot->width = p->width;
	plot->height = p->height;
	plot->title = title;
	plot->x_title = x_label ? x_label : p->x_text;
	plot->y_title = y_label            ? y_label
	                : histogram        ? "count"
	                : p->spec.n_y == 1 ? p->y_text[0]
	                                   : NULL;
	plot->c_title = p->c_text;
	plot->x.log = log_x;
	plot->y.log = log_y;
	plot->c.log = log_c;
	plot->dot = dot;
	plot->alpha = alpha;
	if (cli_given("max-points") || (path && plot_format(path) == PLOT_SVG))
		plot->max_points = (size_t)max_points;
}

static int build(struct picture *p, struct plot *plot, const struct columns *rows, const char *name,
    struct err *e)
{
	if (table_plot(&rows->table, &p->look, plot, &p->skips, e) || draw_lines(plot, &p->spec, e))
		return -1;
	if (!plot_fit(plot, p->x_limit, p->y_limit, e))
		return 0;
	if (p->skips.inside == 0)
		columns_explain(rows, &p->skips, e);
	return err_prefix(e, "%s", name);
}

static bool is_utf8(void)
{
	static const char *const variable[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < CLI_COUNT(variable); i++) {
		const char *value = getenv(variable[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static int dimension(int of_window, const char *variable, int otherwise, int least)
{
	const char *text = getenv(variable);
	int64_t v = of_window;

	if (v <= 0 && (!text || number_int(text, &v) || v <= 0))
		v = otherwise;
	return (int)(v < least ? least : v > TERM_MAX ? TERM_MAX : v);
}

static struct term terminal(void)
{
	struct winsize window = {0};
	const char *kind = getenv("TERM");
	bool is_terminal = isatty(STDOUT_FILENO) != 0;
	struct term t = {.unicode = !ascii && is_utf8()};

	if (is_terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
	t.columns = dimension(window.ws_col, "COLUMNS", 80, TERM_COLUMNS_MIN);
	t.rows = dimension(window.ws_row - 1, "LINES", 24, TERM_ROWS_MIN);
	t.colour = is_terminal && !getenv("NO_COLOR") && kind && strcmp(kind, "dumb") != 0;
	return t;
}

static int show(struct picture *p, const struct plot *plot, struct err *e)
{
	struct term t = terminal();
	const char *between = isatty(STDOUT_FILENO) ? "\033[H\033[2J"
	                      : p->terminal_open    ? "\n"
	                                            : "";

	if (!p->terminal_open && output_open(&p->terminal, NULL, e))
		return -1;
	p->terminal_open = true;
	if (follow && output_printf(&p->terminal, e, "%s", between))
		return -1;
	return term_write(plot, &t, &p->terminal, e) || output_flush(&p->terminal, e) ? -1 : 0;
}

static int save(const struct plot *plot, struct err *e)
{
	struct output out;

	if (output_open(&out, path, e))
		return -1;
	if (!follow)
		cli_unlink_at_end(out.temporary);
	if (plot_write(plot, (enum plot_format)plot_format(path), &out, e) ||
	    output_commit(&out, e)) {
		output_abort(&out);
		return -1;
	}
	if (!follow)
		cli_unlink_at_end(NULL);
	return 0;
}

static int draw(struct picture *p, const struct columns *rows, const char *name, struct err *e)
{
	struct plot plot;
	int failed;

	describe(p, &plot);
	failed = build(p, &plot, rows, name, e) || (path ? save(&plot, e) : show(p, &plot, e));
	if (!failed && !follow && plot_shown(&plot) < plot_points(&plot))
		note("%zu of %zu points drawn; --max-points 0 draws all", plot_shown(&plot),
		    plot_points(&plot));
	plot_release(&plot);
	return failed ? -1 : 0;
}

static void finish(struct picture *p)
{
	struct err e;

	if (p->terminal_open && output_commit(&p->terminal, &e))
		die(&e);
	if (p->skips.missing)
		note("left out: %zu missing, infinite or not a number", p->skips.missing);
	if (p->skips.positive)
		note("left out: %zu not positive, on a logarithmic axis", p->skips.positive);
}

/* --- the main file, read once or followed as it grows --- */

struct source {
	const char *path; /* NULL: standard input */
	struct input in;
	struct csv_reader *csv;
	struct columns rows;
};

static void source_close(struct source *s)
{
	columns_release(&s->rows);
	csv_close(s->csv);
	input_close(&s->in);
}

static int read_all(struct source *s, struct picture *p, struct err *e)
{
	if (input_open(&s->in, s->path, e))
		return -1;
	s->csv = csv_open(&s->in, CSV_RFC4180, e);
	if (!s->csv || columns_init(&s->rows, s->csv, &p->spec, e) ||
	    columns_read(&s->rows, SIZE_MAX, e))
		return -1;
	return draw(p, &s->rows, s->in.name, e);
}

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void stop_on_signals(void)
{
	struct sigaction act = {.sa_handler = stop};

	cli_catch(SIGINT, &act);
	cli_catch(SIGTERM, &act);
	cli_catch(SIGHUP, &act);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool grows(const struct input *in)
{
	struct stat st;

	return !fstat(in->fd, &st) && S_ISREG(st.st_mode);
}

/* Wait until a pipe has more data, or until the deadline. At the end of a regular file, clear eof
 * after the wait, so that it is read again. */
static void wait_for_more(struct input *in, double deadline)
{
	struct pollfd ready = {.fd = in->fd, .events = POLLIN};
	double left = deadline - now();

	if (left > 0)
		poll(&ready, grows(in) ? 0 : 1, (int)(left * 1000) + 1);
	if (grows(in))
		in->eof = false;
}

/* Open the input and wait for its header line. */
static int follow_open(struct source *s, const struct columns_spec *spec, struct err *e)
{
	if (input_open(&s->in, s->path, e))
		return -1;
	while (!stopped && !memchr(s->in.buf + s->in.pos, '\n', s->in.len - s->in.pos)) {
		struct pollfd ready = {.fd = s->in.fd, .events = POLLIN};
		int more = poll(&ready, 1, 0) > 0 ? input_fill(&s->in, e) : 0;

		if (more < 0)
			return -1;
		if (s->in.eof && !grows(&s->in))
			break;
		if (more == 0)
			wait_for_more(&s->in, now() + interval);
	}
	s->csv = csv_open(&s->in, CSV_RFC4180, e);
	if (!s->csv || columns_init(&s->rows, s->csv, spec, e))
		return -1;
	csv_follow(s->csv, true);
	return 0;
}

/* Whether the file is shorter than what was read, or its path names another file: a new run has
 * started to write it. */
static bool is_replaced(const struct source *s)
{
	struct stat by_path, by_fd;

	if (!s->path || fstat(s->in.fd, &by_fd) || !S_ISREG(by_fd.st_mode))
		return false;
	if ((uint64_t)by_fd.st_size < s->in.offset + (s->in.len - s->in.pos))
		return true;
	return !stat(s->path, &by_path) &&
	       (by_path.st_ino != by_fd.st_ino || by_path.st_dev != by_fd.st_dev);
}

/* Read rows until the deadline. Returns 0 at the end of the input, 1 before it, -1 on error. */
static int follow_rows(struct source *s, double deadline, struct err *e)
{
	do {
		int more = columns_read(&s->rows, 1024, e);

		if (more < 0)
			return -1;
		if (stopped)
			return 0;
		if (more == 0 && s->in.eof && !grows(&s->in)) {
			csv_follow(s->csv, false); /* from now on a truncated row is an error */
			return columns_read(&s->rows, SIZE_MAX, e);
		}
		if (more == 0)
			wait_for_more(&s->in, deadline);
	} while (now() < deadline);
	return 1;
}

static int follow_all(struct source *s, struct picture *p, struct err *e)
{
	uint64_t drawn = 0;
	int more = follow_open(s, &p->spec, e) ? -1 : 1;

	for (double deadline = 0; more > 0; deadline = now() + interval) {
		more = follow_rows(s, deadline, e);
		if (more >= 0 &&
		    (s->rows.table.n > 0 ? s->rows.n_read != drawn : more == 0 && !stopped) &&
		    draw(p, &s->rows, s->in.name, e))
			return -1;
		drawn = s->rows.n_read;
		if (more > 0 && is_replaced(s)) {
			source_close(s);
			if (follow_open(s, &p->spec, e))
				return -1;
			drawn = 0;
		}
	}
	return more;
}

int main(int argc, char **argv)
{
	static struct picture p;
	struct source s = {0};
	struct err e;
	int at = cli_parse(&cli, argc, argv);

	check_options();
	refuse_clashes(argv + at);
	picture_init(&p);
	s.path = at < argc && strcmp(argv[at], "-") != 0 ? argv[at] : NULL;
	if (follow)
		stop_on_signals();
	if (follow ? follow_all(&s, &p, &e) : read_all(&s, &p, &e))
		die(&e);
	source_close(&s);
	finish(&p);
	return cli_finish();
}
