#include "data/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

void rows_init(struct rows *r, const struct shard_header *h)
{
	memset(r, 0, sizeof *r);
	r->length = h->row_len;
	r->id_bytes = h->id_bytes;
}

void rows_release(struct rows *r)
{
	free(r->ids);
	memset(r, 0, sizeof *r);
}

static size_t row_bytes(const struct rows *r)
{
	return (size_t)r->length * r->id_bytes;
}

/* Linux allows allocations that exceed the memory of the machine: check before it starts to swap.
 * mem_grow increases the capacity by half. */
static int reserve_row(struct rows *r, struct err *e)
{
	size_t used = row_bytes(r) * r->n, want = used + row_bytes(r);

	if (want <= r->cap)
		return 0;
	if (want / 2 > mem_available())
		return err_set(e, "out of memory: %u rows of %u ids take %zu MiB already", r->n,
		    r->length, used >> 20);
	return mem_grow(&r->ids, &r->cap, want, 1, e);
}

int rows_add(struct rows *r, const uint32_t *ids, struct err *e)
{
	unsigned char *to;

	if (r->n == ROWS_MAX)
		return err_set(e, "more than %u rows", ROWS_MAX);
	if (reserve_row(r, e))
		return -1;
	to = r->ids + row_bytes(r) * r->n;
	for (uint32_t i = 0; i < r->length; i++)
		put_le(to + (size_t)i * r->id_bytes, ids[i], (int)r->id_bytes);
	r->n++;
	return 0;
}

void rows_get(const struct rows *r, uint32_t i, uint32_t *ids)
{
	const unsigned char *p = r->ids + row_bytes(r) * i;

	if (r->id_bytes == 2)
		for (uint32_t k = 0; k < r->length; k++)
			ids[k] = (uint32_t)get_le(p + 2 * (size_t)k, 2);
	else
		for (uint32_t k = 0; k < r->length; k++)
			ids[k] = (uint32_t)get_le(p + 4 * (size_t)k, 4);
}

int rows_count(const struct rows *r, uint32_t vocab_size, struct shard_counts *c, struct err *e)
{
	uint64_t *all = mem_array(vocab_size, sizeof *all, e);
	uint32_t used = 0;

	memset(c, 0, sizeof *c);
	if (!all)
		return -1;
	for (size_t i = 0; i < (size_t)r->n * r->length; i++)
		all[get_le(r->ids + i * r->id_bytes, (int)r->id_bytes)]++;
	for (uint32_t id = 0; id < vocab_size; id++)
		used += all[id] > 0;
	c->id = mem_array(used, sizeof *c->id, e);
	c->count = mem_array(used, sizeof *c->count, e);
	if (!c->id || !c->count) {
		rows_counts_release(c);
		free(all);
		return -1;
	}
	for (uint32_t id = 0; id < vocab_size; id++) {
		if (all[id] == 0)
			continue;
		c->id[c->n] = id;
		c->count[c->n++] = all[id];
	}
	free(all);
	return 0;
}

void rows_counts_release(struct shard_counts *c)
{
	free(c->id);
	free(c->count);
	memset(c, 0, sizeof *c);
}
