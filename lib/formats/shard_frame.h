#ifndef CDCD_SHARD_FRAME_H
#define CDCD_SHARD_FRAME_H

/* What shard.c, shard_read.c and shard_write.c share; nobody else includes it. See cdcd-shard(5).
 */

#include <stddef.h>
#include <stdint.h>

#include "formats/shard.h"

#define SHARD_MAGIC 0x184D2A5Cu /* one of zstd's sixteen magic numbers of skippable frames */
#define SHARD_VERSION 1

#define SHARD_TAG_HEADER "CDCH"
#define SHARD_TAG_COUNTS "CDCC"
#define SHARD_TAG_BLOCK "CDCB"
#define SHARD_TAG_TRAILER "CDCT"

#define SHARD_FLAG_COUNTS 1u /* of a header: a counts frame follows */
#define SHARD_FLAG_STRIDE 2u /* of a header: the stride stands before the provenance */

/* A frame of ours: magic u32, size u32, then the payload: tag, version u16, flags u16, what the
 * fields of the tag are, and the XXH64 of all that stands before it, magic and size included. */
enum {
	SHARD_FRAME_PREFIX = 8,
	SHARD_FRAME_START = 16, /* prefix, tag, version and flags */
	SHARD_FRAME_HASH = 8,
	SHARD_HEADER_FIXED = 72,
	SHARD_HEADER_STRIDE = 8,
	SHARD_COUNTS_FIXED = 8,
	SHARD_COUNTS_EACH = 12,
	SHARD_BLOCK_FIXED = 40,
	SHARD_TRAILER_FIXED = 40,
	SHARD_NOISED_FIXED = 16, /* of a record: t, u, seed */
};

#define SHARD_FRAME_MAX (1u << 28)  /* payload bytes */
#define SHARD_VOCAB_MAX (1u << 24)  /* ids */
#define SHARD_RECORD_MAX (1u << 28) /* ids of one record */
#define SHARD_BLOCK_MAX (1u << 20)  /* bytes of ids and side data, where there are more records */
#define SHARD_ZSTD_BLOCK (1u << 17) /* what one block of a zstd frame holds at most */

struct shard_buf {
	unsigned char *p;
	size_t n, cap;
};

/* shard_buf_reserve - room for n more bytes behind the n that are there. */
int shard_buf_reserve(struct shard_buf *b, uint64_t n, struct err *e);

/*
 * shard_frame_begin - start a frame in an empty f with room for body bytes of fields, which
 * shard_frame_put adds; shard_frame_seal completes it.
 */
int shard_frame_begin(
    struct shard_buf *f, const char *tag, unsigned flags, uint64_t body, struct err *e);
void shard_frame_put(struct shard_buf *f, uint64_t value, int bytes);
void shard_frame_put_bytes(struct shard_buf *f, const void *p, size_t n);
void shard_frame_seal(struct shard_buf *f);

/* shard_frame_check - checksum, version and tag of a whole frame, n bytes with its prefix. */
int shard_frame_check(const unsigned char *p, size_t n, struct err *e);

/*
 * shard_header_put - make f the frame of h; flags beside those that h itself asks for.
 * shard_header_get - and back; p is a checked frame.
 */
int shard_header_put(
    struct shard_buf *f, const struct shard_header *h, unsigned flags, struct err *e);
int shard_header_get(const unsigned char *p, size_t n, struct shard_header *h, struct err *e);

/* shard_side_size - bytes of side data of so many records. */
uint64_t shard_side_size(const struct shard_header *h, uint64_t records);

/*
 * shard_stored - append to to a zstd frame of n bytes as they are: content size and checksum on,
 * blocks of at most 128 KiB. Source: RFC 8878, section 3.1.1.
 */
int shard_stored(struct shard_buf *to, const unsigned char *p, size_t n, struct err *e);

#endif
