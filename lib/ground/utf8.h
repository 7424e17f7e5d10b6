#ifndef CDCD_UTF8_H
#define CDCD_UTF8_H

/* UTF-8 of messages and names. Text that is tokenised is read by text/unicode.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * utf8_next - the bytes of the character at text, which ends in NUL and is not at its end; *code is
 * the character, or -1, and the length 1, where what is there is not well-formed.
 */
size_t utf8_next(const char *text, int32_t *code);

/* utf8_is_shown - whether a terminal only shows the character: not -1, no control character of
 * ASCII, nor one of those that ECMA-48 has above it. */
bool utf8_is_shown(int32_t code);

#endif
