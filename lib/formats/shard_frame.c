#include "formats/shard_frame.h"

#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/mem.h"

int shard_buf_reserve(struct shard_buf *b, uint64_t n, struct err *e)
{
	if (n >= SIZE_MAX - b->n)
		return err_set(e, "out of memory: %llu bytes", (unsigned long long)n);
	return mem_grow(&b->p, &b->cap, b->n + (size_t)n + 1, 1, e); /* never NULL */
}

/* --- frames --- */

int shard_frame_begin(
    struct shard_buf *f, const char *tag, unsigned flags, uint64_t body, struct err *e)
{
	f->n = 0;
	if (body > SHARD_FRAME_MAX - SHARD_FRAME_START - SHARD_FRAME_HASH)
		return err_set(
		    e, "%llu bytes are too much for one frame", (unsigned long long)body);
	if (shard_buf_reserve(f, SHARD_FRAME_START + body + SHARD_FRAME_HASH, e))
		return -1;
	shard_frame_put(f, SHARD_MAGIC, 4);
	shard_frame_put(f, 0, 4);
	shard_frame_put_bytes(f, tag, 4);
	shard_frame_put(f, SHARD_VERSION, 2);
	shard_frame_put(f, flags, 2);
	return 0;
}

void shard_frame_put(struct shard_buf *f, uint64_t value, int bytes)
{
	put_le(f->p + f->n, value, bytes);
	f->n += (size_t)bytes;
}

void shard_frame_put_bytes(struct shard_buf *f, const void *p, size_t n)
{
	if (n > 0)
		memcpy(f->p + f->n, p, n);
	f->n += n;
}

void shard_frame_seal(struct shard_buf *f)
{
	put_le(f->p + 4, f->n + SHARD_FRAME_HASH - SHARD_FRAME_PREFIX, 4);
	shard_frame_put(f, XXH64(f->p, f->n, 0), 8);
}

unsigned shard_frame_flags(const unsigned char *p)
{
	return (unsigned)get_le(p + 14, 2);
}

int shard_frame_check(const unsigned char *p, size_t n, struct err *e)
{
	static const struct {
		char tag[5];
		unsigned flags;
		size_t fixed;
	} known[] = {{SHARD_TAG_HEADER, SHARD_FLAG_COUNTS | SHARD_FLAG_STRIDE | SHARD_FLAG_VOCAB,
	                 SHARD_HEADER_FIXED},
	    {SHARD_TAG_VOCAB, 0, SHARD_VOCAB_FIXED}, {SHARD_TAG_COUNTS, 0, SHARD_COUNTS_FIXED},
	    {SHARD_TAG_BLOCK, 0, SHARD_BLOCK_FIXED}, {SHARD_TAG_TRAILER, 0, SHARD_TRAILER_FIXED}};
	unsigned version, flags;

	if (n < SHARD_FRAME_START + SHARD_FRAME_HASH)
		return err_set(e, "the frame is too short: %zu bytes, expected at least %d", n,
		    SHARD_FRAME_START + SHARD_FRAME_HASH);
	if (get_le(p + n - SHARD_FRAME_HASH, 8) != XXH64(p, n - SHARD_FRAME_HASH, 0))
		return err_set(e, "the frame's checksum differs");
	version = (unsigned)get_le(p + 12, 2);
	flags = shard_frame_flags(p);
	if (version < 1 || version > SHARD_VERSION)
		return err_set(
		    e, "unsupported format version %u (expected 1 or %d)", version, SHARD_VERSION);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (memcmp(p + 8, known[i].tag, 4) != 0)
			continue;
		if (flags & ~known[i].flags)
			return err_set(e, "unknown flags %#x", flags & ~known[i].flags);
		if (n < SHARD_FRAME_START + known[i].fixed + SHARD_FRAME_HASH)
			return err_set(e,
			    "the frame is too short: %zu bytes, expected at least %zu", n,
			    SHARD_FRAME_START + known[i].fixed + SHARD_FRAME_HASH);
		return 0;
	}
	return err_set(e, "the frame has an unknown type");
}

/* --- the header --- */

static int check_special_id(
    uint32_t id, const char *name, const struct shard_header *h, struct err *e)
{
	if (id == SHARD_NO_ID || id < h->vocab_size)
		return 0;
	return err_set(e, "the id of [%s] is out of range: %u, expected less than %u", name, id,
	    h->vocab_size);
}

