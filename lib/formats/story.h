#ifndef CDCD_STORY_H
#define CDCD_STORY_H

/*
 * Documents out of a stream: JSON lines, one a line, or plain text with <|endoftext|> between.
 *
 * Reading is in two steps, so that threads may share the work: story_block cuts the input where one
 * document ends and the next begins, story_next takes the documents out of a block.
 *
 * Text comes as it is: bytes that are not UTF-8 stay, and stand for U+FFFD. Lone surrogates in JSON
 * become U+FFFD; "\u0000" becomes a NUL byte.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define STORY_MARK "<|endoftext|>"

enum story_form {
	STORY_JSON,  /* an object a line; one of its members, a string, is the document */
	STORY_LINES, /* a document a line, even where it is empty */
	STORY_TEXT,  /* STORY_MARK after each document; what follows the last is one unless blank */
};

struct story_block {
	const char *data; /* whole documents */
	size_t n;
	uint64_t line; /* the number of its first line, from 1 */
};

/*
 * story_block - the next block: as much as has been read and ends where a document ends. It is a
 * view of in's buffer that lives until the next call. line is both input and output: 1 before the
 * first call for an input. Returns 1, 0 at the end, -1 on error.
 */
int story_block(struct input *in, enum story_form form, uint64_t *line, struct story_block *block,
    struct err *e);

struct story {
	const char *text; /* lives until the next call */
	size_t n;
	uint64_t line; /* on which it begins */
};

struct story_parser;

/*
 * story_parser_new - field is the member of STORY_JSON's objects that is wanted; NULL: "story", or
 * where there is none, "text". It is copied. Returns NULL on error.
 */
struct story_parser *story_parser_new(enum story_form form, const char *field, struct err *e);
void story_parser_free(struct story_parser *p);

/* story_parser_slow - take json-c for every line: what the fast way is tested against. */
void story_parser_slow(struct story_parser *p);

/* story_start - go on with block; name is the input's, for messages. Both must outlive it. */
void story_start(struct story_parser *p, const char *name, const struct story_block *block);

enum story_result { STORY_FAILED = -1, STORY_END = 0, STORY_OK = 1, STORY_BAD = 2 };

/*
 * story_next - the next document of the block. STORY_BAD: this one is not valid JSON, or has no
 * such field, or it is not a string; e says which, and the line and byte, and the next call takes
 * the one after it. Of members with one name the last counts, as in most readers of JSON.
 */
enum story_result story_next(struct story_parser *p, struct story *story, struct err *e);

/* story_put_string - write UTF-8 text as a JSON string. Returns 0, or -1 on error. */
int story_put_string(struct output *out, const char *text, size_t n, struct err *e);

#endif
