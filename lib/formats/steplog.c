#include "formats/steplog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground/io.h"

/* The step that a row begins with. Returns 0 or -1. */
static int get_step(const char *line, size_t n, int64_t *step)
{
	size_t i = 0;

	*step = 0;
	for (; i < n && line[i] >= '0' && line[i] <= '9' && *step < INT64_MAX / 10 - 9; i++)
		*step = 10 * *step + (line[i] - '0');
	return i > 0 && i < n && line[i] == ',' ? 0 : -1;
}

/* Whether the line that input_line just returned had its end. */
static bool is_whole(const struct input *in, const char *line, size_t n)
{
	const char *end = (const char *)in->buf + in->pos;

	return line + n < end && line[n] == '\n';
}

/* The length of what is to stay, and the number of lines behind it. */
static int measure(struct input *in, const char *header, int64_t keep, uint64_t *length,
    uint64_t *cut, struct err *e)
{
	const char *line;
	uint64_t lines = 0;
	size_t n;
	int more;

	*length = *cut = 0;
	while ((more = input_line(in, &line, &n, e)) > 0) {
		bool whole = is_whole(in, line, n);
		int64_t step = 0;

		lines++;
		if (lines == 1 && whole && (n != strlen(header) || memcmp(line, header, n) != 0))
			return err_set(e, "%s: its first line is not '%s': not a log to append to",
			    in->name, header);
		if (lines > 1 && whole && get_step(line, n, &step))
			return err_set(
			    e, "%s: line %" PRIu64 " does not begin with a step", in->name, lines);
		if (*cut > 0 || !whole || step > keep)
			++*cut;
		else
			*length = in->offset;
	}
	return more;
}

static int cut_back(
    const char *path, const char *header, int64_t keep, uint64_t *cut, struct err *e)
{
	uint64_t length;
	struct input in;
	int failed;

	if (input_open(&in, path, e))
		return -1;
	failed = measure(&in, header, keep, &length, cut, e);
	input_close(&in);
	if (!failed && *cut > 0 && truncate(path, (off_t)length))
		return err_errno(e, "%s: cannot cut it", path);
	return failed;
}

FILE *steplog_open(const char *path, const char *header, int64_t keep, uint64_t *cut, struct err *e)
{
	struct stat st;
	FILE *f;

	*cut = 0;
	if (keep >= 0 && !stat(path, &st) && S_ISREG(st.st_mode) &&
	    cut_back(path, header, keep, cut, e))
		return NULL;
	f = fopen(path, keep >= 0 ? "ae" : "we");
	if (!f) {
		err_errno(e, "%s", path);
		return NULL;
	}
	if (fseek(f, 0, SEEK_END) || ftell(f) <= 0)
		fprintf(f, "%s\n", header);
	return f;
}
