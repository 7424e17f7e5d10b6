#ifndef CDCD_SHARD_FRAME_H
#define CDCD_SHARD_FRAME_H

/* Private header of shard*.c. See cdcd-shard(5). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "formats/shard.h"

#define SHARD_MAGIC 0x184D2A5Cu /* one of zstd's sixteen magic numbers of skippable frames */
#define SHARD_VERSION 2         /* version 1 has no vocabulary; it is read, but not written */

#define SHARD_TAG_HEADER "CDCH"
#define SHARD_TAG_VOCAB "CDCV"
#define SHARD_TAG_COUNTS "CDCC"
#define SHARD_TAG_BLOCK "CDCB"
#define SHARD_TAG_TRAILER "CDCT"

#define SHARD_FLAG_COUNTS 1u /* of a header: a counts frame follows */
#define SHARD_FLAG_STRIDE 2u /* of a header: the stride precedes the provenance */
#define SHARD_FLAG_VOCAB 4u  /* of a header: a vocabulary frame follows */

/* A frame: magic u32, size u32, then the payload: tag, version u16, flags u16, the fields of this
 * tag, and the XXH64 of everything before it, including magic and size. */
enum {
	SHARD_FRAME_PREFIX = 8,
	SHARD_FRAME_START = 16, /* prefix, tag, version and flags */
	SHARD_FRAME_HASH = 8,
	SHARD_HEADER_FIXED = 72,
	SHARD_HEADER_STRIDE = 8,
	SHARD_VOCAB_FIXED = 8,
	SHARD_COUNTS_FIXED = 8,
	SHARD_COUNTS_EACH = 12,
	SHARD_BLOCK_FIXED = 40,
	SHARD_TRAILER_FIXED = 40,
	SHARD_NOISED_FIXED = 16, /* side data of a noised record: t, u, seed; the mask follows */
};

#define SHARD_FRAME_MAX (1u << 28)  /* payload bytes */
#define SHARD_VOCAB_MAX (1u << 24)  /* ids */
#define SHARD_TEXT_MAX (1u << 27)   /* bytes of the tokens of a vocabulary */
#define SHARD_RECORD_MAX (1u << 28) /* ids of one record */
#define SHARD_BLOCK_MAX (1u << 20)  /* bytes of ids and side data of a block of several records */
#define SHARD_ZSTD_BLOCK (1u << 17) /* content bytes of one block of a zstd frame */

struct shard_buf {
	unsigned char *p;
	size_t n, cap;
};

/* shard_buf_reserve - make sure that n more bytes can be appended to b. Returns 0 or -1. */
int shard_buf_reserve(struct shard_buf *b, uint64_t n, struct err *e);

/*
 * shard_frame_begin - empty f and start a frame with body bytes of fields. Returns 0 or -1.
 * shard_frame_put, shard_frame_put_bytes - append a field, little-endian, or bytes.
 * shard_frame_seal - complete the frame: set its size and append the checksum.
 */
int shard_frame_begin(
    struct shard_buf *f, const char *tag, unsigned flags, uint64_t body, struct err *e);
void shard_frame_put(struct shard_buf *f, uint64_t value, int bytes);
void shard_frame_put_bytes(struct shard_buf *f, const void *p, size_t n);
void shard_frame_seal(struct shard_buf *f);

/* shard_frame_flags - the flags of a whole frame p. */
unsigned shard_frame_flags(const unsigned char *p);

/* shard_frame_check - check the checksum, version and tag of a whole frame p [n], prefix included.
 * Returns 0 or -1. */
int shard_frame_check(const unsigned char *p, size_t n, struct err *e);

/*
 * shard_header_put - make the frame of h in f; flags are added to those that follow from h.
 * shard_header_get - read h from the frame p [n], which shard_frame_check has accepted.
 * Both return 0 or -1.
 */
int shard_header_put(
    struct shard_buf *f, const struct shard_header *h, unsigned flags, struct err *e);
int shard_header_get(const unsigned char *p, size_t n, struct shard_header *h, struct err *e);

/* shard_side_size - the size in bytes of the side data of this number of records. */
uint64_t shard_side_size(const struct shard_header *h, uint64_t records);

/*
 * shard_compress - replace the contents of to by a zstd frame of the bytes p [n], with content size
 * and checksum. c compresses it; NULL: blocks of at most 128 KiB, not compressed.
 * Source of the latter: RFC 8878, section 3.1.1.
 *
 * shard_compressed_ok - whether a zstd frame of stored bytes can have content bytes of contents, so
 * that memory may be allocated for them.
 *
 * shard_decompress - replace the contents of to by those of p [n], which must be one zstd frame
 * with this content size and a checksum.
 *
 * Both return 0 or -1.
 */
int shard_compress(
    ZSTD_CCtx *c, struct shard_buf *to, const unsigned char *p, size_t n, struct err *e);
bool shard_compressed_ok(uint64_t content, uint64_t stored);
int shard_decompress(ZSTD_DCtx *d, struct shard_buf *to, const unsigned char *p, size_t n,
    uint64_t content, struct err *e);

#endif
