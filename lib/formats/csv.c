#include "formats/csv.h"

#include <csv.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"

enum { PARSER_BLOCK = 4096, MAX_COLUMNS = 1 << 20, NUMBER_ROOM = 1024 };

struct csv_reader {
	struct input *in;
	struct csv_parser parser;
	enum csv_rules rules;
	size_t n_columns; /* 0 until the header is read */
	char *names;      /* concatenated, each with a NUL */
	size_t *name_at;

	/* the current row, as far as the parser has passed it */
	char *text;
	size_t text_len, text_cap;
	size_t *at, at_cap;
	size_t n_fields;
	bool row_begun, row_done;

	uint64_t line, next_line;
	bool follow;
	bool out_of_memory, has_nul;
	struct err memory;
};

/* --- callbacks of libcsv --- */

static void on_field(void *field, size_t n, void *arg)
{
	struct csv_reader *r = arg;
	size_t limit = r->n_columns ? r->n_columns : MAX_COLUMNS;

	if (r->out_of_memory || r->n_fields++ >= limit)
		return;
	if (mem_grow(&r->text, &r->text_cap, r->text_len + n + 1, 1, &r->memory) ||
	    mem_grow(&r->at, &r->at_cap, r->n_fields, sizeof *r->at, &r->memory)) {
		r->out_of_memory = true;
		return;
	}
	if (memchr(field, '\0', n))
		r->has_nul = true;
	r->at[r->n_fields - 1] = r->text_len;
	memcpy(r->text + r->text_len, field, n);
	r->text[r->text_len + n] = '\0';
	r->text_len += n + 1;
}

static void on_row(int terminator, void *arg)
{
	struct csv_reader *r = arg;

	(void)terminator;
	r->row_done = true;
}

/* Only '\n' ends a row, so that a line contains at most one row. */
static int ends_row(unsigned char c)
{
	return c == '\n';
}

/* libcsv removes this character around fields: the '\r' before '\n'. Blanks are part of their field
 * (RFC 4180, section 2.4). */
static int is_blank(unsigned char c)
{
	return c == '\r';
}

/* --- rows --- */

/*
 * Find a whole line at in->buf[in->pos], and set *n to its length, including '\n', which the last
 * line of an RFC 4180 file may lack. Returns 1, 0 if there is no whole line (yet), or -1 on error.
 */
static int find_line(struct csv_reader *r, size_t *n, struct err *e)
{
	struct input *in = r->in;
	size_t searched = 0;

	for (;;) {
		const unsigned char *start = in->buf + in->pos;
		size_t have = in->len - in->pos;
		const unsigned char *end = memchr(start + searched, '\n', have - searched);
		struct pollfd ready = {.fd = in->fd, .events = POLLIN};
		int more;

		if (end) {
			*n = (size_t)(end - start) + 1;
			return 1;
		}
		searched = have;
		if (r->follow && !in->eof && poll(&ready, 1, 0) <= 0)
			return 0;
		more = input_fill(in, e);
		if (more < 0)
			return -1;
		if (more == 0) {
			*n = in->len - in->pos;
			return r->rules == CSV_RFC4180 && !r->follow && *n > 0;
		}
	}
}

static int feed_line(struct csv_reader *r, size_t n, struct err *e)
{
	struct input *in = r->in;
	bool has_end = in->buf[in->pos + n - 1] == '\n';
	size_t taken = csv_parse(&r->parser, in->buf + in->pos, n, on_field, on_row, r);

	if (taken == n && !has_end && csv_parse(&r->parser, "\n", 1, on_field, on_row, r) < 1)
		taken = n - 1;
	if (taken < n && csv_error(&r->parser) == CSV_EPARSE)
		return err_set(e,
		    "%s: line %llu: misplaced quote; is this a CSV file? (RFC 4180, 2.5)", in->name,
		    (unsigned long long)r->next_line);
	if (taken < n)
		return err_set(e, "%s: line %llu: %s", in->name, (unsigned long long)r->next_line,
		    csv_strerror(csv_error(&r->parser)));
	in->pos += n;
	in->offset += n;
	r->next_line++;
	return 0;
}