int shard_header_check(const struct shard_header *h, struct err *e)
{
	const struct shard_special *s = &h->special;

	if (h->kind != SHARD_STREAM && h->kind != SHARD_ROWS && h->kind != SHARD_NOISED)
		return err_set(e, "unknown kind %u", (unsigned)h->kind);
	if (h->id_bytes != 2 && h->id_bytes != 4)
		return err_set(
		    e, "unsupported width of ids: %u bytes, expected 2 or 4", h->id_bytes);
	if (h->vocab_size == 0 || h->vocab_size > SHARD_VOCAB_MAX ||
	    (h->id_bytes == 2 && h->vocab_size > 65536))
		return err_set(e, "the vocabulary does not fit its ids: %u tokens, ids of %u bytes",
		    h->vocab_size, h->id_bytes);
	if ((h->kind == SHARD_STREAM) != (h->row_len == 0) || h->row_len > SHARD_RECORD_MAX)
		return err_set(e, "invalid row length for %s records: %u", shard_kind_name(h->kind),
		    h->row_len);
	if (h->first != 0 && h->kind != SHARD_NOISED)
		return err_set(e,
		    "unexpected number of the first record: %llu, expected 0 for this kind",
		    (unsigned long long)h->first);
	if (h->stride > 1 && h->kind != SHARD_NOISED)
		return err_set(e, "unexpected stride: %llu, expected 0 or 1 for this kind",
		    (unsigned long long)h->stride);
	if (check_special_id(s->pad, "PAD", h, e) || check_special_id(s->unk, "UNK", h, e) ||
	    check_special_id(s->cls, "CLS", h, e) || check_special_id(s->sep, "SEP", h, e) ||
	    check_special_id(s->mask, "MASK", h, e))
		return -1;
	if (!memchr(h->provenance, '\0', sizeof h->provenance))
		return err_set(e, "the provenance does not end in NUL");
	return 0;
}

int shard_header_put(
    struct shard_buf *f, const struct shard_header *h, unsigned flags, struct err *e)
{
	size_t length, fixed = SHARD_HEADER_FIXED;
	char provenance[SHARD_PROVENANCE_MAX];

	if (shard_header_check(h, e))
		return -1;
	length = strlen(h->provenance);
	memcpy(provenance, h->provenance, length + 1);
	err_printable(provenance);
	if (h->stride > 1) {
		flags |= SHARD_FLAG_STRIDE;
		fixed += SHARD_HEADER_STRIDE;
	}
	if (shard_frame_begin(f, SHARD_TAG_HEADER, flags, fixed + length, e))
		return -1;
	shard_frame_put(f, h->kind, 4);
	shard_frame_put(f, h->id_bytes, 4);
	shard_frame_put(f, h->vocab_size, 4);
	shard_frame_put(f, h->row_len, 4);
	shard_frame_put(f, h->vocab_hash, 8);
	shard_frame_put(f, h->special.pad, 4);
	shard_frame_put(f, h->special.unk, 4);
	shard_frame_put(f, h->special.cls, 4);
	shard_frame_put(f, h->special.sep, 4);
	shard_frame_put(f, h->special.mask, 4);
	shard_frame_put(f, length, 4);
	shard_frame_put(f, h->seed, 8);
	shard_frame_put(f, h->first, 8);
	shard_frame_put(f, h->expected, 8);
	if (h->stride > 1)
		shard_frame_put(f, h->stride, 8);
	for (size_t i = 0; i < length; i++)
		shard_frame_put(f, (unsigned char)provenance[i], 1);
	shard_frame_seal(f);
	return 0;
}

int shard_header_get(const unsigned char *p, size_t n, struct shard_header *h, struct err *e)
{
	bool strided = shard_frame_flags(p) & SHARD_FLAG_STRIDE;
	size_t start = SHARD_FRAME_START + SHARD_HEADER_FIXED;
	uint64_t length = get_le(p + 60, 4);

	memset(h, 0, sizeof *h);
	start += strided ? SHARD_HEADER_STRIDE : 0;
	if (length >= SHARD_PROVENANCE_MAX || n != start + length + SHARD_FRAME_HASH)
		return err_set(e,
		    "the header of %zu bytes does not fit its provenance of %llu bytes", n,
		    (unsigned long long)length);
	h->kind = (enum shard_kind)get_le(p + 16, 4);
	h->id_bytes = (uint32_t)get_le(p + 20, 4);
	h->vocab_size = (uint32_t)get_le(p + 24, 4);
	h->row_len = (uint32_t)get_le(p + 28, 4);
	h->vocab_hash = get_le(p + 32, 8);
	h->special.pad = (uint32_t)get_le(p + 40, 4);
	h->special.unk = (uint32_t)get_le(p + 44, 4);
	h->special.cls = (uint32_t)get_le(p + 48, 4);
	h->special.sep = (uint32_t)get_le(p + 52, 4);
	h->special.mask = (uint32_t)get_le(p + 56, 4);
	h->seed = get_le(p + 64, 8);
	h->first = get_le(p + 72, 8);
	h->expected = get_le(p + 80, 8);
	if (strided && (h->stride = get_le(p + 88, 8)) < 2)
		return err_set(
		    e, "invalid stride: %llu, expected at least 2", (unsigned long long)h->stride);
	memcpy(h->provenance, p + start, (size_t)length);
	if (strlen(h->provenance) != length || !err_is_printable(h->provenance))
		return err_set(e, "the provenance holds a control character or invalid UTF-8");
	return shard_header_check(h, e);
}

uint64_t shard_side_size(const struct shard_header *h, uint64_t records)
{
	if (h->kind == SHARD_STREAM)
		return records * 4;
	if (h->kind == SHARD_NOISED)
		return records * (SHARD_NOISED_FIXED + (h->row_len + 7ull) / 8);
	return 0;
}
