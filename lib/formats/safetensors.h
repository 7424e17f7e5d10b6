#ifndef CDCD_SAFETENSORS_H
#define CDCD_SAFETENSORS_H

/*
 * safetensors files: named arrays behind a JSON header, readable by any safetensors reader.
 * Source: the format's README at huggingface/safetensors. The header is parsed by json-c.
 *
 * Files that are written here carry two checksums in __metadata__: "xxh64" of the tensor bytes and
 * "header_xxh64" of everything before them, so that no flipped bit goes unnoticed; see
 * cdcd-checkpoint(5). Files of other writers have neither, and are read all the same.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum safetensors_dtype {
	ST_F32,
	ST_F64,
	ST_I32,
	ST_I64,
	ST_U8,
	ST_U32,
	ST_U64,
	ST_OTHER, /* one of other writers': it is listed, and cannot be loaded or written */
};

#define SAFETENSORS_DIMS 8

struct safetensor {
	const char *name;
	const char *dtype_name; /* as in the file: "F32" */
	enum safetensors_dtype dtype;
	int n_dims;
	uint64_t shape[SAFETENSORS_DIMS];
	uint64_t bytes;
	uint64_t offset; /* in the file */
};

/* --- reading --- */

struct safetensors;

/*
 * safetensors_open - read and check the header: its checksum where it has one, sizes, overlaps,
 * holes, names, and that the file is exactly as long as it says. Returns NULL on error.
 */
struct safetensors *safetensors_open(const char *path, struct err *e);
void safetensors_close(struct safetensors *st);

/* safetensors_n - how many tensors; safetensors_at - one of them, in the order of their bytes. */
size_t safetensors_n(const struct safetensors *st);
const struct safetensor *safetensors_at(const struct safetensors *st, size_t i);

/* safetensors_find - by name; NULL where there is none. */
const struct safetensor *safetensors_find(const struct safetensors *st, const char *name);

/* safetensors_meta - a value of __metadata__, or NULL. It lives as long as st. */
const char *safetensors_meta(const struct safetensors *st, const char *key);

/*
 * safetensors_expect - that there is a tensor called name of this dtype and shape [n_dims],
 * else the error names both sides: for sizes that are to be believed before memory is taken for
 * them.
 */
int safetensors_expect(const struct safetensors *st, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, struct err *e);

/*
 * safetensors_load - read the tensor called name into data.
 * It must have this dtype and this shape, else the error names both sides.
 */
int safetensors_load(struct safetensors *st, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, void *data, struct err *e);

/*
 * safetensors_verify - read all tensor bytes and compare their XXH64 with the metadata's "xxh64".
 * Returns 0, -1 where they differ; a file without that key passes.
 */
int safetensors_verify(struct safetensors *st, struct err *e);

/* --- writing --- */

struct safetensors_writer;

struct safetensors_writer *safetensors_writer_new(struct err *e);

/*
 * safetensors_put_meta - a string for __metadata__; key and value are copied. A key that is there
 * already gets the new value. JSON is UTF-8: bytes of the value that are not become '?'.
 */
int safetensors_put_meta(
    struct safetensors_writer *w, const char *key, const char *value, struct err *e);

/*
 * safetensors_put - name an array for safetensors_write; name is copied, data is borrowed until
 * then. shape [n_dims], at most SAFETENSORS_DIMS; n_dims 0 is one number.
 */
int safetensors_put(struct safetensors_writer *w, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, const void *data, struct err *e);

/*
 * safetensors_write - write all to path: header padded so that the tensors begin at a multiple of
 * 64 bytes, tensors in the order in which they were put, both checksums in the metadata; aside,
 * synced, renamed. Same calls, same bytes. w stays the caller's and may be written again.
 */
int safetensors_write(struct safetensors_writer *w, const char *path, struct err *e);

void safetensors_writer_free(struct safetensors_writer *w);

#endif
