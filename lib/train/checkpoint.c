#include "train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "base/version.h"
#include "train/checkpoint_vocab.h"

#define FORMAT "1"

/* The numbers in a checkpoint that are not options. */
struct numbers {
	uint64_t seed, vocab_size, vocab_hash, row_len, id_bytes, pad, unk, cls, sep, mask, step,
	    rows, window_n;
};

#define NUMBER(key, member)                                                                        \
	{                                                                                          \
		.name = key, .type = FIELD_UINT, .offset = offsetof(struct numbers, member)        \
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

/* The best validation; absent if none was recorded. */
static const struct field best_fields[] = {
    {.name = "valid.best_nats",
        .type = FIELD_REAL,
        .offset = offsetof(struct validation_best, nats),
        .max = 1e300},
    {.name = "valid.best_step",
        .type = FIELD_UINT,
        .offset = offsetof(struct validation_best, step)},
    {.name = "valid.since_best",
        .type = FIELD_UINT,
        .offset = offsetof(struct validation_best, since)},
};
enum { N_BEST = sizeof best_fields / sizeof *best_fields };

/* --- saving --- */

static int put_field(
    struct safetensors_writer *w, const struct field *f, const void *base, struct err *e)
{
	char text[FIELD_ROOM];

	field_print(f, base, text);
	return safetensors_put_meta(w, f->name, text, e);
}

static int put_settings(struct safetensors_writer *w, const struct checkpoint *cp, struct err *e)
{
	struct settings s = {cp->c, cp->o};

	for (size_t i = 0; i < settings_n; i++)
		if (!settings_table[i].per_run && put_field(w, &settings_table[i].field, &s, e))
			return -1;
	return 0;
}

static int put_numbers(struct safetensors_writer *w, const struct checkpoint *cp, struct err *e)
{
	const struct shard_header *h = &cp->source;
	struct numbers n = {
	    .seed = h->seed,
	    .vocab_size = h->vocab_size,
	    .vocab_hash = h->vocab_hash,
	    .row_len = h->row_len,
	    .id_bytes = h->id_bytes,
	    .pad = h->special.pad,
	    .unk = h->special.unk,
	    .cls = h->special.cls,
	    .sep = h->special.sep,
	    .mask = h->special.mask,
	    .step = cp->step,
	    .rows = cp->rows,
	    .window_n = cp->window_n,
	};

	for (size_t i = 0; i < N_NUMBERS; i++)
		if (put_field(w, &number_fields[i], &n, e))
			return -1;
	return 0;
}

static int put_best(struct safetensors_writer *w, const struct checkpoint *cp, struct err *e)
{
	for (size_t i = 0; cp->best.step && i < N_BEST; i++)
		if (put_field(w, &best_fields[i], &cp->best, e))
			return -1;
	return 0;
}

static int put_meta(struct safetensors_writer *w, const struct checkpoint *cp, struct err *e)
{
	char text[4096];

	if (schedule_print(&cp->schedule, text, sizeof text))
		return err_set(e, "the schedule cannot be printed");
	if (safetensors_put_meta(w, "cdcd", FORMAT, e) ||
	    safetensors_put_meta(w, "cdcd.version", CDCD_VERSION, e) ||
	    safetensors_put_meta(w, "cdcd.provenance", cp->source.provenance, e) ||
	    safetensors_put_meta(w, "schedule", text, e) || put_settings(w, cp, e) ||
	    put_numbers(w, cp, e) || put_best(w, cp, e))
		return -1;
	return 0;
}

static int put_arrays(struct safetensors_writer *w, const struct state *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct state_array *a = &s->array[i];
		const void *data = a->tensor ? k_host(s->k, a->whole, a->tensor->n) : a->whole;

		if (safetensors_put(w, a->name, a->dtype, a->n_dims, a->shape, data, e))
			return -1;
	}
	return 0;
}

int checkpoint_save(
    const struct checkpoint *cp, const struct state *s, const char *path, struct err *e)
{
	struct safetensors_writer *w = safetensors_writer_new(e);
	int failed = !w || put_meta(w, cp, e) || put_arrays(w, s, e) ||
	             checkpoint_vocab_put(w, &cp->vocab, e) || safetensors_write(w, path, e);

	safetensors_writer_free(w);
	return failed ? -1 : 0;
}

