#ifndef CDCD_GENERATE_H
#define CDCD_GENERATE_H

/* Generate rows with a trained model, and write them as a shard. */

#include <stddef.h>
#include <stdint.h>

#include "formats/shard.h"
#include "model/sampler.h"
#include "model.h"
#include "progress.h"

enum generation_task {
	GENERATE_ROWS,        /* rows from noise alone */
	GENERATE_PREFIX,      /* complete records, which are prompts */
	GENERATE_INFILL,      /* fill in the [MASK] positions of records */
	GENERATE_RECONSTRUCT, /* add the noise of noised rows, and remove it */
};

struct generation {
	enum generation_task task;
	struct sampler_options sampler;
	int64_t count;  /* rows, or completions per record; not for GENERATE_RECONSTRUCT */
	uint64_t seed;  /* of the noise; noised rows have their own seeds */
	int64_t refine; /* rounds of refinement after the sampling; not with trace */
	size_t batch;   /* rows that are computed together */
	const char *output, *provenance;
	const char *trace; /* file for the predictions of the sampler; NULL: none */
};

/* generate_bytes - bytes of memory that generate needs for batches of this size and this number of
 * rounds of refinement, without the weights; SIZE_MAX if that overflows. */
size_t generate_bytes(const struct model *m, size_t batch, int64_t rounds);

/*
 * generate - generate the rows and write the shard.
 *
 * m     with its weights
 * in    the records; NULL for GENERATE_ROWS
 * rows  receives the number of rows written
 *
 * Returns 0, or -1 without an output file.
 */
int generate(const struct model *m, const struct generation *what, struct shard_reader *in,
    struct progress *progress, uint64_t *rows, struct err *e);

#endif
