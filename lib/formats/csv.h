#ifndef CDCD_CSV_H
#define CDCD_CSV_H

/*
 * Read CSV as specified in cdcd-csv(5): quoting by RFC 4180, one header row, lines end in '\n', an
 * empty field is a missing value. libcsv parses the text. To write CSV, use output_printf with
 * "%.9g".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

struct csv_reader;

enum csv_rules {
	CSV_CDCD,    /* cdcd-csv(5): the last line ends in '\n', and all column names differ */
	CSV_RFC4180, /* does not require these two */
};

/*
 * csv_open - read the header row of in, which is borrowed and must outlive the reader. A byte order
 * mark before the header, "\r\n" instead of '\n', and empty lines are accepted. Returns NULL on
 * error, for example if there is no row.
 */
struct csv_reader *csv_open(struct input *in, enum csv_rules rules, struct err *e);
void csv_close(struct csv_reader *r);

/* csv_n_columns - the number of columns.
 * csv_name - the name of a column; it lives as long as the reader. */
size_t csv_n_columns(const struct csv_reader *r);
const char *csv_name(const struct csv_reader *r, size_t column);

/* csv_count - the number of columns with this name. */
size_t csv_count(const struct csv_reader *r, const char *name);

/*
 * csv_column - the index of the only column with this name. Returns -1 if there is no such column,
 * or more than one; the message lists the columns.
 */
int csv_column(const struct csv_reader *r, const char *name, struct err *e);

/*
 * csv_next - read the next row. Returns 1, 0 at the end, or -1 on error: a wrong number of fields,
 * a quote that does not end, or, with CSV_CDCD, a last line without '\n'. The message names the
 * file and the line.
 */
int csv_next(struct csv_reader *r, struct err *e);

/*
 * csv_follow - follow: read an input that grows. From now on csv_next also returns 0 if no complete
 * row can be read without waiting, because there is no new data or because the last line has no
 * '\n' yet. Call csv_next again later; after the end of a regular file, set in->eof to false first.
 * With follow false, an incomplete row at the end is an error again (with CSV_RFC4180, the last
 * '\n' may still be missing).
 */
void csv_follow(struct csv_reader *r, bool follow);

/* csv_line - the line number, from 1, on which the current row begins. */
uint64_t csv_line(const struct csv_reader *r);

/* csv_field - a field of the current row, NUL-terminated; it lives until the next csv_next. */
const char *csv_field(const struct csv_reader *r, size_t column);

/*
 * csv_number - set *value to a field as a number; an empty field is NAN. Returns 0, or -1 if the
 * field is neither empty nor a number as number_data accepts it, with blanks and tabs around it.
 */
int csv_number(const struct csv_reader *r, size_t column, double *value, struct err *e);

#endif
