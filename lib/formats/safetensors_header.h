#ifndef CDCD_SAFETENSORS_HEADER_H
#define CDCD_SAFETENSORS_HEADER_H

/* Private header of safetensors.c and safetensors_write.c. */

#include <stdint.h>

#include "formats/safetensors.h"

#define SAFETENSORS_LENGTH 8             /* bytes of the length that precedes the header */
#define SAFETENSORS_HEADER_MAX 100000000 /* the limit of the reference implementation */
#define SAFETENSORS_META "__metadata__"
#define SAFETENSORS_DATA_HASH "xxh64"
#define SAFETENSORS_HEADER_HASH "header_xxh64"
#define SAFETENSORS_DIGITS 16

/*
 * The text before the sixteen digits of the header's checksum, which is the XXH64 of all bytes
 * before the tensors, computed with these digits set to zeros. The mark occurs only once in a
 * header that safetensors_write writes, because quotes within strings are escaped.
 */
#define SAFETENSORS_HASH_MARK "\"" SAFETENSORS_HEADER_HASH "\":\""

/* safetensors_dtype_name - the name of a dtype; *bits is set to its size, 0 for ST_OTHER. */
const char *safetensors_dtype_name(enum safetensors_dtype dtype, int *bits);

/* safetensors_bytes - the size of an array of this shape. Returns 0, or -1 on overflow. */
int safetensors_bytes(int bits, int n_dims, const uint64_t *shape, uint64_t *bytes);

#endif
