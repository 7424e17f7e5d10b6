#ifndef CDCD_PACKING_H
#define CDCD_PACKING_H

/* Pack stories of any length into rows of equal length. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "base/err.h"

/* What to do with a story that is longer than a row. */
enum packing_long {
	PACKING_CUT,   /* keep its first ids; if its last id was [SEP], so is that of the row */
	PACKING_SPLIT, /* split it into rows, each within [CLS] and [SEP] if the story was */
	PACKING_DROP,  /* drop it */
};

struct packing_options {
	uint32_t length; /* ids in a row */
	struct shard_special special;
	enum packing_long long_stories;
	bool join;       /* rows are windows of the joined stories; long_stories is ignored */
	uint32_t stride; /* ids from window to window, 1 to length */
};

struct packing_stats {
	uint64_t stories, tokens; /* input */
	uint64_t rows, padding;   /* output */
	uint64_t cut;             /* stories that were too long and cut or split */
	uint64_t dropped;         /* stories that were too long and dropped */
	uint64_t lost;            /* ids that are in no row */
};

/* Receives one row, ids [length], valid only during the call. Returns 0 or -1. */
typedef int packing_sink(void *to, const uint32_t *ids, struct err *e);

struct packing {
	struct packing_options options;
	struct packing_stats stats;
	packing_sink *sink;
	void *to;
	uint32_t *row;   /* [length] the row that is being filled */
	uint32_t filled; /* ids in row */
	uint32_t fresh;  /* with join: ids in row that no earlier window contains */
};

/* packing_init - pass each row to sink(to, ...). Returns 0 or -1. */
int packing_init(struct packing *p, const struct packing_options *o, packing_sink *sink, void *to,
    struct err *e);
void packing_release(struct packing *p);

/*
 * packing_add - add a story of n ids. Returns 0, or -1 if the sink failed, or if a row needs
 * padding and the vocabulary has no [PAD]. Source: padding="max_length", truncation=True of Hugging
 * Face tokenizers, which cuts a story and then puts [CLS] and [SEP] around the rest.
 */
int packing_add(struct packing *p, const uint32_t *ids, uint32_t n, struct err *e);

/* packing_finish - pad and output the last window; drop it without [PAD]. Returns 0 or -1. */
int packing_finish(struct packing *p, struct err *e);

#endif
