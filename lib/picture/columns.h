#ifndef CDCD_COLUMNS_H
#define CDCD_COLUMNS_H

/* Read the rows of CSV files into a table: select columns by name and rows by conditions. */

#include "formats/csv.h"
#include "picture/table.h"

enum { COLUMNS_Y_MAX = COLOUR_CATEGORIES, COLUMNS_FILTERS_MAX = 32 };

/*
 * Names of columns on the command line: a backslash before ',', ':', '=' or '\' makes this
 * character a part of the name; before other characters, a backslash is an ordinary character.
 *
 * columns_length - the number of bytes of text before the first unescaped character in ends.
 * columns_part - like strsep(): return the name at the start of *rest, with the escapes removed in
 * place, and set *rest to the text after the separator, or to NULL.
 */
size_t columns_length(const char *text, const char *ends);
char *columns_part(char **rest, const char *ends);

struct columns_filter {
	const char *column, *text; /* keep rows whose field in this column is this text */
};

/* What to read. The strings are borrowed and must outlive the struct columns. */
struct columns_spec {
	const char *x; /* NULL: the number of the row, from 1 */
	const char *y[COLUMNS_Y_MAX];
	size_t n_y;
	const char *c, *group, *by; /* NULL: none; by: rows with the same text have the same key */
	bool c_is_text;             /* c is a category even if its first field is a number */
	const struct columns_filter *filter;
	size_t n_filters;
};

struct columns {
	struct columns_spec spec;
	struct csv_reader *csv; /* the file that is read now */
	const char *file;       /* its name in the legend; NULL: there are no other files */
	size_t n_files;         /* number of files so far */
	int x, y[COLUMNS_Y_MAX], c, group, by, filter[COLUMNS_FILTERS_MAX]; /* -1: none */
	bool c_is_decided, c_is_text;
	uint64_t n_read; /* rows read, including those that the conditions reject */
	struct table table;
};

void columns_init(struct columns *r, const struct columns_spec *spec);
void columns_release(struct columns *r);

/*
 * columns_open - find the columns in csv, the next file, which must outlive the reading of its
 * rows. If file is not NULL, it is the category of these rows where the columns have no c, and a
 * group does not continue in the next file, unless rows are averaged. Returns 0 or -1.
 */
int columns_open(struct columns *r, struct csv_reader *csv, const char *file, struct err *e);

/*
 * columns_read - read up to max_rows rows of the file and add those that match to r->table. The
 * first row of all files that matches decides whether c is a number or a text. Returns 1 if there
 * may be more rows, 0 at the end, or -1 on error.
 */
int columns_read(struct columns *r, size_t max_rows, struct err *e);

/*
 * columns_explain - set e to the reasons why none of the rows can be drawn, with counts; skips is
 * what table_plot returned for r->table. Returns -1.
 */
int columns_explain(const struct columns *r, const struct table_skips *skips, struct err *e);

#endif
