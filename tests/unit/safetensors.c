#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/safetensors.h"
#include "base/bytes.h"
#include "tap.h"

static char dir[] = "/tmp/cdcd-safetensors.XXXXXX", path[64];

static const float weights[6] = {1, -2.5f, 3e-30f, INFINITY, -0.0f, 7};
static const uint8_t odd[3] = {32, 0, 255};
static const double one = 0.1;

/* --- files --- */

static size_t slurp(unsigned char *buf, size_t room)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buf, 1, room, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static void spill(const void *buf, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (f) {
		fwrite(buf, 1, n, f);
		fclose(f);
	}
}

/* Write a file with this header and this number of data bytes. */
static void craft(const char *json, size_t data)
{
	static unsigned char buf[4096];
	size_t n = strlen(json);

	memset(buf, 0, sizeof buf);
	put_le(buf, n, 8);
	memcpy(buf + 8, json, n);
	spill(buf, 8 + n + data);
}

/* Returns 0 if the file is accepted, or -1 if safetensors_open or _verify refuses it. */
static int read_all(struct err *e)
{
	struct safetensors *st = safetensors_open(path, e);
	int failed = st ? safetensors_verify(st, e) : -1;

	safetensors_close(st);
	return failed;
}

static struct safetensors_writer *sample(struct err *e)
{
	struct safetensors_writer *w = safetensors_writer_new(e);
	uint64_t two_three[2] = {2, 3}, three[1] = {3}, none[2] = {0, 9};

	if (!w || safetensors_put_meta(w, "format_version", "1", e) ||
	    safetensors_put_meta(w, "note", "a \"quoted\" caf\xc3\xa9\n\\ /", e) ||
	    safetensors_put_meta(w, "bytes", "caf\xe9 \xf0\x9f\x98", e) ||
	    safetensors_put(w, "w", ST_F32, 2, two_three, weights, e) ||
	    safetensors_put(w, "odd", ST_U8, 1, three, odd, e) ||
	    safetensors_put(w, "empty", ST_I64, 2, none, NULL, e) ||
	    safetensors_put(w, "scalar", ST_F64, 0, NULL, &one, e)) {
		safetensors_writer_free(w);
		return NULL;
	}
	return w;
}

/* --- tests --- */

static void test_round_trip(void)
{
	struct err e = {0};
	struct safetensors_writer *w = sample(&e);
	static unsigned char first[4096], second[4096];
	struct safetensors *st;
	size_t n;
	uint64_t two_three[2] = {2, 3}, three_two[2] = {3, 2}, three[1] = {3}, none[2] = {0, 9};
	float f[6];
	uint8_t u[3];
	double d;

	if (!ok(w && !safetensors_write(w, path, &e), "safetensors: a file is written: %s", e.msg))
		return;
	n = slurp(first, sizeof first);
	ok((8 + get_le(first, 8)) % 64 == 0,
	    "safetensors: the tensors begin at a multiple of 64 bytes");
	ok(!safetensors_write(w, path, &e) && slurp(second, sizeof second) == n &&
	        !memcmp(first, second, n),
	    "safetensors: the same calls give the same bytes");
	safetensors_writer_free(w);
	st = safetensors_open(path, &e);
	if (!ok(st && !safetensors_verify(st, &e), "safetensors: a written file is read: %s",
	        e.msg))
		return;
	ok(safetensors_n(st) == 4 && !strcmp(safetensors_at(st, 0)->name, "w") &&
	        !safetensors_at(st, 4),
	    "safetensors: four tensors are listed in order");
	ok(!safetensors_load(st, "w", ST_F32, 2, two_three, f, &e) && !memcmp(f, weights, sizeof f),
	    "safetensors: floats are read back to the bit");
	ok(!safetensors_load(st, "odd", ST_U8, 1, three, u, &e) && !memcmp(u, odd, 3),
	    "safetensors: bytes are read back");
	ok(!safetensors_load(st, "scalar", ST_F64, 0, NULL, &d, &e) && d == one,
	    "safetensors: a scalar at an odd offset is read back");
	ok(!safetensors_load(st, "empty", ST_I64, 2, none, NULL, &e),
	    "safetensors: an empty tensor is loaded");
	ok(safetensors_find(st, "w")->shape[1] == 3 && safetensors_find(st, "w")->n_dims == 2,
	    "safetensors: an empty tensor has its shape");
	ok(!strcmp(safetensors_meta(st, "note"), "a \"quoted\" caf\xc3\xa9\n\\ /"),
	    "safetensors: metadata with quotes and newlines is read back");
	ok(!strcmp(safetensors_meta(st, "bytes"), "caf? ???"),
	    "safetensors: invalid UTF-8 in metadata becomes '?'");
	ok(!safetensors_meta(st, "absent") && !safetensors_find(st, "absent"),
	    "safetensors: missing tensors and metadata are NULL");
	ok(safetensors_load(st, "w", ST_F32, 1, three, f, &e) &&
	        strstr(e.msg, "w: has dtype F32 and shape [2,3], expected F32 and [3]"),
	    "safetensors: a wrong size is refused: %s", e.msg);
	ok(safetensors_load(st, "w", ST_F32, 2, three_two, f, &e) &&
	        strstr(e.msg, "has dtype F32 and shape [2,3], expected F32 and [3,2]"),
	    "safetensors: a tensor with the same number of elements but another shape is refused: "
	    "%s",
	    e.msg);
	ok(safetensors_load(st, "w", ST_I32, 2, two_three, f, &e) &&
	        strstr(e.msg, "F32 and shape [2,3], expected I32 and [2,3]"),
	    "safetensors: a wrong type is refused: %s", e.msg);
	ok(safetensors_load(st, "v", ST_F32, 2, two_three, f, &e) && strstr(e.msg, "no tensor 'v'"),
	    "safetensors: a missing tensor is refused: %s", e.msg);
	safetensors_close(st);
}

