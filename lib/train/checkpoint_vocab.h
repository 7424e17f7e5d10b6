#ifndef CDCD_CHECKPOINT_VOCAB_H
#define CDCD_CHECKPOINT_VOCAB_H

/*
 * The vocabulary in a checkpoint: a tensor of bytes. It can be read alone, without the modules that
 * the rest of a checkpoint needs.
 */

#include "formats/safetensors.h"
#include "formats/shard.h"

/* checkpoint_vocab_put - add the vocabulary to the file that w writes, unless its text is NULL. It
 * is borrowed until the last safetensors_write. Returns 0 or -1. */
int checkpoint_vocab_put(struct safetensors_writer *w, const struct shard_vocab *v, struct err *e);

/*
 * checkpoint_vocab_get - load the vocabulary and check that it is that of h. path: of the file, for
 * messages. v  receives it, and the caller releases it; its text is NULL if the file has none.
 * Returns 0 or -1.
 */
int checkpoint_vocab_get(struct safetensors *file, const char *path, const struct shard_header *h,
    struct shard_vocab *v, struct err *e);

/* checkpoint_vocab_open - the same for the file path, without reading the rest of it. Returns 0, or
 * -1 also if the file has no vocabulary. */
int checkpoint_vocab_open(const char *path, struct shard_vocab *v, struct err *e);

#endif
