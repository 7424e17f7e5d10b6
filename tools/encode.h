#ifndef CDCD_ENCODE_H
#define CDCD_ENCODE_H

/* Encode documents as records of token ids, with several threads, in the order of the input. */

#include <stdbool.h>
#include <stdint.h>

#include "formats/story.h"
#include "base/err.h"
#include "text/vocab.h"
#include "text/wordpiece.h"

/* Everything is borrowed. */
struct encoding {
	const struct vocab *vocab;
	struct wordpiece_options options;
	struct wordpiece_frame frame;
	enum story_form form;
	const char *field;      /* JSON member with the text, see story_parser_new */
	bool skip_bad;          /* count lines without a document, and continue */
	bool json;              /* write JSON lines, not a shard */
	int threads;            /* the result does not depend on it */
	const char *output;     /* path, see output_open */
	int level;              /* of compression, see shard_create */
	const char *provenance; /* for the shard header */
};

/* Words as they stand in the text; the same word once. */
enum { UNKNOWN_SHOWN = 5, UNKNOWN_ROOM = 32 };
struct unknown_words {
	size_t n;
	char word[UNKNOWN_SHOWN][UNKNOWN_ROOM];
};

struct encoded {
	uint64_t records, bad; /* documents written, lines skipped */
	struct err first_bad;  /* reason for the first skipped line, if bad > 0 */
	uint64_t ids;          /* of all records */
	struct wordpiece_counts counts;
	struct unknown_words unknown; /* from the beginnings of the inputs */
	struct err first_malformed;   /* the first document that is not UTF-8, if there is one */
};

/*
 * encode - encode the documents of n files, or of standard input if n is 0.
 *
 * done  set on success
 *
 * Returns 0 or -1. After an error, the records before it have been written, but without the trailer
 * that ends a complete shard.
 */
int encode(const struct encoding *g, int n, char **paths, struct encoded *done, struct err *e);

#endif
