#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "formats/shard.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tap.h"
#include "shard_file.h"

/* --- tests --- */

static void test_round_trips(void)
{
	static const struct {
		enum shard_kind kind;
		uint32_t row_len, id_bytes;
		uint64_t n;
	} shape[] = {{SHARD_STREAM, 0, 2, 6000}, {SHARD_STREAM, 0, 4, 300},
	    {SHARD_ROWS, 64, 2, 20000}, {SHARD_ROWS, 1, 4, 3000}, {SHARD_NOISED, 64, 2, 9000},
	    {SHARD_NOISED, 13, 4, 700}, {SHARD_ROWS, 64, 2, 0}};
	static const int level[] = {SHARD_STORED, 1, SHARD_AUTO};

	for (size_t s = 0; s < sizeof shape / sizeof shape[0]; s++)
		for (size_t l = 0; l < 3; l++) {
			struct shard_header h =
			    header_of(shape[s].kind, shape[s].row_len, shape[s].id_bytes);
			struct err e = {0};
			int64_t n = -1;

			if (!write_shard(path, &h, NULL, level[l], shape[s].n, &e))
				n = read_shard(path, shape[s].n, &e);
			ok(n == (int64_t)shape[s].n,
			    "shard: round trip of %llu %s records of %u ids, %u bytes per id, "
			    "level %d %s",
			    (unsigned long long)shape[s].n, shard_kind_name(h.kind), h.row_len,
			    h.id_bytes, level[l], e.msg);
		}
}

static void test_header(void)
{
	struct shard_header h = header_of(SHARD_NOISED, 13, 2);
	uint32_t id[] = {0, 7, 30521};
	uint64_t count[] = {UINT64_MAX, 1, 5};
	struct shard_counts counts = {3, id, count};
	struct shard_reader *r;
	const struct shard_counts *got;
	struct shard_record record;
	struct shard_totals t;
	struct stat st = {0};
	struct err e = {0};

	h.first = 1ull << 40;
	h.expected = 5;
	h.stride = 3;
	snprintf(h.provenance, sizeof h.provenance, "a\nb\x7f\xc3\xa9");
	ok(!write_shard(path, &h, &counts, 3, 5, &e), "shard: a shard with counts is written %s",
	    e.msg);
	r = shard_open(path, &e);
	if (!ok(r != NULL, "shard: a shard with counts is opened %s", e.msg))
		return;
	snprintf(h.provenance, sizeof h.provenance, "a?b?\xc3\xa9");
	ok(!shard_compatible(shard_header(r), &h, &e) && shard_header(r)->seed == 42 &&
	        shard_header(r)->first == 1ull << 40 && shard_header(r)->expected == 5 &&
	        shard_header(r)->stride == 3 && !strcmp(shard_header(r)->provenance, h.provenance),
	    "shard: the header is read back, with the provenance in one line");
	got = shard_counts(r);
	ok(got->n == 3 && !memcmp(got->id, id, sizeof id) &&
	        !memcmp(got->count, count, sizeof count),
	    "shard: the counts are read back");
	ok(shard_expect(r, SHARD_NOISED, &e) == 0 && shard_expect(r, SHARD_ROWS, &e) == -1 &&
	        strstr(e.msg, "noised") && strstr(e.msg, "rows"),
	    "shard_expect: the message names both kinds: %s", e.msg);
	while (shard_read(r, &record, &e) > 0)
		;
	shard_totals(r, &t);
	ok(!stat(path, &st) && t.segments == 1 && t.records == 5 && t.tokens == 65 &&
	        t.raw_bytes == 130 && t.stored_bytes == (uint64_t)st.st_size,
	    "shard: the totals are correct");
	shard_close(r);
	h.expected = 6;
	ok(write_shard(path, &h, NULL, 3, 5, &e) == -1 &&
	        strstr(e.msg, "wrong number of records: 5, expected 6"),
	    "shard: fewer records than the header expects are refused: %s", e.msg);
}

