#include "source.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "formats/csv.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "picture/words.h"

/* --- the files --- */

void sources_release(struct sources *rows)
{
	for (size_t i = 0; rows->label && i < rows->n; i++)
		free(rows->label[i]);
	free(rows->label);
	free(rows->path);
	memset(rows, 0, sizeof *rows);
}

/* Split "LABEL=FILE" at the first '=', unless a file has this name. */
static int split_operand(char *operand, char **path, char **label, struct err *e)
{
	char *equals = strchr(operand, '=');
	struct stat st;

	*path = operand;
	if (!equals || !stat(operand, &st))
		return 0;
	*path = equals + 1;
	*label = mem_copy_string(operand, e);
	if (*label)
		(*label)[equals - operand] = '\0';
	return *label ? 0 : -1;
}

static char *copy_part(const char *text, size_t length, struct err *e)
{
	char *copy = mem_array(length + 1, 1, e);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

/* Name the files that have no label. */
static int label_files(struct sources *rows, struct err *e)
{
	const char **path = mem_array(rows->n, sizeof *path, e);
	size_t n = 0, begin = 0, end = 0;
	int failed = path ? 0 : -1;

	for (size_t i = 0; !failed && i < rows->n; i++)
		if (!rows->label[i])
			path[n++] = rows->path[i];
	if (!failed && n > 0)
		words_of_files(path, n, &begin, &end);
	for (size_t i = 0; !failed && i < rows->n; i++) {
		const char *all = rows->path[i];

		if (rows->label[i])
			continue;
		rows->label[i] = copy_part(all + begin, strlen(all) - begin - end, e);
		failed = rows->label[i] ? 0 : -1;
	}
	free(path);
	return failed;
}

int sources_init(struct sources *rows, char **operand, struct err *e)
{
	static char standard[] = "-", *only[] = {standard, NULL};
	int failed;

	memset(rows, 0, sizeof *rows);
	operand = *operand ? operand : only;
	while (operand[rows->n])
		rows->n++;
	rows->path = mem_array(rows->n + 1, sizeof *rows->path, e);
	rows->label = mem_array(rows->n, sizeof *rows->label, e);
	failed = !rows->path || !rows->label;
	for (size_t i = 0; !failed && i < rows->n; i++)
		failed = split_operand(operand[i], &rows->path[i], &rows->label[i], e);
	if (failed || label_files(rows, e)) {
		sources_release(rows);
		return -1;
	}
	return 0;
}

/* --- reading --- */

struct source {
	const char *path;
	double interval; /* seconds */
	struct figure *f;
	struct input in;
	struct csv_reader *csv;
	struct columns rows;
};

static void source_close(struct source *s)
{
	csv_close(s->csv);
	input_close(&s->in);
	s->csv = NULL;
}

/* --- once --- */

static int read_file(struct source *s, const char *label, struct err *e)
{
	int failed;

	if (input_open(&s->in, s->path, e))
		return -1;
	s->csv = csv_open(&s->in, CSV_RFC4180, e);
	failed = !s->csv || columns_open(&s->rows, s->csv, label, e) ||
	         columns_read(&s->rows, SIZE_MAX, e);
	source_close(s);
	return failed ? -1 : 0;
}

int source_draw(const struct sources *rows, struct figure *f, struct err *e)
{
	struct source s = {.f = f};
	char name[FIGURE_NAME_SIZE];
	int failed = 0;

	columns_init(&s.rows, &f->o->spec);
	for (size_t i = 0; i < rows->n && !failed; i++) {
		s.path = rows->path[i];
		failed = read_file(&s, rows->n > 1 ? rows->label[i] : NULL, e);
	}
	if (rows->n > 1)
		snprintf(name, sizeof name, "%zu files", rows->n);
	else
		snprintf(
		    name, sizeof name, "%s", path_is_standard(s.path) ? "standard input" : s.path);
	failed = failed || figure_draw(f, &s.rows, name, e);
	columns_release(&s.rows);
	return failed ? -1 : 0;
}

/* --- as the file grows --- */

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void stop_on_signals(void)
{
	struct sigaction act = {.sa_handler = on_stop};

	cli_catch(SIGINT, &act);
	cli_catch(SIGTERM, &act);
	cli_catch(SIGHUP, &act);
}

static bool input_grows(const struct input *in)
{
	struct stat st;

	return !fstat(in->fd, &st) && S_ISREG(st.st_mode);
}

/* Wait until a pipe has more data, or until the deadline. At the end of a regular file, clear eof
 * after the wait, so that it is read again. */
static void wait_for_input(struct input *in, double deadline)
{
	struct pollfd ready = {.fd = in->fd, .events = POLLIN};
	double left = deadline - clock_seconds();

	if (left > 0)
		poll(&ready, input_grows(in) ? 0 : 1, (int)(left * 1000) + 1);
	if (input_grows(in))
		in->eof = false;
}

/* Open the input and wait for its header line. */
static int follow_open(struct source *s, struct err *e)
{
	columns_init(&s->rows, &s->f->o->spec);
	if (input_open(&s->in, s->path, e))
		return -1;
	while (!stopped && !memchr(s->in.buf + s->in.pos, '\n', s->in.len - s->in.pos)) {
		struct pollfd ready = {.fd = s->in.fd, .events = POLLIN};
		int more = poll(&ready, 1, 0) > 0 ? input_fill(&s->in, e) : 0;

		if (more < 0)
			return -1;
		if (s->in.eof && !input_grows(&s->in))
			break;
		if (more == 0)
			wait_for_input(&s->in, clock_seconds() + s->interval);
	}
	s->csv = csv_open(&s->in, CSV_RFC4180, e);
	if (!s->csv || columns_open(&s->rows, s->csv, NULL, e))
		return -1;
	csv_follow(s->csv, true);
	return 0;
}

/* Whether the file is shorter than what was read, or its path names another file: a new run has
 * started to write it. */
static bool is_replaced(const struct source *s)
{
	struct stat by_path, by_fd;

	if (path_is_standard(s->path) || fstat(s->in.fd, &by_fd) || !S_ISREG(by_fd.st_mode))
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
		if (more == 0 && s->in.eof && !input_grows(&s->in)) {
			csv_follow(s->csv, false); /* from now on a truncated row is an error */
			return columns_read(&s->rows, SIZE_MAX, e);
		}
		if (more == 0)
			wait_for_input(&s->in, deadline);
	} while (clock_seconds() < deadline);
	return 1;
}

static int follow_all(struct source *s, struct err *e)
{
	uint64_t drawn = 0;
	int more = follow_open(s, e) ? -1 : 1;

	for (double deadline = 0; more > 0; deadline = clock_seconds() + s->interval) {
		more = follow_rows(s, deadline, e);
		if (more >= 0 &&
		    (s->rows.table.n > 0 ? s->rows.n_read != drawn : more == 0 && !stopped) &&
		    figure_draw(s->f, &s->rows, s->in.name, e))
			return -1;
		drawn = s->rows.n_read;
		if (more > 0 && is_replaced(s)) {
			source_close(s);
			columns_release(&s->rows);
			if (follow_open(s, e))
				return -1;
			drawn = 0;
		}
	}
	return more;
}

int source_follow(const struct sources *rows, double interval, struct figure *f, struct err *e)
{
	struct source s = {.path = rows->path[0], .interval = interval, .f = f};
	int failed;

	stop_on_signals();
	failed = follow_all(&s, e);
	source_close(&s);
	columns_release(&s.rows);
	return failed;
}
