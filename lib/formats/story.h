#ifndef CDCD_STORY_H
#define CDCD_STORY_H

/*
 * Read documents from a stream: JSON lines or other JSON objects, plain text with one document per
 * line, or plain text with <|endoftext|> after each document.
 *
 * Reading has two steps, so that threads can share the work: story_block reads a block of whole
 * documents, and story_next extracts the documents from a block.
 *
 * Text is not changed: bytes that are not UTF-8 are kept, and later count as U+FFFD. Lone
 * surrogates in JSON are replaced by U+FFFD; "\u0000" gives a NUL byte.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define STORY_MARK "<|endoftext|>"

enum story_form {
	STORY_JSON,  /* an object per line; one of its members, a string, is the document. Blank
	                lines are skipped. The objects may also be the elements of an array, or
	                extend over several lines. */
	STORY_LINES, /* a document per line; empty lines are documents too */
	STORY_TEXT,  /* STORY_MARK ends each document; text after the last mark is one unless blank
	              */
};

struct story_input {
	struct input in;
	enum story_form form;
	bool elements;     /* JSON objects that are not one per line: "line" is their number */
	uint64_t line;     /* the next line */
	const char *doubt; /* NULL, or that it does not look like plain text, and what to do */
};

/* story_open - open path, see textinput_open. Returns 0, or -1 with nothing to close. */
int story_open(struct story_input *s, const char *path, enum story_form form, struct err *e);
void story_close(struct story_input *s);

struct story_block {
	const char *data; /* whole documents */
	size_t n;
	uint64_t line; /* the number of its first line, from 1 */
	bool elements; /* as in struct story_input */
};

/*
 * story_block - read the next block. It is a view of the buffer of s, valid until the next call.
 * Returns 1, 0 at the end, or -1 on error.
 */
int story_block(struct story_input *s, struct story_block *block, struct err *e);

struct story {
	const char *text; /* [n] valid until the next call of story_next */
	size_t n;
	uint64_t line; /* the number of its first line */
};

struct story_parser;

/*
 * story_parser_new - make a parser. field is the name of the member that contains the document, for
 * STORY_JSON; NULL means "story", or "text" in an object without "story". If there is no member
 * a.b, "a.b" is the member b of the object a. field is copied. Returns NULL on error.
 */
struct story_parser *story_parser_new(enum story_form form, const char *field, struct err *e);
void story_parser_free(struct story_parser *p);

/* story_start - set the block to be parsed, and the name of the input for messages. Both are
 * borrowed until the next story_start. */
void story_start(struct story_parser *p, const char *name, const struct story_block *block);

enum story_result { STORY_FAILED = -1, STORY_END = 0, STORY_OK = 1, STORY_BAD = 2 };

/*
 * story_next - parse the next document of the block. Returns
 *   STORY_OK      *story is set
 *   STORY_END     the block has no more documents
 *   STORY_BAD     the line is not valid JSON, or has no such member, or the member is not a
 *                 string; e names the error, line and byte; the next call continues with the next
 *                 line
 *   STORY_FAILED  memory is short
 * Of members with the same name the last counts, as in most JSON parsers.
 */
enum story_result story_next(struct story_parser *p, struct story *story, struct err *e);

/* story_put_string - write UTF-8 text as a JSON string. Returns 0, or -1 on error. */
int story_put_string(struct output *out, const char *text, size_t n, struct err *e);

#endif
