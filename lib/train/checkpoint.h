#ifndef CDCD_CHECKPOINT_H
#define CDCD_CHECKPOINT_H

/*
 * Checkpoints: the state of a training run, which is a list of named arrays, and metadata, in a
 * safetensors file. A trainer can resume from it, and a sampler can load its weights. The format is
 * specified in cdcd-checkpoint(5).
 */

#include "formats/safetensors.h"
#include "formats/shard.h"
#include "model/active_vocab.h"
#include "train/state.h"
#include "train/settings.h"
#include "train/validation.h"

/* The metadata of a checkpoint and, if it is open, its file. The arrays stay in the file. */
struct checkpoint {
	struct safetensors *file;
	char *path;
	struct config c;
	struct trainer_options o;
	struct shard_header source; /* header of the rows with which training began */
	struct shard_vocab vocab;   /* its text is NULL if the rows had none */
	struct schedule schedule;
	uint64_t step, rows, window_n; /* as in struct trainer */
	struct validation_best best;
};

/*
 * checkpoint_save - write the metadata of cp and the arrays of s, which must be whole, to path. The
 * new file replaces the old one only after it is complete and synced. cp needs no file and path.
 * Returns 0 or -1.
 */
int checkpoint_save(
    const struct checkpoint *cp, const struct state *s, const char *path, struct err *e);

/* checkpoint_open - open path; check its header, its checksum (if any) and metadata, and that the
 * tensors of the weights have the shapes that the metadata gives. Returns 0, or -1 with nothing to
 * close. */
int checkpoint_open(struct checkpoint *cp, const char *path, struct err *e);
void checkpoint_close(struct checkpoint *cp);

/* checkpoint_active_vocab - load the active vocabulary into a, which the caller releases. Returns
 * 0, or -1 with nothing to release. */
int checkpoint_active_vocab(const struct checkpoint *cp, struct active_vocab *a, struct err *e);

/* checkpoint_load - load all arrays of s: of each, the pieces that this process has. Returns 0, or
 * -1 if the file has no such array of this type and shape. */
int checkpoint_load(const struct checkpoint *cp, const struct state *s, struct err *e);

/* checkpoint_weights - load the averaged weights (with last, those of the last step) into w, which
 * has the layout of cp->c and an array of the caller's (weights_map). Returns 0 or -1. */
int checkpoint_weights(
    const struct checkpoint *cp, struct kernels *k, struct weights *w, bool last, struct err *e);

/* checkpoint_matches - check that the shard in fits the checkpoint: it needs the same vocabulary
 * and, with row_len, the same row length. The message gives both values. Returns 0 or -1. */
int checkpoint_matches(
    const struct checkpoint *cp, const struct shard_reader *in, bool row_len, struct err *e);

#endif
