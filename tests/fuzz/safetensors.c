/* safetensors files and checkpoints. The checksums are corrected first, as in shard.c. */

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "formats/safetensors.h"
#include "formats/safetensors_header.h"
#include "fuzz.h"
#include "base/bytes.h"
#include "train/checkpoint.h"
#include "train/checkpoint_vocab.h"

static void put_digits(uint8_t *to, uint64_t hash)
{
	char digits[SAFETENSORS_DIGITS + 1];

	snprintf(digits, sizeof digits, "%016" PRIx64, hash);
	memcpy(to, digits, SAFETENSORS_DIGITS);
}

static void reseal(uint8_t *p, size_t n)
{
	static const char data_mark[] = "\"" SAFETENSORS_DATA_HASH "\":\"",
	                  header_mark[] = SAFETENSORS_HASH_MARK;
	uint64_t header;
	uint8_t *place;
	size_t start;

	if (n < 8 || (header = get_le(p, 8)) > n - 8)
		return;
	start = 8 + (size_t)header;
	place = memmem(p, start, data_mark, sizeof data_mark - 1);
	if (place && (size_t)(p + start - place) >= sizeof data_mark - 1 + SAFETENSORS_DIGITS)
		put_digits(place + sizeof data_mark - 1, XXH64(p + start, n - start, 0));
	place = memmem(p, start, header_mark, sizeof header_mark - 1);
	if (!place || (size_t)(p + start - place) < sizeof header_mark - 1 + SAFETENSORS_DIGITS)
		return;
	place += sizeof header_mark - 1;
	memset(place, '0', SAFETENSORS_DIGITS);
	put_digits(place, XXH64(p, start, 0));
}

static void load_all(struct safetensors *st)
{
	struct err e;

	for (size_t i = 0; i < safetensors_n(st); i++) {
		const struct safetensor *t = safetensors_at(st, i);
		uint64_t elements = 1;
		int bits;
		void *room;

		safetensors_dtype_name(t->dtype, &bits);
		for (int j = 0; j < t->n_dims; j++)
			elements *= t->shape[j];
		CHECK(!bits || elements * (uint64_t)bits / 8 == t->bytes);
		room = malloc(t->bytes ? (size_t)t->bytes : 1);
		if (safetensors_load(st, t->name, t->dtype, t->n_dims, t->shape, room, &e))
			fuzz_error(&e);
		else
			CHECK(bits);
		free(room);
	}
}

static void use_file(const char *path)
{
	struct err e = {0};
	struct safetensors *st = safetensors_open(path, &e);

	if (!st) {
		fuzz_error(&e);
		return;
	}
	if (safetensors_verify(st, &e))
		fuzz_error(&e);
	load_all(st);
	safetensors_close(st);
}

/* The vocabulary is read alone if it is read with the checkpoint. */
static void use_vocab(const char *path, const struct checkpoint *cp)
{
	struct shard_vocab v;
	struct err e = {0};

	if (checkpoint_vocab_open(path, &v, &e)) {
		fuzz_error(&e);
		CHECK(!cp || !cp->vocab.text);
		return;
	}
	CHECK(v.text && (!cp || (v.n == cp->vocab.n && !memcmp(v.text, cp->vocab.text, v.n))));
	shard_vocab_release(&v);
}

static void use_checkpoint(const char *path)
{
	struct checkpoint cp;
	struct active_vocab active;
	struct err e = {0};

	if (checkpoint_open(&cp, path, &e)) {
		fuzz_error(&e);
		use_vocab(path, NULL);
		return;
	}
	use_vocab(path, &cp);
	if (checkpoint_active_vocab(&cp, &active, &e))
		fuzz_error(&e);
	else
		active_vocab_release(&active);
	checkpoint_close(&cp);
}

/* The first byte: bit 0, correct the checksums; bit 1, read the file as a checkpoint. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *path;
	uint8_t *copy;

	if (n < 2)
		return 0;
	copy = malloc(n - 1);
	memcpy(copy, data + 1, n - 1);
	if (data[0] & 1)
		reseal(copy, n - 1);
	path = fuzz_file(copy, n - 1);
	free(copy);
	if (data[0] & 2)
		use_checkpoint(path);
	else
		use_file(path);
	return 0;
}
