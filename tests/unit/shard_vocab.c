/* The vocabulary in a shard, and shards of both versions of the format. shard.c flips its bits. */

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "tap.h"
#include "shard_file.h"

/* Compare the vocabulary of the shard path with that which was written. */
static bool same_vocab(struct err *e)
{
	struct shard_reader *r = shard_open(path, e);
	const struct shard_vocab *v = r ? shard_vocab(r) : NULL;
	bool equal = v && v->n == vocab.n && v->text && !memcmp(v->text, vocab.text, v->n);

	shard_close(r);
	return equal;
}

static void test_vocab(void)
{
	static const int level[] = {SHARD_STORED, 3, 19};
	struct shard_header h = header_of(SHARD_ROWS, 13, 2);
	struct shard_vocab taken = {0};
	struct shard_reader *r;
	struct stat plain = {0}, small = {0};
	struct err e = {0};

	use_vocab(&h, 30522, "\0cased", 6);
	for (size_t i = 0; i < 3; i++) {
		ok(!write_shard(path, &h, NULL, level[i], 5, &e) && same_vocab(&e) &&
		        read_shard(path, 5, &e) == 5,
		    "shard: a vocabulary is written at level %d, and read back %s", level[i],
		    e.msg);
		stat(path, i ? &small : &plain);
	}
	ok(plain.st_size > (off_t)vocab.n && small.st_size < (off_t)vocab.n / 2,
	    "shard: the vocabulary of %zu bytes is compressed as the ids are", vocab.n);
	r = shard_open(path, &e);
	if (r)
		taken = shard_take_vocab(r);
	ok(r && taken.n == vocab.n && !shard_vocab(r)->text && !shard_vocab(r)->n,
	    "shard_take_vocab: the reader gives its vocabulary away");
	shard_close(r);
	ok(taken.text && !memcmp(taken.text, vocab.text, taken.n),
	    "shard_take_vocab: the vocabulary outlives the reader");
	shard_vocab_release(&taken);
	h.vocab_hash++;
	ok(write_shard(path, &h, NULL, 3, 1, &e) == -1 &&
	        strstr(e.msg, "the vocabulary has the hash"),
	    "shard_create: a vocabulary of another hash is refused: %s", e.msg);
	h.vocab_size--;
	ok(write_shard(path, &h, NULL, 3, 1, &e) == -1 &&
	        strstr(e.msg, "the vocabulary has 30522 tokens, expected 30521"),
	    "shard_create: a vocabulary of another size is refused: %s", e.msg);
	vocab.n = (1u << 27) + 1;
	ok(write_shard(path, &h, NULL, 3, 1, &e) == -1 &&
	        strstr(e.msg, "expected at most 134217728"),
	    "shard_create: a vocabulary of more than 2^27 bytes is refused: %s", e.msg);
	shard_vocab_release(&vocab);
}

/* What explain appends to the message "differs". */
static const char *explained(const char *ours, size_t n, const char *theirs, size_t m)
{
	static struct err e;
	char a[64], b[64];

	memcpy(a, ours, n);
	memcpy(b, theirs, m);
	err_set(&e, "differs");
	shard_vocab_explain(&(struct shard_vocab){a, n}, &(struct shard_vocab){b, m}, &e);
	return e.msg + strlen("differs");
}

static void test_explain(void)
{
	struct shard_vocab none = {NULL, 0};
	struct err e = {.msg = "differs"};
	size_t n = 0;
	char text[] = "a\nbc\n\nd\n";
	struct shard_vocab v = {text, 8};
	const char *token = shard_vocab_token(&v, 3, &n);

	ok(token == text + 6 && n == 1, "shard_vocab_token: finds a token");
	token = shard_vocab_token(&v, 2, &n);
	ok(token == text + 5 && n == 0, "shard_vocab_token: finds an empty token");
	ok(!shard_vocab_token(&none, 2, &n), "shard_vocab_token: there is none without a text");
#define EXPLAINED(ours, theirs) explained(ours, sizeof ours - 1, theirs, sizeof theirs - 1)
	ok(!strcmp(EXPLAINED("a\nbc\nd\n", "a\nbd\nd\n"), "; token 1 is 'bd' (expected 'bc')"),
	    "shard_vocab_explain: names the first token that differs");
	ok(!strcmp(EXPLAINED("a\n\n", "a\nb\n"), "; token 1 is 'b' (expected '')"),
	    "shard_vocab_explain: names an empty token");
	ok(!strcmp(EXPLAINED("a\nb\n", "a\nb\nc\n"), ""),
	    "shard_vocab_explain: says nothing about further tokens");
	ok(strstr(EXPLAINED("a\nb\n", "a\nb\n\0cased"), "but those of this input keep case"),
	    "shard_vocab_explain: names the input whose tokens keep case");
	ok(strstr(
	       EXPLAINED("a\nb\n\0cased", "a\nb\n"), "but those of the expected input keep case"),
	    "shard_vocab_explain: names the other input whose tokens keep case");
	ok(shard_vocab_explain(&v, &none, &e) == -1 && shard_vocab_explain(&none, &v, &e) == -1 &&
	        !strcmp(e.msg, "differs"),
	    "shard_vocab_explain: says nothing if one of the inputs has no vocabulary");
}

