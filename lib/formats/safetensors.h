#ifndef CDCD_SAFETENSORS_H
#define CDCD_SAFETENSORS_H

/*
 * Read and write safetensors files: a JSON header followed by named arrays.
 * Source: README of huggingface/safetensors. json-c parses the header.
 *
 * Files written by this module contain two checksums in __metadata__: "xxh64" of the tensor bytes
 * and "header_xxh64" of everything before them, so that every flipped bit is detected; see
 * cdcd-checkpoint(5). Files of other writers have neither, and can be read too.
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
	ST_OTHER, /* any other type: tensors are listed, but cannot be loaded or written */
};

#define SAFETENSORS_DIMS 8

struct safetensor {
	const char *name;
	const char *dtype_name; /* as in the file: "F32" */
	enum safetensors_dtype dtype;
	int n_dims;
	uint64_t shape[SAFETENSORS_DIMS];
	uint64_t bytes;
	uint64_t offset; /* bytes from the beginning of the file */
};

/* --- reading --- */

struct safetensors;

/*
 * safetensors_open - open path, read the header and check it: its checksum if present, sizes,
 * names, that tensors neither overlap nor leave gaps, and the length of the file. Returns NULL on
 * error.
 */
struct safetensors *safetensors_open(const char *path, struct err *e);
void safetensors_close(struct safetensors *st);

/* safetensors_n - the number of tensors.
 * safetensors_at - tensor i, in the order of their offsets; NULL if i is out of range. */
size_t safetensors_n(const struct safetensors *st);
const struct safetensor *safetensors_at(const struct safetensors *st, size_t i);

/* safetensors_find - the tensor with this name, or NULL. */
const struct safetensor *safetensors_find(const struct safetensors *st, const char *name);

/* safetensors_meta - the value of key in __metadata__, or NULL. It lives as long as st. */
const char *safetensors_meta(const struct safetensors *st, const char *key);

/*
 * safetensors_expect - check that there is a tensor called name with this dtype and shape [n_dims],
 * for example before memory is allocated for it. Returns 0, or -1 with a message that names the
 * actual and the expected dtype and shape.
 */
int safetensors_expect(const struct safetensors *st, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, struct err *e);

/*
 * safetensors_load - check the tensor called name like safetensors_expect, and read it into data.
 * Returns 0 or -1.
 */
int safetensors_load(struct safetensors *st, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, void *data, struct err *e);

/*
 * safetensors_verify - read all tensor bytes and compare their XXH64 with "xxh64" of the metadata.
 * Returns 0, also for a file without this key, or -1 if they differ or cannot be read.
 */
int safetensors_verify(struct safetensors *st, struct err *e);

/* --- writing --- */

struct safetensors_writer;

/* safetensors_writer_new - start with no tensors and no metadata. Returns NULL on error. */
struct safetensors_writer *safetensors_writer_new(struct err *e);

/*
 * safetensors_put_meta - add a string to __metadata__, or replace its value; key and value are
 * copied. JSON is UTF-8: invalid bytes of the value are replaced by '?'. Returns 0, or -1 if the
 * key is reserved or memory is short.
 */
int safetensors_put_meta(
    struct safetensors_writer *w, const char *key, const char *value, struct err *e);

/*
 * safetensors_put - add a tensor, which safetensors_write will write. name is copied; data is
 * borrowed until the last safetensors_write. shape [n_dims], n_dims <= SAFETENSORS_DIMS; n_dims 0
 * is a scalar. Returns 0 or -1.
 */
int safetensors_put(struct safetensors_writer *w, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, const void *data, struct err *e);

/*
 * safetensors_write - write the file path: tensors in the order of the calls of safetensors_put,
 * beginning at a multiple of 64 bytes, and both checksums in the metadata. The file is written
 * under a temporary name, synced and renamed. The same calls give the same bytes. w is still owned
 * by the caller and can be written again. Returns 0 or -1.
 */
int safetensors_write(struct safetensors_writer *w, const char *path, struct err *e);

void safetensors_writer_free(struct safetensors_writer *w);

#endif
