#ifndef CDCD_PACKING_H
#define CDCD_PACKING_H

/* Rows of equal length from stories of any length. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/shard.h"
#include "ground/err.h"

/* What becomes of a story that is longer than a row. */
enum packing_long {
	PACKING_CUT,   /* its first ids; where its last was [SEP], the row's last is */
	PACKING_SPLIT, /* rows of pieces, each within [CLS] and [SEP] where the story was */
	PACKING_DROP,  /* nothing */
};

struct packing_options {
	uint32_t length; /* of a row */
	struct shard_special special;
	enum packing_long what_is_long;
	bool join;       /* rows are windows of the joined stories; what_is_long has no meaning */
	uint32_t stride; /* ids from window to window, 1 to length */
};

struct packing_stats {
	uint64_t stories, tokens; /* that came */
	uint64_t rows, padding;   /* that went */
	uint64_t cut;             /* stories that were too long and cut or split */
	uint64_t dropped;         /* that were too long and dropped */
	uint64_t lost;            /* ids that are in no row */
};

/* Takes one row, ids [length], which lives until it returns. Returns 0 or -1. */
typedef int packing_sink(void *to, const uint32_t *ids, struct err *e);

struct packing {
	struct packing_options options;
	struct packing_stats stats;
	packing_sink *sink;
	void *to;
	uint32_t *row;          /* [length] that is being filled */
	uint32_t filled, fresh; /* ids in a window, and those of them that no window has had */
};

/* packing_init - rows will go to sink(to, ...). Returns 0 or -1. */
int packing_init(struct packing *p, const struct packing_options *o, packing_sink *sink, void *to,
    struct err *e);
void packing_release(struct packing *p);

/*
 * packing_add - a story of n ids. Returns 0; -1 where the sink failed, or a row must be padded and
 * the vocabulary has no [PAD].
 * Source: padding="max_length", truncation=True of Hugging Face tokenizers, which cuts a story and
 * then puts [CLS] and [SEP] around what is left.
 */
int packing_add(struct packing *p, const uint32_t *ids, uint32_t n, struct err *e);

/* packing_finish - the last window, padded; left out where there is no [PAD]. Returns 0 or -1. */
int packing_finish(struct packing *p, struct err *e);

#endif