static void test_misuse(void)
{
	struct err e = {0};
	struct safetensors_writer *w = sample(&e);
	uint64_t huge[2] = {UINT64_MAX / 2, 3}, n = 1;

	ok(safetensors_put(w, "w", ST_U8, 1, &n, odd, &e) == -1,
	    "safetensors_put: a duplicate name is refused: %s", e.msg);
	ok(safetensors_put(w, "x", ST_F32, 2, huge, odd, &e) == -1,
	    "safetensors_put: a shape that overflows is refused: %s", e.msg);
	ok(safetensors_put(w, "x", ST_OTHER, 1, &n, odd, &e) == -1,
	    "safetensors_put: an unknown type is refused: %s", e.msg);
	ok(safetensors_put(w, "\xff", ST_U8, 1, &n, odd, &e) == -1,
	    "safetensors_put: a name that is not UTF-8 is refused");
	ok(safetensors_put_meta(w, "xxh64", "0", &e) == -1,
	    "safetensors_put_meta: a reserved key is refused: %s", e.msg);
	ok(safetensors_write(w, "/dev/full", &e) == -1 && strstr(e.msg, "/dev/full"),
	    "safetensors_write: a full disk is an error: %s", e.msg);
	ok(safetensors_write(w, "/nonexistent/x", &e) == -1,
	    "safetensors_write: a missing directory is an error: %s", e.msg);
	safetensors_writer_free(w);
}

/* Flip every bit of a small file, then truncate it at every length. */
static void test_corruption(void)
{
	struct err e = {0};
	struct safetensors_writer *w = sample(&e);
	static unsigned char whole[4096];
	size_t n, missed = 0;

	if (!ok(w && !safetensors_write(w, path, &e),
	        "safetensors: a file to be damaged is written: %s", e.msg))
		return;
	safetensors_writer_free(w);
	n = slurp(whole, sizeof whole - 1);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
		spill(whole, n);
		whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (!read_all(&e) && missed++ < 8)
			diag("bit %zu of byte %zu", bit % 8, bit / 8);
	}
	ok(missed == 0, "safetensors: each of %zu flipped bits is detected", 8 * n);
	missed = 0;
	for (size_t cut = 0; cut < n; cut++) {
		spill(whole, cut);
		missed += !read_all(&e);
	}
	ok(missed == 0, "safetensors: each of %zu truncations is detected", n);
	spill(whole, n + 1);
	ok(read_all(&e) == -1 && strstr(e.msg, "1 bytes follow the last tensor"),
	    "safetensors: an additional byte is detected: %s", e.msg);
	spill(whole, n);
	ok(!read_all(&e), "safetensors: the file without changes is valid");
}

static void refuse(const char *json, size_t data, const char *why)
{
	struct err e = {0};
	int failed;

	craft(json, data);
	failed = read_all(&e);
	ok(failed && strstr(e.msg, why) && !strncmp(e.msg, path, strlen(path)),
	    "safetensors: a header is refused, %s: %.200s", why,
	    failed ? e.msg + strlen(path) : json);
}

