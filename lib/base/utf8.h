#ifndef CDCD_UTF8_H
#define CDCD_UTF8_H

/* UTF-8 in messages and names. For text to be tokenised, see text/unicode.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * utf8_next - decode the character at text, which must end in NUL and not be empty. Returns its
 * length in bytes and sets *code to the code point. If it is malformed, returns 1 and sets *code
 * to -1.
 */
size_t utf8_next(const char *text, int32_t *code);

/* utf8_is_shown - whether a terminal displays the character and does nothing else: it is not -1,
 * not an ASCII control character, and not one of those that ECMA-48 defines above ASCII. */
bool utf8_is_shown(int32_t code);

#endif
