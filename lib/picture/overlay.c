#include "picture/overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "picture/columns.h"
#include "picture/words.h"

/* --- the specification --- */

/* Whether the first n bytes of spec are the name of a file. */
static bool is_file(const char *spec, size_t n)
{
	char name[4096], *rest = name;
	struct stat st;

	if (n >= sizeof name)
		return false;
	memcpy(name, spec, n);
	name[n] = '\0';
	return !stat(columns_part(&rest, ""), &st) && !S_ISDIR(st.st_mode);
}

/*
 * The length of FILE in spec: up to the first colon for which the text before it is the name of a
 * file. If there is no such file (yet), up to the first colon after the last slash.
 */
static size_t file_length(const char *spec)
{
	const char *slash = strrchr(spec, '/');
	size_t first = strlen(spec), after_slash = first;

	for (size_t n = columns_length(spec, ":"); spec[n];
	     n += 1 + columns_length(spec + n + 1, ":")) {
		if (is_file(spec, n))
			return n;
		if (!spec[first])
			first = n;
		if (!spec[after_slash] && slash && spec + n > slash)
			after_slash = n;
	}
	return spec[after_slash] ? after_slash : first;
}

int overlay_parse(char *spec, const char **file, struct overlay *o, struct err *e)
{
	size_t n = file_length(spec);
	char *columns = spec[n] ? spec + n + 1 : NULL, *rest = columns;
	struct stat st;

	*file = spec;
	if (!stat(spec, &st))
		return 0;
	spec[n] = '\0';
	*file = columns_part(&spec, "");
	if (!columns)
		return 0;
	if (o->marks) {
		o->x = columns_part(&rest, ":");
		o->label = rest;
		return 0;
	}
	n = columns_length(columns, ",:");
	if (n == 0 || columns[n] != ',' || columns_length(columns + n + 1, ":") == 0)
		return err_with(e, ERR_USAGE,
		    "--line %s: '%s' after the name of the file is not X,Y, two columns", *file,
		    columns);
	o->x = columns_part(&rest, ",");
	o->y = columns_part(&rest, ":");
	o->label = rest;
	return 0;
}

/* --- the line --- */

static int find_x(const struct csv_reader *csv, const struct overlay *o, struct err *e)
{
	const char *name = o->x ? o->x : o->x_below;

	return name ? csv_column(csv, name, e) : 0;
}

static int find_y(const struct csv_reader *csv, const struct overlay *o, int x, struct err *e)
{
	if (o->y)
		return csv_column(csv, o->y, e);
	if (o->y_below && csv_count(csv, o->y_below) > 0)
		return csv_column(csv, o->y_below, e);
	if ((size_t)x + 1 == csv_n_columns(csv))
		return err_set(
		    e, "no column after '%s'; name both: FILE:X,Y", csv_name(csv, (size_t)x));
	return x + 1;
}

/* y: -1 reads x alone. */
static int read_rows(struct csv_reader *csv, int x, int y, struct table *t, struct err *e)
{
	const char *const none[TABLE_TEXTS] = {NULL};
	double value[2] = {0};
	int got;

	while ((got = csv_next(csv, e)) == 1)
		if (csv_number(csv, (size_t)x, &value[0], e) ||
		    (y >= 0 && csv_number(csv, (size_t)y, &value[1], e)) ||
		    table_add(t, value, none, e))
			return -1;
	return got;
}

/* The first overlay is black; the others get colours that are not in the legend yet. */
static size_t choose_colour(const struct plot *p, size_t index)
{
	size_t used = 0;

	for (size_t i = 0; i < p->n_series; i++)
		used += p->series[i].label != NULL;
	return index == 0 ? COLOUR_INK : used;
}

static int add_line(
    struct plot *p, const struct table *t, const char *label, size_t index, struct err *e)
{
	size_t category = choose_colour(p, index);
	struct series *s = plot_add(p, SERIES_LINE, 2 * t->n, false, label, e);
	size_t at = 0;

	if (!s)
		return -1;
	s->category = category;
	s->outlined = true;
	s->width = 1.5;
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0 && t->value[2 * i] < t->value[2 * i - 2])
			s->x[at++] = NAN;
		s->x[at] = t->value[2 * i];
		s->y[at++] = t->value[2 * i + 1];
	}
	s->n = at;
	return 0;
}

static int add_marks(struct plot *p, const struct table *t, const char *label, struct err *e)
{
	struct series *s = plot_add(p, SERIES_MARKS, t->n, false, label, e);
	size_t at = 0;

	if (!s)
		return -1;
	s->category = COLOUR_INK;
	for (size_t i = 0; i < t->n; i++)
		if (at == 0 || t->value[2 * i] != s->x[at - 1])
			s->x[at++] = t->value[2 * i];
	s->n = at;
	return 0;
}

static void default_label(
    char *label, size_t capacity, const struct csv_reader *csv, const char *file, int y)
{
	size_t begin, end;

	if (y >= 0) {
		words_of_column(label, capacity, csv_name(csv, (size_t)y));
		return;
	}
	words_of_files(&file, 1, &begin, &end);
	snprintf(label, capacity, "%.*s", (int)(strlen(file) - begin - end), file + begin);
}

int overlay_add(struct plot *p, struct csv_reader *csv, const char *file, const struct overlay *o,
    struct err *e)
{
	int x = find_x(csv, o, e), y = x < 0 || o->marks ? -1 : find_y(csv, o, x, e), failed;
	char label[256];
	struct table rows;

	if (x < 0 || (y < 0 && !o->marks))
		return -1;
	default_label(label, sizeof label, csv, file, y);
	table_init(&rows, 1, false);
	failed = read_rows(csv, x, y, &rows, e);
	if (!failed && o->marks)
		failed = add_marks(p, &rows, o->label ? o->label : label, e);
	else if (!failed)
		failed = add_line(p, &rows, o->label ? o->label : label, o->index, e);
	table_release(&rows);
	return failed ? -1 : 0;
}
