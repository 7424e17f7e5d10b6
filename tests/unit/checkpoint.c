/*
 * Damaged checkpoints: flipped bits, truncations and, with correct checksums, wrong shapes, numbers
 * and types. Each is refused with a message, and before memory is allocated for the sizes in it.
 * STRIDE=1 in the environment tries every bit; the default is every 61st.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include "train/checkpoint.h"
#include "train/checkpoint_vocab.h"
#include "train/trainer.h"
#include "train/settings.h"
#include "tap.h"

enum { WORDS = 8, T = 4, ROOM = 1 << 17 };

static char dir[] = "/tmp/cdcd-checkpoint.XXXXXX", path[64];
static struct kernels *k;
static unsigned char whole[ROOM];
static char tokens[2 * WORDS] = {
    'a', '\n', 'b', '\n', 'c', '\n', 'd', '\n', 'e', '\n', 'f', '\n', 'g', '\n', 'h', '\n'};
static size_t size;

static void spill(const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	fwrite(p, 1, n, f);
	fclose(f);
}

static int make(struct err *e)
{
	struct shard_header h = {.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = WORDS,
	    .row_len = T,
	    .special = {0, 1, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID},
	    .provenance = "a test"};
	struct shard_counts none = {0};
	struct trainer_options o = settings_preset("tiny")->train;
	struct config c = settings_preset("tiny")->model;
	struct trainer *tr;
	FILE *f;

	c.layers = 1;
	c.width = 2;
	c.heads = 1;
	c.embed = c.time_width = 2;
	o.batch = 1;
	o.window = 64;
	h.vocab_hash = XXH64(tokens, sizeof tokens, 0);
	tr = trainer_new(k, &c, &o, NULL, &h, &none, e);
	if (!tr)
		return -1;
	tr->step = 9;
	tr->best = (struct validation_best){1.5, 7, 2};
	tr->vocab = &(struct shard_vocab){tokens, sizeof tokens};
	if (trainer_save(tr, path, e))
		return -1;
	trainer_free(tr);
	f = fopen(path, "rb");
	size = fread(whole, 1, sizeof whole, f);
	fclose(f);
	return 0;
}

/* Returns 0 if train or denoise would accept the file. */
static int load(struct err *e)
{
	struct checkpoint cp;
	struct trainer *tr;

	if (checkpoint_open(&cp, path, e))
		return -1;
	tr = trainer_resume(&cp, k, &cp.o, NULL, e);
	trainer_free(tr);
	checkpoint_close(&cp);
	return tr ? 0 : -1;
}

static void test_damage(size_t stride)
{
	struct err e = {0};
	size_t missed = 0, tried = 0;

	ok(!load(&e), "checkpoint: a checkpoint of %zu bytes loads: %s", size, e.msg);
	for (size_t bit = 0; bit < 8 * size; bit += stride, tried++) {
		whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
		spill(whole, size);
		whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (!load(&e) && missed++ < 8)
			diag("bit %zu of byte %zu", bit % 8, bit / 8);
	}
	ok(missed == 0, "checkpoint: each of %zu flipped bits is detected", tried);
	missed = tried = 0;
	for (size_t cut = 0; cut < size; cut += (stride + 7) / 8, tried++) {
		spill(whole, cut);
		missed += !load(&e);
	}
	ok(missed == 0, "checkpoint: each of %zu truncations is detected", tried);
}

/* The metadata under name, which receives the given value if name is key; NULL: nothing. */
static int copy_meta(struct safetensors_writer *w, const struct safetensors *st, const char *name,
    const char *key, const char *value, struct err *e)
{
	const char *text = key && !strcmp(name, key) ? value : safetensors_meta(st, name);

	return text ? safetensors_put_meta(w, name, text, e) : 0;
}

/* Write the file again, with another value of key, or with another type of the tensor name, or
 * without this tensor. */
static int rewrite(const char *key, const char *value, const char *name,
    enum safetensors_dtype dtype, uint64_t elements, struct err *e)
{
	static const char *const meta[] = {"cdcd", "cdcd.version", "cdcd.provenance", "schedule",
	    "rows.seed", "vocab.size", "vocab.hash", "vocab.row_len", "vocab.id_bytes", "vocab.pad",
	    "vocab.unk", "vocab.cls", "vocab.sep", "vocab.mask", "step", "rows", "window",
	    "valid.best_nats", "valid.best_step", "valid.since_best"};
	static unsigned char data[ROOM];
	struct safetensors_writer *w = safetensors_writer_new(e);
	struct safetensors *st;
	unsigned char *at = data;
	int failed = 0;