/* Make a shard of version 1 of the file path: no vocabulary, and the version in all frames. */
static void write_version_1(const struct shard_header *h, uint64_t n)
{
	static const char *const tags[] = {"CDCH", "CDCB", "CDCT"};
	struct err e = {0};
	struct bytes b;

	if (write_shard(path, h, NULL, SHARD_STORED, n, &e))
		abort();
	b = slurp(path);
	for (size_t i = 0; i < 3; i++) {
		unsigned char *f = frame(b, tags[i], 0);

		put_le(f + FRAME_VERSION, 1, 2);
		reseal(f);
	}
	spit(path, b.p, b.n);
	free(b.p);
}

static void append_file(struct bytes *b)
{
	struct bytes more = slurp(path);

	b->p = realloc(b->p, b->n + more.n);
	memcpy(b->p + b->n, more.p, more.n);
	b->n += more.n;
	free(more.p);
}

/* Segments of both versions in one shard: the first one decides whether there is a vocabulary. */
static void test_versions(void)
{
	struct shard_header h = header_of(SHARD_STREAM, 0, 2), named = h;
	struct shard_record record;
	struct shard_reader *r;
	struct bytes b = {0};
	struct err e = {0};

	use_vocab(&named, 20, "", 0);
	shard_vocab_release(&vocab);
	write_version_1(&named, 10);
	ok(read_shard(path, 10, &e) == 10, "shard: version 1 of the format is read %s", e.msg);
	append_file(&b);
	use_vocab(&named, 20, "", 0);
	write_shard(path, &named, NULL, 3, 10, &e);
	append_file(&b);
	spit(other, b.p, b.n);
	ok(read_shard(other, 10, &e) == 20, "shard: a segment of version 2 follows version 1 %s",
	    e.msg);
	r = shard_open(other, &e);
	while (r && shard_read(r, &record, &e) > 0)
		;
	ok(r && !shard_vocab(r)->text,
	    "shard: the first segment has no vocabulary, so there is none");
	shard_close(r);
	b.n = 0;
	write_shard(path, &named, NULL, 3, 10, &e);
	append_file(&b);
	shard_vocab_release(&vocab);
	write_version_1(&named, 10);
	append_file(&b);
	spit(other, b.p, b.n);
	free(b.p);
	ok(read_shard(other, 10, &e) == 20, "shard: a segment of version 1 follows version 2 %s",
	    e.msg);
}

/* The zstd frame of the vocabulary consists of one block, which is not compressed. */
enum { VOCAB_TEXT = VOCAB_DATA + 13 };

static void test_hostile_vocab(void)
{
	uint64_t before = mem_peak();
	size_t n;
	struct bytes b = small_shard(SHARD_ROWS);
	unsigned char *f = frame(b, "CDCV", 0);

	f[VOCAB_TEXT] ^= 1;
	refuse(b, f, "zstd: ", "a vocabulary under a wrong checksum of zstd");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCV", 0);
	n = get_le(f + VOCAB_SIZE, 8);
	f[VOCAB_TEXT] ^= 1;
	put_le(f + VOCAB_TEXT + n, (uint32_t)XXH64(f + VOCAB_TEXT, n, 0), 4);
	refuse(b, f, "the vocabulary has the hash", "another vocabulary than that of the hash");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCV", 0);
	f[VOCAB_TEXT] = '\n';
	put_le(f + VOCAB_TEXT + n, (uint32_t)XXH64(f + VOCAB_TEXT, n, 0), 4);
	refuse(b, f, "the vocabulary has 21 tokens, expected 20", "a vocabulary of another size");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCV", 0);
	put_le(f + VOCAB_SIZE, n - 1, 8);
	refuse(b, f, "not one zstd frame of", "a vocabulary of another length");
	for (int shift = 24; shift < 64; shift += 3) {
		b = small_shard(SHARD_ROWS);
		f = frame(b, "CDCV", 0);
		put_le(f + VOCAB_SIZE, 1ull << shift, 8);
		refuse(b, f, "invalid size of the vocabulary", "a vocabulary of an absurd length");
	}
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCV", 0);
	f[VOCAB_DATA] ^= 1;
	refuse(b, f, "not one zstd frame of", "a vocabulary that is not a zstd frame");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCC", 0);
	memcpy(f + FRAME_TAG, "CDCV", 4);
	refuse(b, f, "the header announces counts", "a shard without its counts");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCH", 0);
	put_le(f + FRAME_FLAGS, 1, 2);
	refuse(
	    b, f, "the header announces counts", "a vocabulary that the header does not announce");
	b = small_shard(SHARD_ROWS);
	f = frame(b, "CDCV", 0);
	memcpy(f + FRAME_TAG, "CDCT", 4);
	refuse(b, f, "the header announces a vocabulary", "a shard without its vocabulary");
	ok(mem_peak() - before < 16 << 20,
	    "shard: absurd sizes of a vocabulary cost only %.1f MiB of memory",
	    (double)(mem_peak() - before) / 1048576);
}

int main(void)
{
	if (make_directory())
		return 1;
	test_vocab();
	test_explain();
	test_versions();
	test_hostile_vocab();
	remove_directory();
	return tap_done();
}
