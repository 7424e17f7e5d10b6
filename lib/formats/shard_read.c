#include "formats/shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "formats/shard_frame.h"
#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/minmax.h"

#define READ_STEP (1u << 16) /* a length is trusted only this far beyond the bytes received */

struct shard_reader {
	struct input in;
	struct shard_header header;
	struct shard_vocab vocab;   /* of the first segment */
	struct shard_counts counts; /* of the current segment */
	bool inside;                /* a segment has begun and has not ended */
	ZSTD_DCtx *zstd;
	XXH64_state_t *hash;     /* of the segment's side data and ids */
	uint64_t at;             /* offset of the current frame in the input */
	uint64_t blocks;         /* number of blocks so far, with the current one: for messages */
	struct shard_buf frame;  /* the current frame */
	struct shard_buf stored; /* the zstd frame that follows it */
	struct shard_buf raw;    /* the decompressed contents of stored */
	/* The current block. */
	uint32_t left; /* records not yet read */
	const unsigned char *side, *next;
	uint32_t *ids; /* of the last record */
	size_t ids_cap;
	struct segment {
		uint64_t blocks, records, tokens, raw_bytes;
	} segment;
	struct shard_totals totals;
};

/* --- messages: file, position, error --- */

static int set_corrupt(const struct shard_reader *r, struct err *e)
{
	return err_prefix(e, "%s: corrupt at byte %llu (block %llu)", r->in.name,
	    (unsigned long long)r->at, (unsigned long long)r->blocks);
}

static int set_truncated(const struct shard_reader *r, struct err *e)
{
	return err_set(e, "%s: truncated at byte %llu (block %llu): no trailer", r->in.name,
	    (unsigned long long)r->in.offset, (unsigned long long)r->blocks);
}

/* --- frames --- */

/* Append n bytes of the input to b. Its memory grows with the bytes received, because n may be
 * corrupt. */
static int read_bytes(struct shard_reader *r, struct shard_buf *b, uint64_t n, struct err *e)
{
	while (n > 0) {
		size_t step = max_size(b->n, READ_STEP);
		ssize_t got;

		step = (size_t)min_u64(n, step);
		if (shard_buf_reserve(b, step, e))
			return err_prefix(e, "%s", r->in.name);
		got = input_read(&r->in, b->p + b->n, step, e);
		if (got < 0)
			return -1;
		b->n += (size_t)got;
		n -= (size_t)got;
		if ((size_t)got < step)
			return set_truncated(r, e);
	}
	return 0;
}

/* Set e if the bytes at r->at do not begin a frame of a shard. */
static int set_not_a_shard(const struct shard_reader *r, struct err *e)
{
	bool zstd = get_le(r->frame.p, 4) == ZSTD_MAGICNUMBER;

	if (r->totals.segments > 0)
		err_set(e, "%s",
		    zstd ? "unexpected zstd data, expected a frame of a shard"
		         : "neither a frame of a shard nor the end");
	else if (r->at == 0 && zstd)
		return err_set(
		    e, "%s: at byte 0 (block 0): a zstd stream, but not a shard", r->in.name);
	else
		return err_set(e,
		    "%s: at byte 0 (block 0): not a shard; expected the output of tok, pack or "
		    "noise",
		    r->in.name);
	return set_corrupt(r, e);
}

bool shard_begins(const unsigned char *p, size_t n)
{
	return n >= 4 && get_le(p, 4) == SHARD_MAGIC;
}

/* Read a frame into r->frame and check it. Returns 1, 0 at the end of the input, or -1. */
static int read_frame(struct shard_reader *r, struct err *e)
{
	struct shard_buf *f = &r->frame;
	unsigned char magic[4];
	uint64_t size;
	ssize_t got;

	r->at = r->in.offset;
	f->n = 0;
	if (shard_buf_reserve(f, SHARD_FRAME_PREFIX, e))
		return err_prefix(e, "%s", r->in.name);
	memset(f->p, 0, SHARD_FRAME_PREFIX);
	got = input_read(&r->in, f->p, SHARD_FRAME_PREFIX, e);
	if (got <= 0)
		return (int)got;
	f->n = (size_t)got;
	put_le(magic, SHARD_MAGIC, 4);
	if (memcmp(f->p, magic, got < 4 ? (size_t)got : 4) != 0)
		return set_not_a_shard(r, e);
	if (got < SHARD_FRAME_PREFIX)
		return set_truncated(r, e);
	size = get_le(f->p + 4, 4);
	if (size > SHARD_FRAME_MAX) {
		err_set(e, "the frame is too long: %llu bytes, expected at most %llu",
		    (unsigned long long)size, (unsigned long long)SHARD_FRAME_MAX);
		return set_corrupt(r, e);
	}
	if (read_bytes(r, f, size, e))
		return -1;
	return shard_frame_check(f->p, f->n, e) ? set_corrupt(r, e) : 1;
}

