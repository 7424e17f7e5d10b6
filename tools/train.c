/* train - learn to denoise: noised rows in, a checkpoint and the cross-entropy of every row out. */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "formats/shard.h"
#include "ground/mem.h"
#include "math/kernels.h"
#include "model/checkpoint.h"
#include "model/trainer.h"
#include "progress.h"

static const char *const off_on[] = {"off", "on", NULL};
static const char *const vocabularies[] = {"active", "full", NULL};

static struct config shape;
static struct trainer_options options;
static const char *output = "model.safetensors", *resume, *log_path, *schedule_path, *valid_path;
static int64_t threads, save_every = 1000, valid_every = 500, stop_after;
static bool dry_run, no_header, preset_seen, output_seen;
static int preset, positions, qk_norm, posterior, pad_loss, vocabulary;

static const struct option_entry entries[] = {
    {'x', "preset", OPTION_CHOICE, &preset, NULL, "shape and options to start from", 0, 0,
        config_presets, &preset_seen},
    {'o', "output", OPTION_STRING, &output, "FILE", "the checkpoint", 0, 0, 0, &output_seen},
    {'r', "resume", OPTION_STRING, &resume, "FILE", "continue from this checkpoint", 0, 0, 0, 0},
    {'n', "steps", OPTION_INT, &options.steps, "N", "steps of the whole run; 0: what the rows make",
        0, 1e12, 0, 0},
    {0, "stop-after", OPTION_INT, &stop_after, "N",
        "stop after step N, as if interrupted; 0: never", 0, 1e12, 0, 0},
    {'B', "batch", OPTION_INT, &options.batch, "N", "sequences a step", 1, 1e6, 0, 0},
    {0, "layers", OPTION_INT, &shape.layers, "N", "blocks of the transformer", 1, 1000, 0, 0},
    {0, "width", OPTION_INT, &shape.width, "N", "channels", 2, 65536, 0, 0},
    {0, "heads", OPTION_INT, &shape.heads, "N", "attention heads", 1, 1024, 0, 0},
    {'d', "embed", OPTION_INT, &shape.embed, "N", "components of an embedding", 2, 65536, 0, 0},
    {0, "time-width", OPTION_INT, &shape.time_width, "N", "features of the noise level", 2, 65536,
        0, 0},
    {'p', "precond", OPTION_CHOICE, &shape.precond, NULL, "preconditioning", 0, 0, precond_names,
        0},
    {0, "qk-norm", OPTION_CHOICE, &qk_norm, NULL, "normalise queries and keys", 0, 0, off_on, 0},
    {0, "positions", OPTION_CHOICE, &positions, NULL, "learn a vector for every position", 0, 0,
        off_on, 0},
    {0, "posterior", OPTION_CHOICE, &posterior, NULL,
        "show the network each position's own posterior", 0, 0, off_on, 0},
    {0, "self-cond", OPTION_REAL, &options.self_cond_rate, "SHARE",
        "of each batch that sees its own first estimate", 0, 1, 0, 0},
    {0, "pad-loss", OPTION_CHOICE, &pad_loss, NULL, "[PAD] is a target", 0, 0, off_on, 0},
    {0, "vocab", OPTION_CHOICE, &vocabulary, NULL, "ids that the softmax runs over", 0, 0,
        vocabularies, 0},
    {0, "lr", OPTION_REAL, &options.optimizer.lr, "RATE", "peak learning rate", 0, 10, 0, 0},
    {0, "lr-end", OPTION_REAL, &options.optimizer.lr_end, "SHARE", "of it that is left at the end",
        0, 1, 0, 0},
    {0, "warmup", OPTION_REAL, &options.optimizer.warmup, "SHARE", "of the steps, to warm up", 0, 1,
        0, 0},
    {0, "beta1", OPTION_REAL, &options.optimizer.beta1, "B", "of AdamW", 0, 0.999999, 0, 0},
    {0, "beta2", OPTION_REAL, &options.optimizer.beta2, "B", "of AdamW", 0, 0.999999, 0, 0},
    {0, "decay", OPTION_REAL, &options.optimizer.decay, "D", "weight decay", 0, 10, 0, 0},
    {0, "clip", OPTION_REAL, &options.optimizer.clip, "NORM", "clip of the gradient; 0: none", 0,
        1e9, 0, 0},
    {0, "ema", OPTION_REAL, &options.optimizer.ema, "DECAY", "of the average of the weights", 0,
        0.9999999, 0, 0},
    {0, "schedule", OPTION_CHOICE, &options.family, NULL, "family of F(t)", 0, 0, schedule_families,
        0},
    {0, "t-min", OPTION_REAL, &options.t_min, "T", "least noise; 0: sqrt(d)/16", 0, 1e9, 0, 0},
    {0, "t-max", OPTION_REAL, &options.t_max, "T", "most noise; 0: 18 sqrt(d)", 0, 1e9, 0, 0},
    {0, "refit-every", OPTION_INT, &options.refit_every, "N", "steps between fits of F; 0: none", 0,
        1e9, 0, 0},
    {0, "window", OPTION_INT, &options.window, "N", "sequences that a fit sees", 64, 1e9, 0, 0},
    {'l', "log", OPTION_STRING, &log_path, "FILE", "CSV with a row a step", 0, 0, 0, 0},
    {0, "schedule-log", OPTION_STRING, &schedule_path, "FILE", "CSV with a row a fit of F", 0, 0, 0,
        0},
    {0, "valid", OPTION_STRING, &valid_path, "FILE", "noised rows to validate on", 0, 0, 0, 0},
    {0, "valid-every", OPTION_INT, &valid_every, "N", "steps between validations", 1, 1e12, 0, 0},
    {0, "save-every", OPTION_INT, &save_every, "N", "steps between checkpoints", 1, 1e12, 0, 0},
    {0, "no-header", OPTION_FLAG, &no_header, NULL, "no header row on standard output", 0, 0, 0, 0},
    {0, "dry-run", OPTION_FLAG, &dry_run, NULL, "say what the run would take, and exit", 0, 0, 0,
        0},
    {'s', "seed", OPTION_SEED, &options.seed, "SEED", "of the first weights", 0, 0, 0, 0},
    {'j', "threads", OPTION_INT, &threads, "N", "threads; 0: one a processor", 0, 1024, 0, 0},
    CLI_FORCE("replace an existing checkpoint; start though memory is short"),
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli cli = {
    .tool = "train",
    .usage = "[options] [noised rows]",
    .summary = "Train a diffusion model of text on the output of noise.",
    .options = entries,
    .n_options = CLI_COUNT(entries),
    .max_operands = 1,
};

/* --- options --- */

/* Presets and checkpoints set the defaults of all other options, so they are looked up first. */
static void set_defaults(int argc, char **argv, struct checkpoint *from)
{
	const char *name = cli_peek(&cli, argc, argv, 'x');
	struct err e;
	int i = 0;

	for (int n = 0; name && config_presets[n]; n++)
		if (!strcmp(name, config_presets[n]))
			i = n;
	trainer_preset(&options, &shape, i);
	resume = cli_peek(&cli, argc, argv, 'r');
	if (resume) {
		if (checkpoint_open(from, resume, &e))
			die(&e);
		shape = from->c;
		options = from->o;
		output = resume;
	}
	positions = shape.positions;
	qk_norm = shape.qk_norm;
	posterior = shape.posterior;
	pad_loss = options.pad_loss;
	vocabulary = options.full_vocab;
}

/* Options that act at the first step only, or decide what the state of later ones means. */
static bool is_fixed(const char *name)
{
	static const char *const fixed[] = {"train.seed", "train.full_vocab", "train.family",
	    "train.t_min", "train.t_max", "train.window"};

	for (size_t i = 0; i < CLI_COUNT(fixed); i++)
		if (!strcmp(name, fixed[i]))
			return true;
	return false;
}

static void must_stay(const struct field *f, const void *own, const void *asked)
{
	char is[FIELD_ROOM], not [FIELD_ROOM];

	field_print(f, own, is);
	field_print(f, asked, not );
	if (strcmp(is, not ))
		die_usage("%s: %s is %s in the checkpoint, and cannot become %s", resume, f->name,
		    is, not );
}

/* No file may be written twice, or be written while it is read. */
static void check_files(const char *rows)
{
	const char *file[] = {output, log_path, schedule_path, valid_path, rows};

	for (size_t i = 0; i < 3; i++)
		for (size_t j = i + 1; j < CLI_COUNT(file); j++)
			if (file[i] && file[j] && !strcmp(file[i], file[j]))
				die_usage("%s: one file for two things", file[i]);
}

static void take_options(const struct checkpoint *from)
{
	struct err e;

	shape.positions = positions;
	shape.qk_norm = qk_norm;
	shape.posterior = posterior;
	shape.self_cond = options.self_cond_rate > 0;
	options.pad_loss = pad_loss;
	options.full_vocab = vocabulary;
	if (trainer_check(&options, &e))
		die_usage("%s", e.msg);
	if (!resume)
		return;
	if (preset_seen)
		die_usage("--preset does not go with --resume: the checkpoint has its own");
	for (size_t i = 0; i < config_n_fields; i++)
		must_stay(&config_fields[i], &from->c, &shape);
	for (size_t i = 0; i < trainer_n_fields; i++)
		if (is_fixed(trainer_fields[i].name))
			must_stay(&trainer_fields[i], &from->o, &options);
}

/* --- what a run takes --- */

static void describe(FILE *to, const struct config *c, const struct shard_header *h)
{
	double flops = 3 * config_flops(c);
	size_t bytes = trainer_bytes(c, &options);

	if (c->self_cond)
		flops += options.self_cond_rate * config_flops(c);
	fprintf(to,
	    "parameters: %zu (%" PRId64 " x %" PRId64 ", %" PRId64 " heads, d %" PRId64 ", %" PRId64
	    " of %u words)\n",
	    weights_count(c), c->layers, c->width, c->heads, c->embed, c->active, h->vocab_size);
	fprintf(to, "memory: %.1f MiB of %.1f MiB available\n", (double)bytes / 1048576,
	    (double)mem_available() / 1048576);
	fprintf(to, "operations: %.3g a token\n", flops);
	fprintf(to, "rows: %" PRIu64 " of %u tokens, %" PRId64 " steps of %" PRId64 "\n",
	    h->expected, h->row_len, options.steps, options.batch);
}

static void check_memory(const struct config *c)
{
	size_t bytes = trainer_bytes(c, &options);

	if (bytes > mem_available() && !cli_force) {
		warn("the run takes %.1f MiB of memory, where %.1f MiB can be had; a smaller model "
		     "or "
		     "batch, or -f to start all the same",
		    (double)bytes / 1048576, (double)mem_available() / 1048576);
		exit(ERR_DATA);
	}
}

/* The shape with what only the rows know. */
static struct config full_shape(const struct shard_reader *rows)
{
	const struct shard_header *h = shard_header(rows);
	struct config c = shape;
	struct active a;
	struct err e;

	if (active_init(&a, h, shard_counts(rows), options.full_vocab, &e))
		die(&e);
	c.active = a.n;
	c.row_len = h->row_len;
	active_release(&a);
	if (config_check(&c, &e))
		die_usage("%s", e.msg);
	return c;
}

/* --- logs --- */

static FILE *open_log(const char *path, const char *header)
{
	FILE *f = path ? fopen(path, resume ? "ae" : "we") : NULL;
	struct err e;

	if (path && !f) {
		err_errno(&e, "%s", path);
		die(&e);
	}
	if (f && ftell(f) == 0)
		fprintf(f, "%s\n", header);
	return f;
}

static bool reader_gone;

/* A reader of the log that went away does not end a run; a full disk does. */
static int flush_log(FILE *f, const char *name, struct err *e)
{
	if (!f || !(fflush(f) || ferror(f)))
		return 0;
	if (errno == EPIPE) {
		if (!reader_gone)
			note("%s: the reader has gone; training goes on", name);
		reader_gone = true;
		clearerr(f);
		return 0;
	}
	return err_errno(e, "%s: cannot write", name);
}

static void print_rows(uint64_t step, const struct batch *b, const double *ce, const char *split)
{
	if (reader_gone)
		return;
	for (size_t i = 0; i < b->B; i++) {
		if (isfinite(ce[i]))
			printf("%" PRIu64 ",%.9g,%.9g,%s\n", step, b->t[i], ce[i], split);
		else
			printf("%" PRIu64 ",%.9g,,%s\n", step, b->t[i], split);
	}
}

static void print_schedule(FILE *f, uint64_t step, const struct schedule *s)
{
	char text[4096];

	if (f && !schedule_print(s, text, sizeof text))
		fprintf(f, "%" PRIu64 ",%s\n", step, text);
}

/* --- validation --- */

/* Rows whose level is open get it from an even spread of ln t over the schedule's range, so that
 * the same rows are measured at the same levels each time. */
static void spread_level(struct shard_record *r, const struct schedule *s)
{
	if (isnan(r->t))
		r->t = (float)(s->t_min * pow(s->t_max / s->t_min, r->u));
}

static double validate(struct trainer *tr, double *ce)
{
	struct shard_reader *rows;
	struct shard_record r;
	double sum = 0;
	uint64_t n = 0;
	struct err e;
	int more = 1;

	if (!(rows = shard_open(valid_path, &e)) || shard_expect(rows, SHARD_NOISED, &e))
		die(&e);
	while (more > 0) {
		tr->batch.B = 0;
		while (tr->batch.B < tr->batch.room && (more = shard_read(rows, &r, &e)) > 0) {
			spread_level(&r, &tr->schedule);
			if (batch_add(
			        &tr->batch, &r, &tr->active, &tr->schedule, tr->o.pad_loss, &e))
				die(&e);
		}
		if (more < 0)
			die(&e);
		if (tr->batch.B == 0)
			break;
		trainer_validate(tr, &tr->batch, ce);
		print_rows(tr->step, &tr->batch, ce, "valid");
		for (size_t i = 0; i < tr->batch.B; i++)
			if (isfinite(ce[i])) {
				sum += ce[i];
				n++;
			}
	}
	shard_close(rows);
	return n ? sum / (double)n : NAN;
}

/* --- the loop --- */

static volatile sig_atomic_t stopped_by;

static void on_stop(int sig)
{
	stopped_by = sig;
	signal(sig, SIG_DFL); /* the second one stops at once */
}

static void catch_signals(void)
{
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

struct run {
	struct trainer *tr;
	struct shard_reader *rows;
	FILE *log, *schedule_log;
	struct progress progress;
	double *ce;
	double valid;
	uint64_t first_step, saved;
};

static void save(struct run *r)
{
	struct err e;

	if (r->saved == r->tr->step)
		return;
	if (checkpoint_save(r->tr, output, &e))
		die(&e);
	r->saved = r->tr->step;
}

static void report(struct run *r, const struct trainer_result *result, uint64_t tokens)
{
	double seconds = progress_seconds(&r->progress), total = (double)r->tr->o.steps;
	double done =
	    ((double)result->step - (double)r->first_step) / (total - (double)r->first_step);
	double speed = (double)tokens / seconds;
	char eta[16], valid[32] = "";

	if (r->log)
		fprintf(r->log, "%" PRIu64 ",%" PRIu64 ",%.3f,%.9g,%.9g,%.9g,%.1f,%.1f\n",
		    result->step, r->tr->rows, seconds, result->loss, result->lr, result->grad_norm,
		    speed, (double)mem_peak() / 1048576);
	if (!progress_due(&r->progress))
		return;
	if (isfinite(r->valid))
		snprintf(valid, sizeof valid, "  valid %.4f", r->valid);
	progress_show(&r->progress,
	    "step %" PRIu64 " of %" PRId64 "  loss %.4f%s  %.0f tokens/s  eta %s", result->step,
	    r->tr->o.steps, result->loss, valid, speed, progress_eta(&r->progress, done, eta));
}

/* After a step: everything that is written because of it. */
static int after_step(
    struct run *r, const struct trainer_result *result, uint64_t tokens, struct err *e)
{
	struct trainer *tr = r->tr;

	print_rows(result->step, &tr->batch, result->ce, "train");
	report(r, result, tokens);
	if (result->refit > 0)
		print_schedule(r->schedule_log, result->step, &tr->schedule);
	if (result->refit < 0)
		note("step %" PRIu64 ": the schedule stays as it was: %s", result->step,
		    result->why.msg);
	if (valid_path &&
	    (result->step % (uint64_t)valid_every == 0 || result->step == (uint64_t)tr->o.steps))
		r->valid = validate(tr, r->ce);
	if (result->step % (uint64_t)save_every == 0)
		save(r);
	return flush_log(stdout, "standard output", e) || flush_log(r->log, log_path, e) ||
	               flush_log(r->schedule_log, schedule_path, e)
	           ? -1
	           : 0;
}

static int train(struct run *r, struct err *e)
{
	struct trainer *tr = r->tr;
	struct trainer_result result = {.ce = r->ce};
	uint64_t tokens = 0;

	while (tr->step < (uint64_t)tr->o.steps && !stopped_by &&
	       !(stop_after && tr->step >= (uint64_t)stop_after)) {
		int n = trainer_fill(tr, r->rows, e);

		if (n < 0)
			return -1;
		if (n == 0) {
			note("%s: the rows end after step %" PRIu64 " of %" PRId64,
			    shard_name(r->rows), tr->step, tr->o.steps);
			break;
		}
		if (trainer_step(tr, &result, e))
			return -1;
		tokens += (uint64_t)n * tr->batch.T;
		if (after_step(r, &result, tokens, e))
			return -1;
	}
	return 0;
}

static void start(struct run *r, struct kernels *k, const struct checkpoint *from)
{
	const struct shard_header *h = shard_header(r->rows);
	struct config c = full_shape(r->rows);
	struct err e;

	if (!options.steps)
		options.steps = (int64_t)((h->first + h->expected + (uint64_t)options.batch - 1) /
		                          (uint64_t)options.batch);
	if (!options.steps)
		die_usage(
		    "%s does not say how many rows it has: -n is needed", shard_name(r->rows));
	if (resume && checkpoint_matches(from, shard_name(r->rows), h, true, &e))
		die(&e);
	if (resume)
		c = from->c;
	if (dry_run) {
		describe(stdout, &c, h);
		exit(cli_finish());
	}
	if (!cli_quiet)
		describe(stderr, &c, h);
	check_memory(&c);
	r->tr = resume ? checkpoint_resume(from, k, &options, &e)
	               : trainer_new(k, &c, &options, h, shard_counts(r->rows), &e);
	if (!r->tr || trainer_skip(r->tr, r->rows, &e))
		die(&e);
	if (cli_verbose)
		note("%s", k_name(k));
	r->first_step = r->tr->step;
	r->saved = resume && !strcmp(output, resume) ? r->tr->step : UINT64_MAX;
	if (resume && h->seed != from->source.seed)
		warn("%s: noised with seed %" PRIu64 ", where %s began with %" PRIu64,
		    shard_name(r->rows), h->seed, resume, from->source.seed);
	r->ce = mem_array((size_t)options.batch, sizeof *r->ce, &e);
	if (!r->ce)
		die(&e);
}

/* What could fail after hours should fail now: a checkpoint that cannot be written, validation rows
 * that are not this model's. */
static void check_ahead(const struct trainer *tr)
{
	struct shard_reader *rows;
	struct output probe;
	struct err e;

	if ((!resume || strcmp(output, resume)) && !cli_force && !access(output, F_OK))
		die_usage("%s exists: -r %s continues it, -f replaces it", output, output);
	if (output_open(&probe, output, &e))
		die(&e);
	output_abort(&probe);
	if (!valid_path)
		return;
	if (!(rows = shard_open(valid_path, &e)) || shard_expect(rows, SHARD_NOISED, &e))
		die(&e);
	if (shard_header(rows)->vocab_hash != tr->source.vocab_hash ||
	    shard_header(rows)->row_len != tr->source.row_len) {
		err_set(&e,
		    "%s: rows of %u tokens of vocabulary %016" PRIx64 ", where the model has %u of "
		    "%016" PRIx64,
		    valid_path, shard_header(rows)->row_len, shard_header(rows)->vocab_hash,
		    tr->source.row_len, tr->source.vocab_hash);
		die(&e);
	}
	shard_close(rows);
}

static void open_outputs(struct run *r)
{
	check_ahead(r->tr);
	r->log =
	    open_log(log_path, "step,rows,seconds,loss_nats,lr,grad_norm,tokens_per_s,rss_mib");
	r->schedule_log = open_log(schedule_path, "step," SCHEDULE_COLUMNS);
	if (!no_header)
		puts("step,t,ce_nats,split");
	if (!resume)
		print_schedule(r->schedule_log, 0, &r->tr->schedule);
}

static int finish(struct run *r, int failed, const struct err *e)
{
	progress_end(&r->progress);
	if (failed) {
		warn("%s", e->msg);
		if (e->status != ERR_NONFINITE)
			save(r);
		return e->status;
	}
	save(r);
	note("%s: step %" PRIu64 " of %" PRId64 ", %.1f s, F %s", output, r->tr->step,
	    r->tr->o.steps, progress_seconds(&r->progress),
	    schedule_family_name(r->tr->schedule.family));
	if (stopped_by)
		raise(stopped_by);
	return 0;
}

int main(int argc, char **argv)
{
	struct checkpoint from = {0};
	struct run r = {.valid = NAN};
	struct kernels *k;
	struct err e = {0};
	int first, status;

	set_defaults(argc, argv, &from);
	first = cli_parse(&cli, argc, argv);
	take_options(&from);
	check_files(argv[first]);
	if (!(k = k_new((int)threads, &e)) || !(r.rows = shard_open(argv[first], &e)) ||
	    shard_expect(r.rows, SHARD_NOISED, &e))
		die(&e);
	start(&r, k, &from);
	open_outputs(&r);
	catch_signals();
	progress_start(&r.progress);
	status = finish(&r, train(&r, &e), &e);
	trainer_free(r.tr);
	checkpoint_close(&from);
	shard_close(r.rows);
	free(r.ce);
	k_free(k);
	return status ? status : cli_finish();
}
