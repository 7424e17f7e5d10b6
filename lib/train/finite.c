#include "train/finite.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static bool finite_all(struct kernels *k, const real *x, size_t n)
{
	return isfinite(k_sum_squares(k, x, n));
}

static const struct tensor *first_bad(struct kernels *k, const struct weights *w, const real *base)
{
	for (size_t i = 0; i < w->n_tensors; i++)
		if (!finite_all(k, base + w->tensor[i].offset, w->tensor[i].n))
			return &w->tensor[i];
	return NULL;
}

int finite_check_weights(
    struct kernels *k, const struct weights *w, const real *base, const char *what, struct err *e)
{
	const struct tensor *bad = first_bad(k, w, base);

	return bad ? err_with(e, ERR_NONFINITE, "%s%s is not finite", what, bad->name) : 0;
}

int finite_check_state(const struct optimizer *opt, const struct weights *w, const real *state,
    const char *what, struct err *e)
{
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct optimizer_piece *p = &opt->piece[i];

		if (!finite_all(opt->k, state + p->state, p->n))
			return err_with(e, ERR_NONFINITE, "%s%s is not finite", what,
			    w->tensor[p->tensor].name);
	}
	return 0;
}

static bool finite_input(const struct denoiser *dn, size_t b)
{
	size_t n = (size_t)dn->c.row_len * config_input(&dn->c);

	return k_finite(dn->k, k_act_at(dn->k, dn->input, b * n), n);
}

/*
 * What attention and MLP of each block add to the residual stream. Of a batch that is
 * self-conditioned in part, the other sequences tell: what went wrong for the first estimate went
 * into the input of the rest.
 */
static int bad_block(const struct denoiser *dn, size_t B)
{
	const struct transformer *tf = dn->tf;
	size_t n = (size_t)dn->c.row_len * (size_t)dn->c.width;

	for (int l = 0; l < dn->c.layers; l++) {
		const act *y1 = tf->block[l].y1, *y2 = tf->block[l].y2;

		for (size_t b = 0; b < B; b++)
			if (finite_input(dn, b) &&
			    (!k_finite(dn->k, k_act_at(dn->k, y1, b * n), n) ||
			        !k_finite(dn->k, k_act_at(dn->k, y2, b * n), n)))
				return l;
	}
	return -1;
}

const char *finite_find_first(const struct denoiser *dn, const struct weights *w,
    const struct batch *b, char text[FINITE_ROOM])
{
	size_t M = b->B * b->T, d = (size_t)dn->c.embed;
	const struct tensor *bad = first_bad(dn->k, w, w->base);
	int block;

	if (bad)
		snprintf(text, FINITE_ROOM, "in the weight %s", bad->name);
	else if (!finite_all(dn->k, dn->e, config_padded(&dn->c) * d))
		snprintf(text, FINITE_ROOM, "in the normalised embeddings");
	else if (!finite_all(dn->k, dn->noise, M * d))
		snprintf(text, FINITE_ROOM, "in the noise");
	else if (!finite_all(dn->k, dn->x, M * d))
		snprintf(text, FINITE_ROOM, "in the noisy embeddings");
	else if ((block = bad_block(dn, b->B)) >= 0)
		snprintf(text, FINITE_ROOM, "in block %d", block);
	else if (!k_finite(dn->k, dn->input, M * config_input(&dn->c)))
		snprintf(text, FINITE_ROOM, "in the estimates that the network is shown");
	else if (!finite_all(dn->k, dn->D, M * d))
		snprintf(text, FINITE_ROOM, "in the head");
	else
		snprintf(text, FINITE_ROOM, "in the softmax");
	return text;
}
