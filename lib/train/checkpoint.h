#ifndef CDCD_CHECKPOINT_H
#define CDCD_CHECKPOINT_H

/* Checkpoints: the state of a trainer in a safetensors file. A trainer can resume from it, and a
 * sampler can load its weights. The format is specified in cdcd-checkpoint(5). */

#include "formats/safetensors.h"
#include "train/trainer.h"

/*
 * checkpoint_save - write the whole state of tr to path. The new file replaces the old one only
 * after it is complete and synced. The provenance is that of the rows with which training began.
 * Collective: the ranks check that their weights are the same, and rank 0 writes. Returns 0 or -1,
 * the same on all ranks.
 */
int checkpoint_save(struct trainer *tr, const char *path, struct err *e);

/* An open checkpoint: its metadata. The arrays stay in the file. */
struct checkpoint {
	struct safetensors *file;
	char *path;
	struct config c;
	struct trainer_options o;
	struct shard_header source;
	struct schedule schedule;
	uint64_t step, rows, window_n; /* as in struct trainer */
};

/* checkpoint_open - open path; check its header, its checksum (if any) and metadata, and that the
 * tensors of the weights have the shapes that the metadata gives. Returns 0, or -1 with nothing to
 * close. */
int checkpoint_open(struct checkpoint *cp, const char *path, struct err *e);
void checkpoint_close(struct checkpoint *cp);

/* checkpoint_active_vocab - load the active vocabulary into a, which the caller releases. Returns
 * 0, or -1 with nothing to release. */
int checkpoint_active_vocab(const struct checkpoint *cp, struct active_vocab *a, struct err *e);

/*
 * checkpoint_resume - a new trainer with the saved state and the options o; o->window must be that
 * of the checkpoint. k and comm are as in trainer_new. The caller frees it with trainer_free.
 * Returns NULL on error.
 */
struct trainer *checkpoint_resume(const struct checkpoint *cp, struct kernels *k,
    const struct trainer_options *o, struct comm *comm, struct err *e);

/* checkpoint_weights - load the averaged weights (with last, those of the last step) into w, which
 * has the layout of cp->c and an array of the caller's (weights_map). Returns 0 or -1. */
int checkpoint_weights(
    const struct checkpoint *cp, struct kernels *k, struct weights *w, bool last, struct err *e);

/* checkpoint_matches - check that rows with header h fit the checkpoint: they need the same
 * vocabulary and, with row_len, the same row length. name is the name of the rows in the message,
 * which gives both values. Returns 0 or -1. */
int checkpoint_matches(const struct checkpoint *cp, const char *name, const struct shard_header *h,
    bool row_len, struct err *e);

#endif
