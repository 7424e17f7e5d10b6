#include "model/active_vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int allocate(struct active_vocab *a, uint32_t n, uint32_t vocab_size, struct err *e)
{
	memset(a, 0, sizeof *a);
	a->vocab_size = vocab_size;
	a->id = mem_array(n, sizeof *a->id, e);
	a->count = mem_array(n, sizeof *a->count, e);
	a->index = mem_array(vocab_size, sizeof *a->index, e);
	if (a->id && a->count && a->index)
		return 0;
	active_vocab_release(a);
	return -1;
}

static void finish(struct active_vocab *a, const struct shard_special *s)
{
	for (uint32_t i = 0; i < a->vocab_size; i++)
		a->index[i] = -1;
	for (uint32_t i = 0; i < a->n; i++)
		a->index[a->id[i]] = (int32_t)i;
	a->unknown = s->unk < a->vocab_size ? a->index[s->unk] : -1;
	a->pad = s->pad < a->vocab_size ? a->index[s->pad] : -1;
}

static int is_special(const struct shard_special *s, uint32_t id)
{
	return id == s->pad || id == s->unk || id == s->cls || id == s->sep;
}

int active_vocab_init(struct active_vocab *a, const struct shard_header *h,
    const struct shard_counts *counts, int full, struct err *e)
{
	uint32_t at = 0;

	if (allocate(a, h->vocab_size, h->vocab_size, e))
		return -1;
	for (uint32_t id = 0; id < h->vocab_size; id++) {
		uint64_t count = 0;

		if (at < counts->n && counts->id[at] == id)
			count = counts->count[at++];
		if (!count && !full && counts->n && !is_special(&h->special, id))
			continue;
		a->id[a->n] = id;
		a->count[a->n++] = count;
	}
	finish(a, &h->special);
	return 0;
}

int active_vocab_restore(struct active_vocab *a, const struct shard_header *h, uint32_t n,
    const uint32_t *id, const uint64_t *count, struct err *e)
{
	for (uint32_t i = 0; i < n; i++)
		if (id[i] >= h->vocab_size || (i && id[i] <= id[i - 1]))
			return err_set(e,
			    "active vocabulary: entry %u is id %u (expected ascending ids below "
			    "%u)",
			    i, id[i], h->vocab_size);
	if (allocate(a, n, h->vocab_size, e))
		return -1;
	memcpy(a->id, id, n * sizeof *id);
	memcpy(a->count, count, n * sizeof *count);
	a->n = n;
	finish(a, &h->special);
	return 0;
}

void active_vocab_release(struct active_vocab *a)
{
	free(a->id);
	free(a->count);
	free(a->index);
	memset(a, 0, sizeof *a);
}

bool active_vocab_differs(const struct active_vocab *a, const struct shard_counts *counts,
    uint32_t *id, uint64_t *was, uint64_t *is)
{
	uint64_t total = 0;
	uint32_t at = 0;

	for (uint32_t i = 0; i < a->n; i++)
		total += a->count[i];
	if (!total || !counts->n)
		return false;
	for (*id = 0; *id < a->vocab_size; ++*id) {
		int32_t i = a->index[*id];

		*was = i >= 0 ? a->count[i] : 0;
		*is = at < counts->n && counts->id[at] == *id ? counts->count[at++] : 0;
		if (*was != *is)
			return true;
	}
	return false;
}

void active_vocab_log_prior(const struct active_vocab *a, double *prior)
{
	double total = 0;

	for (uint32_t i = 0; i < a->n; i++)
		total += (double)a->count[i] + 0.5;
	for (uint32_t i = 0; i < a->n; i++)
		prior[i] = log(((double)a->count[i] + 0.5) / total);
}
