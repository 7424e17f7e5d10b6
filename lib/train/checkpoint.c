#include "train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/version.h"

#define FORMAT "1"
#define REAL (sizeof(real) == 4 ? ST_F32 : ST_F64)

/* The numbers in a checkpoint that are not options. */
struct numbers {
	uint64_t seed, vocab_size, vocab_hash, row_len, id_bytes, pad, unk, cls, sep, mask, step,
	    rows, window_n;
};

#define NUMBER(name, member)                                                                       \
	{                                                                                          \
		name, FIELD_UINT, offsetof(struct numbers, member), 0, 0, NULL                     \
	}

static const struct field number_fields[] = {
    NUMBER("rows.seed", seed),
    NUMBER("vocab.size", vocab_size),
    NUMBER("vocab.hash", vocab_hash),
    NUMBER("vocab.row_len", row_len),
    NUMBER("vocab.id_bytes", id_bytes),
    NUMBER("vocab.pad", pad),
    NUMBER("vocab.unk", unk),
    NUMBER("vocab.cls", cls),
    NUMBER("vocab.sep", sep),
    NUMBER("vocab.mask", mask),
    NUMBER("step", step),
    NUMBER("rows", rows),
    NUMBER("window", window_n),
};
enum { N_NUMBERS = sizeof number_fields / sizeof *number_fields };

/* --- saving --- */

static int put_fields(
    struct safetensors_writer *w, const struct field *f, size_t n, const void *base, struct err *e)
{
	char text[FIELD_ROOM];

	for (size_t i = 0; i < n; i++) {
		field_print(&f[i], base, text);
		if (safetensors_put_meta(w, f[i].name, text, e))
			return -1;
	}
	return 0;
}

static int put_numbers(struct safetensors_writer *w, const struct trainer *tr, struct err *e)
{
	const struct shard_header *h = &tr->source;
	struct numbers n = {h->seed, h->vocab_size, h->vocab_hash, h->row_len, h->id_bytes,
	    h->special.pad, h->special.unk, h->special.cls, h->special.sep, h->special.mask,
	    tr->step, tr->rows, tr->window_n};

	return put_fields(w, number_fields, N_NUMBERS, &n, e);
}

static int put_meta(struct safetensors_writer *w, const struct trainer *tr, struct err *e)
{
	char text[4096];

	if (schedule_print(&tr->schedule, text, sizeof text))
		return err_set(e, "the schedule cannot be printed");
	return safetensors_put_meta(w, "cdcd", FORMAT, e) ||
	               safetensors_put_meta(w, "cdcd.version", CDCD_VERSION, e) ||
	               safetensors_put_meta(w, "cdcd.provenance", tr->source.provenance, e) ||
	               safetensors_put_meta(w, "schedule", text, e) ||
	               put_fields(w, config_fields, config_n_fields, &tr->c, e) ||
	               put_fields(w, trainer_fields, trainer_n_fields, &tr->o, e) ||
	               put_numbers(w, tr, e)
	           ? -1
	           : 0;
}

/* Put an array with the layout of the weights: each tensor under prefix and its name. */
static int put_weights(struct safetensors_writer *w, const struct trainer *tr, const char *prefix,
    const real *base, struct err *e)
{
	const real *host = k_host(tr->k, base, tr->w->n);
	char name[96];

	for (size_t i = 0; i < tr->w->n_tensors; i++) {
		const struct tensor *t = &tr->w->tensor[i];
		uint64_t shape[2] = {t->rows, t->cols};

		snprintf(name, sizeof name, "%s%s", prefix, t->name);
		if (safetensors_put(w, name, REAL, t->cols ? 2 : 1, shape, host + t->offset, e))
			return -1;
	}
	return 0;
}

static int put_arrays(struct safetensors_writer *w, const struct trainer *tr,
    const struct trainer_state *s, struct err *e)
{
	uint64_t words = tr->active.n, window = tr->window_n;

	if (window > tr->o.window)
		window = tr->o.window;
	return put_weights(w, tr, "", tr->w->base, e) || put_weights(w, tr, "ema.", s->ema, e) ||
	               put_weights(w, tr, "adam_m.", s->m, e) ||
	               put_weights(w, tr, "adam_v.", s->v, e) ||
	               safetensors_put(w, "active.id", ST_I32, 1, &words, tr->active.id, e) ||
	               safetensors_put(w, "active.count", ST_I64, 1, &words, tr->active.count, e) ||
	               safetensors_put(w, "window.t", ST_F64, 1, &window, tr->window_t, e) ||
	               safetensors_put(w, "window.ce", ST_F64, 1, &window, tr->window_ce, e)
	           ? -1
	           : 0;
}