static bool has_tag(const struct shard_reader *r, const char *tag)
{
	return !memcmp(r->frame.p + SHARD_FRAME_PREFIX, tag, 4);
}

/* --- the beginning of a segment --- */

/* Load the vocabulary, and keep that of the first segment. */
static int load_vocab(struct shard_reader *r, struct err *e)
{
	const unsigned char *p = r->frame.p + SHARD_FRAME_START;
	uint64_t n = get_le(p, 8);
	size_t stored = r->frame.n - SHARD_FRAME_START - SHARD_VOCAB_FIXED - SHARD_FRAME_HASH;
	struct shard_buf text = {0};
	struct shard_vocab v;

	if (n > SHARD_TEXT_MAX || !shard_compressed_ok(n, stored))
		return err_set(e,
		    "invalid size of the vocabulary: %llu bytes in a frame of %zu bytes",
		    (unsigned long long)n, r->frame.n);
	if (shard_decompress(r->zstd, &text, p + SHARD_VOCAB_FIXED, stored, n, e)) {
		free(text.p);
		return -1;
	}
	v = (struct shard_vocab){(char *)text.p, text.n};
	if (shard_vocab_check(&v, &r->header, e)) {
		shard_vocab_release(&v);
		return -1;
	}
	if (r->totals.segments > 1)
		shard_vocab_release(&v);
	else
		r->vocab = v;
	return 0;
}

static int load_counts(struct shard_reader *r, struct err *e)
{
	const unsigned char *p = r->frame.p + SHARD_FRAME_START, *ids = p + SHARD_COUNTS_FIXED;
	uint64_t n = get_le(p, 4);
	struct shard_counts *c = &r->counts;

	if (get_le(p + 4, 4) != 0 || n > r->header.vocab_size ||
	    r->frame.n !=
	        SHARD_FRAME_START + SHARD_COUNTS_FIXED + n * SHARD_COUNTS_EACH + SHARD_FRAME_HASH)
		return err_set(e, "the counts of %llu ids do not fit their frame of %zu bytes",
		    (unsigned long long)n, r->frame.n);
	c->id = mem_array((size_t)n, sizeof *c->id, e);
	c->count = mem_array((size_t)n, sizeof *c->count, e);
	if (!c->id || !c->count)
		return -1;
	c->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		c->id[i] = (uint32_t)get_le(ids + 4 * i, 4);
		c->count[i] = get_le(ids + 4 * n + 8 * i, 8);
		if (c->id[i] >= r->header.vocab_size || (i > 0 && c->id[i] <= c->id[i - 1]) ||
		    c->count[i] == 0)
			return err_set(
			    e, "invalid counts: expected ascending ids and counts above 0");
	}
	return 0;
}

static void counts_release(struct shard_counts *c)
{
	free(c->id);
	free(c->count);
	memset(c, 0, sizeof *c);
}

/* Load a header. That of a later segment must be compatible with the one before. */
static int load_header(struct shard_reader *r, struct err *e)
{
	struct shard_header h;

	if (!has_tag(r, SHARD_TAG_HEADER)) {
		err_set(e, "no header: expected a segment to begin with one");
		return set_corrupt(r, e);
	}
	if (shard_header_get(r->frame.p, r->frame.n, &h, e))
		return set_corrupt(r, e);
	if (r->totals.segments > 0 && shard_compatible(&r->header, &h, e))
		return err_prefix(e,
		    "%s: at byte %llu (block %llu): shards that do not fit together", r->in.name,
		    (unsigned long long)r->at, (unsigned long long)r->blocks);
	r->header = h;
	return 0;
}