#define T(name, dtype, shape, offsets)                                                             \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_foreign(void)
{
	struct err e = {0};
	struct safetensors *st;
	uint64_t two_one[2] = {2, 1};
	uint16_t half[2];
	float f[2];

	craft("{\"__metadata__\":{\"format\":\"pt\"}," T("b", "BF16", "[2]", "[8,12]") ",  " T(
	          "a", "F32", "[2,1]", "[0,8]") "," T("c", "F4", "[10]", "[12,17]") "}   ",
	    17);
	st = safetensors_open(path, &e);
	if (!ok(st && !safetensors_verify(st, &e),
	        "safetensors: a file without checksums is read: %s", e.msg))
		return;
	ok(safetensors_n(st) == 3 && !strcmp(safetensors_at(st, 0)->name, "a"),
	    "safetensors: tensors are in the order of their bytes");
	ok(!safetensors_load(st, "a", ST_F32, 2, two_one, f, &e) && f[0] == 0,
	    "safetensors: a tensor of another writer is loaded");
	ok(safetensors_find(st, "b")->dtype == ST_OTHER &&
	        !strcmp(safetensors_find(st, "c")->dtype_name, "F4"),
	    "safetensors: tensors of other types are listed");
	ok(safetensors_load(st, "b", ST_OTHER, 1, two_one, half, &e) == -1,
	    "safetensors: tensors of other types cannot be loaded: %s", e.msg);
	safetensors_close(st);
	craft("{}", 0);
	ok(!read_all(&e), "safetensors: a file without tensors is valid");
	craft("{\"__metadata__\":{}," T("x", "U8", "[0]", "[0,0]") "," T(
	          "y", "U8", "[0]", "[0,0]") "}",
	    0);
	ok(!read_all(&e), "safetensors: a file of empty tensors is valid: %s", e.msg);
}

