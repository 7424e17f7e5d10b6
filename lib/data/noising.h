#ifndef CDCD_NOISING_H
#define CDCD_NOISING_H

/*
 * The noise for each row. A noised stream is an endless list of records, numbered from 0: record n
 * over N rows is row n mod N in the order of epoch n / N (rounded down). A record is a function of
 * the rows, the options and n alone, not of earlier records, so a reader can start anywhere in the
 * stream.
 */

#include <stdbool.h>
#include <stdint.h>

#include "data/rows.h"
#include "formats/shard.h"
#include "base/err.h"

enum noising_mask {
	NOISING_ALL,    /* every position is noised */
	NOISING_PREFIX, /* all positions except a prefix of random length */
	NOISING_RANDOM, /* all except random positions, at a rate drawn for each record */
	NOISING_MIXED,  /* one of the three, a third of the records each */
};

struct noising_options {
	uint64_t seed;
	bool shuffle; /* draw a new order of the rows for each epoch; else keep their order */
	float t;      /* noise level of all records; NAN: open */
	float u;      /* if t is NAN: u of all records, in [0, 1); NAN: stratified */
	enum noising_mask mask;
	uint64_t all_first; /* this number of records, from 0 on, have NOISING_ALL */
	double max_given;   /* in [0, 1]: largest fraction of positions that a mask leaves given */
};

struct noising {
	struct noising_options options;
	const struct rows *rows;
	uint32_t pad;    /* id of [PAD], or SHARD_NO_ID */
	uint32_t *order; /* [rows->n] order of the rows in epoch; NULL without shuffle */
	uint64_t epoch;  /* the epoch of order; UINT64_MAX: none yet */
	uint32_t *ids;   /* [rows->length] ids of the last record */
	uint8_t *mask;   /* [(rows->length + 7) / 8] mask of the last record */
};

/* noising_init - rows, of which there is at least one, is borrowed. Returns 0 or -1. */
int noising_init(struct noising *g, const struct noising_options *o, const struct rows *rows,
    uint32_t pad, struct err *e);
void noising_release(struct noising *g);

/* noising_max_given - the maximum number of tokens that a prefix mask leaves given in a row of this
 * length: max_given * length, rounded down. */
uint32_t noising_max_given(double max_given, uint32_t length);

/*
 * noising_record - record n of the stream, valid until the next call. The time is linear in the row
 * length, plus the number of rows if rows are shuffled and n is in another epoch than in the call
 * before.
 */
void noising_record(struct noising *g, uint64_t n, struct shard_record *record);

/*
 * noising_u - the nth stratified u, in [0, 1), a multiple of 2^-24: frac(c + n * phi), phi the
 * golden ratio, c a random number of the seed and stream.
 *
 * Any k successive values leave no gap on the circle wider than 1.9 / k, for every k; a grid would
 * leave gaps of 1 / k. Each batch therefore covers all levels evenly, whatever its size and its
 * first record are, which noise(1) does not know. Source: Knuth 1973, TAOCP 3, section 6.4, theorem
 * S: the gaps have at most three lengths.
 */
float noising_u(uint64_t seed, uint32_t stream, uint64_t n);

#endif
