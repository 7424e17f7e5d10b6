#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

const char *fuzz_file(const void *data, size_t n)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	CHECK(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data, n, 0) == (ssize_t)n);
	return path;
}

void fuzz_input(struct input *in, const void *data, size_t n)
{
	struct err e;

	memset(in, 0, sizeof *in);
	in->fd = -1;
	in->name = mem_copy_string("input", &e);
	in->buf = malloc(n ? n : 1);
	CHECK(in->name && in->buf);
	if (n)
		memcpy(in->buf, data, n);
	in->cap = n ? n : 1;
	in->len = n;
	in->eof = true;
}

void fuzz_error(const struct err *e)
{
	size_t n = strnlen(e->msg, sizeof e->msg);

	CHECK(n > 0 && n < sizeof e->msg);
	for (size_t i = 0; i < n; i++)
		CHECK((unsigned char)e->msg[i] >= ' ');
	CHECK(e->status == ERR_DATA || e->status == ERR_USAGE || e->status == ERR_NONFINITE);
}