	spill(whole, size);
	st = safetensors_open(path, e);
	for (size_t i = 0; i < sizeof meta / sizeof *meta; i++)
		failed |= copy_meta(w, st, meta[i], key, value, e);
	for (size_t i = 0; i < settings_n; i++)
		if (!settings_table[i].per_run)
			failed |= copy_meta(w, st, settings_table[i].field.name, key, value, e);
	for (size_t i = 0; i < safetensors_n(st); i++) {
		const struct safetensor *t = safetensors_at(st, i);

		failed |= safetensors_load(st, t->name, t->dtype, t->n_dims, t->shape, at, e);
		if (name && !strcmp(t->name, name) && elements > 0)
			failed |= safetensors_put(w, t->name, dtype, 1, &elements, at, e);
		else if (!name || strcmp(t->name, name) != 0)
			failed |= safetensors_put(w, t->name, t->dtype, t->n_dims, t->shape, at, e);
		at += t->bytes;
	}
	safetensors_close(st);
	failed |= safetensors_write(w, path, e);
	safetensors_writer_free(w);
	return failed;
}

static void refuse_meta(const char *key, const char *value, const char *why)
{
	struct err e = {0};
	bool written = !rewrite(key, value, NULL, ST_F32, 0, &e);

	ok(written && load(&e) && strstr(e.msg, why) && strstr(e.msg, path),
	    "checkpoint: metadata %s = %s is refused: %s", key, value ? value : "nothing", e.msg);
}

static void refuse_tensor(
    const char *name, enum safetensors_dtype dtype, uint64_t elements, const char *why)
{
	struct err e = {0};
	bool written = !rewrite(NULL, NULL, name, dtype, elements, &e);

	ok(written && load(&e) && strstr(e.msg, why) && strstr(e.msg, path),
	    "checkpoint: a wrong tensor %s is refused: %s", name, e.msg);
}

static void test_lies(void)
{
	struct err e = {0};

	ok(!rewrite(NULL, NULL, NULL, ST_F32, 0, &e) && !load(&e),
	    "checkpoint: a rewritten checkpoint loads: %s", e.msg);
	refuse_meta("cdcd", "2", "unsupported checkpoint format '2' (expected 1)");
	refuse_meta(
	    "model.active", "7", "active.id: has dtype I32 and shape [8], expected I32 and [7]");
	refuse_meta("model.active", "16777216",
	    "its model of 16777216 active ids and rows of 4 does not match its vocabulary of 8 ids "
	    "and rows of 4");
	refuse_meta("model.width", "65536", "shape [2,16], expected F32 and [65536,16]");
	refuse_meta("model.layers", "1000", "no tensor 'blocks.1.");
	refuse_meta("model.layers", "9223372036854775807", "model.layers is");
	refuse_meta("model.layers", "99999999999999999999", "cannot be");
	refuse_meta("model.heads", "0", "model.heads is 0");
	refuse_meta("model.embed", "65536", "shape [64,2], expected F32 and [64,65536]");
	refuse_meta("model.row_len", "65536", "does not match its vocabulary");
	refuse_meta("train.lr", "nan", "train.lr cannot be");
	refuse_meta("step", "-1", "step cannot be '-1'");
	refuse_meta("step", "18446744073709551615", "invalid progress");
	refuse_meta("rows", "9223372036854775808", "invalid progress");
	refuse_meta("rows", " 8", "rows cannot be");
	refuse_meta(
	    "vocab.size", "4294967295", "the vocabulary does not fit its ids: 4294967295 tokens");
	refuse_meta("vocab.size", "18446744073709551615", "does not match its vocabulary");
	refuse_meta("vocab.pad", "8", "the id of [PAD] is out of range: 8, expected less than 8");
	refuse_meta("vocab.id_bytes", "3", "unsupported width of ids: 3 bytes");
	refuse_meta("window", "18446744073709551615",
	    "window.t: has dtype F64 and shape [0], expected F64 and [64]");
	refuse_meta(
	    "valid.best_step", "10", "invalid best validation: after step 10 (expected at most 9)");
	refuse_meta("valid.best_nats", "nan", "valid.best_nats cannot be");
	refuse_meta("valid.since_best", "-1", "valid.since_best cannot be");
	refuse_meta("valid.since_best", NULL, "no 'valid.since_best'");
	refuse_meta("schedule", "cauchy,nan,1,1,1,1,2,,", "schedule");
	refuse_meta("schedule", "", "schedule");
	refuse_tensor(
	    "active.count", ST_I64, 7, "has dtype I64 and shape [7], expected I64 and [8]");
	refuse_tensor(
	    "embed.bias", ST_I32, 64, "has dtype I32 and shape [64], expected F32 and [64]");
	refuse_tensor("ema.embed.bias", ST_F32, 63, "shape [63], expected F32 and [64]");
	refuse_tensor("adam_v.embed.bias", ST_F32, 0, "no tensor 'adam_v.embed.bias'");
	refuse_tensor("active.id", ST_F32, 8, "dtype F32 and shape [8], expected I32 and [8]");
	refuse_meta("vocab.hash", "1", "expected 0000000000000001 by the header");
	refuse_tensor("vocab.tokens", ST_U8, 15, "the vocabulary has 7 tokens, expected 8");
	refuse_tensor("vocab.tokens", ST_I32, 4, "dtype I32 and shape [4], expected U8 and [16]");
}