/* If every rank updates all weights, check that all ranks have the same weights. */
static int check_drift(const struct trainer *tr, struct err *e)
{
	uint64_t hash =
	    XXH64(k_host(tr->k, tr->w->base, tr->w->n), tr->w->n * sizeof *tr->w->base, 0);
	uint64_t first = hash;
	int failed = 0;

	comm_broadcast(tr->comm, &first, sizeof first);
	if (hash != first)
		failed = err_set(e,
		    "has other weights than rank 0 after step %" PRIu64
		    ": on machines that differ, share the state out",
		    tr->step);
	return comm_agree(tr->comm, failed, e);
}

static int save(
    const struct trainer *tr, const struct trainer_state *s, const char *path, struct err *e)
{
	struct safetensors_writer *w = safetensors_writer_new(e);
	int failed =
	    !w || put_meta(w, tr, e) || put_arrays(w, tr, s, e) || safetensors_write(w, path, e);

	safetensors_writer_free(w);
	return failed ? -1 : 0;
}

int checkpoint_save(struct trainer *tr, const char *path, struct err *e)
{
	struct trainer_state s;
	int failed;

	if (comm_size(tr->comm) > 1 && check_drift(tr, e))
		return -1;
	if (trainer_state(tr, &s, e))
		return -1;
	failed = comm_rank(tr->comm) == 0 && save(tr, &s, path, e);
	trainer_state_release(&s, tr->k);
	return comm_agree(tr->comm, failed, e);
}

/* --- opening --- */

static const char *meta(const struct checkpoint *cp, const char *key, struct err *e)
{
	const char *text = safetensors_meta(cp->file, key);

	if (!text)
		err_set(e, "%s: no '%s' in its metadata: not a cdcd checkpoint", cp->path, key);
	return text;
}

static int get_fields(
    const struct checkpoint *cp, const struct field *f, size_t n, void *base, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = meta(cp, f[i].name, e);

		if (!text)
			return -1;
		if (field_parse(&f[i], base, text, e))
			return err_prefix(e, "%s", cp->path);
	}
	return 0;
}

static int get_numbers(struct checkpoint *cp, struct err *e)
{
	struct shard_header *h = &cp->source;
	struct numbers n;

	if (get_fields(cp, number_fields, N_NUMBERS, &n, e))
		return -1;
	if (n.row_len != cp->c.row_len || cp->c.active > n.vocab_size ||
	    (n.vocab_size | n.id_bytes | n.pad | n.unk | n.cls | n.sep | n.mask) > UINT32_MAX)
		return err_set(e, "%s: its vocabulary and its model do not fit together", cp->path);
	if ((n.step | n.rows) > INT64_MAX)
		return err_set(e,
		    "%s: invalid progress: step %" PRIu64 ", row %" PRIu64
		    " (expected less than 2^63)",
		    cp->path, n.step, n.rows);
	h->seed = n.seed;
	h->kind = SHARD_ROWS;
	h->vocab_size = (uint32_t)n.vocab_size;
	h->vocab_hash = n.vocab_hash;
	h->row_len = (uint32_t)n.row_len;
	h->id_bytes = (uint32_t)n.id_bytes;
	h->special = (struct shard_special){
	    (uint32_t)n.pad, (uint32_t)n.unk, (uint32_t)n.cls, (uint32_t)n.sep, (uint32_t)n.mask};
	if (shard_header_check(h, e))
		return err_prefix(e, "%s", cp->path);
	cp->step = n.step;
	cp->rows = n.rows;
	cp->window_n = n.window_n;
	return 0;
}

