#include "train/checkpoint_vocab.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/number.h"

#define TENSOR "vocab.tokens"

int checkpoint_vocab_put(struct safetensors_writer *w, const struct shard_vocab *v, struct err *e)
{
	uint64_t n = v->n;

	return v->text ? safetensors_put(w, TENSOR, ST_U8, 1, &n, v->text, e) : 0;
}

int checkpoint_vocab_get(struct safetensors *file, const char *path, const struct shard_header *h,
    struct shard_vocab *v, struct err *e)
{
	const struct safetensor *t = safetensors_find(file, TENSOR);
	uint64_t n = t ? t->bytes : 0;

	*v = (struct shard_vocab){NULL, 0};
	if (!t)
		return 0;
	if (safetensors_expect(file, TENSOR, ST_U8, 1, &n, e))
		return -1;
	v->text = mem_array(n, 1, e);
	v->n = n;
	if (!v->text || safetensors_load(file, TENSOR, ST_U8, 1, &n, v->text, e)) {
		shard_vocab_release(v);
		return -1;
	}
	if (shard_vocab_check(v, h, e)) {
		shard_vocab_release(v);
		return err_prefix(e, "%s", path);
	}
	return 0;
}

static int get_number(
    struct safetensors *file, const char *path, const char *key, uint64_t *value, struct err *e)
{
	const char *text = safetensors_meta(file, key);

	if (!text || number_unsigned(text, value))
		return err_set(
		    e, "%s: no number '%s' in its metadata: not a cdcd checkpoint", path, key);
	return 0;
}

static int find_vocab(
    struct safetensors *file, const char *path, struct shard_vocab *v, struct err *e)
{
	struct shard_header h = {0};
	uint64_t size;

	if (get_number(file, path, "vocab.size", &size, e) ||
	    get_number(file, path, "vocab.hash", &h.vocab_hash, e))
		return -1;
	h.vocab_size = size > UINT32_MAX ? 0 : (uint32_t)size;
	if (checkpoint_vocab_get(file, path, &h, v, e))
		return -1;
	if (!v->text)
		return err_set(e,
		    "%s: contains no vocabulary, as its training rows had none; use the vocabulary "
		    "file",
		    path);
	return 0;
}

int checkpoint_vocab_open(const char *path, struct shard_vocab *v, struct err *e)
{
	struct safetensors *file = safetensors_open(path, e);
	int failed = file ? find_vocab(file, path, v, e) : -1;

	safetensors_close(file);
	return failed;
}
