#ifndef CDCD_SIGNATURE_H
#define CDCD_SIGNATURE_H

/* Recognise by their first bytes files that are not what tok reads, and say how to convert them. */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * signature_refuse - refuse an input that is not text. p [n] are its first bytes, of which 512 are
 * enough; name is its name in messages. Returns 0, or -1 if p is the signature of a known format;
 * the message then names the format and the command that converts it to text.
 */
int signature_refuse(const unsigned char *p, size_t n, const char *name, struct err *e);

/* signature_is_zstd - whether the input is compressed with zstd. */
bool signature_is_zstd(const unsigned char *p, size_t n);

/*
 * signature_of_text - what text [n], the beginning of a file, seems to be, if it is neither plain
 * text nor JSON: "looks like CSV", and how to convert it. With json false, also if it is JSON. Else
 * NULL.
 */
const char *signature_of_text(const char *text, size_t n, bool json);

#endif