static void test_refusals_of_writer(void)
{
	struct shard_header h = header_of(SHARD_ROWS, 3, 2), bad;
	uint32_t ids[4] = {1, 2, 30522, 4}, down[] = {2, 1};
	uint64_t count[] = {1, 1};
	struct shard_counts counts = {2, down, count};
	struct shard_record r = {.ids = ids, .n = 3};
	struct shard_writer *w;
	struct err e = {0};

	unlink(path);
	w = shard_create(path, &h, NULL, NULL, 3, &e);
	ok(w && shard_write(w, &r, &e) == -1 && strstr(e.msg, "id 30522 is not below"),
	    "shard_write: an id beyond the vocabulary is refused: %s", e.msg);
	r.n = 4;
	ok(w && shard_write(w, &r, &e) == -1 && strstr(e.msg, "wrong number of ids: 4, expected 3"),
	    "shard_write: a wrong number of ids is refused: %s", e.msg);
	shard_abort(w);
	ok(access(path, F_OK), "shard: an aborted shard leaves no file");
	h.kind = SHARD_NOISED;
	r = record_of(&h, 0);
	w = shard_create(path, &h, NULL, NULL, 3, &e);
	r.t = NAN;
	r.u = 1;
	ok(w && shard_write(w, &r, &e) == -1 && strstr(e.msg, "u = 1"),
	    "shard_write: u = 1 is refused: %s", e.msg);
	r.t = -1;
	ok(w && shard_write(w, &r, &e) == -1 && strstr(e.msg, "t = -1"),
	    "shard_write: a negative noise level is refused: %s", e.msg);
	shard_abort(w);
	ok(!shard_create(path, &h, NULL, &counts, 3, &e),
	    "shard_create: counts in descending order are refused: %s", e.msg);
	ok(!shard_create(path, &h, NULL, NULL, 20, &e),
	    "shard_create: compression level 20 is refused: %s", e.msg);
	bad = h;
	bad.id_bytes = 3;
	ok(!shard_create(path, &bad, NULL, NULL, 3, &e),
	    "shard_create: ids of 3 bytes are refused: %s", e.msg);
	bad = h;
	bad.vocab_size = 70000;
	ok(!shard_create(path, &bad, NULL, NULL, 3, &e),
	    "shard_create: a vocabulary too large for its ids is refused: %s", e.msg);
	bad = h;
	bad.row_len = 0;
	ok(!shard_create(path, &bad, NULL, NULL, 3, &e),
	    "shard_create: noised rows of length 0 are refused: %s", e.msg);
	bad = h;
	bad.special.pad = 30522;
	ok(!shard_create(path, &bad, NULL, NULL, 3, &e),
	    "shard_create: a special id beyond the vocabulary is refused: %s", e.msg);
}