static int check_row(struct csv_reader *r, struct err *e)
{
	if (r->out_of_memory) {
		*e = r->memory;
		return err_prefix(e, "%s: line %llu", r->in->name, (unsigned long long)r->line);
	}
	if (r->has_nul)
		return err_set(e, "%s: line %llu: a NUL byte: not a text file", r->in->name,
		    (unsigned long long)r->line);
	if (r->n_columns ? r->n_fields != r->n_columns : r->n_fields > MAX_COLUMNS)
		return err_set(e, "%s: line %llu: wrong number of fields: %zu (expected %zu)",
		    r->in->name, (unsigned long long)r->line, r->n_fields,
		    r->n_columns ? r->n_columns : (size_t)MAX_COLUMNS);
	return 1;
}

/* Check that the input has not ended within a row. */
static int check_end(const struct csv_reader *r, struct err *e)
{
	if (r->follow)
		return 0;
	if (r->row_begun)
		return err_set(e, "%s: line %llu: a quoted field has no closing quote", r->in->name,
		    (unsigned long long)r->line);
	if (r->in->len > r->in->pos)
		return err_set(e, "%s: line %llu: truncated: the last line has no line feed",
		    r->in->name, (unsigned long long)r->next_line);
	return 0;
}

static void begin_row(struct csv_reader *r)
{
	r->row_begun = true;
	r->row_done = false;
	r->line = r->next_line;
	r->n_fields = 0;
	r->text_len = 0;
}

/* Whether the line of n bytes that was fed last is empty: libcsv skips empty lines. */
static bool is_empty_line(const struct input *in, size_t n)
{
	const unsigned char *line = in->buf + in->pos - n;

	return n == 1 || (n == 2 && line[0] == '\r');
}

int csv_next(struct csv_reader *r, struct err *e)
{
	size_t n;
	int found;

	while ((found = find_line(r, &n, e)) == 1) {
		bool first = !r->row_begun;

		if (first)
			begin_row(r);
		if (feed_line(r, n, e))
			return -1;
		if (r->row_done) {
			r->row_begun = false;
			return check_row(r, e);
		}
		if (first && is_empty_line(r->in, n))
			r->row_begun = false;
	}
	return found < 0 ? -1 : check_end(r, e);
}

/* --- the header --- */

