#ifndef CDCD_STORY_JSON_H
#define CDCD_STORY_JSON_H

/* The document in a JSON object. Only story.c uses this. */

#include "formats/story.h"

struct story_json;

/* story_json_new - field as in story_parser_new. Returns NULL on error. */
struct story_json *story_json_new(const char *field, struct err *e);
void story_json_free(struct story_json *j);

/* story_json_slow - parse every text with json-c from now on. */
void story_json_slow(struct story_json *j);

/* Where a text is, for messages. */
struct story_place {
	const char *name; /* of the input */
	const char *unit; /* "line" or "element" */
	uint64_t number;  /* from 1 */
};

/*
 * story_json_parse - set story->text and story->n to the document in text [n]; it is valid until
 * the next call. Returns STORY_OK; STORY_END if the text is blank; STORY_BAD or STORY_FAILED as
 * story_next.
 */
enum story_result story_json_parse(struct story_json *j, const char *text, size_t n,
    const struct story_place *at, struct story *story, struct err *e);

#endif