/* Read the frame with this tag, which the header announces, and load it. Returns 0 or -1. */
static int read_announced(struct shard_reader *r, const char *tag, const char *what,
    int (*load)(struct shard_reader *, struct err *), struct err *e)
{
	int more = read_frame(r, e);

	if (more <= 0)
		return more < 0 ? -1 : set_truncated(r, e);
	if (!has_tag(r, tag))
		err_set(e, "the header announces %s, which does not follow", what);
	else if (!load(r, e))
		return 0;
	return set_corrupt(r, e);
}

/* Read the header, vocabulary and counts of a segment. Returns 1, 0 at the end of the input, or -1.
 */
static int begin_segment(struct shard_reader *r, struct err *e)
{
	int more = read_frame(r, e);
	unsigned flags;

	if (more <= 0)
		return more;
	if (load_header(r, e))
		return -1;
	flags = shard_frame_flags(r->frame.p);
	memset(&r->segment, 0, sizeof r->segment);
	XXH64_reset(r->hash, 0);
	r->totals.segments++;
	r->inside = true;
	counts_release(&r->counts);
	if ((flags & SHARD_FLAG_VOCAB) &&
	    read_announced(r, SHARD_TAG_VOCAB, "a vocabulary", load_vocab, e))
		return -1;
	if ((flags & SHARD_FLAG_COUNTS) &&
	    read_announced(r, SHARD_TAG_COUNTS, "counts", load_counts, e))
		return -1;
	return 1;
}

/* --- blocks --- */

struct block {
	uint32_t records;
	uint64_t ids, raw, stored, hash;
};

/* Check that the numbers of a block agree with each other, with its side data and the header. */
static int check_block(const struct shard_reader *r, const struct block *b, struct err *e)
{
	const struct shard_header *h = &r->header;
	uint64_t side = shard_side_size(h, b->records), lengths = 0;
	const unsigned char *p = r->frame.p + SHARD_FRAME_START + SHARD_BLOCK_FIXED;

	if (b->records == 0 ||
	    r->frame.n != SHARD_FRAME_START + SHARD_BLOCK_FIXED + side + SHARD_FRAME_HASH)
		return err_set(e, "the block's %u records do not fit its frame of %zu bytes",
		    b->records, r->frame.n);
	if (h->kind == SHARD_STREAM)
		for (uint32_t i = 0; i < b->records; i++)
			lengths += get_le(p + 4 * (size_t)i, 4);
	else
		lengths = (uint64_t)b->records * h->row_len;
	if (b->ids != lengths || b->raw != b->ids * h->id_bytes)
		return err_set(e,
		    "the block's numbers do not agree: %u records, %llu ids, %llu bytes",
		    b->records, (unsigned long long)b->ids, (unsigned long long)b->raw);
	if (b->records == 1 ? b->ids > SHARD_RECORD_MAX : b->raw + side > SHARD_BLOCK_MAX)
		return err_set(e, "the block is too large: %u records, %llu bytes", b->records,
		    (unsigned long long)b->raw);
	if (!shard_compressed_ok(b->raw, b->stored))
		return err_set(e,
		    "invalid compressed size: %llu bytes of data in a frame of %llu bytes",
		    (unsigned long long)b->raw, (unsigned long long)b->stored);
	return 0;
}

/* Check the zstd frame in r->stored and decompress it into r->raw. */
static int decompress_block(struct shard_reader *r, const struct block *b, struct err *e)
{
	const struct shard_buf *s = &r->stored;

	if (XXH64(s->p, s->n, 0) != b->hash)
		return err_set(e, "the data's checksum differs");
	return shard_decompress(r->zstd, &r->raw, s->p, s->n, b->raw, e);
}

static int load_block(struct shard_reader *r, struct err *e)
{
	const unsigned char *p = r->frame.p + SHARD_FRAME_START;
	struct block b = {(uint32_t)get_le(p, 4), get_le(p + 8, 8), get_le(p + 16, 8),
	    get_le(p + 24, 8), get_le(p + 32, 8)};

	r->blocks++;
	if (get_le(p + 4, 4) != 0) {
		err_set(e, "a reserved field is not 0");
		return set_corrupt(r, e);
	}
	if (check_block(r, &b, e))
		return set_corrupt(r, e);
	r->stored.n = 0;
	if (read_bytes(r, &r->stored, b.stored, e))
		return -1;
	if (decompress_block(r, &b, e))
		return set_corrupt(r, e);
	r->left = b.records;
	r->side = p + SHARD_BLOCK_FIXED;
	r->next = r->raw.p;
	XXH64_update(r->hash, r->side, (size_t)shard_side_size(&r->header, b.records));
	XXH64_update(r->hash, r->raw.p, r->raw.n);
	r->segment.blocks++;
	r->segment.records += b.records;
	r->segment.tokens += b.ids;
	r->segment.raw_bytes += b.raw;
	return 0;
}

