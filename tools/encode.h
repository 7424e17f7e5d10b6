#ifndef CDCD_ENCODE_H
#define CDCD_ENCODE_H

/* Documents to records of ids, in their order, by several threads. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/story.h"
#include "ground/err.h"
#include "text/vocab.h"
#include "text/wordpiece.h"

/* Everything is borrowed. */
struct encoding {
	const struct vocab *vocab;
	struct wordpiece_options options;
	struct wordpiece_frame frame;
	enum story_form form;
	const char *field;      /* as story_parser_new has it */
	bool skip_bad;          /* count what is no document, and go on */
	bool json;              /* JSON lines of ids, tokens and offsets, not a shard */
	int threads;            /* the result is the same with any number */
	const char *output;     /* as output_open has it */
	int level;              /* of compression, as shard_create has it */
	const char *provenance; /* for the header */
};

struct encoded {
	uint64_t records, bad; /* documents written, and lines passed over */
	struct err first_bad;  /* where bad > 0 */
};

/*
 * encode - the documents of n files, or for n = 0 of standard input, or die. What was read before
 * an error is handed on, without the trailer that a shard ends with.
 */
struct encoded encode(const struct encoding *g, int n, char **paths);

#endif
