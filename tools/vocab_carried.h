#ifndef CDCD_VOCAB_CARRIED_H
#define CDCD_VOCAB_CARRIED_H

/* The vocabulary that a shard or a checkpoint contains. */

#include "base/io.h"
#include "formats/shard.h"
#include "text/vocab.h"

/*
 * vocab_carried - if the file begins as a shard or a checkpoint, read the vocabulary in it.
 *
 * in    an open input, from which nothing was read; it stays readable if 0 is returned, and is
 *       closed otherwise
 * path  of in, as for input_open
 * v     receives the vocabulary, which the caller frees
 *
 * Returns 1; 0 if it is another file, whose first bytes may wait in the buffer of in; -1 on error,
 * also if there is no vocabulary in it.
 */
int vocab_carried(struct input *in, const char *path, struct vocab **v, struct err *e);

/* vocab_of_shard - the vocabulary of a shard. Returns NULL on error, also if it has none. */
struct vocab *vocab_of_shard(const struct shard_reader *in, struct err *e);

#endif
