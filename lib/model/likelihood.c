#include "model/likelihood.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct likelihood {
	struct kernels *k;
	const struct weights *w;
	struct denoiser *dn;
	struct arena arena;
};

size_t likelihood_bytes(struct kernels *k, const struct config *c, size_t B)
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

static int allocate(struct likelihood *m, const struct config *c, size_t B, struct err *e)
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

struct likelihood *likelihood_new(
    struct kernels *k, const struct config *c, const struct weights *w, size_t B, struct err *e)
{
	struct likelihood *m = mem_array(1, sizeof *m, e);

	if (!m)
		return NULL;
	m->k = k;
	m->w = w;
	if (allocate(m, c, B, e)) {
		likelihood_free(m);
		return NULL;
	}
	denoiser_embed(m->dn, w);
	return m;
}

void likelihood_free(struct likelihood *m)
{
	if (!m)
		return;
	denoiser_free(m->dn);
	k_release(m->k, m->arena.base);
	free(m);
}

int likelihood_run(
    struct likelihood *m, const struct batch *b, double *ce, double *squared_error, struct err *e)
{
	denoiser_evaluate(m->dn, m->w, b, ce, squared_error);
	for (size_t i = 0; i < b->B; i++)
		if (batch_has_target(b, i) && !(isfinite(ce[i]) && isfinite(squared_error[i])))
			return err_with(
			    e, ERR_NONFINITE, "the loss at t = %g is not finite", b->t[i]);
	return 0;
}
