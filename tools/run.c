#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "train/validation.h"
#include "profile.h"
#include "ranks.h"
#include "stop.h"

static int save_checkpoint(struct run *r, struct err *e)
{
	if (r->saved == r->tr->step)
		return 0;
	r->save_failed = false;
	if (trainer_check_finite(r->tr, e))
		return -1;
	/* Logs first: a resumed run does not write the rows before its checkpoint again. */
	if (comm_agree(r->comm, runlog_sync(&r->logs, e), e))
		return -1;
	if (trainer_save(r->tr, r->options->output, e)) {
		r->save_failed = true;
		return -1;
	}
	r->saved = r->tr->step;
	return 0;
}

/* What the last step has cost, without a validation after it. */
static struct runlog_cost measure_cost(struct run *r)
{
	double seconds = progress_seconds(&r->progress);
	struct runlog_cost cost = {
	    seconds, (double)r->tokens / seconds, r->comm->seconds - r->waited};

	r->waited = r->comm->seconds;
	return cost;
}

static void show_progress(struct run *r, const struct trainer_result *result, double speed)
{
	double left = (double)r->tr->o.steps - (double)r->first_step;
	double done = ((double)result->step - (double)r->first_step) / left;
	char eta[16], valid[64] = "";

	if (!progress_due(&r->progress))
		return;
	if (isfinite(r->valid))
		snprintf(
		    valid, sizeof valid, "  valid %.4f (%" PRIu64 ")", r->valid, r->valid_step);
	progress_show(&r->progress, "step %" PRIu64 " of %zu  loss %.4f%s  %.0f tokens/s  eta %s",
	    result->step, r->tr->o.steps, result->even, valid, speed,
	    progress_eta(&r->progress, done, eta));
}

/* Whether any rank has received a stop signal. Collective. */
static bool is_stopped(const struct run *r)
{
	double stop = stop_signal != 0;

	comm_allreduce(r->comm, &stop, 1);
	return stop > 0;
}

static bool log_validation(void *arg, const struct loader_results *rows)
{
	struct run *r = arg;

	runlog_losses(&r->logs, r->tr->step, rows, "valid");
	return !is_stopped(r);
}

/* Record the result of a validation, and keep the checkpoint if it is the best so far. */
static int record_validation(struct run *r, uint64_t step, double mean, struct err *e)
{
	const struct train_options *o = r->options;

	r->valid = mean;
	r->valid_step = step;
	if (!o->keep_best && !o->patience)
		return 0;
	if (!validation_improves(&r->tr->best, step, mean) || !o->keep_best)
		return 0;
	return trainer_check_finite(r->tr, e) || trainer_save(r->tr, o->keep_best, e) ? -1 : 0;
}

/* Validate if it is due after this step. *mean: the result in nats; NAN: no validation has ended.
 */
static int validate(struct run *r, uint64_t step, double *mean, struct err *e)
{
	const struct train_options *o = r->options;
	bool last = step == r->tr->o.steps;

	*mean = NAN;
	if (!o->valid_path || (!last && step % (uint64_t)o->valid_every))
		return 0;
	if (validation_run(r->tr, o->valid_path, log_validation, r, mean, e))
		return -1;
	return isfinite(*mean) ? record_validation(r, step, *mean, e) : 0;
}

/* Write everything that is due after a step: logs, progress, validation, checkpoint. */
static int finish_step(struct run *r, const struct trainer_result *result, struct err *e)
{
	struct runlog_cost cost = measure_cost(r);
	double valid;
	int failed;

	runlog_losses(&r->logs, result->step, &r->tr->results, "train");
	if (result->refit > 0)
		runlog_schedule(&r->logs, result->step, &r->tr->schedule);
	if (result->refit < 0)
		note("step %" PRIu64 ": the schedule is unchanged, as the fit failed: %s",
		    result->step, result->why.msg);
	failed = validate(r, result->step, &valid, e);
	runlog_step(&r->logs, result, r->tr->rows, &cost, valid);
	if (failed)
		return -1;
	show_progress(r, result, cost.tokens_per_s);
	if (comm_agree(r->comm, runlog_flush(&r->logs, e), e))
		return -1;
	if (result->step % (uint64_t)r->options->save_every)
		return 0;
	return save_checkpoint(r, e);
}

/* Called when the first rows have arrived: from here on, logs of earlier runs are overwritten. */
static int begin_logs(struct run *r, struct err *e)
{
	if (r->begun)
		return 0;
	r->begun = true;
	if (comm_agree(r->comm, runlog_begin(&r->logs, !r->options->no_header, e), e))
		return -1;
	if (r->tr->step == 0)
		runlog_schedule(&r->logs, 0, &r->tr->schedule);
	return 0;
}

