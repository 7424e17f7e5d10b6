#ifndef CDCD_SIGNATURE_H
#define CDCD_SIGNATURE_H

/* Recognise files that are not text by their first bytes. */

#include <stddef.h>

#include "base/err.h"

/*
 * signature_refuse - refuse an input that is not text. p [n] are its first bytes, name is its name
 * in messages. Returns 0, or -1 if p is the signature of a known format; the message then names the
 * format and the command that converts it to text.
 */
int signature_refuse(const unsigned char *p, size_t n, const char *name, struct err *e);

#endif
