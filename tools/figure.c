#include "figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "formats/csv.h"
#include "base/mem.h"
#include "base/number.h"
#include "picture/density.h"
#include "picture/term.h"
#include "picture/words.h"

/* Whether x is the noise level of cdcd-csv(5), and not some other t, such as a time. */
static bool is_level(const struct columns_spec *spec)
{
	bool of_losses = false;

	for (size_t k = 0; k < spec->n_y; k++)
		of_losses =
		    of_losses || !strcmp(spec->y[k], "ce_nats") || !strcmp(spec->y[k], "f_nats");
	return of_losses && !strcmp(spec->x, "t");
}

void figure_init(struct figure *f, const struct figure_options *o)
{
	const struct columns_spec *spec = &o->spec;

	memset(f, 0, sizeof *f);
	f->o = o;
	words_of_column(f->x_text, FIGURE_NAME_SIZE,
	    !spec->x         ? "row"
	    : is_level(spec) ? "noise level t"
	                     : spec->x);
	words_of_column(f->c_text, FIGURE_NAME_SIZE, spec->c ? spec->c : "");
	for (size_t k = 0; k < spec->n_y; k++) {
		words_of_column(f->y_text[k], FIGURE_NAME_SIZE, spec->y[k]);
		f->y_labels[k] = f->y_text[k];
	}
	f->look = o->look;
	f->look.y_labels = f->y_labels;
}

/* --- the panels of the plot --- */

static size_t count_panels(const struct figure_options *o)
{
	return o->panels ? o->spec.n_y : 1;
}

static const char *const band_notes[] = {[BAND_SD] = "band: mean ± standard deviation",
    [BAND_SE] = "band: mean ± standard error",
    [BAND_RANGE] = "band: smallest to largest value"};

static void init_panel(const struct figure *f, size_t k, struct plot *plot)
{
	const struct figure_options *o = f->o;

	plot_init(plot);
	plot->width = o->width;
	plot->height = o->height;
	plot->background = o->path ? o->background : BACKGROUND_NONE;
	plot->title = o->title;
	plot->x_title = o->x_label ? o->x_label : f->x_text;
	plot->y_title = o->y_label                      ? o->y_label
	                : o->look.histogram             ? "count"
	                : o->panels || o->spec.n_y == 1 ? f->y_text[k]
	                                                : NULL;
	plot->c_title = o->density ? "points" : f->c_text;
	plot->note = o->spec.by && k == 0 ? band_notes[o->band] : NULL;
	plot->x.log = o->log_x;
	plot->y.log = o->log_y;
	plot->c.log = o->log_c;
	plot->dot = o->dot;
	plot->alpha = o->alpha;
	plot->max_points = o->max_points;
}

static int add_overlay(struct plot *p, const char *text, struct overlay *overlay, struct err *e)
{
	char *spec = mem_copy_string(text, e);
	struct csv_reader *csv;
	struct input in;
	const char *file;
	int failed = -1;

	if (spec && !overlay_parse(spec, &file, overlay, e) && !input_open(&in, file, e)) {
		csv = csv_open(&in, CSV_RFC4180, e);
		failed = !csv || overlay_add(p, csv, file, overlay, e)
		             ? err_prefix(e, overlay->marks ? "--mark" : "--line")
		             : 0;
		csv_close(csv);
		input_close(&in);
	}
	free(spec);
	return failed;
}

static int add_overlays(const struct figure_options *o, struct plot *p, struct err *e)
{
	for (size_t i = 0; i < o->overlays.n + o->marks.n; i++) {
		bool marks = i >= o->overlays.n;
		struct overlay overlay = {
		    .marks = marks, .x_below = o->spec.x, .y_below = o->spec.y[0], .index = i};
		const char *spec = marks ? o->marks.item[i - o->overlays.n] : o->overlays.item[i];

		/* With --follow, the file may not exist yet or be incomplete. */
		if (add_overlay(p, spec, &overlay, e) && !o->follow)
			return -1;
	}
	return 0;
}

static void add_skips(struct table_skips *to, const struct table_skips *skips)
{
	to->missing += skips->missing;
	to->positive += skips->positive;
}

/* Add rows, which are those of t, averaged or not, to panel k. name: of their file. */
static int build_panel(struct figure *f, struct plot *plot, size_t k, const struct columns *rows,
    const struct table *t, const char *name, struct err *e)
{
	const struct figure_options *o = f->o;
	struct look look = f->look;
	double y_limit[2] = {o->y_limit[0], o->y_limit[1]};
	struct table_skips skips;

	look.one_y = o->panels;
	look.y_index = k;
	init_panel(f, k, plot);
	if (table_plot(t, &look, plot, &skips, e))
		return -1;
	for (int end = 0; end < 2; end++)
		if (!isnan(o->y_share[end]) &&
		    plot_quantile(plot, look.x_limit, o->y_share[end], &y_limit[end], e))
			return -1;
	if (add_overlays(o, plot, e))
		return -1;
	add_skips(&f->skips, &skips);
	if (!plot_fit(plot, look.x_limit, y_limit, e))
		return o->density ? density_count(plot, e) : 0;
	if (skips.inside == 0)
		columns_explain(rows, &skips, e);
	if (o->panels)
		err_prefix(e, "column '%s'", o->spec.y[k]);
	return err_prefix(e, "%s", name);
}