/* Flip every bit of a small shard, and truncate it at every length. */
static void test_damage(enum shard_kind kind, int level)
{
	struct shard_header h = header_of(kind, kind == SHARD_STREAM ? 0 : 13, 2);
	uint32_t id[] = {0, 7};
	uint64_t count[] = {3, 4};
	struct shard_counts counts = {2, id, count};
	size_t missed = 0, vague = 0, uncut = 0;
	struct err e = {0};
	struct bytes b;

	use_vocab(&h, 20, "", 0);
	if (!ok(!write_shard(path, &h, &counts, level, 3, &e) && read_shard(path, 3, &e) == 3,
	        "shard: a small shard of %s records, level %d, is written and read %s",
	        shard_kind_name(kind), level, e.msg))
		return;
	b = slurp(path);
	for (size_t i = 0; i < 8 * b.n; i++) {
		b.p[i / 8] ^= (unsigned char)(1u << i % 8);
		spit(other, b.p, b.n);
		missed += read_shard(other, 0, &e) != -1;
		vague +=
		    !strstr(e.msg, "byte ") || !strstr(e.msg, "(block ") || strchr(e.msg, '\n');
		b.p[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	ok(missed == 0, "shard: %zu of %zu flipped bits are not detected", missed, 8 * b.n);
	ok(vague == 0, "shard: each message about a flipped bit names byte and block: %s", e.msg);
	for (size_t n = 0; n < b.n; n++) {
		char place[64];

		snprintf(place, sizeof place, "truncated at byte %zu (block ", n);
		spit(other, b.p, n);
		uncut += read_shard(other, 0, &e) != -1 || !strstr(e.msg, place);
	}
	ok(uncut == 0, "shard: %zu of %zu truncations are not detected: %s", uncut, b.n, e.msg);
	spit(other, b.p, b.n);
	for (size_t n = 1; n < b.n; n++) {
		int fd = open(other, O_WRONLY | O_TRUNC);

		if (write(fd, b.p, b.n) != (ssize_t)b.n || write(fd, b.p, n) != (ssize_t)n)
			abort();
		close(fd);
		uncut += read_shard(other, 3, &e) != -1;
	}
	ok(uncut == 0, "shard: all truncations of a second segment are detected");
	free(b.p);
	shard_vocab_release(&vocab);
}

static void test_cat(void)
{
	struct shard_header h = header_of(SHARD_STREAM, 0, 2), one = h;
	struct bytes a, b, c;
	struct err e = {0};

	snprintf(one.provenance, sizeof one.provenance, "another origin, another seed");
	one.seed = 1;
	write_shard(path, &h, NULL, 3, 10, &e);
	a = slurp(path);
	write_shard(path, &one, NULL, SHARD_STORED, 10, &e);
	b = slurp(path);
	c.n = 2 * a.n + b.n;
	c.p = malloc(c.n);
	memcpy(c.p, a.p, a.n);
	memcpy(c.p + a.n, b.p, b.n);
	memcpy(c.p + a.n + b.n, a.p, a.n);
	spit(other, c.p, c.n);
	ok(read_shard(other, 10, &e) == 30, "shard: concatenated shards are read %s", e.msg);
	one = h;
	one.vocab_hash++;
	write_shard(path, &one, NULL, 3, 10, &e);
	free(b.p);
	b = slurp(path);
	memcpy(c.p + a.n, b.p, b.n < c.n - a.n ? b.n : 0);
	spit(other, c.p, a.n + b.n);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, "vocabulary's hash differs"),
	    "shard: concatenated shards of two vocabularies are refused: %s", e.msg);
	memcpy(c.p + a.n, "\x28\xb5\x2f\xfd more", 9);
	spit(other, c.p, a.n + 9);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, "corrupt"),
	    "shard: zstd data after a shard is refused: %s", e.msg);
	free(a.p);
	free(b.p);
	free(c.p);
}

/* All frames, decoded by zstd, are exactly the ids. */
static void test_zstd(int level)
{
	struct shard_header h = header_of(SHARD_NOISED, 64, 2);
	size_t room = 9000 * 128, at = 0, wrong = 0, got;
	unsigned char *ids = malloc(room);
	struct err e = {0};
	struct bytes b;

	write_shard(path, &h, NULL, level, 9000, &e);
	b = slurp(path);
	got = ZSTD_decompress(ids, room, b.p, b.n);
	ok(got == room, "shard: zstd alone decodes level %d: %s", level,
	    ZSTD_isError(got) ? ZSTD_getErrorName(got) : "");
	for (uint64_t i = 0; got == room && i < 9000; i++) {
		struct shard_record r = record_of(&h, i);

		for (uint32_t k = 0; k < r.n; k++, at += 2)
			wrong += get_le(ids + at, 2) != r.ids[k];
	}
	ok(wrong == 0, "shard: zstd alone decodes all frames to the ids");
	free(ids);
	free(b.p);
}

static void test_long_record(void)
{
	struct shard_header h = header_of(SHARD_STREAM, 0, 4);
	enum { N = 3000000 };
	uint32_t *ids = calloc(N, sizeof *ids);
	struct shard_record r = {.ids = ids, .n = N}, back;
	struct shard_reader *in = NULL;
	struct shard_writer *w;
	struct err e = {0};

	for (int level = 0; level < 2; level++) {
		for (uint32_t i = 0; i < N; i++)
			ids[i] = level ? 7 : i % 100000;
		w = shard_create(path, &h, NULL, NULL, level, &e);
		ok(w && !shard_write(w, &r, &e) && !shard_commit(w, &e),
		    "shard: a record of %d ids is written %s", N, e.msg);
		in = shard_open(path, &e);
		ok(in && shard_read(in, &back, &e) == 1 && back.n == N &&
		        !memcmp(back.ids, ids, N * sizeof *ids) && shard_read(in, &back, &e) == 0,
		    "shard: a long record is read back %s", e.msg);
		shard_close(in);
	}
	free(ids);
}

