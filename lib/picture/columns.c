#include "picture/columns.h"

#include <stdio.h>
#include <string.h>

/* --- names --- */

static bool is_escaped(const char *text)
{
	return text[0] == '\\' && text[1] && strchr(",:=\\", text[1]);
}

size_t columns_length(const char *text, const char *ends)
{
	size_t n = 0;

	while (text[n] && !strchr(ends, text[n]))
		n += is_escaped(text + n) ? 2 : 1;
	return n;
}

char *columns_part(char **rest, const char *ends)
{
	char *part = *rest, *to = part;
	size_t n = columns_length(part, ends);

	*rest = part[n] ? part + n + 1 : NULL;
	for (const char *from = part; from < part + n; from++) {
		from += is_escaped(from);
		*to++ = *from;
	}
	*to = '\0';
	return part;
}

/* --- rows --- */

/* Find a column by name; name may be NULL. */
static int find_column(const struct columns *r, const char *name, int *column, struct err *e)
{
	*column = name ? csv_column(r->csv, name, e) : -1;
	return name && *column < 0 ? -1 : 0;
}

static int find_columns(struct columns *r, struct err *e)
{
	const struct columns_spec *spec = &r->spec;

	if (find_column(r, spec->x, &r->x, e) || find_column(r, spec->c, &r->c, e) ||
	    find_column(r, spec->group, &r->group, e) || find_column(r, spec->by, &r->by, e))
		return -1;
	for (size_t k = 0; k < spec->n_y; k++)
		if (find_column(r, spec->y[k], &r->y[k], e))
			return -1;
	for (size_t i = 0; i < spec->n_filters; i++)
		if (find_column(r, spec->filter[i].column, &r->filter[i], e))
			return -1;
	return 0;
}

void columns_init(struct columns *r, const struct columns_spec *spec)
{
	memset(r, 0, sizeof *r);
	r->spec = *spec;
	table_init(&r->table, spec->n_y, false);
}

void columns_release(struct columns *r)
{
	table_release(&r->table);
}

int columns_open(struct columns *r, struct csv_reader *csv, const char *file, struct err *e)
{
	r->csv = csv;
	r->file = file;
	r->n_files++;
	return find_columns(r, e);
}

static bool row_is_wanted(const struct columns *r)
{
	for (size_t i = 0; i < r->spec.n_filters; i++)
		if (strcmp(csv_field(r->csv, (size_t)r->filter[i]), r->spec.filter[i].text) != 0)
			return false;
	return true;
}

/* Whether the row repeats the header, as in a log to which a second run was appended. */
static bool row_is_header(const struct columns *r)
{
	for (size_t i = 0; i < csv_n_columns(r->csv); i++)
		if (strcmp(csv_field(r->csv, i), csv_name(r->csv, i)) != 0)
			return false;
	return true;
}

static void decide_c_type(struct columns *r)
{
	struct err none;
	double v;

	r->c_is_decided = true;
	if (r->c >= 0)
		r->c_is_text =
		    r->spec.c_is_text || csv_number(r->csv, (size_t)r->c, &v, &none) != 0;
	table_init(&r->table, r->spec.n_y, r->c >= 0 && !r->c_is_text);
}

static const char *field_or_null(const struct columns *r, int column)
{
	return column >= 0 ? csv_field(r->csv, (size_t)column) : NULL;
}

/* The group of a row: its field, and the number of its file if lines must not join files. */
static const char *group_of(const struct columns *r, char *text, size_t capacity)
{
	const char *field = field_or_null(r, r->group);

	if (!r->file || r->by >= 0)
		return field;
	snprintf(text, capacity, "%zu\n%s", r->n_files, field ? field : "");
	return text;
}

static int add_row(struct columns *r, struct err *e)
{
	double value[COLUMNS_Y_MAX + 2];
	char group[1024];
	const char *text[TABLE_TEXTS] = {[TABLE_CATEGORY] = r->c < 0 ? r->file : NULL,
	    [TABLE_GROUP] = group_of(r, group, sizeof group),
	    [TABLE_KEY] = field_or_null(r, r->by)};
	size_t n = 0;

	if (!r->c_is_decided)
		decide_c_type(r);
	value[n] = (double)r->n_read;
	if (r->x >= 0 && csv_number(r->csv, (size_t)r->x, &value[n], e))
		return -1;
	n++;
	for (size_t k = 0; k < r->spec.n_y; k++)
		if (csv_number(r->csv, (size_t)r->y[k], &value[n++], e))
			return -1;
	if (r->c_is_text) {
		text[TABLE_CATEGORY] = csv_field(r->csv, (size_t)r->c);
		if (!*text[TABLE_CATEGORY])
			text[TABLE_CATEGORY] = "(none)";
	} else if (r->c >= 0 && csv_number(r->csv, (size_t)r->c, &value[n], e)) {
		return -1;
	}
	return table_add(&r->table, value, text, e);
}

int columns_read(struct columns *r, size_t max_rows, struct err *e)
{
	for (size_t i = 0; i < max_rows; i++) {
		int got = csv_next(r->csv, e);

		if (got != 1)
			return got;
		if (row_is_header(r))
			continue;
		r->n_read++;
		if (row_is_wanted(r) && add_row(r, e))
			return -1;
	}
	return 1;
}

int columns_explain(const struct columns *r, const struct table_skips *skips, struct err *e)
{
	char limits[96];
	const struct {
		size_t n;
		const char *what;
	} reason[] = {{skips->missing, "missing, infinite or not a number"},
	    {skips->positive, "not positive, on a logarithmic axis"}, {skips->outside, limits}};
	const char *before = ": left out:";

	if (r->n_read == 0)
		return err_set(e, "nothing to draw: no rows follow the header");
	if (r->table.n == 0)
		return err_set(e, "nothing to draw: none of %llu rows satisfies --where",
		    (unsigned long long)r->n_read);
	snprintf(limits, sizeof limits, "outside the limits of x, which runs from %.9g to %.9g",
	    skips->x_lo, skips->x_hi);
	err_set(e, "nothing to draw");
	for (size_t i = 0; i < sizeof reason / sizeof reason[0]; i++) {
		size_t n = strlen(e->msg);

		if (reason[i].n == 0)
			continue;
		snprintf(e->msg + n, sizeof e->msg - n, "%s %zu %s", before, reason[i].n,
		    reason[i].what);
		before = ",";
	}
	return -1;
}