/* Whether the last --patience validations were no better than the one before. */
static bool is_exhausted(const struct run *r)
{
	const struct validation_best *best = &r->tr->best;
	uint64_t patience = (uint64_t)r->options->patience;

	if (!patience || best->since < patience)
		return false;
	note("stopped by --patience after step %" PRIu64 ": the last %" PRIu64
	     " validations are not better than that of step %" PRIu64 ", %.4f nats",
	    r->tr->step, best->since, best->step, best->nats);
	return true;
}

/* Read the rows of the next step. Returns their number over all ranks, 0 if the run ends here, or
 * -1. */
static int read_batch(struct run *r, struct err *e)
{
	struct trainer *tr = r->tr;
	int64_t stop_after = r->options->stop_after;
	int n;

	if (tr->step >= tr->o.steps || is_stopped(r))
		return 0;
	if (stop_after && tr->step >= (uint64_t)stop_after)
		return 0;
	if (is_exhausted(r))
		return 0;
	n = loader_next(&tr->loader, &tr->batch, e);
	/* A signal to the whole pipeline also ends the process that writes the rows. */
	if (n < (int)tr->o.batch && is_stopped(r))
		return 0;
	if (n == 0 && tr->step == 0)
		return err_set(e, "%s: has no rows", shard_name(r->rows));
	if (n == 0)
		note("%s: the rows end after step %" PRIu64 " of %zu", shard_name(r->rows),
		    tr->step, tr->o.steps);
	return n;
}

static int train_steps(struct run *r, struct err *e)
{
	struct trainer_result result = {.ce = r->ce};
	int n;

	while ((n = read_batch(r, e)) > 0) {
		if (begin_logs(r, e))
			return -1;
		if (trainer_step(r->tr, &result, e))
			return -1;
		r->tokens += (uint64_t)n * r->tr->batch.T;
		if (finish_step(r, &result, e))
			return -1;
	}
	return n;
}

/* Save the last step after the training has failed with *e, which is reported first, as a save may
 * take long. */
static int save_after_error(struct run *r, struct err *e)
{
	bool repeated = r->save_failed;
	struct err why;

	ranks_report(r->comm, e);
	if (e->status == ERR_NONFINITE || r->tr->step == r->first_step)
		return -1;
	if (!save_checkpoint(r, &why))
		return -1;
	/* If the error was one of saving, it has been reported. */
	why.reported = repeated && r->save_failed;
	*e = why;
	return -1;
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

	if (r->counted && r->tr->step == r->tr->o.steps && comm_is_root(r->comm) && !stop_signal)
		more = shard_read(r->rows, &record, e);
	if (more > 0)
		warn(
		    "%s: more rows follow than its header says, perhaps because files were joined; "
		    "use -n to train on them",
		    shard_name(r->rows));
	return more < 0 && !stop_signal ? -1 : 0;
}

static int train_and_save(struct run *r, double *seconds, struct err *e)
{
	int failed = train_steps(r, e);

	*seconds = progress_seconds(&r->progress);
	progress_end();
	if (failed)
		return save_after_error(r, e);
	if (save_checkpoint(r, e))
		return -1;
	if (comm_agree(r->comm, check_end(r, e), e))
		return -1;
	note("%s: step %" PRIu64 " of %zu, %.1f s, schedule %s", r->options->output, r->tr->step,
	    r->tr->o.steps, progress_seconds(&r->progress),
	    schedule_family_name(r->tr->schedule.family));
	return 0;
}

/* Write the profile of rank 0. seconds: duration of the steps. */
static int write_profile(const struct run *r, double seconds, struct err *e)
{
	const char *path = r->options->profile_path;
	int failed = 0;

	if (path && comm_is_root(r->comm))
		failed = profile_write(path, r->kernels, seconds, e);
	return comm_agree(r->comm, failed, e);
}

int run_train(struct run *r, struct err *e)
{
	struct err why;
	double seconds;
	int failed;

	shard_stop(r->rows, &stop_signal);
	stop_catch();
	progress_start(&r->progress);
	failed = train_and_save(r, &seconds, e);
	if (!failed)
		return write_profile(r, seconds, e);
	ranks_report(r->comm, e);
	if (write_profile(r, seconds, &why))
		ranks_report(r->comm, &why);
	return -1;
}
