/*
 * Shards. Because checksums detect flipped bits, the checksums of every second input are corrected
 * first: the checks after them must also hold for an attacker, who can compute checksums.
 */

#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "formats/shard.h"
#include "formats/shard_frame.h"
#include "fuzz.h"
#include "base/bytes.h"
#include "text/vocab.h"

/* Correct the checksum of zstd in a vocabulary frame, if it has one raw block, and the hash in its
 * header. Returns whether it did. */
static bool reseal_vocab(uint8_t *header, uint8_t *frame, size_t size)
{
	uint8_t *data = frame + SHARD_FRAME_START + SHARD_VOCAB_FIXED;
	size_t extra = SHARD_FRAME_START + SHARD_VOCAB_FIXED + SHARD_FRAME_HASH + 17, n;

	if (size < extra || data[4] != 0x84 || get_le(data - 8, 8) != size - extra)
		return false;
	n = size - extra;
	put_le(data + 13 + n, (uint32_t)XXH64(data + 13, n, 0), 4);
	put_le(header + SHARD_FRAME_START + 16, XXH64(data + 13, n, 0), 8);
	return true;
}

static void reseal_frame(uint8_t *frame, size_t size)
{
	put_le(frame + size - SHARD_FRAME_HASH, XXH64(frame, size - SHARD_FRAME_HASH, 0), 8);
}

/* Correct the checksum of the zstd frame in the block before it, and that of zstd for raw blocks.
 */
static void reseal_data(uint8_t *block, uint8_t *data, size_t n)
{
	uint64_t stored = get_le(block + SHARD_FRAME_START + 24, 8);
	uint64_t raw = get_le(block + SHARD_FRAME_START + 16, 8);

	if (stored > n || stored < 17)
		return;
	/* One raw block with all data, as shard_stored writes it. */
	if (data[4] == 0x84 && raw + 17 == stored)
		put_le(data + stored - 4, (uint32_t)XXH64(data + 13, (size_t)raw, 0), 4);
	put_le(block + SHARD_FRAME_START + 32, XXH64(data, (size_t)stored, 0), 8);
}

static void reseal(uint8_t *p, size_t n)
{
	XXH64_state_t *hash = XXH64_createState();
	uint8_t *header = NULL;
	size_t header_size = 0;

	XXH64_reset(hash, 0);
	for (size_t at = 0; n - at >= SHARD_FRAME_PREFIX;) {
		uint8_t *frame = p + at;
		uint64_t size = get_le(frame + 4, 4) + SHARD_FRAME_PREFIX;

		if (size > n - at || size < SHARD_FRAME_START + SHARD_FRAME_HASH)
			break;
		put_le(frame, SHARD_MAGIC, 4);
		at += (size_t)size;
		if (!memcmp(frame + 8, SHARD_TAG_HEADER, 4)) {
			XXH64_reset(hash, 0);
			header = size >= SHARD_FRAME_START + SHARD_HEADER_FIXED ? frame : NULL;
			header_size = (size_t)size;
		}
		if (header && !memcmp(frame + 8, SHARD_TAG_VOCAB, 4) &&
		    reseal_vocab(header, frame, (size_t)size))
			reseal_frame(header, header_size);
		if (!memcmp(frame + 8, SHARD_TAG_BLOCK, 4) && size >= SHARD_FRAME_START + 48) {
			uint64_t stored = get_le(frame + SHARD_FRAME_START + 24, 8);

			reseal_data(frame, p + at, n - at);
			XXH64_update(hash, frame + SHARD_FRAME_START + SHARD_BLOCK_FIXED,
			    (size_t)size - SHARD_FRAME_START - SHARD_BLOCK_FIXED -
			        SHARD_FRAME_HASH);
			if (stored >= 17 && stored <= n - at && p[at + 4] == 0x84)
				XXH64_update(hash, p + at + 13, (size_t)stored - 17);
			at += stored < n - at ? (size_t)stored : n - at;
		}
		if (!memcmp(frame + 8, SHARD_TAG_TRAILER, 4) && size >= SHARD_FRAME_START + 48)
			put_le(frame + SHARD_FRAME_START + 32, XXH64_digest(hash), 8);
		reseal_frame(frame, (size_t)size);
	}
	XXH64_freeState(hash);
}

static void use(const struct shard_header *h, const struct shard_record *r)
{
	uint32_t noised = 0;

	for (uint32_t i = 0; i < r->n; i++)
		CHECK(r->ids[i] < h->vocab_size);
	if (h->kind != SHARD_NOISED)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		noised += shard_noised(r, i);
	CHECK(noised <= r->n && r->u >= 0 && r->u < 1 && !isinf(r->t));
}

/* The vocabulary has the hash of the header, and tok refuses it or gives it the same hash. */
static void use_vocab(const struct shard_reader *in)
{
	const struct shard_header *h = shard_header(in);
	const struct shard_vocab *text = shard_vocab(in);
	struct vocab *v;
	struct err e;
	size_t n;

	if (!text->text)
		return;
	CHECK(h->vocab_hash == XXH64(text->text, text->n, 0));
	CHECK(shard_vocab_token(text, h->vocab_size - 1, &n) + n < text->text + text->n);
	v = vocab_parse(text->text, text->n, "shard", &e);
	if (v)
		CHECK(v->hash == h->vocab_hash && v->size == h->vocab_size);
	else
		fuzz_error(&e);
	vocab_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct shard_reader *in;
	struct shard_record record;
	struct err e = {0};
	uint8_t *copy;
	int more;

	if (n < 2)
		return 0;
	copy = malloc(n - 1);
	memcpy(copy, data + 1, n - 1);
	if (data[0] & 1)
		reseal(copy, n - 1);
	in = shard_open(fuzz_file(copy, n - 1), &e);
	if (in)
		use_vocab(in);
	else
		fuzz_error(&e);
	while (in && (more = shard_read(in, &record, &e)) != 0) {
		if (more < 0) {
			fuzz_error(&e);
			break;
		}
		use(shard_header(in), &record);
	}
	shard_close(in);
	free(copy);
	return 0;
}
