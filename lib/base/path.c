#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { LINKS_MAX = 40 };

bool path_is_standard(const char *path)
{
	return !path || !strcmp(path, "-");
}

bool path_is_stream(const char *path)
{
	struct stat st;

	return path_is_standard(path) || (!stat(path, &st) && !S_ISREG(st.st_mode));
}

static bool same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* stat of the directory of path. name: the file name at the end of path. */
static int stat_directory(const char *path, const char *name, struct stat *st)
{
	char *directory = strndup(path, (size_t)(name - path));
	int failed = directory ? stat(*directory ? directory : ".", st) : -1;

	free(directory);
	return failed;
}

/* Whether two paths have the same directory and the same file name in it. */
static bool same_place(const char *a, const char *b)
{
	const char *slash, *name_a, *name_b;
	struct stat x, y;

	name_a = (slash = strrchr(a, '/')) ? slash + 1 : a;
	name_b = (slash = strrchr(b, '/')) ? slash + 1 : b;
	return !strcmp(name_a, name_b) && !stat_directory(a, name_a, &x) &&
	       !stat_directory(b, name_b, &y) && same_inode(&x, &y);
}

bool path_same(const char *a, const char *b)
{
	char *target_a, *target_b;
	struct stat x, y;
	struct err e;
	bool same;

	if (path_is_standard(a) || path_is_standard(b))
		return false;
	if (!strcmp(a, b))
		return true;
	if (!stat(a, &x))
		return !stat(b, &y) && S_ISREG(x.st_mode) && same_inode(&x, &y);
	target_a = path_target(a, &e);
	target_b = path_target(b, &e);
	same = target_a && target_b && same_place(target_a, target_b);
	free(target_a);
	free(target_b);
	return same;
}

/* Whether fd is open on the file of this path. *st receives the status of fd. */
static bool is_open_on(const char *path, int fd, struct stat *st)
{
	struct stat named;

	return !path_is_standard(path) && !fstat(fd, st) && !stat(path, &named) &&
	       same_inode(st, &named);
}

bool path_is_open(const char *path, int fd)
{
	struct stat st;

	return is_open_on(path, fd, &st) && S_ISREG(st.st_mode);
}

bool path_is_output(const char *path)
{
	struct stat st;

	return is_open_on(path, STDOUT_FILENO, &st) && !S_ISCHR(st.st_mode);
}

/* Resolve name, the contents of a symbolic link, relative to the directory of path. The caller
 * frees the result. */
static char *resolve_link(const char *path, const char *name, struct err *e)
{
	const char *slash = *name == '/' ? NULL : strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0, m = strlen(name) + 1;
	char *joint = mem_array(n + m, 1, e);

	if (joint) {
		memcpy(joint, path, n);
		memcpy(joint + n, name, m);
	}
	return joint;
}

char *path_target(const char *path, struct err *e)
{
	char name[PATH_MAX], *at = mem_copy_string(path, e);

	for (int i = 0; at && i < LINKS_MAX; i++) {
		ssize_t n = readlink(at, name, sizeof name - 1);
		char *link = at;

		if (n < 0)
			return at; /* not a link, or does not exist */
		name[n] = '\0';
		at = resolve_link(link, name, e);
		free(link);
	}
	if (at)
		err_set(e, "%s: too many symbolic links", path);
	free(at);
	return NULL;
}
