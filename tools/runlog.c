#include "runlog.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli.h"
#include "formats/steplog.h"
#include "ground/mem.h"
#include "stop.h"

/* --- one log --- */

static void open_file(
    struct runlog_file *f, const char *header, const char *checkpoint, uint64_t step)
{
	struct err e;
	uint64_t cut;

	if (steplog_open(&f->out, f->path, header, checkpoint ? (int64_t)step : -1, &cut, &e))
		die(&e);
	if (cut)
		note("%s: cut %" PRIu64 " lines behind step %" PRIu64 ", where %s goes on", f->path,
		    cut, step, checkpoint);
}

static void open_standard(struct runlog_file *f, const char *columns, bool header)
{
	struct err e;

	if (output_append(&f->out, NULL, false, &e) ||
	    (header && output_printf(&f->out, &e, "%s\n", columns)))
		die(&e);
}

/* A write, whose error is e, has failed: the end of this log. */
static void lose(struct runlog *l, struct runlog_file *f, const struct err *e)
{
	f->open = false;
	if (errno == EPIPE) {
		note("%s: the reader has gone; training goes on", f->out.name);
	} else if (!l->failed) {
		l->failed = true;
		l->why = *e;
	}
}

__attribute__((format(printf, 3, 4))) static void put(
    struct runlog *l, struct runlog_file *f, const char *fmt, ...)
{
	char line[4096 + 32];
	struct err e;
	va_list ap;
	int n;

	if (!f->open)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (output_write(&f->out, line, (size_t)n, &e))
		lose(l, f, &e);
}

/* --- what is logged --- */

static void open_log(
    struct runlog_file *f, const char *columns, const char *checkpoint, uint64_t step, bool header)
{
	if (io_is_standard(f->path))
		open_standard(f, columns, header);
	else
		open_file(f, columns, checkpoint, step);
	f->out.stop = &stop_signal;
	f->open = true;
}

void runlog_open(struct runlog *l, const char *checkpoint, uint64_t step, bool header)
{
	if (l->steps.path)
		open_log(&l->steps,
		    "step,rows,seconds,loss_nats,lr,grad_norm,tokens_per_s,rss_mib,comm_s",
		    checkpoint, step, header);
	if (l->schedule.path)
		open_log(&l->schedule, "step," SCHEDULE_COLUMNS, checkpoint, step, header);
	open_log(&l->loss, "step,t,ce_nats,split", checkpoint, step, header);
}

void runlog_losses(
    struct runlog *l, uint64_t step, const double *t, const double *ce, size_t n, const char *split)
{
	for (size_t i = 0; i < n; i++) {
		if (isfinite(ce[i]))
			put(l, &l->loss, "%" PRIu64 ",%.9g,%.9g,%s\n", step, t[i], ce[i], split);
		else
			put(l, &l->loss, "%" PRIu64 ",%.9g,,%s\n", step, t[i], split);
	}
}

void runlog_step(struct runlog *l, const struct trainer_result *r, uint64_t rows, double seconds,
    double tokens_per_s, double comm_s)
{
	put(l, &l->steps, "%" PRIu64 ",%" PRIu64 ",%.3f,%.9g,%.9g,%.9g,%.1f,%.1f,%.6f\n", r->step,
	    rows, seconds, r->loss, r->lr, r->grad_norm, tokens_per_s, (double)mem_peak() / 1048576,
	    comm_s);
}

void runlog_schedule(struct runlog *l, uint64_t step, const struct schedule *s)
{
	char text[4096];

	if (!schedule_print(s, text, sizeof text))
		put(l, &l->schedule, "%" PRIu64 ",%s\n", step, text);
}

/* --- all of them --- */

static int each(struct runlog *l, int (*finish)(struct output *out, struct err *e), struct err *e)
{
	struct runlog_file *file[] = {&l->loss, &l->steps, &l->schedule};
	struct err why;
	int failed;

	for (size_t i = 0; i < sizeof file / sizeof file[0]; i++)
		if (file[i]->open && finish(&file[i]->out, &why))
			lose(l, file[i], &why);
	failed = l->failed;
	if (failed)
		*e = l->why;
	l->failed = false;
	return failed ? -1 : 0;
}

int runlog_flush(struct runlog *l, struct err *e)
{
	return each(l, output_flush, e);
}

int runlog_sync(struct runlog *l, struct err *e)
{
	return each(l, output_sync, e);
}

void runlog_close(struct runlog *l)
{
	output_abort(&l->loss.out);
	output_abort(&l->steps.out);
	output_abort(&l->schedule.out);
}
