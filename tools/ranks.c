#include "ranks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "base/mem.h"

static struct comm *comm;
static bool running;
static char *lines;
static size_t lines_n, lines_room;

bool ranks_first(void)
{
	return comm_rank(comm) == 0;
}

/* The hook of die. Before the first step all ranks reach the next gate, so they can agree on the
 * error; after it the others may be in any collective call, and all ranks are aborted. */
static bool speak(struct err *e)
{
	if (running && comm_size(comm) > 1) {
		err_prefix(e, "rank %d of %d", comm_rank(comm), comm_size(comm));
		warn("%s", e->msg);
		comm_abort(comm, (int)e->status);
	}
	comm_agree(comm, 1, e);
	return ranks_first();
}

void ranks_leave(void)
{
	comm_finalize(comm);
	comm = NULL;
	free(lines);
	lines = NULL;
}

struct comm *ranks_join(int *argc, char ***argv)
{
	struct err e;

	comm = comm_init(argc, argv, &e);
	if (!comm)
		die(&e);
	cli_dying = speak;
	atexit(ranks_leave);
	if (!ranks_first() && !freopen("/dev/null", "w", stdout)) {
		err_errno(&e, "/dev/null");
		die(&e);
	}
	return comm;
}

void ranks_gate(void)
{
	struct err e;

	if (comm_agree(comm, 0, &e)) {
		if (ranks_first())
			warn("%s", e.msg);
		exit((int)e.status);
	}
}

void ranks_begin(void)
{
	running = true;
}

/* --- settings that must be the same on all ranks --- */

void ranks_say(const char *fmt, ...)
{
	char line[320];
	va_list ap;
	struct err e;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	line[n] = '\0';
	if (mem_grow(&lines, &lines_room, lines_n + n + 1, 1, &e))
		die(&e);
	memcpy(lines + lines_n, line, n + 1);
	lines_n += n;
}

void ranks_say_fields(const struct field *f, size_t n, const void *base)
{
	char text[FIELD_ROOM];

	for (size_t i = 0; i < n; i++) {
		field_print(&f[i], base, text);
		ranks_say("%s %s", f[i].name, text);
	}
}

void ranks_compare(void)
{
	struct err e;

	if (!comm_check_same(comm, lines, &e))
		return;
	if (ranks_first())
		warn("%s", e.msg);
	exit((int)e.status);
}
