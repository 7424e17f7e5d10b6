#ifndef CDCD_TEST_SHARD_FILE_H
#define CDCD_TEST_SHARD_FILE_H

/* Shards of records that are a function of their number, and their bytes. Include after tap.h. */

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "formats/shard.h"
#include "base/bytes.h"
#include "base/rng.h"

/* Offsets in frames, see cdcd-shard(5). */
enum {
	FRAME_SIZE = 4,
	FRAME_TAG = 8,
	FRAME_VERSION = 12,
	FRAME_FLAGS = 14,
	HEADER_KIND = 16,
	HEADER_ROW_LEN = 28,
	VOCAB_SIZE = 16,
	VOCAB_DATA = 24,
	BLOCK_RECORDS = 16,
	BLOCK_IDS = 24,
	BLOCK_RAW = 32,
	BLOCK_STORED = 40,
	BLOCK_HASH = 48,
	BLOCK_SIDE = 56,
};

static char dir[] = "/tmp/cdcd-shard.XXXXXX", path[64], other[64];

/* --- files in memory --- */

struct bytes {
	unsigned char *p;
	size_t n;
};

static inline struct bytes slurp(const char *name)
{
	struct bytes b = {NULL, 0};
	struct stat st;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		abort();
	b.n = (size_t)st.st_size;
	b.p = malloc(b.n + 1);
	if (!b.p || read(fd, b.p, b.n) != (ssize_t)b.n)
		abort();
	close(fd);
	return b;
}

static inline void spit(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd))
		abort();
}

/* The nth frame with this tag; the tag does not occur elsewhere in the tested shards. */
static inline unsigned char *frame(struct bytes b, const char *tag, int nth)
{
	for (size_t i = 0; i + 4 <= b.n; i++)
		if (!memcmp(b.p + i, tag, 4) && nth-- == 0)
			return b.p + i - FRAME_TAG;
	abort();
}

static inline void reseal(unsigned char *f)
{
	size_t n = get_le(f + FRAME_SIZE, 4);

	put_le(f + n, XXH64(f, n, 0), 8);
}

/* --- records --- */

static inline struct shard_header header_of(
    enum shard_kind kind, uint32_t row_len, uint32_t id_bytes)
{
	struct shard_header h = {.kind = kind,
	    .id_bytes = id_bytes,
	    .vocab_size = id_bytes == 2 ? 30522 : 100000,
	    .row_len = row_len,
	    .vocab_hash = 0x1234567890abcdef,
	    .special = {0, 10, 11, 12, SHARD_NO_ID},
	    .seed = 42,
	    .provenance = "unit test"};

	return h;
}

static struct shard_vocab vocab; /* what write_shard writes; no text: none */

/* From now on, write shards with a vocabulary of n tokens: "t0", "t1" ... and the bytes of end. */
static inline void use_vocab(struct shard_header *h, uint32_t n, const char *end, size_t end_size)
{
	shard_vocab_release(&vocab);
	vocab.text = malloc((size_t)n * 9 + end_size);
	for (uint32_t i = 0; i < n; i++)
		vocab.n += (size_t)sprintf(vocab.text + vocab.n, "t%u\n", i);
	memcpy(vocab.text + vocab.n, end, end_size);
	vocab.n += end_size;
	h->vocab_size = n;
	h->vocab_hash = XXH64(vocab.text, vocab.n, 0);
}

/* Record i of a shard, a function of i only. */
static inline struct shard_record record_of(const struct shard_header *h, uint64_t i)
{
	static uint32_t ids[4096];
	static uint8_t mask[512];
	struct shard_record r = {.ids = ids, .n = h->row_len, .mask = mask};

	if (h->kind == SHARD_STREAM)
		r.n = (uint32_t)rng_below(1, RNG_TEST, 0, i, 400);
	for (uint32_t k = 0; k < r.n; k++)
		ids[k] = (uint32_t)rng_below(2, RNG_TEST, k, i, h->vocab_size);
	for (uint32_t k = 0; k < (r.n + 7) / 8; k++)
		mask[k] = (uint8_t)rng_u64(3, RNG_TEST, k, i);
	if (r.n % 8)
		mask[r.n / 8] &= (uint8_t)((1u << r.n % 8) - 1);
	r.t = i % 2 ? NAN : (float)i;
	r.u = i % 2 ? (float)rng_below(4, RNG_TEST, 0, i, 1u << 24) * 0x1p-24f : 0;
	r.noise_seed = rng_u64(5, RNG_TEST, 0, i);
	return r;
}

static inline int write_shard(const char *name, const struct shard_header *h,
    const struct shard_counts *counts, int level, uint64_t n, struct err *e)
{
	struct shard_writer *w = shard_create(name, h, &vocab, counts, level, e);

	for (uint64_t i = 0; w && i < n; i++) {
		struct shard_record r = record_of(h, i);

		if (shard_write(w, &r, e) || (i % 1000 == 500 && shard_flush(w, e))) {
			shard_abort(w);
			return -1;
		}
	}
	return w ? shard_commit(w, e) : -1;
}

static inline bool same(
    const struct shard_record *a, const struct shard_record *b, enum shard_kind kind)
{
	if (a->n != b->n || memcmp(a->ids, b->ids, a->n * sizeof *a->ids) != 0)
		return false;
	return kind != SHARD_NOISED ||
	       (isnan(a->t) == isnan(b->t) && (isnan(a->t) || a->t == b->t) && a->u == b->u &&
	           a->noise_seed == b->noise_seed && !memcmp(a->mask, b->mask, (a->n + 7) / 8));
}

/* Read the shard name. Returns the number of records, or -1 on error. If period is not 0, the
 * records must repeat records 0 ... period - 1. */
static inline int64_t read_shard(const char *name, uint64_t period, struct err *e)
{
	struct shard_reader *r = shard_open(name, e);
	struct shard_record record;
	int64_t n = 0;
	int more = -1;

	while (r && (more = shard_read(r, &record, e)) > 0) {
		struct shard_record want =
		    record_of(shard_header(r), (uint64_t)n % (period | !period));

		if (period && !same(&record, &want, shard_header(r)->kind))
			more = err_set(e, "record %lld is another", (long long)n);
		if (more < 0)
			break;
		n++;
	}
	shard_close(r);
	return more < 0 ? -1 : n;
}

static inline struct bytes small_shard(enum shard_kind kind)
{
	struct shard_header h = header_of(kind, kind == SHARD_STREAM ? 0 : 13, 2);
	uint32_t id[] = {0, 7};
	uint64_t count[] = {3, 4};
	struct shard_counts counts = {2, id, count};
	struct err e = {0};

	use_vocab(&h, 20, "", 0);
	if (write_shard(path, &h, &counts, SHARD_STORED, 3, &e))
		abort();
	shard_vocab_release(&vocab);
	return slurp(path);
}

static inline void refuse(struct bytes b, unsigned char *f, const char *pattern, const char *what)
{
	struct err e = {0};

	if (f)
		reseal(f);
	spit(other, b.p, b.n);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, pattern), "shard: %s is refused: %s",
	    what, e.msg);
	free(b.p);
}

/* --- where the files are --- */

static inline int make_directory(void)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/a", dir);
	snprintf(other, sizeof other, "%s/b", dir);
	return 0;
}

static inline void remove_directory(void)
{
	unlink(path);
	unlink(other);
	ok(!rmdir(dir), "shard: no file is left");
}

#endif
