#include "train/steplog.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read the step at the beginning of a row. Returns 0, or -1 if there is none. */
static int parse_step(const char *line, size_t n, int64_t *step)
{
	size_t i = 0;

	*step = 0;
	for (; i < n && line[i] >= '0' && line[i] <= '9' && *step < INT64_MAX / 10 - 9; i++)
		*step = 10 * *step + (line[i] - '0');
	return i > 0 && i < n && line[i] == ',' ? 0 : -1;
}

/* Whether the line that input_line has just returned ended in '\n'. */
static bool is_complete(const struct input *in, const char *line, size_t n)
{
	const char *end = (const char *)in->buf + in->pos;

	return line + n < end && line[n] == '\n';
}

/* Whether a line is the header or, if it is incomplete, the beginning of the header. */
static bool is_header(const char *line, size_t n, bool complete, const char *header)
{
	size_t length = strlen(header);

	return (complete ? n == length : n <= length) && !memcmp(line, header, n);
}

/* Find how many bytes of the log to keep, and how many lines follow them. */
static int measure_log(struct input *in, const char *header, int64_t keep, uint64_t *length,
    uint64_t *cut, struct err *e)
{
	const char *line;
	uint64_t lines = 0;
	size_t n;
	int more;

	*length = *cut = 0;
	while ((more = input_line(in, &line, &n, e)) > 0) {
		bool complete = is_complete(in, line, n);
		int64_t step = 0;

		lines++;
		if (lines == 1 && !is_header(line, n, complete, header))
			return err_set(e,
			    "%s: its first line is not '%s': not a log to append to; rename it, or "
			    "give another file",
			    in->name, header);
		if (lines > 1 && complete && parse_step(line, n, &step))
			return err_set(
			    e, "%s: line %" PRIu64 " does not begin with a step", in->name, lines);
		if (*cut > 0 || !complete || step > keep)
			++*cut;
		else
			*length = in->offset;
	}
	return more;
}

/* Find where to continue the log at path. */
static int find_end(
    struct steplog *log, const char *path, const char *header, int64_t keep, struct err *e)
{
	struct input in;
	int failed;

	if (input_open(&in, path, e))
		return -1;
	failed = measure_log(&in, header, keep, &log->length, &log->cut, e);
	input_close(&in);
	return failed;
}

int steplog_open(
    struct steplog *log, const char *path, const char *header, int64_t keep, struct err *e)
{
	struct stat st;

	memset(log, 0, sizeof *log);
	if (output_append(&log->out, path, e))
		return -1;
	log->regular =
	    log->out.fd > STDERR_FILENO && !fstat(log->out.fd, &st) && S_ISREG(st.st_mode);
	if (log->regular && keep >= 0 && find_end(log, path, header, keep, e)) {
		output_abort(&log->out);
		return -1;
	}
	return 0;
}

int steplog_begin(struct steplog *log, const char *header, struct err *e)
{
	if (log->regular && ftruncate(log->out.fd, (off_t)log->length))
		return err_errno(e, "%s: cannot truncate", log->out.name);
	if (log->length == 0 && header)
		return output_printf(&log->out, e, "%s\n", header);
	return 0;
}
