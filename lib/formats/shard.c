#include "formats/shard.h"

#include <stdio.h>
#include <string.h>

const char *shard_kind_name(enum shard_kind kind)
{
	switch (kind) {
	case SHARD_STREAM:
		return "stream";
	case SHARD_ROWS:
		return "rows";
	case SHARD_NOISED:
		return "noised";
	}
	return "unknown";
}

static int set_difference(struct err *e, const char *what, uint64_t a, uint64_t b)
{
	return err_set(e, "%s differs: %llu (expected %llu)", what, (unsigned long long)b,
	    (unsigned long long)a);
}

/* Compare the ids of a special token; the message shows -1 for a vocabulary without it. */
static int compare_special(const char *name, uint32_t a, uint32_t b, struct err *e)
{
	if (a == b)
		return 0;
	return err_set(e, "the id of [%s] differs: %lld (expected %lld)", name,
	    b == SHARD_NO_ID ? -1ll : (long long)b, a == SHARD_NO_ID ? -1ll : (long long)a);
}

int shard_compatible(const struct shard_header *a, const struct shard_header *b, struct err *e)
{
	const struct shard_special *s = &a->special, *t = &b->special;

	if (a->kind != b->kind)
		return err_set(e, "the kind differs: %s (expected %s)", shard_kind_name(b->kind),
		    shard_kind_name(a->kind));
	if (a->id_bytes != b->id_bytes)
		return set_difference(e, "the width of ids in bytes", a->id_bytes, b->id_bytes);
	if (a->vocab_size != b->vocab_size)
		return set_difference(e, "the vocabulary's size", a->vocab_size, b->vocab_size);
	if (a->vocab_hash != b->vocab_hash)
		return err_set(e, "the vocabulary's hash differs: %016llx (expected %016llx)",
		    (unsigned long long)b->vocab_hash, (unsigned long long)a->vocab_hash);
	if (a->row_len != b->row_len)
		return set_difference(e, "the row length", a->row_len, b->row_len);
	if (compare_special("PAD", s->pad, t->pad, e) ||
	    compare_special("UNK", s->unk, t->unk, e) ||
	    compare_special("CLS", s->cls, t->cls, e) ||
	    compare_special("SEP", s->sep, t->sep, e) ||
	    compare_special("MASK", s->mask, t->mask, e))
		return -1;
	return 0;
}

void shard_add_provenance(struct shard_header *h, const char *text)
{
	size_t n = strlen(h->provenance);

	snprintf(h->provenance + n, sizeof h->provenance - n, "%s%s", n ? " | " : "", text);
}
