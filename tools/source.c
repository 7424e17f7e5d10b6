#include "source.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "formats/csv.h"
#include "base/clock.h"
#include "base/io.h"

struct source {
	const char *path; /* NULL: standard input */
	double interval;  /* seconds */
	struct figure *f;
	struct input in;
	struct csv_reader *csv;
	struct columns rows;
};

static void source_close(struct source *s)
{
	columns_release(&s->rows);
	csv_close(s->csv);
	input_close(&s->in);
	s->csv = NULL;
}

/* --- once --- */

static int read_all(struct source *s, struct err *e)
{
	if (input_open(&s->in, s->path, e))
		return -1;
	s->csv = csv_open(&s->in, CSV_RFC4180, e);
	if (!s->csv || columns_init(&s->rows, s->csv, &s->f->o->spec, e) ||
	    columns_read(&s->rows, SIZE_MAX, e))
		return -1;
	return figure_draw(s->f, &s->rows, s->in.name, e);
}

int source_draw(const char *path, struct figure *f, struct err *e)
{
	struct source s = {.path = path, .f = f};
	int failed = read_all(&s, e);

	source_close(&s);
	return failed;
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
	if (!s->csv || columns_init(&s->rows, s->csv, &s->f->o->spec, e))
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
			if (follow_open(s, e))
				return -1;
			drawn = 0;
		}
	}
	return more;
}

int source_follow(const char *path, double interval, struct figure *f, struct err *e)
{
	struct source s = {.path = path, .interval = interval, .f = f};
	int failed;

	stop_on_signals();
	failed = follow_all(&s, e);
	source_close(&s);
	return failed;
}