static void test_refusals(void)
{
	unsigned char huge[16] = {0};
	struct err e = {0};

	refuse("", 0, "not a safetensors file");
	refuse(" {}", 0, "does not begin with '{'");
	refuse("{", 0, "at byte 9: unexpected end");
	refuse("{'a':1}", 0, "at byte 9: a single quote");
	refuse("{\"__metadata__\":{\"a\":\"\x01\"}}", 0, "at byte 30: a control character");
	refuse("{\"a\":NaN}", 0, "at byte 13: NaN");
	refuse("{\"a\":{'q\"':1,\"b\":2,\"b\":3}}", 0, "at byte 14: a single quote");
	refuse("{\"a\":{\"b\":2,\"\\u0062\":3}}", 0, "two members of the same name");
	refuse("{\"\\ud800\":1}", 0, "a lone surrogate");
	refuse("{\"a\\u0000\":1}", 0, "a NUL in the name");
	refuse("{\"__metadata__\":null}", 0, "__metadata__ is not an object");
	refuse("{" T("a", "U8", "[-0]", "[0,0]") "}", 0, "not a size");
	refuse("{" T("a", "U8", "[0,18446744073709551616]", "[0,0]") "}", 0, "not a size");
	refuse("{" T("a", "F9", "[1]", "[0,1]") "}", 1, "unknown dtype 'F9'");
	refuse("{" T("a", "F4", "[3]", "[0,1]") "}", 1, "expected the size of its shape and dtype");
	refuse("[]", 0, "not a safetensors file");
	refuse("{", 0, "not valid JSON");
	refuse("{}x", 0, "not valid JSON");
	refuse("{} {}", 0, "not valid JSON");
	refuse("{\"a\":1,}", 0, "not valid JSON");
	refuse("{\"a\":[[[[[[[[[[[[[]]]]]]]]]]]]]}", 0, "not valid JSON");
	refuse("{\"\xff\":1}", 0, "not valid JSON");
	refuse("{\"a\\nb\":1}", 0, "a control character");
	refuse("{\"a\":1}", 0, "is not a tensor's description");
	refuse("{\"__metadata__\":1}", 0, "__metadata__ is not an object");
	refuse("{\"__metadata__\":{\"a\":1}}", 0, "'a' is not a string");
	refuse("{\"__metadata__\":{\"a\":\"\\u0000b\"}}", 0, "holds a NUL");
	refuse("{\"__metadata__\":{\"xxh64\":\"0\"}}", 0, "checksums are incomplete");
	refuse("{\"__metadata__\":{\"xxh64\":\"0\",\"header_xxh64\":\"0000000000000000\"}}", 0,
	    "header is corrupt");
	refuse("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "of the same name");
	refuse("{" T("a", "U8", "[1]", "[0,1]") "," T("a", "U8", "[1]", "[0,1]") "}", 1,
	    "of the same name");
	refuse(
	    "{" T("a", "U8", "[1]", "[0,1]") "," T("b", "U8", "[1]", "[0,1]") "}", 1, "overlaps");
	refuse("{" T("a", "U8", "[1]", "[0,1]") "," T("b", "U8", "[1]", "[2,3]") "}", 3,
	    "unused bytes before it");
	refuse("{" T("a", "U8", "[1]", "[1,2]") "}", 2, "unused bytes before it");
	refuse("{" T("a", "U8", "[1]", "[0,1]") "}", 2, "1 bytes follow the last tensor");
	refuse("{" T("a", "U8", "[2]", "[0,2]") "}", 1, "truncated at byte");
	refuse("{" T("a", "U8", "[1]", "[1,0]") "}", 1, "not two ascending sizes");
	refuse("{" T("a", "U8", "[1]", "[-1,0]") "}", 1, "not a size");
	refuse("{" T("a", "U8", "[1]", "[0,1,2]") "}", 2, "not two ascending sizes");
	refuse("{" T("a", "U8", "[1]", "[0,1.0]") "}", 1, "not a size");
	refuse("{" T("a", "U8", "[1]", "[0,99999999999999999999999]") "}", 1, "not a size");
	refuse(
	    "{" T("a", "F32", "[2]", "[0,7]") "}", 7, "expected the size of its shape and dtype");
	refuse(
	    "{" T("a", "F32", "[1]", "[0,8]") "}", 8, "expected the size of its shape and dtype");
	refuse("{" T("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4,
	    "expected the size of its shape and dtype");
	refuse("{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0,
	    "expected the size of its shape and dtype");
	refuse("{" T("a", "U8", "[-1]", "[0,1]") "}", 1, "not a size");
	refuse("{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "too many dimensions: 9");
	refuse("{" T("a", "U8", "1", "[0,1]") "}", 1, "no shape");
	refuse("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "no dtype");
	memset(huge, 0xff, 8);
	spill(huge, sizeof huge);
	ok(read_all(&e) == -1 &&
	        strstr(e.msg, "the header is too long: 18446744073709551615 bytes"),
	    "safetensors: an absurd header length is refused: %s", e.msg);
	put_le(huge, 50000000, 8);
	spill(huge, sizeof huge);
	ok(read_all(&e) == -1 && strstr(e.msg, "truncated at byte 16"),
	    "safetensors: a header that is too long is refused: %s", e.msg);
	ok(!safetensors_open(dir, &e) && strstr(e.msg, "not a regular file"),
	    "safetensors: a directory is refused: %s", e.msg);
	ok(!safetensors_open("/dev/null", &e), "safetensors: a device is refused: %s", e.msg);
	ok(!safetensors_open("/nonexistent", &e) && strstr(e.msg, "No such file"),
	    "safetensors: a missing file is an error: %s", e.msg);
}

static void test_nothing_left(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	for (struct dirent *entry; d && (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	closedir(d);
	ok(n == 1, "safetensors: no temporary file is left");
}

/* --- for tests/safetensors.t, which tests that other programs read and write the same files --- */

static int write_sample(const char *to, struct err *e)
{
	struct safetensors_writer *w = sample(e);
	int failed = w ? safetensors_write(w, to, e) : -1;

	safetensors_writer_free(w);
	return failed;
}

/* Print the name, type, shape and first number of each tensor. */
static int list(const char *from, struct err *e)
{
	struct safetensors *st = safetensors_open(from, e);

	if (!st || safetensors_verify(st, e)) {
		safetensors_close(st);
		return -1;
	}
	for (size_t i = 0; i < safetensors_n(st); i++) {
		const struct safetensor *t = safetensors_at(st, i);
		float f;

		printf("%s %s", t->name, t->dtype_name);
		for (int j = 0; j < t->n_dims; j++)
			printf(" %" PRIu64, t->shape[j]);
		if (t->bytes == 4 &&
		    !safetensors_load(st, t->name, ST_F32, t->n_dims, t->shape, &f, e))
			printf(" = %g", f);
		putchar('\n');
	}
	safetensors_close(st);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};

	if (argc == 3) {
		int failed =
		    !strcmp(argv[1], "write") ? write_sample(argv[2], &e) : list(argv[2], &e);

		if (failed)
			fprintf(stderr, "safetensors: %s\n", e.msg);
		return failed ? 1 : 0;
	}
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof path, "%s/file", dir);
	test_round_trip();
	test_misuse();
	test_corruption();
	test_foreign();
	test_refusals();
	test_nothing_left();
	unlink(path);
	rmdir(dir);
	return tap_done();
}