/* --- hostile numbers with correct checksums --- */

static void test_hostile_frames(void)
{
	static const char *const tags[] = {"CDCH", "CDCV", "CDCC", "CDCB", "CDCT"};
	struct bytes b;
	unsigned char *f;

	for (size_t i = 0; i < 5; i++) {
		for (unsigned version = 0; version < 4; version += 3) {
			b = small_shard(SHARD_NOISED);
			f = frame(b, tags[i], 0);
			put_le(f + FRAME_VERSION, version, 2);
			refuse(b, f, "unsupported format version", tags[i]);
		}
		b = small_shard(SHARD_NOISED);
		f = frame(b, tags[i], 0);
		put_le(f + FRAME_FLAGS, 8, 2);
		refuse(b, f, "unknown flags 0x8", tags[i]);
		b = small_shard(SHARD_NOISED);
		f = frame(b, tags[i], 0);
		f[FRAME_TAG] = 'X';
		refuse(b, f, "unknown type", tags[i]);
		b = small_shard(SHARD_NOISED);
		put_le(frame(b, tags[i], 0) + FRAME_SIZE, UINT32_MAX, 4);
		refuse(b, NULL, "4294967295 bytes", tags[i]);
		b = small_shard(SHARD_NOISED);
		put_le(frame(b, tags[i], 0) + FRAME_SIZE, 1u << 28, 4);
		refuse(b, NULL, "truncated", tags[i]);
		b = small_shard(SHARD_NOISED);
		put_le(frame(b, tags[i], 0) + FRAME_SIZE, 3, 4);
		refuse(b, NULL, "the frame is too short: 11 bytes", tags[i]);
	}
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCH", 0);
	put_le(f + HEADER_KIND, 9, 4);
	refuse(b, f, "unknown kind 9", "a kind of the future");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCH", 0);
	put_le(f + HEADER_ROW_LEN, 1u << 28, 4);
	refuse(b, f, "corrupt", "rows of 2^28 ids");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCH", 0);
	put_le(f + 60, UINT32_MAX, 4);
	refuse(b, f, "its provenance of 4294967295 bytes", "a long provenance");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCH", 0);
	f[90] = 27;
	refuse(b, f, "control character", "an escape sequence as provenance");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCC", 0);
	put_le(f + 16, UINT32_MAX, 4);
	refuse(b, f, "counts of 4294967295 ids", "many counts");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCC", 0);
	put_le(f + 24, 9, 4);
	refuse(b, f, "ascending", "counts out of order");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCT", 0);
	put_le(f + 24, 4, 8);
	refuse(b, f, "expected 4 in", "another number of records");
}

/* Change data so that the checksums of the block agree. */
static void refresh_data(unsigned char *f)
{
	unsigned char *data = f + 8 + get_le(f + FRAME_SIZE, 4);
	size_t stored = get_le(f + BLOCK_STORED, 8), raw = get_le(f + BLOCK_RAW, 8);

	put_le(data + stored - 4, (uint32_t)XXH64(data + stored - 4 - raw, raw, 0), 4);
	put_le(f + BLOCK_HASH, XXH64(data, stored, 0), 8);
}

