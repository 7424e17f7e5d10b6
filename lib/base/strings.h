#ifndef CDCD_STRINGS_H
#define CDCD_STRINGS_H

/*
 * Interned strings: each different string gets a number, from 0, in the order in which the strings
 * are added. A string may contain NUL bytes, and is stored with a NUL byte behind it.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* All zero: no strings. */
struct strings {
	size_t n;    /* different strings */
	char *text;  /* all strings, each followed by a NUL byte */
	size_t *end; /* [n] offset in text of the NUL byte behind each string */
	size_t text_cap, end_cap;
	uint32_t *slot; /* [n_slots] hash table with open addressing: number + 1, or 0 if free */
	size_t n_slots; /* 0, or a power of 2 */
};

/* strings_add - the number of the string s of length bytes, which is added if it is new. s must not
 * come from strings_get. Returns -1 if memory is short, or if there are 2^32 - 2 strings already.
 */
int64_t strings_add(struct strings *strings, const char *s, size_t length, struct err *e);

/* strings_find - the number of the string s of length bytes, or -1 if it has not been added. */
int64_t strings_find(const struct strings *strings, const char *s, size_t length);

/* strings_get - string i, and in *length (unless NULL) its length. Valid until the next
 * strings_add.
 */
const char *strings_get(const struct strings *strings, size_t i, size_t *length);

/* strings_bytes - the length of all strings together, with a NUL byte behind each. */
size_t strings_bytes(const struct strings *strings);

/* strings_release - free all strings; strings is then empty. */
void strings_release(struct strings *strings);

#endif
