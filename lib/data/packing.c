#include "data/packing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int packing_init(
    struct packing *p, const struct packing_options *o, packing_sink *sink, void *to, struct err *e)
{
	memset(p, 0, sizeof *p);
	p->options = *o;
	p->sink = sink;
	p->to = to;
	p->row = mem_array(o->length, sizeof *p->row, e);
	return p->row ? 0 : -1;
}

void packing_release(struct packing *p)
{
	free(p->row);
	memset(p, 0, sizeof *p);
}

/* Pad the row, of which the first n ids are set, and pass it to the sink. */
static int finish_row(struct packing *p, uint32_t n, struct err *e)
{
	uint32_t length = p->options.length, pad = p->options.special.pad;

	if (n < length && pad == SHARD_NO_ID)
		return err_set(e,
		    "story %llu gives a row of only %u ids, expected %u, and the vocabulary has no "
		    "[PAD] to fill it; use --join",
		    (unsigned long long)p->stats.stories - 1, n, length);
	p->stats.padding += length - n;
	p->stats.rows++;
	for (; n < length; n++)
		p->row[n] = pad;
	return p->sink(p->to, p->row, e);
}

static int add_cut(struct packing *p, const uint32_t *ids, uint32_t n, struct err *e)
{
	uint32_t length = p->options.length, last = ids[n - 1];

	memcpy(p->row, ids, length * sizeof *ids);
	if (last == p->options.special.sep)
		p->row[length - 1] = last;
	p->stats.cut++;
	p->stats.lost += n - length;
	return finish_row(p, length, e);
}

static int add_split(struct packing *p, const uint32_t *ids, uint32_t n, struct err *e)
{
	const struct shard_special *s = &p->options.special;
	uint32_t length = p->options.length;
	uint32_t around = length > 2 && ids[0] == s->cls && ids[n - 1] == s->sep;
	uint32_t capacity = length - 2 * around, end = n - around;

	p->stats.cut++;
	for (uint32_t at = around, part; at < end; at += part) {
		uint32_t k = 0;

		part = end - at < capacity ? end - at : capacity;
		if (around)
			p->row[k++] = s->cls;
		memcpy(p->row + k, ids + at, part * sizeof *ids);
		k += part;
		if (around)
			p->row[k++] = s->sep;
		if (finish_row(p, k, e))
			return -1;
	}
	return 0;
}

static int add_joined(struct packing *p, const uint32_t *ids, uint32_t n, struct err *e)
{
	uint32_t stride = p->options.stride;

	for (uint32_t i = 0; i < n; i++) {
		p->row[p->filled++] = ids[i];
		p->fresh++;
		if (p->filled < p->options.length)
			continue;
		if (finish_row(p, p->filled, e))
			return -1;
		p->filled -= stride;
		p->fresh = 0;
		memmove(p->row, p->row + stride, p->filled * sizeof *p->row);
	}
	return 0;
}

int packing_add(struct packing *p, const uint32_t *ids, uint32_t n, struct err *e)
{
	p->stats.stories++;
	p->stats.tokens += n;
	if (p->options.join)
		return add_joined(p, ids, n, e);
	if (n <= p->options.length) {
		memcpy(p->row, ids, n * sizeof *ids);
		return finish_row(p, n, e);
	}
	switch (p->options.long_stories) {
	case PACKING_CUT:
		return add_cut(p, ids, n, e);
	case PACKING_SPLIT:
		return add_split(p, ids, n, e);
	case PACKING_DROP:
		break;
	}
	p->stats.dropped++;
	p->stats.lost += n;
	return 0;
}

int packing_finish(struct packing *p, struct err *e)
{
	if (p->fresh == 0)
		return 0;
	if (p->options.special.pad == SHARD_NO_ID) {
		p->stats.lost += p->fresh;
		return 0;
	}
	return finish_row(p, p->filled, e);
}
