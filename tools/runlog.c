#include "runlog.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli.h"
#include "train/steplog.h"
#include "base/mem.h"
#include "base/path.h"
#include "stop.h"

/* --- one log --- */

static int open_log(
    struct runlog *l, struct runlog_file *f, const char *path, const char *columns, struct err *e)
{
	if (steplog_open(&f->log, path, columns, l->checkpoint ? (int64_t)l->step : -1, e))
		return -1;
	f->path = path;
	f->columns = columns;
	f->log.out.stop = &stop_signal;
	f->open = true;
	return 0;
}

static int begin_log(const struct runlog *l, struct runlog_file *f, bool header, struct err *e)
{
	if (steplog_begin(&f->log, header || !path_is_standard(f->path) ? f->columns : NULL, e))
		return -1;
	if (f->log.cut)
		note("%s: removed %" PRIu64 " lines after step %" PRIu64
		     ", from which %s continues",
		    f->path, f->log.cut, l->step, l->checkpoint);
	return 0;
}

/* Write no more to a log, after a write has failed with error e. */
static void give_up_log(struct runlog *l, struct runlog_file *f, const struct err *e)
{
	f->open = false;
	if (errno == EPIPE || errno == ECONNRESET) {
		note("%s: closed by its reader; training continues", f->log.out.name);
	} else if (!l->failed) {
		l->failed = true;
		l->why = *e;
	}
}

__attribute__((format(printf, 3, 4))) static void write_row(
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
	if (output_write(&f->log.out, line, (size_t)n, &e))
		give_up_log(l, f, &e);
}

/* --- rows --- */

int runlog_open(struct runlog *l, const struct runlog_paths *paths, const char *checkpoint,
    uint64_t step, struct err *e)
{
	*l = (struct runlog){.checkpoint = checkpoint, .step = step};
	if (paths->steps &&
	    open_log(l, &l->steps, paths->steps,
	        "step,rows,seconds,loss_nats,lr,grad_norm,tokens_per_s,rss_mib,comm_s,"
	        "valid_nats,even_nats",
	        e))
		return -1;
	if (paths->schedule &&
	    open_log(l, &l->schedule, paths->schedule, "step," SCHEDULE_COLUMNS, e))
		return -1;
	return open_log(l, &l->loss, paths->loss, "step,t,ce_nats,split,given", e);
}

int runlog_begin(struct runlog *l, bool header, struct err *e)
{
	struct runlog_file *file[] = {&l->loss, &l->steps, &l->schedule};

	for (size_t i = 0; i < sizeof file / sizeof file[0]; i++)
		if (file[i]->open && begin_log(l, file[i], header, e))
			return -1;
	return 0;
}

void runlog_losses(
    struct runlog *l, uint64_t step, const struct loader_results *rows, const char *split)
{
	char ce_nats[32];

	for (size_t i = 0; i < rows->n; i++) {
		ce_nats[0] = '\0';
		if (isfinite(rows->ce[i]))
			snprintf(ce_nats, sizeof ce_nats, "%.9g", rows->ce[i]);
		write_row(l, &l->loss, "%" PRIu64 ",%.9g,%s,%s,%.0f\n", step, rows->t[i], ce_nats,
		    split, rows->given[i]);
	}
}

void runlog_step(struct runlog *l, const struct trainer_result *r, uint64_t rows,
    const struct runlog_cost *cost, double valid)
{
	char valid_nats[32] = "", even_nats[32] = "";

	if (isfinite(valid))
		snprintf(valid_nats, sizeof valid_nats, "%.9g", valid);
	if (isfinite(r->even))
		snprintf(even_nats, sizeof even_nats, "%.9g", r->even);
	write_row(l, &l->steps,
	    "%" PRIu64 ",%" PRIu64 ",%.3f,%.9g,%.9g,%.9g,%.1f,%.1f,%.6f,%s,%s\n", r->step, rows,
	    cost->seconds, r->loss, r->lr, r->grad_norm, cost->tokens_per_s,
	    (double)mem_peak() / 1048576, cost->comm_s, valid_nats, even_nats);
}

void runlog_schedule(struct runlog *l, uint64_t step, const struct schedule *s)
{
	char text[4096];

	if (!schedule_print(s, text, sizeof text))
		write_row(l, &l->schedule, "%" PRIu64 ",%s\n", step, text);
}

/* --- all logs --- */

static int finish_logs(
    struct runlog *l, int (*finish)(struct output *out, struct err *e), struct err *e)
{
	struct runlog_file *file[] = {&l->loss, &l->steps, &l->schedule};
	struct err why;
	int failed;

	for (size_t i = 0; i < sizeof file / sizeof file[0]; i++)
		if (file[i]->open && finish(&file[i]->log.out, &why))
			give_up_log(l, file[i], &why);
	failed = l->failed;
	if (failed)
		*e = l->why;
	l->failed = false;
	return failed ? -1 : 0;
}

int runlog_flush(struct runlog *l, struct err *e)
{
	return finish_logs(l, output_flush, e);
}

int runlog_sync(struct runlog *l, struct err *e)
{
	return finish_logs(l, output_sync, e);
}

void runlog_close(struct runlog *l)
{
	output_abort(&l->loss.log.out);
	output_abort(&l->steps.log.out);
	output_abort(&l->schedule.log.out);
}
