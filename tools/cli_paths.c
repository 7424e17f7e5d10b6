/* Checks that no path is used twice. */

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "base/mem.h"
#include "base/path.h"

static void refuse_same(const char *a, const char *b)
{
	if (path_same(a, b))
		die_usage("%s: the same file is used twice", a);
}

/* A shell may append standard output to an input file: tool FILE >>FILE. */
static void refuse_output(const char *path)
{
	if (path_is_output(path))
		die_usage("%s: the same file is input and standard output", path);
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

static void refuse_second_reader(struct streams *seen, const char *path)
{
	struct stat st;
	struct err e;

	if (!is_stream(path, &st))
		return;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->st[i].st_dev == st.st_dev && seen->st[i].st_ino == st.st_ino)
			die_usage("%s: cannot be read twice (it is a pipe or standard input)",
			    path_is_standard(path) ? "standard input" : path);
	if (mem_grow(&seen->st, &seen->room, seen->n + 1, sizeof st, &e))
		die(&e);
	seen->st[seen->n++] = st;
}

static void refuse_second_readers(const char *const *read, size_t m, char *const *operands)
{
	struct streams seen = {0};

	for (size_t j = 0; j < m; j++)
		if (read[j])
			refuse_second_reader(&seen, read[j]);
	if (!*operands)
		refuse_second_reader(&seen, "-");
	for (char *const *operand = operands; *operand; operand++)
		refuse_second_reader(&seen, *operand);
	free(seen.st);
}

void cli_refuse_clashes(
    const char *const *written, size_t n, const char *const *read, size_t m, char *const *operands)
{
	refuse_second_readers(read, m, operands);
	for (size_t j = 0; j < m; j++)
		refuse_output(read[j]);
	for (char *const *operand = operands; *operand; operand++)
		refuse_output(*operand);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n; j++)
			refuse_same(written[i], written[j]);
		for (size_t j = 0; j < m; j++)
			refuse_same(written[i], read[j]);
		for (char *const *operand = operands; *operand; operand++)
			refuse_same(written[i], *operand);
		if (path_is_open(written[i], STDIN_FILENO))
			die_usage("%s: the same file is output and standard input", written[i]);
	}
}
