#ifndef CDCD_VOCAB_FILE_H
#define CDCD_VOCAB_FILE_H

/* The vocabulary that -w names, in any of the formats that tok reads. */

#include <stdbool.h>

#include "base/err.h"
#include "text/vocab.h"

/*
 * vocab_file_open - read a vocabulary file; or a tokenizer.json, a shard or a checkpoint, each of
 * which sets the casing itself. cased: --cased was given. Reports defects on standard error.
 * Returns NULL on error.
 */
struct vocab *vocab_file_open(const char *path, bool cased, struct err *e);

#endif
