#include "model/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int batch_init(struct batch *b, size_t B, size_t T, struct err *e)
{
	memset(b, 0, sizeof *b);
	b->T = T;
	b->room = B;
	if ((b->ids = mem_array(B * T, sizeof *b->ids, e)) &&
	    (b->noised = mem_array(B * T, sizeof *b->noised, e)) &&
	    (b->weight = mem_array(B * T, sizeof *b->weight, e)) &&
	    (b->t = mem_array(B, sizeof *b->t, e)) && (b->seed = mem_array(B, sizeof *b->seed, e)))
		return 0;
	batch_release(b);
	return -1;
}

size_t batch_bytes(size_t B, size_t T)
{
	struct batch b;

	return B * T * (sizeof *b.ids + sizeof *b.noised + sizeof *b.weight) +
	       B * (sizeof *b.t + sizeof *b.seed);
}

void batch_release(struct batch *b)
{
	free(b->ids);
	free(b->noised);
	free(b->weight);
	free(b->t);
	free(b->seed);
	memset(b, 0, sizeof *b);
}

bool batch_has_target(const struct batch *b, size_t i)
{
	for (size_t j = 0; j < b->T; j++)
		if (b->weight[i * b->T + j] > 0)
			return true;
	return false;
}

size_t batch_targets(const struct batch *b)
{
	size_t n = b->targets;

	for (size_t i = 0; i < b->B && !b->targets; i++)
		n += batch_has_target(b, i);
	return n;
}

struct batch batch_slice(const struct batch *b, size_t first, size_t n)
{
	size_t at = first * b->T;

	return (struct batch){.B = n,
	    .T = b->T,
	    .room = n,
	    .ids = b->ids + at,
	    .noised = b->noised + at,
	    .weight = b->weight + at,
	    .t = b->t + first,
	    .seed = b->seed + first,
	    .targets = batch_targets(b)};
}

size_t batch_given(const struct batch *b, size_t i)
{
	size_t n = 0;

	for (size_t j = 0; j < b->T; j++)
		n += b->noised[i * b->T + j] <= 0;
	return n;
}

static int add_ids(struct batch *b, const struct shard_record *r, const struct active_vocab *a,
    size_t at, struct err *e)
{
	for (size_t i = 0; i < b->T; i++) {
		int32_t index = active_vocab_index(a, r->ids[i]);

		if (index < 0)
			return err_set(e,
			    "token %u is not in the model's active vocabulary, nor is [UNK]",
			    r->ids[i]);
		b->ids[at + i] = index;
	}
	return 0;
}

int batch_add(struct batch *b, const struct shard_record *r, const struct active_vocab *a,
    const struct schedule *s, bool pad_loss, struct err *e)
{
	size_t at = b->B * b->T, targets = 0;
	double t = isnan(r->t) ? schedule_t(s, r->u) : r->t;

	if (r->n != b->T)
		return err_set(e, "a row of %u tokens (expected %zu)", r->n, b->T);
	if (isnan(r->t) && !(t > 0 && isfinite(t)))
		return err_with(e, ERR_NONFINITE, "the schedule's noise level for u = %g is %g",
		    (double)r->u, t);
	if (!(t > 0) || !isfinite(t))
		return err_set(e, "invalid noise level %g (expected a positive number)", t);
	if (add_ids(b, r, a, at, e))
		return -1;
	for (size_t i = 0; i < b->T; i++) {
		bool noised = shard_noised(r, (uint32_t)i);

		b->noised[at + i] = noised;
		b->weight[at + i] = noised && (pad_loss || b->ids[at + i] != a->pad);
		targets += b->weight[at + i] > 0;
	}
	for (size_t i = 0; targets && i < b->T; i++)
		b->weight[at + i] /= (real)targets;
	b->t[b->B] = t;
	b->seed[b->B++] = r->noise_seed;
	return 0;
}
