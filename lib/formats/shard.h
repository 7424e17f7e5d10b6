#ifndef CDCD_SHARD_H
#define CDCD_SHARD_H

/*
 * Shards: token records, over a pipe or in a file. The format is specified in cdcd-shard(5).
 *
 * A shard is one or more segments; a segment is a header, blocks, and a trailer. Concatenated
 * shards are a shard: their headers must agree in everything that shard_compatible() names.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum shard_kind {
	SHARD_STREAM = 1, /* ragged: one story a record */
	SHARD_ROWS = 2,   /* row_len ids a record */
	SHARD_NOISED = 3, /* row_len ids a record, and which noise each position is to get */
};

#define SHARD_NO_ID UINT32_MAX
#define SHARD_PROVENANCE_MAX 1024

/* The special tokens of a vocabulary, or SHARD_NO_ID. */
struct shard_special {
	uint32_t pad, unk, cls, sep, mask;
};

struct shard_header {
	enum shard_kind kind;
	uint32_t id_bytes;   /* 2 or 4 */
	uint32_t vocab_size; /* every id is below it */
	uint32_t row_len;    /* ids a record; 0 for SHARD_STREAM */
	uint64_t vocab_hash; /* XXH64 of the vocabulary file's tokens, as vocab.h has it */
	struct shard_special special;
	uint64_t seed;   /* of the tool that wrote it */
	uint64_t first;  /* SHARD_NOISED: index of the first record in the whole stream (--skip) */
	uint64_t stride; /* SHARD_NOISED: from one record to the next in the whole stream, where the
	                    segment is one of so many ranks' share of it; 0 or 1: all follow */
	uint64_t expected; /* records that this segment is to hold, 0 where unknown beforehand */
	char provenance[SHARD_PROVENANCE_MAX]; /* tool, version, options, input; one line; the
	                                          writer turns control bytes into '?' */
};

/*
 * How often each id occurs in the rows that a noised stream is made of: what a model needs to know
 * before its first step (the active vocabulary and its unigram frequencies). Ascending ids.
 */
struct shard_counts {
	uint32_t n;
	uint32_t *id;
	uint64_t *count;
};

struct shard_record {
	const uint32_t *ids; /* [n], whatever id_bytes is */
	uint32_t n;
	/* SHARD_NOISED only: */
	float t;             /* noise level; NAN where open: then the reader maps u through F */
	float u;             /* in [0, 1); meaningful where t is NAN */
	uint64_t noise_seed; /* of the Gaussian noise, see rng_normal() */
	const uint8_t *mask; /* [(n + 7) / 8], bit i (LSB first) = 1: position i is noised */
};

static inline bool shard_noised(const struct shard_record *r, uint32_t i)
{
	return r->mask[i / 8] >> (i % 8) & 1;
}

/* --- reading --- */

struct shard_reader;

/*
 * shard_open - open path (NULL or "-": standard input), read and check the first header.
 * Returns NULL on error.
 */
struct shard_reader *shard_open(const char *path, struct err *e);

/* shard_stop - from now on a signal that sets *stop ends a read that waits, with an error. */
void shard_stop(struct shard_reader *r, const volatile sig_atomic_t *stop);

/* shard_expect - an error that names both sides unless the shard is of this kind. */
int shard_expect(const struct shard_reader *r, enum shard_kind kind, struct err *e);

/* The header and counts of the current segment; counts->n is 0 where it has none. */
const struct shard_header *shard_header(const struct shard_reader *r);
const struct shard_counts *shard_counts(const struct shard_reader *r);
const char *shard_name(const struct shard_reader *r);

/*
 * shard_read - the next record, valid until the next call. Returns 1; 0 after the last trailer;
 * -1 on error: truncation, corruption, a later header that does not agree. Every length is checked
 * before it is believed, and every id is below vocab_size.
 */
int shard_read(struct shard_reader *r, struct shard_record *record, struct err *e);

/* Totals so far, over all segments. */
struct shard_totals {
	uint64_t segments, records, tokens, raw_bytes, stored_bytes;
};
void shard_totals(const struct shard_reader *r, struct shard_totals *t);

void shard_close(struct shard_reader *r);

/* --- writing --- */

struct shard_writer;

/* Compression: zstd's levels, or frames that are stored as they are (for pipes). */
#define SHARD_STORED 0
#define SHARD_AUTO (-1) /* level 3 into a regular file, stored elsewhere */

/*
 * shard_create - open path (NULL or "-": standard output) and write the header.
 *
 * counts  may be NULL; it is written behind the header
 * level   SHARD_AUTO, SHARD_STORED, or 1 to 19
 *
 * A regular file is replaced at shard_commit, not before. Returns NULL on error.
 */
struct shard_writer *shard_create(const char *path, const struct shard_header *header,
    const struct shard_counts *counts, int level, struct err *e);

/* shard_temporary - the file's temporary name, or NULL: what to unlink on a fatal signal. */
const char *shard_temporary(const struct shard_writer *w);

/* shard_write - add a record; an id that is not below vocab_size, or a wrong n, is an error. */
int shard_write(struct shard_writer *w, const struct shard_record *record, struct err *e);

/* shard_flush - end the current block, so that a reader on a pipe gets what there is. */
int shard_flush(struct shard_writer *w, struct err *e);

/* shard_commit - trailer, sync, rename; frees w whatever happens. */
int shard_commit(struct shard_writer *w, struct err *e);

/* shard_abort - drop what was written; frees w. NULL is allowed. */
void shard_abort(struct shard_writer *w);

/* shard_kind_name - "stream", "rows" or "noised". */
const char *shard_kind_name(enum shard_kind kind);

/* shard_header_check - whether the fields are such as a shard can have. Returns 0 or -1. */
int shard_header_check(const struct shard_header *h, struct err *e);

/*
 * shard_compatible - whether records of a and b may stand in one shard: kind, id_bytes, vocab_size,
 * vocab_hash, row_len and special tokens agree. Returns 0, or -1 with the first difference, both
 * sides named.
 */
int shard_compatible(const struct shard_header *a, const struct shard_header *b, struct err *e);

/*
 * shard_add_provenance - append " | text" to what h says of its origin: the commands in the order
 * in which the records went through them. Cut where there is no room.
 */
void shard_add_provenance(struct shard_header *h, const char *text);

#endif
