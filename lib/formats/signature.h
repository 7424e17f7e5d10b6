#ifndef CDCD_SIGNATURE_H
#define CDCD_SIGNATURE_H

/* Files that are not text, by their first bytes. */

#include <stddef.h>

#include "ground/err.h"

/*
 * signature_refuse - whether the n first bytes p of the input called name are those of a known
 * format that is not text: then the message names the format and the command that makes text of it.
 * Returns 0, or -1.
 */
int signature_refuse(const unsigned char *p, size_t n, const char *name, struct err *e);

#endif
