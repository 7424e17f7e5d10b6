#include "model.h"

#include "cli.h"
#include "base/mem.h"

int model_open(struct model *m, const char *path, struct err *e)
{
	return checkpoint_open(&m->cp, path, e);
}

int model_prepare(struct model *m, int threads, enum k_precision precision, struct err *e)
{
	m->k = k_new(threads, precision, e);
	if (!m->k)
		return -1;
	m->w = weights_new(&m->cp.c, e);
	return m->w ? checkpoint_active_vocab(&m->cp, &m->active, e) : -1;
}

static int check_memory(const struct model *m, size_t further, struct err *e)
{
	size_t bytes = further;

	if (further < SIZE_MAX)
		bytes += k_alloc_bytes(m->k, m->w->n * sizeof(real)) +
		         weights_largest(m->w) * sizeof(real);
	if (cli_verbose)
		note("memory: %.1f MiB", (double)bytes / 1048576);
	if (bytes <= mem_available())
		return 0;
	return err_set(e,
	    "%s: needs %.1f MiB of memory, but %.1f MiB are available; try a smaller -B",
	    m->cp.path, (double)bytes / 1048576, (double)mem_available() / 1048576);
}

int model_load(struct model *m, bool last, size_t further, struct err *e)
{
	real *base;

	if (check_memory(m, further, e))
		return -1;
	base = k_alloc(m->k, m->w->n * sizeof *base, e);
	if (!base)
		return -1;
	weights_map(m->w, &m->cp.c, base);
	return checkpoint_weights(&m->cp, m->k, m->w, last, e);
}

void model_close(struct model *m)
{
	if (m->w)
		k_release(m->k, m->w->base);
	weights_free(m->w);
	active_vocab_release(&m->active);
	k_free(m->k);
	checkpoint_close(&m->cp);
}
