#include "formats/shard_frame.h"

#include <xxhash.h>

#include "base/bytes.h"
#include "base/minmax.h"

static int store(struct shard_buf *to, const unsigned char *p, size_t n, struct err *e)
{
	/* The magic number, and the descriptor: content size in 4 bytes, checksum, window of 128
	 * KiB. */
	static const unsigned char start[6] = {0x28, 0xb5, 0x2f, 0xfd, 0x84, 0x38};
	uint64_t sum = XXH64(p, n, 0);
	size_t done = 0, part;

	if (n > UINT32_MAX)
		return err_set(
		    e, "too many bytes for one zstd frame: %zu, expected at most 4294967295", n);
	if (shard_buf_reserve(to, 10 + n + 3 * (n / SHARD_ZSTD_BLOCK + 1) + 4, e))
		return -1;
	shard_frame_put_bytes(to, start, sizeof start);
	shard_frame_put(to, n, 4);
	do {
		part = min_size(n - done, SHARD_ZSTD_BLOCK);
		shard_frame_put(to, part << 3 | (done + part == n), 3);
		shard_frame_put_bytes(to, p + done, part);
		done += part;
	} while (done < n);
	shard_frame_put(to, (uint32_t)sum, 4);
	return 0;
}

int shard_compress(
    ZSTD_CCtx *c, struct shard_buf *to, const unsigned char *p, size_t n, struct err *e)
{
	size_t got;

	to->n = 0;
	if (!c)
		return store(to, p, n, e);
	if (shard_buf_reserve(to, ZSTD_compressBound(n), e))
		return -1;
	got = ZSTD_compress2(c, to->p, to->cap, p, n);
	if (ZSTD_isError(got))
		return err_set(e, "zstd: %s", ZSTD_getErrorName(got));
	to->n = got;
	return 0;
}

bool shard_compressed_ok(uint64_t content, uint64_t stored)
{
	/* A block of a zstd frame has at least 4 bytes, and contains at most 128 KiB. */
	return stored <= ZSTD_compressBound((size_t)content) + 32 &&
	       content / SHARD_ZSTD_BLOCK <= stored / 4;
}

int shard_decompress(ZSTD_DCtx *d, struct shard_buf *to, const unsigned char *p, size_t n,
    uint64_t content, struct err *e)
{
	size_t got;

	if (n < 5 || get_le(p, 4) != ZSTD_MAGICNUMBER || !(p[4] & 4) ||
	    ZSTD_findFrameCompressedSize(p, n) != n || ZSTD_getFrameContentSize(p, n) != content)
		return err_set(e, "the data are not one zstd frame of %llu bytes and a checksum",
		    (unsigned long long)content);
	to->n = 0;
	if (shard_buf_reserve(to, content, e))
		return -1;
	got = ZSTD_decompressDCtx(d, to->p, to->cap, p, n);
	if (ZSTD_isError(got))
		return err_set(e, "zstd: %s", ZSTD_getErrorName(got));
	if (got != content)
		return err_set(e, "wrong size of the data: %zu bytes, expected %llu", got,
		    (unsigned long long)content);
	to->n = got;
	return 0;
}