/* --- opening --- */

static const char *find_meta(const struct checkpoint *cp, const char *key, struct err *e)
{
	const char *text = safetensors_meta(cp->file, key);

	if (!text)
		err_set(e, "%s: no '%s' in its metadata: not a cdcd checkpoint", cp->path, key);
	return text;
}

/* text: the value, or NULL if it is that of the field's key. */
static int get_field(
    const struct checkpoint *cp, const struct field *f, const char *text, void *base, struct err *e)
{
	if (!text && !(text = find_meta(cp, f->name, e)))
		return -1;
	return field_parse(f, base, text, e) ? err_prefix(e, "%s", cp->path) : 0;
}

/* What a checkpoint of an earlier version has instead of the key of this setting, or NULL. */
static const char *find_earlier(const struct checkpoint *cp, const struct setting *entry)
{
	const char *text = entry->old_key ? safetensors_meta(cp->file, entry->old_key) : NULL;

	if (!text && !safetensors_meta(cp->file, entry->field.name))
		text = entry->if_absent;
	return text;
}

static int get_settings(struct checkpoint *cp, struct err *e)
{
	struct settings s = settings_presets[0].settings; /* those that are not stored */

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *entry = &settings_table[i];

		if (!entry->per_run && get_field(cp, &entry->field, find_earlier(cp, entry), &s, e))
			return -1;
	}
	cp->c = s.model;
	cp->o = s.train;
	return 0;
}

static int get_numbers(struct checkpoint *cp, struct err *e)
{
	struct shard_header *h = &cp->source;
	struct numbers n;

	for (size_t i = 0; i < N_NUMBERS; i++)
		if (get_field(cp, &number_fields[i], NULL, &n, e))
			return -1;
	if (n.row_len != cp->c.row_len || cp->c.active > n.vocab_size ||
	    (n.vocab_size | n.id_bytes | n.pad | n.unk | n.cls | n.sep | n.mask) > UINT32_MAX)
		return err_set(e,
		    "%s: its model of %zu active ids and rows of %zu does not match its vocabulary "
		    "of %" PRIu64 " ids and rows of %" PRIu64,
		    cp->path, cp->c.active, cp->c.row_len, n.vocab_size, n.row_len);
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

static int get_best(struct checkpoint *cp, struct err *e)
{
	bool stored = safetensors_meta(cp->file, best_fields[0].name);

	for (size_t i = 0; stored && i < N_BEST; i++)
		if (get_field(cp, &best_fields[i], NULL, &cp->best, e))
			return -1;
	if (cp->best.step > cp->step)
		return err_set(e,
		    "%s: invalid best validation: after step %" PRIu64 " (expected at most %" PRIu64
		    ")",
		    cp->path, cp->best.step, cp->step);
	return 0;
}

static int get_schedule(struct checkpoint *cp, struct err *e)
{
	const char *field[SCHEDULE_FIELDS], *text = find_meta(cp, "schedule", e);
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
	const char *format = find_meta(cp, "cdcd", e), *provenance;

	if (!format)
		return -1;
	if (strcmp(format, FORMAT))
		return err_set(e, "%s: unsupported checkpoint format '%.16s' (expected " FORMAT ")",
		    cp->path, format);
	if (get_settings(cp, e) || get_numbers(cp, e) || get_best(cp, e) || get_schedule(cp, e) ||
	    !(provenance = find_meta(cp, "cdcd.provenance", e)))
		return -1;
	snprintf(cp->source.provenance, sizeof cp->source.provenance, "%s", provenance);
	err_printable(cp->source.provenance);
	if (settings_check(&(struct settings){cp->c, cp->o}, e) || schedule_check(&cp->schedule, e))
		return err_prefix(e, "%s", cp->path);
	return 0;
}

static int expect_arrays(const struct checkpoint *cp, const struct state *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct state_array *a = &s->array[i];

		if (safetensors_expect(cp->file, a->name, a->dtype, a->n_dims, a->shape, e))
			return -1;
	}
	return 0;
}