static int end_segment(struct shard_reader *r, struct err *e)
{
	const unsigned char *p = r->frame.p + SHARD_FRAME_START;
	const struct segment *s = &r->segment;

	if (r->frame.n != SHARD_FRAME_START + SHARD_TRAILER_FIXED + SHARD_FRAME_HASH)
		err_set(e, "wrong size of the trailer: %zu bytes, expected %d", r->frame.n,
		    SHARD_FRAME_START + SHARD_TRAILER_FIXED + SHARD_FRAME_HASH);
	else if (get_le(p, 8) != s->blocks || get_le(p + 8, 8) != s->records ||
	         get_le(p + 16, 8) != s->tokens || get_le(p + 24, 8) != s->raw_bytes)
		err_set(e,
		    "the trailer does not agree: %llu records in %llu blocks, expected %llu in "
		    "%llu",
		    (unsigned long long)s->records, (unsigned long long)s->blocks,
		    (unsigned long long)get_le(p + 8, 8), (unsigned long long)get_le(p, 8));
	else if (r->header.expected != 0 && r->header.expected != s->records)
		err_set(e, "wrong number of records: %llu, expected %llu by the header",
		    (unsigned long long)s->records, (unsigned long long)r->header.expected);
	else if (get_le(p + 32, 8) != XXH64_digest(r->hash))
		err_set(e, "the segment's checksum differs");
	else {
		r->inside = false;
		return 0;
	}
	return set_corrupt(r, e);
}

/* Load the next block, if need be of the next segment. Returns 1, 0 at the end of the input, or -1.
 */
static int load_next_block(struct shard_reader *r, struct err *e)
{
	for (;;) {
		int more = r->inside ? 1 : begin_segment(r, e);

		if (more <= 0)
			return more;
		more = read_frame(r, e);
		if (more <= 0)
			return more < 0 ? -1 : set_truncated(r, e);
		if (has_tag(r, SHARD_TAG_BLOCK))
			return load_block(r, e) ? -1 : 1;
		if (!has_tag(r, SHARD_TAG_TRAILER)) {
			err_set(e, "unexpected frame, expected a block or the trailer");
			return set_corrupt(r, e);
		}
		if (end_segment(r, e))
			return -1;
	}
}

/* --- records --- */

static int load_ids(struct shard_reader *r, uint32_t n, struct err *e)
{
	const struct shard_header *h = &r->header;
	const unsigned char *p = r->next;
	uint32_t max_id = 0;

	if (mem_grow(&r->ids, &r->ids_cap, n ? n : 1, sizeof *r->ids, e))
		return err_prefix(e, "%s", r->in.name);
	if (h->id_bytes == 2)
		for (uint32_t i = 0; i < n; i++)
			r->ids[i] = (uint32_t)get_le(p + 2 * (size_t)i, 2);
	else
		for (uint32_t i = 0; i < n; i++)
			r->ids[i] = (uint32_t)get_le(p + 4 * (size_t)i, 4);
	for (uint32_t i = 0; i < n; i++)
		max_id = r->ids[i] > max_id ? r->ids[i] : max_id;
	r->next += (size_t)n * h->id_bytes;
	if (max_id < h->vocab_size)
		return 0;
	err_set(e, "record %llu: id %u is not below the vocabulary's size, %u",
	    (unsigned long long)r->totals.records, max_id, h->vocab_size);
	return set_corrupt(r, e);
}

