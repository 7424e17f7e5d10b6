#ifndef CDCD_CSV_H
#define CDCD_CSV_H

/*
 * CSV as cdcd-csv(5) has it: RFC 4180 quoting, one header row, '\n' ends, an empty field for a
 * missing value. Reading is libcsv's. Writing needs no library: output_printf with "%.9g".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

struct csv_reader;

enum csv_rules {
	CSV_CDCD,    /* cdcd-csv(5): the last line ends in '\n', no two columns have one name */
	CSV_RFC4180, /* neither is asked for */
};

/*
 * csv_open - read the header row of in, which stays the caller's and must outlive the reader.
 * An input without a single row is an error. A byte order mark before the header, "\r\n" for '\n',
 * and empty lines are let pass.
 * Returns NULL on error.
 */
struct csv_reader *csv_open(struct input *in, enum csv_rules rules, struct err *e);
void csv_close(struct csv_reader *r);

/* csv_n_columns, csv_name - the header; the names live as long as the reader. */
size_t csv_n_columns(const struct csv_reader *r);
const char *csv_name(const struct csv_reader *r, size_t column);

/* csv_count - how many columns have this name. */
size_t csv_count(const struct csv_reader *r, const char *name);

/*
 * csv_column - the index of the only column of this name, or -1: where there is none, the message
 * lists the names that there are; where there are several, it says which.
 */
int csv_column(const struct csv_reader *r, const char *name, struct err *e);

/*
 * csv_next - the next row: 1, 0 at the end, -1 on error (a row with too many or too few fields, a
 * quote that never ends, by CSV_CDCD a last line without '\n'); the message names file and line.
 */
int csv_next(struct csv_reader *r, struct err *e);

/*
 * csv_follow - read an input that grows. From now on csv_next also returns 0 where a complete row
 * cannot be had without waiting: nothing to read yet, or a last line still without its '\n'. Call
 * it again later, having cleared in->eof where a file has reached its end for now. With follow
 * false the reader is as it was: what is incomplete at the end is an error, but for the '\n' of the
 * last line by CSV_RFC4180.
 */
void csv_follow(struct csv_reader *r, bool follow);

/* csv_line - the line number, from 1, on which the current row begins. */
uint64_t csv_line(const struct csv_reader *r);

/* csv_field - a field of the current row, NUL-terminated; it lives until the next csv_next. */
const char *csv_field(const struct csv_reader *r, size_t column);

/*
 * csv_number - a field as a number: NAN if it is empty. Returns 0, or -1 if it is neither empty nor
 * a number as number_data accepts it, with blanks and tabs around it.
 */
int csv_number(const struct csv_reader *r, size_t column, double *value, struct err *e);

#endif
