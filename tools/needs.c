#include "needs.h"

#include <inttypes.h>

#include "cli.h"
#include "base/mem.h"
#include "model/weights.h"

/* Floating-point operations of the optimiser, per token. */
static double update_flops(const struct config *c, const struct trainer_options *o)
{
	struct err e;
	struct weights *w = weights_new(c, &e);
	double flops = w ? optimizer_flops(&o->optimizer, w) : 0;

	weights_free(w);
	return flops / ((double)o->batch * (double)c->row_len);
}

void needs_print(FILE *to, struct kernels *k, const struct config *c,
    const struct trainer_options *o, struct comm *comm, const struct shard_reader *in,
    uint64_t rows)
{
	const struct shard_header *h = shard_header(in);
	double flops = 3 * config_flops(c) + update_flops(c, o);
	size_t bytes = trainer_bytes(k, c, o, comm);

	if (c->self_cond)
		flops += o->self_cond * config_flops(c);
	fprintf(to,
	    "parameters: %zu (%zu layers, width %zu, %zu heads, embed %zu, %zu of %u tokens)\n",
	    weights_count(c), c->layers, c->width, c->heads, c->embed, c->active, h->vocab_size);
	fprintf(to, "memory: %.1f MiB of %.1f MiB available\n", (double)bytes / 1048576,
	    (double)mem_available() / 1048576);
	fprintf(to, "operations: %.3g per token, by %s\n", flops, k_name(k));
	fprintf(to, "rows: %" PRIu64 " of %u tokens, %zu steps of %zu rows\n", rows, h->row_len,
	    o->steps, o->batch);
	if (comm_size(comm) > 1) {
		char library[80];

		comm_library(library, sizeof library);
		fprintf(to, "ranks: %d, %s\n", comm_size(comm), library);
	}
}

int needs_check(struct kernels *k, const struct config *c, const struct trainer_options *o,
    struct comm *comm, struct err *e)
{
	size_t bytes = trainer_bytes(k, c, o, comm);

	if (bytes > mem_available() && !cli_force)
		return err_set(e,
		    "the run needs %.1f MiB of memory, but %.1f MiB are available; use a smaller "
		    "model or batch, or -f to start anyway",
		    (double)bytes / 1048576, (double)mem_available() / 1048576);
	return 0;
}
