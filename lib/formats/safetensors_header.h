#ifndef CDCD_SAFETENSORS_HEADER_H
#define CDCD_SAFETENSORS_HEADER_H

/* What safetensors.c and safetensors_write.c share; nobody else includes it. */

#include <stdint.h>

#include "formats/safetensors.h"

#define SAFETENSORS_LENGTH 8             /* bytes of the length before the header */
#define SAFETENSORS_HEADER_MAX 100000000 /* the reference implementation's limit */
#define SAFETENSORS_META "__metadata__"
#define SAFETENSORS_DATA_HASH "xxh64"
#define SAFETENSORS_HEADER_HASH "header_xxh64"
#define SAFETENSORS_DIGITS 16

/*
 * What stands before the sixteen digits of the header's checksum, which is the XXH64 of all bytes
 * before the tensors while these digits are zeros. The mark cannot stand elsewhere in text that is
 * written here: within a string, its quotes would be escaped.
 */
#define SAFETENSORS_HASH_MARK "\"" SAFETENSORS_HEADER_HASH "\":\""

/* safetensors_dtype_name - and its size; 0 bits for ST_OTHER. */
const char *safetensors_dtype_name(enum safetensors_dtype dtype, int *bits);

/* safetensors_bytes - of an array of this shape. Returns 0, or -1 where they overflow. */
int safetensors_bytes(int bits, int n_dims, const uint64_t *shape, uint64_t *bytes);

#endif
