#ifndef CDCD_COLUMNS_H
#define CDCD_COLUMNS_H

/* From the rows of a CSV to the rows of a table: columns by name, conditions, numbers. */

#include "formats/csv.h"
#include "picture/table.h"

enum { COLUMNS_Y_MAX = COLOUR_CATEGORIES, COLUMNS_FILTERS_MAX = 32 };

/*
 * Names of columns on the command line: a backslash before ',', ':', '=' or '\' makes that
 * character a part of the name; elsewhere it is a character like others.
 *
 * columns_length - bytes of text before the first of the characters in ends, or all of them.
 * columns_part - cut off the name that *rest begins with, in place, and take its backslashes away.
 * *rest is then what follows the end, or NULL. It is strsep() but for the backslashes.
 */
size_t columns_length(const char *text, const char *ends);
char *columns_part(char **rest, const char *ends);

struct columns_filter {
	const char *column, *text; /* rows whose field is this text */
};

/* What to take. The texts must live as long as what takes them. */
struct columns_spec {
	const char *x; /* NULL: the row's number, from 1 */
	const char *y[COLUMNS_Y_MAX];
	size_t n_y;
	const char *c, *group; /* NULL: none */
	bool c_is_text;        /* even where the first row's is a number */
	const struct columns_filter *filter;
	size_t n_filters;
};

struct columns {
	struct columns_spec spec;
	struct csv_reader *csv;
	int x, y[COLUMNS_Y_MAX], c, group, filter[COLUMNS_FILTERS_MAX]; /* columns; -1: none */
	bool c_is_decided, c_is_text;
	uint64_t n_read; /* rows, be they taken or not */
	struct table table;
};

/*
 * columns_init - find the columns of spec in csv, which must outlive r.
 * Returns 0, or -1 with nothing to release.
 */
int columns_init(
    struct columns *r, struct csv_reader *csv, const struct columns_spec *spec, struct err *e);
void columns_release(struct columns *r);

/*
 * columns_read - take up to most rows into r->table. The first of them says whether c is a number
 * or a text. Returns 1 where there may be more, 0 at the end, -1 on error.
 */
int columns_read(struct columns *r, size_t most, struct err *e);

/*
 * columns_explain - set e to why none of the rows read can be drawn, with counts; skips is what
 * table_plot has left out of r->table. Returns -1.
 */
int columns_explain(const struct columns *r, const struct table_skips *skips, struct err *e);

#endif