/* Check that the file has the arrays of the model's shape, for which memory will be allocated. */
static int check_shape(const struct checkpoint *cp, struct err *e)
{
	size_t words = cp->c.active;
	struct weights *w = weights_new(&cp->c, e);
	struct state s;
	int failed;

	if (!w)
		return -1;
	state_init(&s, NULL);
	failed = state_add_host(&s, "active.id", ST_I32, words, NULL, e) ||
	         state_add_host(&s, "active.count", ST_I64, words, NULL, e) ||
	         state_add_weights(&s, "", "", w, NULL, e) ||
	         state_add_weights(&s, OPTIMIZER_EMA, "", w, NULL, e) || expect_arrays(cp, &s, e);
	state_release(&s);
	weights_free(w);
	return failed ? -1 : 0;
}

int checkpoint_open(struct checkpoint *cp, const char *path, struct err *e)
{
	memset(cp, 0, sizeof *cp);
	cp->path = mem_copy_string(path, e);
	cp->file = cp->path ? safetensors_open(path, e) : NULL;
	if (!cp->file || safetensors_verify(cp->file, e) || read_meta(cp, e) ||
	    check_shape(cp, e) ||
	    checkpoint_vocab_get(cp->file, path, &cp->source, &cp->vocab, e)) {
		checkpoint_close(cp);
		return -1;
	}
	return 0;
}

void checkpoint_close(struct checkpoint *cp)
{
	safetensors_close(cp->file);
	shard_vocab_release(&cp->vocab);
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

static size_t largest_tensor(const struct state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->array[i].tensor && s->array[i].tensor->n > n)
			n = s->array[i].tensor->n;
	return n;
}

/* host: a buffer for the largest tensor. */
static int load_array(const struct checkpoint *cp, const struct state *s,
    const struct state_array *a, real *host, struct err *e)
{
	void *to = a->tensor ? host : s->piece[a->first].data;

	if (safetensors_load(cp->file, a->name, a->dtype, a->n_dims, a->shape, to, e))
		return -1;
	for (size_t i = 0; a->tensor && i < a->n_pieces; i++) {
		const struct state_piece *p = &s->piece[a->first + i];

		k_put(s->k, p->data, host + p->at, p->n * sizeof *host);
	}
	return 0;
}

int checkpoint_load(const struct checkpoint *cp, const struct state *s, struct err *e)
{
	real *host = mem_array(largest_tensor(s), sizeof *host, e);
	int failed = !host;

	for (size_t i = 0; !failed && i < s->n; i++)
		failed = load_array(cp, s, &s->array[i], host, e);
	free(host);
	return failed ? -1 : 0;
}

int checkpoint_weights(
    const struct checkpoint *cp, struct kernels *k, struct weights *w, bool last, struct err *e)
{
	struct state s;
	int failed;

	state_init(&s, k);
	failed = state_add_weights(&s, last ? "" : OPTIMIZER_EMA, "", w, w->base, e) ||
	         checkpoint_load(cp, &s, e);
	state_release(&s);
	return failed ? -1 : 0;
}

int checkpoint_matches(
    const struct checkpoint *cp, const struct shard_reader *in, bool row_len, struct err *e)
{
	const struct shard_header *h = shard_header(in), *own = &cp->source;
	const char *name = shard_name(in);

	if (h->vocab_size != own->vocab_size)
		return err_set(e,
		    "%s has a vocabulary of %u tokens, but %s has a vocabulary of %u"
		    " (encode the text with tok -w %s)",
		    name, h->vocab_size, cp->path, own->vocab_size, cp->path);
	if (h->vocab_hash != own->vocab_hash) {
		err_set(e,
		    "%s has vocabulary %016" PRIx64 ", but %s has %016" PRIx64
		    " (encode the text with tok -w %s)",
		    name, h->vocab_hash, cp->path, own->vocab_hash, cp->path);
		return shard_vocab_explain(&cp->vocab, shard_vocab(in), e);
	}
	if (row_len && h->row_len != own->row_len)
		return err_set(e, "%s has rows of %u tokens, but %s has rows of %u", name,
		    h->row_len, cp->path, own->row_len);
	return 0;
}
