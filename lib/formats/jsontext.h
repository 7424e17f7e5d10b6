#ifndef CDCD_JSONTEXT_H
#define CDCD_JSONTEXT_H

/*
 * Check the JSON grammar (RFC 8259) before json-c parses a text. json-c also accepts invalid JSON:
 * single quotes, control characters within strings, NaN and Infinity, and the numbers 01, .5 and 1.
 */

#include <stdbool.h>
#include <stddef.h>

#define JSONTEXT_DEPTH_MAX 1024

struct jsontext_rules {
	int depth;    /* of arrays and objects, at most JSONTEXT_DEPTH_MAX */
	bool unicode; /* refuse lone surrogates, and NUL in the name of a member */
	bool sizes;   /* refuse numbers other than integers from 0 to 2^64 - 1 */
};

struct jsontext_result {
	size_t members;   /* of all objects; json-c keeps fewer if names repeat */
	size_t at;        /* on error: the offset in bytes, from 0 */
	const char *what; /* on error: what is wrong there */
};

/* jsontext_check - whether text [n] is one JSON value. UTF-8 is not checked. Returns 0 or -1. */
int jsontext_check(
    const char *text, size_t n, const struct jsontext_rules *rules, struct jsontext_result *r);

#endif
