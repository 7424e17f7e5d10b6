#include "formats/shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "formats/shard_frame.h"
#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"

enum { LEVEL_OF_FILES = 3, LEVEL_MAX = 19 };

struct shard_writer {
	struct output out;
	struct shard_header header;
	bool regular;        /* the output is a regular file */
	ZSTD_CCtx *zstd;     /* NULL: uncompressed */
	XXH64_state_t *hash; /* of all side data and ids */
	struct shard_buf frame, data;
	/* The current block. */
	struct shard_buf side, raw;
	uint32_t block_records;
	uint64_t block_ids;
	/* Totals of the segment. */
	uint64_t blocks, records, tokens, raw_bytes;
};

static int put_frame(struct shard_writer *w, struct err *e)
{
	return output_write(&w->out, w->frame.p, w->frame.n, e);
}

/* --- header, vocabulary and counts --- */

static int put_header(struct shard_writer *w, unsigned flags, struct err *e)
{
	if (shard_header_put(&w->frame, &w->header, flags, e))
		return err_prefix(e, "%s", w->out.name);
	return put_frame(w, e);
}

static int put_vocab(struct shard_writer *w, const struct shard_vocab *v, struct err *e)
{
	if (v->n > SHARD_TEXT_MAX)
		return err_set(e, "%s: the vocabulary is too large: %zu bytes, expected at most %u",
		    w->out.name, v->n, SHARD_TEXT_MAX);
	if (shard_vocab_check(v, &w->header, e) ||
	    shard_compress(w->zstd, &w->data, (const unsigned char *)v->text, v->n, e) ||
	    shard_frame_begin(&w->frame, SHARD_TAG_VOCAB, 0, SHARD_VOCAB_FIXED + w->data.n, e))
		return err_prefix(e, "%s", w->out.name);
	shard_frame_put(&w->frame, v->n, 8);
	shard_frame_put_bytes(&w->frame, w->data.p, w->data.n);
	shard_frame_seal(&w->frame);
	return put_frame(w, e);
}

static int put_counts(struct shard_writer *w, const struct shard_counts *c, struct err *e)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->id[i] >= w->header.vocab_size || (i > 0 && c->id[i] <= c->id[i - 1]) ||
		    c->count[i] == 0)
			return err_set(
			    e, "%s: invalid counts: expected ascending ids", w->out.name);
	if (shard_frame_begin(&w->frame, SHARD_TAG_COUNTS, 0,
	        SHARD_COUNTS_FIXED + (uint64_t)c->n * SHARD_COUNTS_EACH, e))
		return err_prefix(e, "%s", w->out.name);
	shard_frame_put(&w->frame, c->n, 4);
	shard_frame_put(&w->frame, 0, 4);
	for (uint32_t i = 0; i < c->n; i++)
		shard_frame_put(&w->frame, c->id[i], 4);
	for (uint32_t i = 0; i < c->n; i++)
		shard_frame_put(&w->frame, c->count[i], 8);
	shard_frame_seal(&w->frame);
	return put_frame(w, e);
}

/* --- blocks --- */

static int end_block(struct shard_writer *w, struct err *e)
{
	struct shard_buf *f = &w->frame;

	if (w->block_records == 0)
		return 0;
	if (shard_compress(w->zstd, &w->data, w->raw.p, w->raw.n, e) ||
	    shard_frame_begin(f, SHARD_TAG_BLOCK, 0, SHARD_BLOCK_FIXED + w->side.n, e))
		return err_prefix(e, "%s", w->out.name);
	shard_frame_put(f, w->block_records, 4);
	shard_frame_put(f, 0, 4);
	shard_frame_put(f, w->block_ids, 8);
	shard_frame_put(f, w->raw.n, 8);
	shard_frame_put(f, w->data.n, 8);
	shard_frame_put(f, XXH64(w->data.p, w->data.n, 0), 8);
	shard_frame_put_bytes(f, w->side.p, w->side.n);
	shard_frame_seal(f);
	XXH64_update(w->hash, w->side.p, w->side.n);
	XXH64_update(w->hash, w->raw.p, w->raw.n);
	w->blocks++;
	w->records += w->block_records;
	w->tokens += w->block_ids;
	w->raw_bytes += w->raw.n;
	w->block_records = 0;
	w->block_ids = w->side.n = w->raw.n = 0;
	return put_frame(w, e) || output_write(&w->out, w->data.p, w->data.n, e) ? -1 : 0;
}