static int load_noise(struct shard_reader *r, struct shard_record *record, struct err *e)
{
	uint32_t n = record->n;
	float t = get_le_float(r->side), u = get_le_float(r->side + 4);
	size_t mask_bytes = (n + 7u) / 8;

	record->t = t;
	record->u = u;
	record->noise_seed = get_le(r->side + 8, 8);
	record->mask = r->side + SHARD_NOISED_FIXED;
	r->side += SHARD_NOISED_FIXED + mask_bytes;
	if (!(u >= 0 && u < 1) || !(isnan(t) || (t >= 0 && t < INFINITY)))
		err_set(e,
		    "record %llu: invalid noise level: t = %g, u = %g; expected t >= 0 or NaN, "
		    "0 <= u < 1",
		    (unsigned long long)r->totals.records, (double)t, (double)u);
	else if (n % 8 && record->mask[mask_bytes - 1] >> n % 8)
		err_set(e, "record %llu: the mask has bits beyond the row length %u",
		    (unsigned long long)r->totals.records, n);
	else
		return 0;
	return set_corrupt(r, e);
}

int shard_read(struct shard_reader *r, struct shard_record *record, struct err *e)
{
	int more = r->left > 0 ? 1 : load_next_block(r, e);

	if (more <= 0)
		return more;
	memset(record, 0, sizeof *record);
	record->n = r->header.row_len;
	if (r->header.kind == SHARD_STREAM) {
		record->n = (uint32_t)get_le(r->side, 4);
		r->side += 4;
	}
	if (load_ids(r, record->n, e) ||
	    (r->header.kind == SHARD_NOISED && load_noise(r, record, e)))
		return -1;
	record->ids = r->ids;
	r->left--;
	r->totals.records++;
	r->totals.tokens += record->n;
	r->totals.raw_bytes += (uint64_t)record->n * r->header.id_bytes;
	return 1;
}

/* --- opening and closing --- */

static int begin_reading(struct shard_reader *r, struct err *e)
{
	int more;

	r->zstd = ZSTD_createDCtx();
	r->hash = XXH64_createState();
	if (!r->zstd || !r->hash)
		return err_set(e, "%s: out of memory", r->in.name);
	more = begin_segment(r, e);
	if (more == 0)
		return err_set(e, "%s: truncated at byte 0 (block 0): it is empty", r->in.name);
	return more < 0 ? -1 : 0;
}

struct shard_reader *shard_open(const char *path, struct err *e)
{
	struct input in;

	return input_open(&in, path, e) ? NULL : shard_open_input(&in, e);
}

struct shard_reader *shard_open_input(struct input *in, struct err *e)
{
	struct shard_reader *r = mem_array(1, sizeof *r, e);

	if (!r) {
		input_close(in);
		return NULL;
	}
	r->in = *in;
	if (begin_reading(r, e)) {
		shard_close(r);
		return NULL;
	}
	return r;
}

void shard_stop(struct shard_reader *r, const volatile sig_atomic_t *stop)
{
	r->in.stop = stop;
}

int shard_expect(const struct shard_reader *r, enum shard_kind kind, struct err *e)
{
	static const char *const maker[] = {"", "tok", "pack", "noise"};

	if (r->header.kind == kind)
		return 0;
	return err_set(e, "%s: holds %s records, expected %s records (the output of %s)",
	    r->in.name, shard_kind_name(r->header.kind), shard_kind_name(kind), maker[kind]);
}

const struct shard_header *shard_header(const struct shard_reader *r)
{
	return &r->header;
}

const struct shard_vocab *shard_vocab(const struct shard_reader *r)
{
	return &r->vocab;
}

struct shard_vocab shard_take_vocab(struct shard_reader *r)
{
	struct shard_vocab v = r->vocab;

	r->vocab = (struct shard_vocab){NULL, 0};
	return v;
}

const struct shard_counts *shard_counts(const struct shard_reader *r)
{
	return &r->counts;
}

const char *shard_name(const struct shard_reader *r)
{
	return r->in.name;
}

void shard_totals(const struct shard_reader *r, struct shard_totals *t)
{
	*t = r->totals;
	t->stored_bytes = r->in.offset;
}

void shard_close(struct shard_reader *r)
{
	if (!r)
		return;
	input_close(&r->in);
	shard_vocab_release(&r->vocab);
	counts_release(&r->counts);
	ZSTD_freeDCtx(r->zstd);
	XXH64_freeState(r->hash);
	free(r->frame.p);
	free(r->stored.p);
	free(r->raw.p);
	free(r->ids);
	free(r);
}
