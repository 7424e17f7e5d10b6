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
	bool shuffle; /* another order each epoch; else the rows' own */
	float t;      /* noise level of all records; NAN: open */
	float u;      /* where t is NAN: of all records in [0, 1); NAN: stratified */
	enum noising_mask mask;
	double max_given; /* in [0, 1]: largest fraction of positions that a mask leaves given */
};

struct noising {
	struct noising_options options;
	const struct rows *rows;
	uint32_t pad;    /* id of [PAD], or SHARD_NO_ID */
	uint32_t *order; /* [rows->n] of epoch; NULL where rows keep theirs */
	uint64_t epoch;  /* that order is of; UINT64_MAX: none yet */
	uint32_t *ids;   /* [rows->length] of the last record */
	uint8_t *mask;   /* [(rows->length + 7) / 8] of the last record */
};

/* noising_init - rows is borrowed, and has at least one row. Returns 0 or -1. */
int noising_init(struct noising *g, const struct noising_options *o, const struct rows *rows,
    uint32_t pad, struct err *e);
void noising_release(struct noising *g);

/* noising_most - the most tokens that a prefix mask leaves given in a row of this length:
 * max_given * length, rounded down. */
uint32_t noising_most(double max_given, uint32_t length);

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
 * Any k successive values, whatever k is, leave no gap on the circle wider than 1.9 / k, where a
 * grid would leave 1 / k. So each batch covers all levels evenly, and noise(1) need know neither
 * the size of a batch nor where one begins. Source: Knuth 1973, TAOCP 3, section 6.4, theorem S:
 * gaps have three lengths at most.
 */
float noising_u(uint64_t seed, uint32_t stream, uint64_t n);

#endif
