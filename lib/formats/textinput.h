#ifndef CDCD_TEXTINPUT_H
#define CDCD_TEXTINPUT_H

/* Open a text: recognise its format by its first bytes, and convert it to UTF-8 if need be. */

#include "base/err.h"
#include "base/io.h"

/*
 * textinput_open - open path for reading, as input_open. Data compressed with zstd are
 * decompressed, UTF-16 that begins with a byte order mark is converted to UTF-8, and a byte order
 * mark is removed. A half of a surrogate pair becomes U+FFFD. Files that are not text are refused,
 * see signature.h. Returns 0, or -1 with nothing to close.
 */
int textinput_open(struct input *in, const char *path, struct err *e);

/* textinput_convert - the same for an input that has been opened. Returns 0 or -1; the caller
 * closes it in both cases. */
int textinput_convert(struct input *in, struct err *e);

#endif