static int skip_byte_order_mark(struct csv_reader *r, struct err *e)
{
	struct input *in = r->in;
	size_t n;
	int found = find_line(r, &n, e);

	if (found == 1 && n >= 3 && !memcmp(in->buf + in->pos, "\xef\xbb\xbf", 3)) {
		in->pos += 3;
		in->offset += 3;
	}
	return found < 0 ? -1 : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(const struct csv_reader *r, struct err *e)
{
	const char **sorted = mem_array(r->n_columns, sizeof *sorted, e);
	int failed = 0;

	if (!sorted)
		return -1;
	for (size_t i = 0; i < r->n_columns; i++)
		sorted[i] = csv_name(r, i);
	qsort(sorted, r->n_columns, sizeof *sorted, compare_names);
	for (size_t i = 1; i < r->n_columns && !failed; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			failed = csv_column(r, sorted[i], e) < 0 ? -1 : 0;
	free(sorted);
	return failed;
}

static int read_header(struct csv_reader *r, struct err *e)
{
	int got;

	if (skip_byte_order_mark(r, e))
		return -1;
	got = csv_next(r, e);
	if (got == 0)
		return err_set(e, "%s: empty: expected a header row", r->in->name);
	if (got < 0)
		return -1;
	r->n_columns = r->n_fields;
	r->names = r->text;
	r->name_at = r->at;
	r->text = NULL;
	r->at = NULL;
	r->text_len = r->text_cap = r->at_cap = r->n_fields = 0;
	return r->rules == CSV_CDCD ? check_names(r, e) : 0;
}

struct csv_reader *csv_open(struct input *in, enum csv_rules rules, struct err *e)
{
	struct csv_reader *r = mem_array(1, sizeof *r, e);

	if (!r)
		return NULL;
	r->in = in;
	r->rules = rules;
	r->next_line = 1;
	csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_term_func(&r->parser, ends_row);
	csv_set_space_func(&r->parser, is_blank);
	csv_set_blk_size(&r->parser, PARSER_BLOCK);
	if (read_header(r, e)) {
		csv_close(r);
		return NULL;
	}
	return r;
}

void csv_close(struct csv_reader *r)
{
	if (!r)
		return;
	csv_free(&r->parser);
	free(r->names);
	free(r->name_at);
	free(r->text);
	free(r->at);
	free(r);
}

size_t csv_n_columns(const struct csv_reader *r)
{
	return r->n_columns;
}

const char *csv_name(const struct csv_reader *r, size_t column)
{
	return r->names + r->name_at[column];
}

/* Append text to a message. Returns 0, or -1 if it does not fit. */
static int append_to_message(struct err *e, const char *text)
{
	size_t n = strlen(e->msg);

	if (n + strlen(text) >= sizeof e->msg - 4)
		return -1;
	snprintf(e->msg + n, sizeof e->msg - n, "%s", text);
	err_printable(e->msg + n);
	return 0;
}

size_t csv_count(const struct csv_reader *r, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_columns; i++)
		n += !strcmp(csv_name(r, i), name);
	return n;
}

/* The first column >= from with this name, or n_columns if there is none. */
static size_t next_column(const struct csv_reader *r, size_t from, const char *name)
{
	while (from < r->n_columns && strcmp(csv_name(r, from), name) != 0)
		from++;
	return from;
}

int csv_column(const struct csv_reader *r, const char *name, struct err *e)
{
	size_t first = next_column(r, 0, name), second = next_column(r, first + 1, name), n;

	if (second < r->n_columns)
		return err_set(e,
		    "%.400s: two columns are named '%.200s', the fields %zu and %zu of the header; "
		    "rename one of them",
		    r->in->name, name, first + 1, second + 1);
	if (first < r->n_columns)
		return (int)first;
	err_set(e, "%.400s: no column '%.200s'; there are", r->in->name, name);
	for (size_t i = 0; i < r->n_columns; i++)
		if (append_to_message(e, i ? ", " : " ") || append_to_message(e, csv_name(r, i))) {
			n = strlen(e->msg);
			snprintf(e->msg + n, sizeof e->msg - n, "...");
			break;
		}
	if (r->n_columns == 1 && strpbrk(csv_name(r, 0), ";\t"))
		append_to_message(e, "; separate the fields by commas");
	return -1;
}

/* --- the current row --- */

void csv_follow(struct csv_reader *r, bool follow)
{
	r->follow = follow;
}

uint64_t csv_line(const struct csv_reader *r)
{
	return r->line;
}

const char *csv_field(const struct csv_reader *r, size_t column)
{
	return r->text + r->at[column];
}

int csv_number(const struct csv_reader *r, size_t column, double *value, struct err *e)
{
	static const char blanks[] = " \t";
	const char *field = csv_field(r, column), *begin = field + strspn(field, blanks);
	size_t n = strlen(begin);
	char text[NUMBER_ROOM];

	*value = NAN;
	if (!*field)
		return 0;
	while (n > 0 && strchr(blanks, begin[n - 1]))
		n--;
	snprintf(text, sizeof text, "%.*s", (int)(n < sizeof text ? n : sizeof text), begin);
	if (n >= sizeof text || number_data(text, value))
		return err_set(e, "%s: line %llu: column '%.100s': '%.100s' is not a number",
		    r->in->name, (unsigned long long)r->line, csv_name(r, column), field);
	return 0;
}
