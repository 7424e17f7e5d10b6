#include "runlog.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "cli.h"
#include "formats/steplog.h"
#include "ground/mem.h"

static FILE *open_log(const char *path, const char *header, const char *checkpoint, uint64_t step)
{
	struct err e;
	uint64_t cut;
	FILE *f = steplog_open(path, header, checkpoint ? (int64_t)step : -1, &cut, &e);

	if (!f)
		die(&e);
	if (cut)
		note("%s: cut %" PRIu64 " lines behind step %" PRIu64 ", where %s goes on", path,
		    cut, step, checkpoint);
	return f;
}

void runlog_open(struct runlog *l, const char *checkpoint, uint64_t step, bool header)
{
	static const char loss_columns[] = "step,t,ce_nats,split";

	if (l->steps_path)
		l->steps = open_log(l->steps_path,
		    "step,rows,seconds,loss_nats,lr,grad_norm,tokens_per_s,rss_mib,comm_s",
		    checkpoint, step);
	if (l->schedule_path)
		l->schedule =
		    open_log(l->schedule_path, "step," SCHEDULE_COLUMNS, checkpoint, step);
	l->loss = l->loss_path ? open_log(l->loss_path, loss_columns, checkpoint, step) : stdout;
	if (!l->loss_path && header)
		puts(loss_columns);
}

void runlog_losses(
    struct runlog *l, uint64_t step, const double *t, const double *ce, size_t n, const char *split)
{
	FILE *f = l->loss;

	if (!f || (f == stdout && l->reader_gone))
		return;
	for (size_t i = 0; i < n; i++) {
		if (isfinite(ce[i]))
			fprintf(f, "%" PRIu64 ",%.9g,%.9g,%s\n", step, t[i], ce[i], split);
		else
			fprintf(f, "%" PRIu64 ",%.9g,,%s\n", step, t[i], split);
	}
}

void runlog_step(struct runlog *l, const struct trainer_result *r, uint64_t rows, double seconds,
    double tokens_per_s, double comm_s)
{
	if (l->steps)
		fprintf(l->steps, "%" PRIu64 ",%" PRIu64 ",%.3f,%.9g,%.9g,%.9g,%.1f,%.1f,%.6f\n",
		    r->step, rows, seconds, r->loss, r->lr, r->grad_norm, tokens_per_s,
		    (double)mem_peak() / 1048576, comm_s);
}

void runlog_schedule(struct runlog *l, uint64_t step, const struct schedule *s)
{
	char text[4096];

	if (l->schedule && !schedule_print(s, text, sizeof text))
		fprintf(l->schedule, "%" PRIu64 ",%s\n", step, text);
}

static int flush(struct runlog *l, FILE *f, const char *name, struct err *e)
{
	if (!f || !(fflush(f) || ferror(f)))
		return 0;
	if (errno == EPIPE) {
		if (!l->reader_gone)
			note("%s: the reader has gone; training goes on", name);
		l->reader_gone = true;
		clearerr(f);
		return 0;
	}
	return err_errno(e, "%s: cannot write", name);
}

int runlog_flush(struct runlog *l, struct err *e)
{
	return flush(l, l->loss, l->loss_path ? l->loss_path : "standard output", e) ||
	               flush(l, l->steps, l->steps_path, e) ||
	               flush(l, l->schedule, l->schedule_path, e)
	           ? -1
	           : 0;
}
