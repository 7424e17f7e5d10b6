#include "ranks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "base/mem.h"

int ranks_mute(const struct comm *comm, struct err *e)
{
	if (comm_rank(comm) > 0 && !freopen("/dev/null", "w", stdout))
		return err_errno(e, "/dev/null");
	return 0;
}

void ranks_report(const struct comm *comm, struct err *e)
{
	if (!e->reported && comm_rank(comm) == 0)
		warn("%s", e->msg);
	e->reported = true;
}

void ranks_add(struct ranks_common *common, const char *fmt, ...)
{
	char line[320];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	line[n] = '\0';
	if (common->failed ||
	    mem_grow(&common->text, &common->cap, common->n + n + 1, 1, &common->why)) {
		common->failed = true;
		return;
	}
	memcpy(common->text + common->n, line, n + 1);
	common->n += n;
}

int ranks_compare(struct ranks_common *common, struct comm *comm, struct err *e)
{
	int failed;

	if (common->failed)
		*e = common->why;
	failed = comm_agree(comm, common->failed, e);
	if (!failed)
		failed = comm_check_same(comm, common->text ? common->text : "", e);
	free(common->text);
	*common = (struct ranks_common){0};
	return failed;
}
