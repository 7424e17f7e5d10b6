#ifndef CDCD_SHARD_H
#define CDCD_SHARD_H

/*
 * Read and write shards: token records in a file or on a pipe. cdcd-shard(5) specifies the format.
 *
 * A shard is one or more segments; a segment is a header, the vocabulary, blocks, and a trailer.
 * Concatenated shards are a shard if their headers are compatible (shard_compatible).
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

enum shard_kind {
	SHARD_STREAM = 1, /* records of any length: one story each */
	SHARD_ROWS = 2,   /* records of row_len ids */
	SHARD_NOISED = 3, /* records of row_len ids, each with its noise level, seed and mask */
};

#define SHARD_NO_ID UINT32_MAX
#define SHARD_PROVENANCE_MAX 1024

/* The ids of the special tokens of a vocabulary, or SHARD_NO_ID. */
struct shard_special {
	uint32_t pad, unk, cls, sep, mask;
};

struct shard_header {
	enum shard_kind kind;
	uint32_t id_bytes;   /* 2 or 4 */
	uint32_t vocab_size; /* every id is less than this */
	uint32_t row_len;    /* ids in a record; 0 for SHARD_STREAM */
	uint64_t vocab_hash; /* hash of the vocabulary, struct vocab */
	struct shard_special special;
	uint64_t seed;   /* seed of the tool that wrote the shard */
	uint64_t first;  /* SHARD_NOISED: index of the first record in the whole stream (--skip) */
	uint64_t stride; /* SHARD_NOISED: distance in the whole stream from each record to the
	                    next, the number of ranks if the segment is for one rank; 0 means 1 */
	uint64_t expected; /* number of records in this segment; 0: unknown when it begins */
	char provenance[SHARD_PROVENANCE_MAX]; /* tool, version, options and input, in one line; the
	                                          writer replaces control bytes by '?' */
};

/*
 * A vocabulary, as the text of which vocab_hash is the hash: the tokens in the order of their ids,
 * each followed by a line feed, and whatever else belongs to its identity (vocab_text). A shard of
 * version 1 of the format has none; then text is NULL.
 */
struct shard_vocab {
	char *text; /* [n] from malloc */
	size_t n;
};

/*
 * How often each id occurs in the rows of a noised stream: a model needs the active vocabulary and
 * its unigram frequencies before its first step. The ids ascend.
 */
struct shard_counts {
	uint32_t n;
	uint32_t *id;
	uint64_t *count;
};

struct shard_record {
	const uint32_t *ids; /* [n] */
	uint32_t n;
	/* SHARD_NOISED only: */
	float t;             /* noise level; NAN: open, the reader computes schedule_t of u */
	float u;             /* in [0, 1); used if t is NAN */
	uint64_t noise_seed; /* seed of the Gaussian noise, see rng_normal() */
	const uint8_t *mask; /* [(n + 7) / 8]; bit i (LSB first) is 1 if position i is noised */
};

static inline bool shard_noised(const struct shard_record *r, uint32_t i)
{
	return r->mask[i / 8] >> (i % 8) & 1;
}

/* --- reading --- */

/* shard_begins - whether an input whose first bytes are p [n] is a shard. 4 bytes are enough. */
bool shard_begins(const unsigned char *p, size_t n);

struct shard_reader;

/*
 * shard_open - open path (NULL or "-": standard input), and read and check the first header,
 * vocabulary and counts. shard_open_input - the same for an open input, from which nothing was
 * read; the reader takes it over, also on error.
 * Return NULL on error.
 */
struct shard_reader *shard_open(const char *path, struct err *e);
struct shard_reader *shard_open_input(struct input *in, struct err *e);

/* shard_stop - from now on, a signal handler that sets *stop makes a waiting read fail. */
void shard_stop(struct shard_reader *r, const volatile sig_atomic_t *stop);

/* shard_expect - check the kind of the shard. Returns 0, or -1 with a message that names the actual
 * and the expected kind. */
int shard_expect(const struct shard_reader *r, enum shard_kind kind, struct err *e);