static int get_schedule(struct checkpoint *cp, struct err *e)
{
	const char *field[SCHEDULE_FIELDS], *text = meta(cp, "schedule", e);
	char *copy, *rest;
	int failed;

	if (!text || !(copy = mem_copy_string(text, e)))
		return -1;
	rest = copy;
	for (int i = 0; i < SCHEDULE_FIELDS; i++) {
		char *comma = rest ? strchr(rest, ',') : NULL;

		field[i] = rest ? rest : "";
		if (comma)
			*comma = '\0';
		rest = comma ? comma + 1 : NULL;
	}
	failed = schedule_parse(&cp->schedule, field, e);
	free(copy);
	return failed ? err_prefix(e, "%s: schedule", cp->path) : 0;
}

static int read_meta(struct checkpoint *cp, struct err *e)
{
	const char *format = meta(cp, "cdcd", e), *provenance;

	if (!format)
		return -1;
	if (strcmp(format, FORMAT))
		return err_set(e,
		    "%s: a checkpoint of format '%.16s', where this program reads " FORMAT,
		    cp->path, format);
	if (get_fields(cp, config_fields, config_n_fields, &cp->c, e) ||
	    get_fields(cp, trainer_fields, trainer_n_fields, &cp->o, e) || get_numbers(cp, e) ||
	    get_schedule(cp, e) || !(provenance = meta(cp, "cdcd.provenance", e)))
		return -1;
	snprintf(cp->source.provenance, sizeof cp->source.provenance, "%s", provenance);
	err_printable(cp->source.provenance);
	if (config_check(&cp->c, e) || trainer_check(&cp->o, e) || schedule_check(&cp->schedule, e))
		return err_prefix(e, "%s", cp->path);
	return 0;
}

/* Check that all tensors of w exist under prefix and their names, with their shapes. */
static int has_weights(
    const struct checkpoint *cp, const struct weights *w, const char *prefix, struct err *e)
{
	char name[96];

	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];
		uint64_t shape[2] = {t->rows, t->cols};

		snprintf(name, sizeof name, "%s%s", prefix, t->name);
		if (safetensors_expect(cp->file, name, REAL, t->cols ? 2 : 1, shape, e))
			return -1;
	}
	return 0;
}

/* Check, before memory is allocated, that the tensors in the file have the shapes of the model. */
static int check_shape(const struct checkpoint *cp, struct err *e)
{
	uint64_t words = cp->c.active;
	struct weights *w;
	int failed;

	if (safetensors_expect(cp->file, "active.id", ST_I32, 1, &words, e) ||
	    safetensors_expect(cp->file, "active.count", ST_I64, 1, &words, e))
		return -1;
	w = weights_new(&cp->c, e);
	if (!w)
		return -1;
	failed = has_weights(cp, w, "", e) || has_weights(cp, w, "ema.", e);
	weights_free(w);
	return failed ? -1 : 0;
}

int checkpoint_open(struct checkpoint *cp, const char *path, struct err *e)
{
	memset(cp, 0, sizeof *cp);
	cp->path = mem_copy_string(path, e);
	cp->file = cp->path ? safetensors_open(path, e) : NULL;
	if (!cp->file || safetensors_verify(cp->file, e) || read_meta(cp, e) ||
	    check_shape(cp, e)) {
		checkpoint_close(cp);
		return -1;
	}
	return 0;
}

void checkpoint_close(struct checkpoint *cp)
{
	safetensors_close(cp->file);
	free(cp->path);
	memset(cp, 0, sizeof *cp);
}

/* --- loading --- */

int checkpoint_active_vocab(const struct checkpoint *cp, struct active_vocab *a, struct err *e)
{
	uint32_t n = cp->c.active;
	uint64_t shape = n;
	uint32_t *id = mem_array(n, sizeof *id, e);
	uint64_t *count = mem_array(n, sizeof *count, e);
	int failed = !id || !count ||
	             safetensors_load(cp->file, "active.id", ST_I32, 1, &shape, id, e) ||
	             safetensors_load(cp->file, "active.count", ST_I64, 1, &shape, count, e);

	if (!failed && active_vocab_restore(a, &cp->source, n, id, count, e))
		failed = err_prefix(e, "%s", cp->path);
	free(id);
	free(count);
	return failed ? -1 : 0;
}