static void test_hostile_blocks(void)
{
	static const int fields[] = {BLOCK_RECORDS, BLOCK_IDS, BLOCK_RAW, BLOCK_STORED};
	struct bytes b;
	unsigned char *f;
	uint64_t before = mem_peak();

	for (size_t i = 0; i < 4; i++)
		for (int shift = 20; shift < 64; shift += 43) {
			b = small_shard(SHARD_STREAM);
			f = frame(b, "CDCB", 0);
			put_le(f + fields[i], get_le(f + fields[i], 8) + (1ull << shift), 8);
			refuse(b, f, "corrupt", "one absurd number");
		}
	b = small_shard(SHARD_STREAM);
	f = frame(b, "CDCB", 0);
	put_le(f + BLOCK_IDS, 1ull << 63, 8);
	put_le(f + BLOCK_RAW, 0, 8);
	refuse(b, f, "corrupt", "numbers whose product overflows");
	{
		/* A single story that claims 2^28 ids, consistently, in a few bytes of data. */
		struct shard_header h = header_of(SHARD_STREAM, 0, 2);
		struct err e = {0};

		write_shard(path, &h, NULL, SHARD_STORED, 1, &e);
		b = slurp(path);
		f = frame(b, "CDCB", 0);
		put_le(f + BLOCK_SIDE, 1u << 28, 4);
		put_le(f + BLOCK_IDS, 1u << 28, 8);
		put_le(f + BLOCK_RAW, 1u << 29, 8);
		refuse(b, f, "corrupt", "2^28 ids in a few bytes");
		b = slurp(path);
		f = frame(b, "CDCB", 0);
		put_le(f + BLOCK_SIDE, 1u << 28, 4);
		put_le(f + BLOCK_IDS, 1u << 28, 8);
		put_le(f + BLOCK_RAW, 1u << 29, 8);
		put_le(f + BLOCK_STORED, (1u << 29) + 14 + 3 * 4096, 8);
		refuse(b, f, "truncated", "2^28 ids that never come");
	}
	ok(mem_peak() - before < 16 << 20, "shard: hostile sizes cost only %.1f MiB of memory",
	    (double)(mem_peak() - before) / 1048576);
}

static void test_hostile_records(void)
{
	struct bytes b = small_shard(SHARD_ROWS);
	unsigned char *f = frame(b, "CDCB", 0);

	put_le(f + 8 + get_le(f + FRAME_SIZE, 4) + 13 + 2 * 15, 30522, 2);
	refresh_data(f);
	refuse(b, f, "record 1: id 30522 is not below", "an id beyond the vocabulary");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCB", 0);
	f[8 + get_le(f + FRAME_SIZE, 4) + 13 + 2 * 15] ^= 1;
	refresh_data(f);
	refuse(b, f, "the segment's checksum differs", "another id under a right block checksum");
	b = small_shard(SHARD_NOISED);
	f = frame(b, "CDCB", 0);
	put_le_float(f + BLOCK_SIDE, INFINITY);
	refuse(b, f, "invalid noise level: t = inf", "an infinite level");
	b = small_shard(SHARD_NOISED);
	f = frame(b, "CDCB", 0);
	put_le_float(f + BLOCK_SIDE + 4, 1);
	refuse(b, f, "u = 1", "u outside [0, 1)");
	b = small_shard(SHARD_NOISED);
	f = frame(b, "CDCB", 0);
	f[BLOCK_SIDE + 17] |= 0x80;
	refuse(b, f, "the mask has bits beyond the row length 13", "a mask beyond the row");
}

static void test_other_files(void)
{
	struct err e = {0};

	spit(other, "", 0);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, "truncated at byte 0 (block 0)"),
	    "shard: an empty file is refused: %s", e.msg);
	spit(other, "{\"story\"", 8);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, "not a shard"),
	    "shard: a JSON file is refused: %s", e.msg);
	spit(other, "{", 1);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, "not a shard"),
	    "shard: a file of one byte is refused: %s", e.msg);
	spit(other, "\x28\xb5\x2f\xfd....", 8);
	ok(read_shard(other, 0, &e) == -1 && strstr(e.msg, "a zstd stream, but not a shard"),
	    "shard: a zstd stream that is not a shard is refused: %s", e.msg);
	ok(read_shard(dir, 0, &e) == -1 && strstr(e.msg, "is a directory"),
	    "shard: a directory is refused: %s", e.msg);
}

int main(void)
{
	if (make_directory())
		return 1;
	test_round_trips();
	test_header();
	test_refusals_of_writer();
	test_cat();
	test_zstd(SHARD_STORED);
	test_zstd(19);
	test_other_files();
	test_hostile_frames();
	test_hostile_blocks();
	test_hostile_records();
	test_long_record();
	test_damage(SHARD_STREAM, SHARD_STORED);
	test_damage(SHARD_ROWS, 3);
	test_damage(SHARD_NOISED, SHARD_STORED);
	remove_directory();
	return tap_done();
}