/*
 * shard_header, shard_counts - the header and counts of the current segment; counts->n is 0 if the
 * segment has no counts. shard_name - the name of the input, for messages.
 */
const struct shard_header *shard_header(const struct shard_reader *r);
const struct shard_counts *shard_counts(const struct shard_reader *r);
const char *shard_name(const struct shard_reader *r);

/*
 * shard_vocab - the vocabulary of the first segment, valid until shard_close. Those of later
 * segments are checked and have the same hash.
 * shard_take_vocab - the same, and the caller becomes its owner: shard_vocab_release frees it. From
 * then on, shard_vocab has no text.
 */
const struct shard_vocab *shard_vocab(const struct shard_reader *r);
struct shard_vocab shard_take_vocab(struct shard_reader *r);
void shard_vocab_release(struct shard_vocab *v);

/*
 * shard_read - read the next record, valid until the next call. Returns 1; 0 after the last
 * trailer; or -1 if the input is truncated or corrupt, or if a later segment is not compatible.
 * Every length is checked before it is used, and every id is less than vocab_size.
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

/* Compression levels: those of zstd, or one of these. */
#define SHARD_STORED 0  /* uncompressed, for pipes */
#define SHARD_AUTO (-1) /* level 3 for a regular file, else uncompressed */

/*
 * shard_create - open path (NULL or "-": standard output) and write the header.
 *
 * vocab   is written after the header, if it has a text; may be NULL
 * counts  likewise
 * level   SHARD_AUTO, SHARD_STORED, or 1 to 19
 *
 * A regular file is replaced only by shard_commit. Returns NULL on error.
 */
struct shard_writer *shard_create(const char *path, const struct shard_header *header,
    const struct shard_vocab *vocab, const struct shard_counts *counts, int level, struct err *e);

/* shard_temporary - the temporary name of the file, to be unlinked on a fatal signal, or NULL. */
const char *shard_temporary(const struct shard_writer *w);

/* shard_write - add a record. Returns 0, or -1 if n is wrong or an id is not less than vocab_size,
 * or if writing fails. */
int shard_write(struct shard_writer *w, const struct shard_record *record, struct err *e);

/* shard_flush - end the current block and write it, so that a reader on a pipe gets all records so
 * far. Returns 0 or -1. */
int shard_flush(struct shard_writer *w, struct err *e);

/* shard_commit - write the trailer, sync, and rename the file; frees w in any case. Returns 0 or
 * -1. */
int shard_commit(struct shard_writer *w, struct err *e);

/* shard_abort - remove the temporary file and free w, which may be NULL. */
void shard_abort(struct shard_writer *w);

/* shard_kind_name - "stream", "rows" or "noised". */
const char *shard_kind_name(enum shard_kind kind);

/* shard_header_check - check that all fields are valid for a shard. Returns 0 or -1. */
int shard_header_check(const struct shard_header *h, struct err *e);

/* shard_vocab_token - the *n bytes of the token with this id, which v has, or NULL if v has no
 * text.
 */
const char *shard_vocab_token(const struct shard_vocab *v, uint32_t id, size_t *n);

/* shard_vocab_check - check that v is the vocabulary of h: number of tokens and hash. Returns 0 or
 * -1. */
int shard_vocab_check(const struct shard_vocab *v, const struct shard_header *h, struct err *e);

/*
 * shard_vocab_explain - append the first token that differs to the message in e, which says that
 * the vocabulary of some input, theirs, is not the expected one, ours. It appends nothing unless
 * both have a text. Returns -1.
 */
int shard_vocab_explain(
    const struct shard_vocab *ours, const struct shard_vocab *theirs, struct err *e);

/*
 * shard_compatible - check that records of a and b can be in one shard: kind, id_bytes, vocab_size,
 * vocab_hash, row_len and special tokens are equal. Returns 0, or -1 with a message that names both
 * values of the first difference.
 */
int shard_compatible(const struct shard_header *a, const struct shard_header *b, struct err *e);

/*
 * shard_add_provenance - append " | text" to h->provenance, which lists the commands that processed
 * the records, in order. Text that does not fit is cut.
 */
void shard_add_provenance(struct shard_header *h, const char *text);

#endif