static int put_ids(struct shard_writer *w, const struct shard_record *record, struct err *e)
{
	unsigned char *to = w->raw.p + w->raw.n;

	for (uint32_t i = 0; i < record->n; i++)
		if (record->ids[i] >= w->header.vocab_size)
			return err_set(e,
			    "%s: record %llu: id %u is not below the vocabulary's size, %u",
			    w->out.name, (unsigned long long)(w->records + w->block_records),
			    record->ids[i], w->header.vocab_size);
	if (w->header.id_bytes == 2)
		for (uint32_t i = 0; i < record->n; i++)
			put_le(to + 2 * (size_t)i, record->ids[i], 2);
	else
		for (uint32_t i = 0; i < record->n; i++)
			put_le(to + 4 * (size_t)i, record->ids[i], 4);
	w->raw.n += (size_t)record->n * w->header.id_bytes;
	return 0;
}

static int check_noise(const struct shard_writer *w, const struct shard_record *r, struct err *e)
{
	bool open = isnan(r->t);

	if ((open && !(r->u >= 0 && r->u < 1)) || (!open && !(r->t >= 0 && r->t < INFINITY)))
		return err_set(e,
		    "%s: record %llu: invalid noise level: t = %g, u = %g; expected t >= 0, "
		    "or NaN and 0 <= u < 1",
		    w->out.name, (unsigned long long)(w->records + w->block_records), (double)r->t,
		    (double)r->u);
	return 0;
}

static void put_side_data(struct shard_writer *w, const struct shard_record *record)
{
	size_t mask_bytes = (record->n + 7u) / 8;

	if (w->header.kind == SHARD_STREAM)
		shard_frame_put(&w->side, record->n, 4);
	if (w->header.kind != SHARD_NOISED)
		return;
	put_le_float(w->side.p + w->side.n, isnan(record->t) ? NAN : record->t);
	put_le_float(w->side.p + w->side.n + 4, isnan(record->t) ? record->u : 0);
	w->side.n += 8;
	shard_frame_put(&w->side, record->noise_seed, 8);
	shard_frame_put_bytes(&w->side, record->mask, mask_bytes);
	if (record->n % 8)
		w->side.p[w->side.n - 1] &= (unsigned char)((1u << record->n % 8) - 1);
}

int shard_write(struct shard_writer *w, const struct shard_record *record, struct err *e)
{
	uint64_t raw = (uint64_t)record->n * w->header.id_bytes;
	uint64_t side = shard_side_size(&w->header, 1);

	if (w->header.row_len ? record->n != w->header.row_len : record->n > SHARD_RECORD_MAX)
		return err_set(e, "%s: record %llu: wrong number of ids: %u, expected %s%u",
		    w->out.name, (unsigned long long)(w->records + w->block_records), record->n,
		    w->header.row_len ? "" : "at most ",
		    w->header.row_len ? w->header.row_len : SHARD_RECORD_MAX);
	if (w->header.kind == SHARD_NOISED && check_noise(w, record, e))
		return -1;
	if (w->raw.n + w->side.n + raw + side > SHARD_BLOCK_MAX && end_block(w, e))
		return -1;
	if (shard_buf_reserve(&w->raw, raw, e) || shard_buf_reserve(&w->side, side, e))
		return err_prefix(e, "%s", w->out.name);
	if (put_ids(w, record, e))
		return -1;
	put_side_data(w, record);
	w->block_records++;
	w->block_ids += record->n;
	return 0;
}

