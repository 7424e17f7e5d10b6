#include <inttypes.h>
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "formats/safetensors.h"
#include "formats/safetensors_header.h"
#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { ALIGNMENT = 64 };

struct part {
	const void *data;
	uint64_t bytes;
};

struct safetensors_writer {
	struct json_object *header, *meta; /* meta is inside of header */
	struct part *part;
	size_t n, cap;
	uint64_t bytes;
};

static void replace_invalid_utf8(char *s)
{
	int32_t c;

	for (size_t n; *s; s += n) {
		n = utf8_next(s, &c);
		if (c < 0)
			*s = '?';
	}
}

/* --- metadata and tensors --- */

struct safetensors_writer *safetensors_writer_new(struct err *e)
{
	struct safetensors_writer *w = mem_array(1, sizeof *w, e);

	if (!w)
		return NULL;
	w->header = json_object_new_object();
	w->meta = json_object_new_object();
	if (!w->header || !w->meta ||
	    json_object_object_add(w->header, SAFETENSORS_META, w->meta)) {
		json_object_put(w->meta);
		w->meta = NULL;
		safetensors_writer_free(w);
		err_set(e, "out of memory: a header");
		return NULL;
	}
	return w;
}

void safetensors_writer_free(struct safetensors_writer *w)
{
	if (!w)
		return;
	json_object_put(w->header);
	free(w->part);
	free(w);
}

static int add_string(struct json_object *to, const char *key, const char *value, struct err *e)
{
	struct json_object *o = json_object_new_string(value);

	if (o && !json_object_object_add(to, key, o))
		return 0;
	json_object_put(o);
	return err_set(e, "out of memory: '%s' of a header", key);
}

int safetensors_put_meta(
    struct safetensors_writer *w, const char *key, const char *value, struct err *e)
{
	char *copy;
	int failed;

	if (!strcmp(key, SAFETENSORS_DATA_HASH) || !strcmp(key, SAFETENSORS_HEADER_HASH))
		return err_set(e, "metadata: '%s' is reserved for a checksum", key);
	if (!err_is_printable(key))
		return err_set(e, "metadata: a key that is not plain UTF-8");
	copy = mem_copy_string(value, e);
	if (!copy)
		return -1;
	replace_invalid_utf8(copy);
	failed = add_string(w->meta, key, copy, e);
	free(copy);
	return failed;
}

/* Make the JSON array [v[0], v[1], ...]. Returns NULL if memory is short. */
static struct json_object *make_array(const uint64_t *v, int n)
{
	struct json_object *array = json_object_new_array_ext(n ? n : 1), *o = NULL;

	for (int i = 0; array && i < n; i++) {
		o = json_object_new_uint64(v[i]);
		if (!o || json_object_array_add(array, o)) {
			json_object_put(o);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

static int add_array(struct json_object *to, const char *key, const uint64_t *v, int n)
{
	struct json_object *array = make_array(v, n);

	if (array && !json_object_object_add(to, key, array))
		return 0;
	json_object_put(array);
	return -1;
}

static int add_tensor(struct safetensors_writer *w, const char *name, const char *dtype, int n_dims,
    const uint64_t *shape, const uint64_t offsets[2], struct err *e)
{
	struct json_object *o = json_object_new_object();

	if (o && !add_string(o, "dtype", dtype, e) && !add_array(o, "shape", shape, n_dims) &&
	    !add_array(o, "data_offsets", offsets, 2) &&
	    !json_object_object_add(w->header, name, o))
		return 0;
	json_object_put(o);
	return err_set(e, "out of memory: tensor '%s'", name);
}

int safetensors_put(struct safetensors_writer *w, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, const void *data, struct err *e)
{
	int bits;
	const char *dtype_name = safetensors_dtype_name(dtype, &bits);
	uint64_t offsets[2] = {w->bytes, 0}, bytes;

	if (!strcmp(name, SAFETENSORS_META) || !err_is_printable(name))
		return err_set(e, "tensor '%s': no name for a tensor", name);
	if (json_object_object_get_ex(w->header, name, NULL))
		return err_set(e, "tensor '%s': put twice", name);
	if (!bits || n_dims < 0 || n_dims > SAFETENSORS_DIMS ||
	    safetensors_bytes(bits, n_dims, shape, &bytes) ||
	    __builtin_add_overflow(w->bytes, bytes, &offsets[1]) || offsets[1] > INT64_MAX)
		return err_set(e, "tensor '%s': a type or shape that cannot be written", name);
	if (mem_grow(&w->part, &w->cap, w->n + 1, sizeof *w->part, e) ||
	    add_tensor(w, name, dtype_name, n_dims, shape, offsets, e))
		return -1;
	w->part[w->n++] = (struct part){data, bytes};
	w->bytes = offsets[1];
	return 0;
}

/* --- writing --- */

static int hash_parts(const struct safetensors_writer *w, uint64_t *hash, struct err *e)
{
	XXH64_state_t *state = XXH64_createState();

	if (!state)
		return err_set(e, "out of memory: a checksum");
	XXH64_reset(state, 0);
	for (size_t i = 0; i < w->n; i++)
		if (w->part[i].bytes)
			XXH64_update(state, w->part[i].data, (size_t)w->part[i].bytes);
	*hash = XXH64_digest(state);
	XXH64_freeState(state);
	return 0;
}

/* Make the header, with its length before it and its padding after it; the caller frees it. */
static char *make_header(struct safetensors_writer *w, size_t *size, struct err *e)
{
	static const char mark[] = SAFETENSORS_HASH_MARK;
	char digits[SAFETENSORS_DIGITS + 1], *whole, *text;
	const char *json;
	uint64_t hash = 0;
	size_t n = 0;

	if (hash_parts(w, &hash, e))
		return NULL;
	snprintf(digits, sizeof digits, "%016" PRIx64, hash);
	if (add_string(w->meta, SAFETENSORS_DATA_HASH, digits, e) ||
	    add_string(w->meta, SAFETENSORS_HEADER_HASH, "0000000000000000", e))
		return NULL;
	json = json_object_to_json_string_length(
	    w->header, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	if (!json || n > SAFETENSORS_HEADER_MAX - ALIGNMENT) {
		err_set(e, "the header is too large: %zu bytes", n);
		return NULL;
	}
	*size = (SAFETENSORS_LENGTH + n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	whole = mem_array(*size, 1, e);
	if (!whole)
		return NULL;
	text = whole + SAFETENSORS_LENGTH;
	put_le((unsigned char *)whole, *size - SAFETENSORS_LENGTH, SAFETENSORS_LENGTH);
	memset(text, ' ', *size - SAFETENSORS_LENGTH);
	memcpy(text, json, n);
	snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)XXH64(whole, *size, 0));
	text = (char *)memmem(text, n, mark, sizeof mark - 1) + sizeof mark - 1;
	memcpy(text, digits, SAFETENSORS_DIGITS);
	return whole;
}

int safetensors_write(struct safetensors_writer *w, const char *path, struct err *e)
{
	struct output out;
	size_t size;
	char *header = make_header(w, &size, e);
	int failed;

	if (!header)
		return err_prefix(e, "%s", path);
	if (output_open(&out, path, e)) {
		free(header);
		return -1;
	}
	failed = output_write(&out, header, size, e);
	free(header);
	for (size_t i = 0; i < w->n && !failed; i++)
		if (w->part[i].bytes)
			failed = output_write(&out, w->part[i].data, (size_t)w->part[i].bytes, e);
	if (failed) {
		output_abort(&out);
		return -1;
	}
	return output_commit(&out, e);
}