/* Read the vocabulary of the file alone. Returns its size in bytes, or 0 on error. */
static size_t vocab_alone(struct err *e)
{
	struct shard_vocab v;
	size_t n;

	if (checkpoint_vocab_open(path, &v, e))
		return 0;
	n = v.n == sizeof tokens && !memcmp(v.text, tokens, v.n) ? v.n : 0;
	shard_vocab_release(&v);
	return n;
}

static void refuse_vocab(const char *key, const char *value, const char *why)
{
	struct err e = {0};
	bool written = !rewrite(key, value, NULL, ST_F32, 0, &e);

	ok(written && !vocab_alone(&e) && strstr(e.msg, why) && strstr(e.msg, path),
	    "checkpoint: the vocabulary alone: %s = %s is refused: %s", key, value, e.msg);
}

static void test_vocab(void)
{
	struct checkpoint cp = {0};
	struct err e = {0};

	spill(whole, size);
	ok(vocab_alone(&e) == sizeof tokens, "checkpoint: the vocabulary is read alone %s", e.msg);
	ok(!checkpoint_open(&cp, path, &e) && cp.vocab.n == sizeof tokens &&
	        !memcmp(cp.vocab.text, tokens, sizeof tokens),
	    "checkpoint: the vocabulary is read with the checkpoint %s", e.msg);
	checkpoint_close(&cp);
	refuse_vocab("vocab.size", "7", "the vocabulary has 8 tokens, expected 7");
	refuse_vocab("vocab.size", "4294967304", "the vocabulary has 8 tokens, expected 0");
	refuse_vocab("vocab.size", "x", "no number 'vocab.size'");
	refuse_vocab("vocab.hash", "1", "expected 0000000000000001 by the header");
	ok(!rewrite(NULL, NULL, "vocab.tokens", ST_U8, 0, &e) && !load(&e),
	    "checkpoint: a checkpoint of an earlier version, without a vocabulary, loads %s",
	    e.msg);
	ok(!vocab_alone(&e) && strstr(e.msg, "contains no vocabulary"),
	    "checkpoint: the vocabulary alone: a file without one is refused: %s", e.msg);
}

/* The provenance is printed, and copied to files that are made with the model. */
static void test_provenance(void)
{
	struct checkpoint cp = {0};
	struct err e = {0};
	bool opened = !rewrite("cdcd.provenance", "a\x1b[2J\nb", NULL, ST_F32, 0, &e) &&
	              !checkpoint_open(&cp, path, &e);

	ok(opened && !strcmp(cp.source.provenance, "a?[2J?b"),
	    "checkpoint: control characters in the provenance are replaced: %s %s",
	    cp.source.provenance, e.msg);
	checkpoint_close(&cp);
}

int main(void)
{
	const char *text = getenv("STRIDE");
	size_t stride = text && atoi(text) > 0 ? (size_t)atoi(text) : 61;
	struct rusage before, after;
	struct err e = {0};

	k = k_new(1, K_AUTO, &e);
	if (!k || !mkdtemp(dir))
		return 1;
	snprintf(path, sizeof path, "%s/model", dir);
	if (!ok(!make(&e), "checkpoint: a checkpoint is saved: %s", e.msg))
		return tap_done();
	test_damage(stride);
	getrusage(RUSAGE_SELF, &before);
	test_lies();
	getrusage(RUSAGE_SELF, &after);
	ok(after.ru_maxrss - before.ru_maxrss < 64 << 10,
	    "checkpoint: wrong sizes in a file do not make it allocate memory: %ld KiB more",
	    after.ru_maxrss - before.ru_maxrss);
	test_provenance();
	test_vocab();
	unlink(path);
	ok(!rmdir(dir), "checkpoint: no file is left");
	k_free(k);
	return tap_done();
}
