#ifndef CDCD_CHECKPOINT_H
#define CDCD_CHECKPOINT_H

/* Checkpoints: a trainer, or what a sampler needs of one, in a safetensors file:
 * cdcd-checkpoint(5). */

#include "formats/safetensors.h"
#include "model/trainer.h"

/* checkpoint_save - write all of tr's state to path; the old file stays until the new one is whole
 * and synced. The provenance is that of the first rows. Of a team, rank 0 writes, once all have the
 * same weights. Collective. Returns 0 or -1, the same on all ranks. */
int checkpoint_save(struct trainer *tr, const char *path, struct err *e);

/* What a checkpoint says of itself, without its arrays. */
struct checkpoint {
	struct safetensors *file;
	char *path;
	struct config c;
	struct trainer_options o;
	struct shard_header source;
	struct schedule schedule;
	uint64_t step, rows, window_n;
};

/* checkpoint_open - read and check the header and metadata. Returns 0, or -1 with nothing to close.
 */
int checkpoint_open(struct checkpoint *cp, const char *path, struct err *e);
void checkpoint_close(struct checkpoint *cp);

/* checkpoint_active - the active vocabulary. Returns 0 or -1. */
int checkpoint_active(const struct checkpoint *cp, struct active *a, struct err *e);

/*
 * checkpoint_resume - a trainer in the state that was saved, but with the options o, whose shape
 * must be cp's. Returns NULL on error.
 */
struct trainer *checkpoint_resume(
    const struct checkpoint *cp, struct kernels *k, const struct trainer_options *o, struct err *e);

/* checkpoint_weights - load the averaged weights (or, with last, those of the last step) into w,
 * which is laid out for cp->c and has its array. Returns 0 or -1. */
int checkpoint_weights(
    const struct checkpoint *cp, struct kernels *k, struct weights *w, bool last, struct err *e);

/* checkpoint_matches - whether rows such as those of h can be used with the checkpoint: vocabulary
 * and, with row_len, the length of rows. Returns 0, or -1 with both sides named. */
int checkpoint_matches(const struct checkpoint *cp, const char *name, const struct shard_header *h,
    bool row_len, struct err *e);

#endif
