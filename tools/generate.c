#include "generate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batches.h"
#include "cli.h"
#include "trace.h"
#include "unknown.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/refine.h"

struct generator {
	const struct model *m;
	const struct generation *what;
	struct sampler *sampler;
	struct batches batches;
	struct shard_writer *out;
	struct trace trace; /* only with what->trace */
	size_t T;
	uint32_t *ids; /* [T] ids of the record that is read or written */
	uint8_t *mask; /* [(T + 7) / 8] its noised positions */
};

/* --- memory --- */

size_t generate_bytes(const struct model *m, size_t batch, int64_t rounds)
{
	size_t bytes = sampler_bytes(m->k, &m->cp.c, batch);

	if (bytes == SIZE_MAX)
		return SIZE_MAX;
	return bytes + refine_bytes(batch, m->cp.c.row_len, rounds) + batches_bytes(m, batch);
}

static void generator_release(struct generator *g)
{
	sampler_free(g->sampler);
	batches_release(&g->batches);
	free(g->ids);
	free(g->mask);
}

static int write_batch(void *arg, struct batch *b, struct err *e);

static int generator_init(struct generator *g, const struct model *m, const struct generation *what,
    struct progress *progress, struct err *e)
{
	*g = (struct generator){.m = m, .what = what, .T = m->cp.c.row_len};
	if (!(g->sampler = sampler_new(m->k, &m->cp.c, m->w, what->batch, &what->sampler, e)) ||
	    batches_init(&g->batches, m, what->batch, write_batch, g, progress, e) ||
	    !(g->ids = mem_array(g->T, sizeof *g->ids, e)) ||
	    !(g->mask = mem_array(g->T / 8 + 1, 1, e))) {
		generator_release(g);
		return -1;
	}
	return 0;
}

/* --- output: the rows, and the trace --- */

static int create_output(struct generator *g, struct err *e)
{
	struct shard_header h = g->m->cp.source;

	h.kind = SHARD_ROWS;
	h.seed = g->what->seed;
	snprintf(h.provenance, sizeof h.provenance, "%s", g->what->provenance);
	g->out = shard_create(g->what->output, &h, &g->m->cp.vocab, NULL, SHARD_AUTO, e);
	if (!g->out)
		return -1;
	cli_unlink_at_end(shard_temporary(g->out));
	return 0;
}

static int open_outputs(struct generator *g, struct err *e)
{
	if (create_output(g, e))
		return -1;
	if (!g->what->trace)
		return 0;
	if (trace_open(&g->trace, g->what->trace, g->m->active.id, e)) {
		shard_abort(g->out);
		return -1;
	}
	sampler_set_hook(g->sampler, trace_write, &g->trace);
	return 0;
}

static void abort_outputs(struct generator *g)
{
	if (g->what->trace)
		output_abort(&g->trace.csv);
	shard_abort(g->out);
}

static int commit_outputs(struct generator *g, struct err *e)
{
	if (g->what->trace && output_commit(&g->trace.csv, e)) {
		shard_abort(g->out);
		return -1;
	}
	return shard_commit(g->out, e);
}

/* Denoise the rows of the batch, and write them. */
static int write_batch(void *arg, struct batch *b, struct err *e)
{
	struct generator *g = arg;
	struct shard_record r = {.ids = g->ids, .n = (uint32_t)b->T};
	enum sampler_start start =
	    g->what->task == GENERATE_RECONSTRUCT ? SAMPLER_NOISED_TOKENS : SAMPLER_NOISE;

	g->trace.row = g->batches.rows;
	if (sampler_run(g->sampler, b, start, &g->m->cp.schedule, e) ||
	    refine(g->sampler, b, g->what->refine, &g->m->cp.schedule, e))
		return -1;
	for (size_t i = 0; i < b->B; i++) {
		for (size_t t = 0; t < b->T; t++)
			g->ids[t] = g->m->active.id[b->ids[i * b->T + t]];
		if (shard_write(g->out, &r, e))
			return -1;
	}
	return shard_flush(g->out, e);
}

/* --- rows --- */

/* Add a row, made from this record, to the batch: the tokens in ids; those where the mask is 1 are
 * to be generated. */
static int add_row(
    struct generator *g, uint64_t record, double t, uint64_t noise_seed, struct err *e)
{
	const struct shard_record r = {.ids = g->ids,
	    .n = (uint32_t)g->T,
	    .t = (float)t,
	    .noise_seed = noise_seed,
	    .mask = g->mask};

	return batches_add(&g->batches, &r, t, record, e);
}

static void set_noised(struct generator *g, size_t i, bool noised)
{
	if (noised)
		g->mask[i / 8] |= (uint8_t)(1 << i % 8);
	else
		g->mask[i / 8] &= (uint8_t) ~(1 << i % 8);
}

