#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "base/mem.h"
#include "train/validation.h"
#include "ranks.h"
#include "stop.h"

int run_init(struct run *r, struct err *e)
{
	r->first_step = r->tr->step;
	r->valid = NAN;
	r->ce = mem_array(r->tr->o.batch, sizeof *r->ce, e);
	return r->ce ? 0 : -1;
}

void run_release(struct run *r)
{
	free(r->ce);
	r->ce = NULL;
}

static int save(struct run *r, struct err *e)
{
	if (r->saved == r->tr->step)
		return 0;
	/* Logs first: a resumed run never writes the rows before its checkpoint again. */
	r->save_failed = false;
	if (trainer_check_finite(r->tr, e) || comm_agree(r->tr->comm, runlog_sync(r->logs, e), e))
		return -1;
	r->save_failed = trainer_save(r->tr, r->output, e) != 0;
	if (r->save_failed)
		return -1;
	r->saved = r->tr->step;
	return 0;
}

static void report(struct run *r, const struct trainer_result *result)
{
	double seconds = progress_seconds(&r->progress), total = (double)r->tr->o.steps;
	double done =
	    ((double)result->step - (double)r->first_step) / (total - (double)r->first_step);
	double speed = (double)r->tokens / seconds;
	char eta[16], valid[32] = "";

	runlog_step(r->logs, result, r->tr->rows, seconds, speed, r->tr->comm->seconds - r->waited);
	r->waited = r->tr->comm->seconds;
	if (!progress_due(&r->progress))
		return;
	if (isfinite(r->valid))
		snprintf(valid, sizeof valid, "  valid %.4f", r->valid);
	progress_show(&r->progress,
	    "step %" PRIu64 " of %" PRId64 "  loss %.4f%s  %.0f tokens/s  eta %s", result->step,
	    r->tr->o.steps, result->loss, valid, speed, progress_eta(&r->progress, done, eta));
}

/* Whether any rank has received a stop signal. Collective. */
static bool is_stopped(const struct run *r)
{
	double stop = stop_signal != 0;

	comm_allreduce(r->tr->comm, &stop, 1);
	return stop > 0;
}

static bool print_valid(void *arg, const double *t, const double *ce, size_t n)
{
	const struct run *r = arg;

	runlog_losses(r->logs, r->tr->step, t, ce, n, "valid");
	return !is_stopped(r);
}

/* Write everything that is due after a step: logs, progress, validation, checkpoint. */
static int after_step(struct run *r, const struct trainer_result *result, struct err *e)
{
	struct trainer *tr = r->tr;
	bool last = result->step == tr->o.steps;

	runlog_losses(r->logs, result->step, result->t, result->ce, result->n, "train");
	report(r, result);
	if (result->refit > 0)
		runlog_schedule(r->logs, result->step, &tr->schedule);
	if (result->refit < 0)
		note("step %" PRIu64 ": the schedule is unchanged, as the fit failed: %s",
		    result->step, result->why.msg);
	if (r->valid_path && (last || result->step % (uint64_t)r->valid_every == 0) &&
	    validation_run(tr, r->valid_path, print_valid, r, &r->valid, e))
		return -1;
	if (comm_agree(r->tr->comm, runlog_flush(r->logs, e), e))
		return -1;
	return result->step % (uint64_t)r->save_every == 0 ? save(r, e) : 0;
}

/* Called when the first rows have arrived: from here on, logs of earlier runs are overwritten. */
static int begin(struct run *r, struct err *e)
{
	if (r->begun)
		return 0;
	r->begun = true;
	if (comm_agree(
	        r->tr->comm, ranks_first() && runlog_begin(r->logs, r->header, e) ? -1 : 0, e))
		return -1;
	if (r->tr->step == 0)
		runlog_schedule(r->logs, 0, &r->tr->schedule);
	return 0;
}

/*
 * If the header gave the number of rows, check that the rows end there and have a valid trailer:
 * files may be joined or truncated. The read may wait for a slow writer, so this comes after the
 * last save.
 */
static int check_end(const struct run *r, struct err *e)
{
	struct shard_record record;
	int more = 0;

	if (r->counted && r->tr->step == r->tr->o.steps && ranks_first() && !stop_signal)
		more = shard_read(r->rows, &record, e);
	if (more > 0)
		warn(
		    "%s: more rows follow than its header says, perhaps because files were joined; "
		    "use -n to train on them",
		    shard_name(r->rows));
	return more < 0 && !stop_signal ? -1 : 0;
}

int run_train(struct run *r, struct err *e)
{
	struct trainer *tr = r->tr;
	struct trainer_result result = {.ce = r->ce};

	while (tr->step < tr->o.steps && !(r->stop_after && tr->step >= (uint64_t)r->stop_after) &&
	       !is_stopped(r)) {
		int n = loader_next(&tr->loader, &tr->batch, e);

		/* A signal to the whole pipeline also ends the process that writes the rows. */
		if (n < (int)tr->o.batch && is_stopped(r))
			break;
		if (n < 0)
			return -1;
		if (n == 0 && tr->step == 0)
			return err_set(e, "%s: has no rows", shard_name(r->rows));
		if (n == 0) {
			note("%s: the rows end after step %" PRIu64 " of %" PRId64,
			    shard_name(r->rows), tr->step, tr->o.steps);
			break;
		}
		if (begin(r, e) || trainer_step(tr, &result, e))
			return -1;
		r->tokens += (uint64_t)n * tr->batch.T;
		if (after_step(r, &result, e))
			return -1;
	}
	return 0;
}

int run_finish(struct run *r, int failed, struct err *e)
{
	struct err why = *e;
	bool save_failed = failed && r->save_failed, said;

	r->seconds = progress_seconds(&r->progress);
	progress_end();
	if (failed && ranks_first())
		warn("%s", e->msg);
	if (failed && (e->status == ERR_NONFINITE || r->tr->step == r->first_step))
		return (int)e->status;
	if (save(r, e)) {
		/* The same error may already have been printed, perhaps with another message. */
		said = failed && ((save_failed && r->save_failed) || !strcmp(e->msg, why.msg));
		if (ranks_first() && !said)
			warn("%s", e->msg);
		return (int)e->status;
	}
	if (failed)
		return (int)e->status;
	if (check_end(r, e)) {
		warn("%s", e->msg);
		return (int)e->status;
	}
	note("%s: step %" PRIu64 " of %" PRId64 ", %.1f s, F %s", r->output, r->tr->step,
	    r->tr->o.steps, progress_seconds(&r->progress),
	    schedule_family_name(r->tr->schedule.family));
	return 0;
}