int shard_flush(struct shard_writer *w, struct err *e)
{
	return end_block(w, e) || output_flush(&w->out, e) ? -1 : 0;
}

/* --- beginning and end --- */

static int set_level(struct shard_writer *w, int level, struct err *e)
{
	struct stat st;

	w->regular = !fstat(w->out.fd, &st) && S_ISREG(st.st_mode);
	if (level == SHARD_AUTO)
		level = w->regular ? LEVEL_OF_FILES : SHARD_STORED;
	if (level < SHARD_STORED || level > LEVEL_MAX)
		return err_set(e, "%s: unknown compression level %d", w->out.name, level);
	if (level == SHARD_STORED)
		return 0;
	w->zstd = ZSTD_createCCtx();
	if (!w->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1)))
		return err_set(e, "%s: zstd cannot be set up", w->out.name);
	return 0;
}

static int begin_writing(struct shard_writer *w, const struct shard_vocab *vocab,
    const struct shard_counts *counts, int level, struct err *e)
{
	bool has_vocab = vocab && vocab->text;
	unsigned flags = (has_vocab ? SHARD_FLAG_VOCAB : 0) | (counts ? SHARD_FLAG_COUNTS : 0);

	w->hash = XXH64_createState();
	if (!w->hash)
		return err_set(e, "%s: out of memory", w->out.name);
	XXH64_reset(w->hash, 0);
	if (set_level(w, level, e) || put_header(w, flags, e) ||
	    (has_vocab && put_vocab(w, vocab, e)) || (counts && put_counts(w, counts, e)))
		return -1;
	/* The reader of a pipe can start as soon as it has the header. */
	return w->regular ? 0 : output_flush(&w->out, e);
}

struct shard_writer *shard_create(const char *path, const struct shard_header *header,
    const struct shard_vocab *vocab, const struct shard_counts *counts, int level, struct err *e)
{
	struct shard_writer *w = mem_array(1, sizeof *w, e);

	if (!w)
		return NULL;
	w->header = *header;
	if (output_open(&w->out, path, e)) {
		free(w);
		return NULL;
	}
	if (begin_writing(w, vocab, counts, level, e)) {
		shard_abort(w);
		return NULL;
	}
	return w;
}

const char *shard_temporary(const struct shard_writer *w)
{
	return w->out.temporary;
}

static void writer_free(struct shard_writer *w)
{
	ZSTD_freeCCtx(w->zstd);
	XXH64_freeState(w->hash);
	free(w->frame.p);
	free(w->data.p);
	free(w->side.p);
	free(w->raw.p);
	free(w);
}

static int put_trailer(struct shard_writer *w, struct err *e)
{
	struct shard_buf *f = &w->frame;

	if (w->header.expected != 0 && w->header.expected != w->records)
		return err_set(e, "%s: wrong number of records: %llu, expected %llu by the header",
		    w->out.name, (unsigned long long)w->records,
		    (unsigned long long)w->header.expected);
	if (shard_frame_begin(f, SHARD_TAG_TRAILER, 0, SHARD_TRAILER_FIXED, e))
		return -1;
	shard_frame_put(f, w->blocks, 8);
	shard_frame_put(f, w->records, 8);
	shard_frame_put(f, w->tokens, 8);
	shard_frame_put(f, w->raw_bytes, 8);
	shard_frame_put(f, XXH64_digest(w->hash), 8);
	shard_frame_seal(f);
	return put_frame(w, e);
}

int shard_commit(struct shard_writer *w, struct err *e)
{
	int failed;

	if (end_block(w, e) || put_trailer(w, e)) {
		shard_abort(w);
		return -1;
	}
	failed = output_commit(&w->out, e);
	writer_free(w);
	return failed;
}

void shard_abort(struct shard_writer *w)
{
	if (!w)
		return;
	output_abort(&w->out);
	writer_free(w);
}