/* Copy tensor i, host, to an array of the optimiser's state: the pieces that this process has. */
static void put_state(const struct trainer *tr, size_t i, real *state, const real *host)
{
	for (size_t j = 0; j < tr->optimizer.n_pieces; j++) {
		const struct optimizer_piece *p = &tr->optimizer.piece[j];

		if (p->tensor == i)
			k_put(tr->k, state + p->state, host + (p->at - tr->w->tensor[i].offset),
			    p->n * sizeof *host);
	}
}

/* Load the tensors of w with this prefix into an array on the device: one with the layout of w or,
 * with tr, an array of its optimiser's state. */
static int load_arrays(const struct checkpoint *cp, struct kernels *k, const struct weights *w,
    const char *prefix, real *base, const struct trainer *tr, struct err *e)
{
	char name[96];
	real *host = mem_array(weights_largest(w), sizeof *host, e);
	int failed = 0;

	if (!host)
		return -1;
	for (size_t i = 0; !failed && i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];
		uint64_t shape[2] = {t->rows, t->cols};

		snprintf(name, sizeof name, "%s%s", prefix, t->name);
		failed = safetensors_load(cp->file, name, REAL, t->cols ? 2 : 1, shape, host, e);
		if (!failed && tr)
			put_state(tr, i, base, host);
		else if (!failed)
			k_put(k, base + t->offset, host, t->n * sizeof *host);
	}
	free(host);
	return failed ? -1 : 0;
}

int checkpoint_weights(
    const struct checkpoint *cp, struct kernels *k, struct weights *w, bool last, struct err *e)
{
	return load_arrays(cp, k, w, last ? "" : "ema.", w->base, NULL, e);
}

static int load_window(const struct checkpoint *cp, struct trainer *tr, struct err *e)
{
	uint64_t n = cp->window_n < cp->o.window ? cp->window_n : cp->o.window;

	if (cp->o.window != tr->o.window)
		return err_set(e, "%s: a window of %zu sequences, not %zu", cp->path, cp->o.window,
		    tr->o.window);
	tr->window_n = cp->window_n;
	return safetensors_load(cp->file, "window.t", ST_F64, 1, &n, tr->window_t, e) ||
	               safetensors_load(cp->file, "window.ce", ST_F64, 1, &n, tr->window_ce, e)
	           ? -1
	           : 0;
}

struct trainer *checkpoint_resume(const struct checkpoint *cp, struct kernels *k,
    const struct trainer_options *o, struct comm *comm, struct err *e)
{
	struct active_vocab active;
	struct trainer *tr;

	if (checkpoint_active_vocab(cp, &active, e))
		return NULL;
	tr = trainer_alloc(k, &cp->c, o, comm, &cp->source, &active, e);
	if (!tr)
		return NULL;
	if (load_arrays(cp, k, tr->w, "", tr->w->base, NULL, e) ||
	    load_arrays(cp, k, tr->w, "ema.", tr->optimizer.ema, tr, e) ||
	    load_arrays(cp, k, tr->w, "adam_m.", tr->optimizer.m, tr, e) ||
	    load_arrays(cp, k, tr->w, "adam_v.", tr->optimizer.v, tr, e) ||
	    load_window(cp, tr, e)) {
		trainer_free(tr);
		return NULL;
	}
	tr->schedule = cp->schedule;
	tr->step = cp->step;
	tr->rows = cp->rows;
	return tr;
}

static int differ(const struct checkpoint *cp, const char *name, const char *what, uint64_t theirs,
    uint64_t ours, const char *unit, struct err *e)
{
	return err_set(e, "%s has %s %" PRIu64 "%s, but %s has %" PRIu64 "%s", name, what, theirs,
	    unit, cp->path, ours, unit);
}

int checkpoint_matches(const struct checkpoint *cp, const char *name, const struct shard_header *h,
    bool row_len, struct err *e)
{
	const struct shard_header *own = &cp->source;

	if (h->vocab_size != own->vocab_size)
		return differ(
		    cp, name, "a vocabulary of", h->vocab_size, own->vocab_size, " tokens", e);
	if (h->vocab_hash != own->vocab_hash)
		return err_set(e, "%s has vocabulary %016" PRIx64 ", but %s has %016" PRIx64, name,
		    h->vocab_hash, cp->path, own->vocab_hash);
	if (row_len && h->row_len != own->row_len)
		return differ(cp, name, "rows of", h->row_len, own->row_len, " tokens", e);
	return 0;
}