static int build_panels(struct figure *f, struct plot *panel, const struct columns *rows,
    const char *name, struct err *e)
{
	struct table mean;
	const struct table *t = &rows->table;
	int failed = 0;

	memset(&f->skips, 0, sizeof f->skips);
	if (f->o->log_c && t->n > 0 && !t->has_c)
		return err_with(e, ERR_USAGE, "--log-c: the colours of %s stand for texts", name);
	table_init(&mean, 0, false);
	if (f->o->spec.by) {
		failed = average_rows(t, f->o->band, &mean, &f->skips.missing, e);
		t = &mean;
	}
	for (size_t k = 0; k < count_panels(f->o) && !failed; k++)
		failed = build_panel(f, &panel[k], k, rows, t, name, e);
	if (!failed)
		plot_share(panel, count_panels(f->o));
	table_release(&mean);
	return failed ? -1 : 0;
}

/* --- output --- */

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

static int terminal_size(int of_window, const char *variable, int otherwise, int least)
{
	const char *text = getenv(variable);
	int64_t v = of_window;

	if (v <= 0 && (!text || number_int(text, &v) || v <= 0))
		v = otherwise;
	return (int)(v < least ? least : v > TERM_MAX ? TERM_MAX : v);
}

static struct term find_terminal(const struct figure_options *o)
{
	struct winsize window = {0};
	const char *kind = getenv("TERM");
	bool is_terminal = isatty(STDOUT_FILENO) != 0;
	struct term t = {.unicode = !o->ascii && is_utf8()};

	if (is_terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
	t.columns = terminal_size(window.ws_col, "COLUMNS", 80, TERM_COLUMNS_MIN);
	t.rows = terminal_size(window.ws_row - 1, "LINES", 24, TERM_ROWS_MIN);
	t.colour = is_terminal && !getenv("NO_COLOR") && kind && strcmp(kind, "dumb") != 0;
	return t;
}

static int show_panels(struct figure *f, const struct plot *panel, struct err *e)
{
	struct term t = find_terminal(f->o);
	const char *between = isatty(STDOUT_FILENO) ? "\033[H\033[2J"
	                      : f->terminal_open    ? "\n"
	                                            : "";

	if (!f->terminal_open && output_open(&f->terminal, NULL, e))
		return -1;
	f->terminal_open = true;
	if (f->o->follow && output_printf(&f->terminal, e, "%s", between))
		return -1;
	return term_write(panel, count_panels(f->o), &t, &f->terminal, e) ||
	               output_flush(&f->terminal, e)
	           ? -1
	           : 0;
}

static int save_panels(const struct figure_options *o, const struct plot *panel, struct err *e)
{
	struct output out;

	if (output_open(&out, o->path, e))
		return -1;
	if (!o->follow && out.temporary)
		cli_unlink_at_end(out.temporary);
	if (plot_write(panel, count_panels(o), o->format, &out, e) || output_commit(&out, e)) {
		output_abort(&out);
		return -1;
	}
	if (!o->follow)
		cli_unlink_nothing();
	return 0;
}

int figure_draw(struct figure *f, const struct columns *rows, const char *name, struct err *e)
{
	struct plot panel[COLUMNS_Y_MAX];
	size_t shown = 0, points = 0, outside = 0;
	int failed;

	for (size_t k = 0; k < COLUMNS_Y_MAX; k++)
		plot_init(&panel[k]);
	failed = build_panels(f, panel, rows, name, e) ||
	         (f->o->path ? save_panels(f->o, panel, e) : show_panels(f, panel, e));
	for (size_t k = 0; k < COLUMNS_Y_MAX && !failed; k++) {
		shown += plot_shown(&panel[k]);
		points += plot_points(&panel[k]);
		outside += panel[k].outside;
	}
	if (!failed && !f->o->follow && shown < points)
		note("%zu of %zu points drawn; --max-points 0 draws all", shown, points);
	if (!failed && !f->o->follow && outside > 0)
		note("left out: %zu outside the limits of the axes", outside);
	for (size_t k = 0; k < COLUMNS_Y_MAX; k++)
		plot_release(&panel[k]);
	return failed ? -1 : 0;
}

int figure_finish(struct figure *f, struct err *e)
{
	if (f->terminal_open && output_commit(&f->terminal, e))
		return -1;
	if (f->skips.missing)
		note("left out: %zu missing, infinite or not a number", f->skips.missing);
	if (f->skips.positive)
		note("left out: %zu not positive, on a logarithmic axis", f->skips.positive);
	return 0;
}
