#include "model/measure.h"

#include <math.h>
#include <stdlib.h>

#include "ground/mem.h"

struct measure {
	struct kernels *k;
	const struct weights *w;
	struct denoiser *dn;
	struct arena arena;
};

size_t measure_bytes(struct kernels *k, const struct config *c, size_t B)
{
	struct arena a = {0};
	struct err e;
	struct denoiser *dn = denoiser_new(k, c, B, false, &e);

	if (!dn)
		return SIZE_MAX;
	denoiser_layout(dn, &a);
	denoiser_free(dn);
	return arena_bytes(k, &a);
}

static int allocate(struct measure *m, const struct config *c, size_t B, struct err *e)
{
	m->dn = denoiser_new(m->k, c, B, false, e);
	if (!m->dn)
		return -1;
	denoiser_layout(m->dn, &m->arena);
	if (arena_alloc(&m->arena, m->k, e))
		return -1;
	denoiser_layout(m->dn, &m->arena);
	return denoiser_ready(m->dn, e);
}

struct measure *measure_new(
    struct kernels *k, const struct config *c, const struct weights *w, size_t B, struct err *e)
{
	struct measure *m = mem_array(1, sizeof *m, e);

	if (!m)
		return NULL;
	m->k = k;
	m->w = w;
	if (allocate(m, c, B, e)) {
		measure_free(m);
		return NULL;
	}
	denoiser_embed(m->dn, w);
	return m;
}

void measure_free(struct measure *m)
{
	if (!m)
		return;
	denoiser_free(m->dn);
	k_release(m->k, m->arena.base);
	free(m);
}

int measure_run(
    struct measure *m, const struct batch *b, double *ce, double *squared_error, struct err *e)
{
	denoiser_measure(m->dn, m->w, b, ce, squared_error);
	for (size_t i = 0; i < b->B; i++)
		if (batch_has_target(b, i) && !(isfinite(ce[i]) && isfinite(squared_error[i])))
			return err_with(
			    e, ERR_NONFINITE, "the loss at t = %g is not finite", b->t[i]);
	return 0;
}