/* The id at positions that are to be generated: any valid id will do. */
static uint32_t any_token(const struct generator *g)
{
	return g->m->active.id[0];
}

static int add_new_rows(struct generator *g, struct err *e)
{
	for (size_t i = 0; i < g->T; i++) {
		g->ids[i] = any_token(g);
		set_noised(g, i, true);
	}
	for (int64_t i = 0; i < g->what->count; i++)
		if (add_row(g, (uint64_t)i, g->m->cp.schedule.t_max,
		        rng_u64(g->what->seed, RNG_START, 0, (uint64_t)i), e))
			return -1;
	return 0;
}

/* --- rows from records --- */

/* The number of given tokens of a prompt: all but [PAD] and [SEP] at its end. */
static uint32_t prompt_length(const struct generator *g, const struct shard_record *r)
{
	const struct shard_special *s = &g->m->cp.source.special;
	uint32_t n = r->n;

	while (n > 0 && (r->ids[n - 1] == s->pad || r->ids[n - 1] == s->sep))
		n--;
	return n;
}

/* The tokens of the prompt are given, and all after them are generated. */
static void set_prefix(struct generator *g, const struct shard_record *r)
{
	uint32_t given = prompt_length(g, r);

	for (size_t i = 0; i < g->T; i++) {
		g->ids[i] = i < given ? r->ids[i] : any_token(g);
		set_noised(g, i, i >= given);
	}
}

/* The [MASK] positions are generated. All others are given, and so is [PAD] after the record. */
static void set_infill(struct generator *g, const struct shard_record *r)
{
	const struct shard_special *s = &g->m->cp.source.special;
	uint32_t pad = s->pad == SHARD_NO_ID ? any_token(g) : s->pad;

	for (size_t i = 0; i < g->T; i++) {
		bool noised = i < r->n && r->ids[i] == s->mask;

		g->ids[i] = noised ? any_token(g) : i < r->n ? r->ids[i] : pad;
		set_noised(g, i, noised);
	}
}

static int add_completions(
    struct generator *g, const struct shard_record *r, uint64_t record, struct err *e)
{
	for (int64_t i = 0; i < g->what->count; i++) {
		if (g->what->task == GENERATE_PREFIX)
			set_prefix(g, r);
		else
			set_infill(g, r);
		if (add_row(g, record, g->m->cp.schedule.t_max,
		        rng_u64(g->what->seed, RNG_SEED, (uint32_t)i + 1, record), e))
			return -1;
	}
	return 0;
}

static int complete_records(struct generator *g, struct shard_reader *in, struct err *e)
{
	uint32_t generated =
	    g->what->task == GENERATE_INFILL ? g->m->cp.source.special.mask : SHARD_NO_ID;
	struct unknown unknown = {0};
	struct shard_record r;
	int more;

	for (uint64_t row = 0; (more = shard_read(in, &r, e)) > 0; row++) {
		if (r.n > g->T)
			return err_set(e,
			    "%s: record %" PRIu64
			    " has %u tokens (expected at most %zu, the row length of "
			    "the model)",
			    shard_name(in), row, r.n, g->T);
		unknown_check(&unknown, g->m, shard_name(in), &r, generated);
		if (add_completions(g, &r, row, e))
			return -1;
	}
	unknown_end(&unknown, shard_name(in));
	return more;
}

static int reconstruct_rows(struct generator *g, struct shard_reader *in, struct err *e)
{
	struct shard_record r;
	int more;

	for (uint64_t record = 0; (more = shard_read(in, &r, e)) > 0; record++) {
		double t = isnan(r.t) ? schedule_t(&g->m->cp.schedule, r.u) : r.t;

		memcpy(g->ids, r.ids, r.n * sizeof *r.ids);
		memcpy(g->mask, r.mask, (r.n + 7) / 8);
		if (add_row(g, record, t, r.noise_seed, e))
			return -1;
	}
	return more;
}

static int add_all(struct generator *g, struct shard_reader *in, struct err *e)
{
	switch (g->what->task) {
	case GENERATE_ROWS:
		return add_new_rows(g, e);
	case GENERATE_RECONSTRUCT:
		return reconstruct_rows(g, in, e);
	default:
		return complete_records(g, in, e);
	}
}

int generate(const struct model *m, const struct generation *what, struct shard_reader *in,
    struct progress *progress, uint64_t *rows, struct err *e)
{
	struct generator g;
	int failed;

	if (generator_init(&g, m, what, progress, e))
		return -1;
	g.batches.name = in ? shard_name(in) : NULL;
	failed = open_outputs(&g, e);
	if (!failed) {
		failed = add_all(&g, in, e) || batches_finish(&g.batches, e);
		if (failed)
			abort_outputs(&g);
		else
			failed = commit_outputs(&g, e);
	}
	cli_unlink_nothing();
	*rows = g.batches.rows;
	generator_release(&g);
	return failed ? -1 : 0;
}
