/* Checks that no path is used twice. */

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "base/mem.h"
#include "base/path.h"

static int refuse_same(const char *a, const char *b, const char *use, struct err *e)
{
	if (path_same(a, b))
		return err_with(e, ERR_USAGE, "%s: the same file is %s", a, use);
	return 0;
}

/* A shell may append standard output to an input file: tool FILE >>FILE. */
static int refuse_output(const char *path, struct err *e)
{
	if (path_is_output(path))
		return err_with(
		    e, ERR_USAGE, "%s: the same file is input and standard output", path);
	return 0;
}

/* Inputs that can be read only once: pipes, sockets and standard input of any type. */
struct streams {
	struct stat *st;
	size_t n, room;
};

static bool is_stream(const char *path, struct stat *st)
{
	if (path_is_standard(path))
		return !fstat(STDIN_FILENO, st);
	return !stat(path, st) && (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode));
}

static int refuse_second_reader(struct streams *seen, const char *path, struct err *e)
{
	struct stat st;

	if (!is_stream(path, &st))
		return 0;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->st[i].st_dev == st.st_dev && seen->st[i].st_ino == st.st_ino)
			return err_with(e, ERR_USAGE,
			    "%s: cannot be read twice (it is a pipe or standard input)",
			    path_is_standard(path) ? "standard input" : path);
	if (mem_grow(&seen->st, &seen->room, seen->n + 1, sizeof st, e))
		return -1;
	seen->st[seen->n++] = st;
	return 0;
}

static int refuse_second_readers(
    const char *const *read, size_t m, char *const *operands, struct err *e)
{
	struct streams seen = {0};
	int failed = 0;

	for (size_t j = 0; j < m && !failed; j++)
		if (read[j])
			failed = refuse_second_reader(&seen, read[j], e);
	if (!*operands && !failed)
		failed = refuse_second_reader(&seen, "-", e);
	for (; *operands && !failed; operands++)
		failed = refuse_second_reader(&seen, *operands, e);
	free(seen.st);
	return failed;
}

static int refuse_outputs(const char *const *read, size_t m, char *const *operands, struct err *e)
{
	for (size_t j = 0; j < m; j++)
		if (refuse_output(read[j], e))
			return -1;
	for (; *operands; operands++)
		if (refuse_output(*operands, e))
			return -1;
	return 0;
}

/* Refuse written[i] if it is one of the n - i - 1 written paths after it, or is read. */
static int refuse_clash(const char *const *written, size_t i, size_t n, const char *const *read,
    size_t m, char *const *operands, struct err *e)
{
	for (size_t j = i + 1; j < n; j++)
		if (refuse_same(written[i], written[j], "output of two options", e))
			return -1;
	for (size_t j = 0; j < m; j++)
		if (refuse_same(written[i], read[j], "input and output", e))
			return -1;
	for (; *operands; operands++)
		if (refuse_same(written[i], *operands, "input and output", e))
			return -1;
	if (path_is_open(written[i], STDIN_FILENO))
		return err_with(
		    e, ERR_USAGE, "%s: the same file is output and standard input", written[i]);
	return 0;
}

int cli_try_clashes(const char *const *written, size_t n, const char *const *read, size_t m,
    char *const *operands, struct err *e)
{
	if (refuse_second_readers(read, m, operands, e))
		return -1;
	if (refuse_outputs(read, m, operands, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (refuse_clash(written, i, n, read, m, operands, e))
			return -1;
	return 0;
}

void cli_refuse_clashes(
    const char *const *written, size_t n, const char *const *read, size_t m, char *const *operands)
{
	struct err e;

	if (cli_try_clashes(written, n, read, m, operands, &e))
		die(&e);
}
