#include "formats/textinput.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "formats/signature.h"

enum {
	PEEK = 512,          /* bytes that the signatures need */
	CHARACTER_BYTES = 4, /* the longest UTF-8, and the longest UTF-16, of a character */
};

/* --- zstd --- */

struct zstd_source {
	struct input_source base;
	ZSTD_DStream *stream;
	bool open; /* a frame has begun and not ended */
};

static void zstd_release(struct input_source *source)
{
	struct zstd_source *z = (struct zstd_source *)source;

	ZSTD_freeDStream(z->stream);
	free(z);
}

static ssize_t zstd_read(struct input_source *source, void *p, size_t n, struct err *e)
{
	struct zstd_source *z = (struct zstd_source *)source;
	struct input *inner = &source->inner;
	ZSTD_outBuffer out = {p, n, 0};

	while (out.pos == 0) {
		ZSTD_inBuffer in = {inner->buf + inner->pos, inner->len - inner->pos, 0};
		size_t left = ZSTD_decompressStream(z->stream, &out, &in);

		inner->pos += in.pos;
		inner->offset += in.pos;
		if (ZSTD_isError(left))
			return err_set(e, "%s: corrupt at byte %" PRIu64 ": zstd: %s", inner->name,
			    inner->offset, ZSTD_getErrorName(left));
		z->open = z->open ? left > 0 : in.pos > 0 && left > 0;
		if (out.pos > 0 || inner->pos < inner->len)
			continue;
		switch (input_fill(inner, e)) {
		case 1:
			break;
		case 0:
			return z->open ? err_set(e,
			                     "%s: truncated at byte %" PRIu64
			                     ": a zstd frame does not end",
			                     inner->name, inner->offset)
			               : 0;
		default:
			return -1;
		}
	}
	return (ssize_t)out.pos;
}

static int decompress(struct input *in, struct err *e)
{
	struct zstd_source *z = mem_array(1, sizeof *z, e);

	if (!z)
		return -1;
	z->base.read = zstd_read;
	z->base.release = zstd_release;
	z->stream = ZSTD_createDStream();
	if (!z->stream) {
		zstd_release(&z->base);
		return err_set(e, "out of memory: a zstd decompressor");
	}
	return input_convert(in, &z->base, e);
}

/* --- UTF-16 --- */

struct utf16_source {
	struct input_source base;
	bool big_endian;
	unsigned char pending[CHARACTER_BYTES]; /* the rest of a character */
	size_t n_pending;
};

static void utf16_release(struct input_source *source)
{
	free(source);
}

/* Make at least n bytes of the input available, or all that there are. Returns 0 or -1. */
static int fill_to(struct input *in, size_t n, struct err *e)
{
	int more = 1;

	while (more > 0 && in->len - in->pos < n)
		more = input_fill(in, e);
	return more < 0 ? -1 : 0;
}

static uint32_t code_unit(const struct utf16_source *u, size_t i)
{
	const unsigned char *p = u->base.inner.buf + u->base.inner.pos + 2 * i;

	return u->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* Take one character, of which the input has at least a byte. */
static uint32_t take_character(struct utf16_source *u)
{
	struct input *in = &u->base.inner;
	size_t n = in->len - in->pos, used = n < 2 ? n : 2;
	uint32_t code = n < 2 ? 0xFFFD : code_unit(u, 0), low;

	if (code >= 0xD800 && code < 0xE000) {
		low = n >= 4 && code < 0xDC00 ? code_unit(u, 1) : 0;
		if (low >= 0xDC00 && low < 0xE000) {
			code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
			used = 4;
		} else {
			code = 0xFFFD;
		}
	}
	in->pos += used;
	in->offset += used;
	return code;
}

static size_t put_character(uint32_t code, unsigned char *to)
{
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		to[i] = (unsigned char)(0x80 | (code & 63));
	to[0] = (unsigned char)(lead[n] | code);
	return n;
}

/* Take what is pending, up to n bytes. */
static size_t take_pending(struct utf16_source *u, unsigned char *to, size_t n)
{
	size_t done = min_size(n, u->n_pending);

	memcpy(to, u->pending, done);
	memmove(u->pending, u->pending + done, u->n_pending - done);
	u->n_pending -= done;
	return done;
}

static ssize_t utf16_read(struct input_source *source, void *p, size_t n, struct err *e)
{
	struct utf16_source *u = (struct utf16_source *)source;
	struct input *inner = &source->inner;
	unsigned char *to = p;
	size_t done = take_pending(u, to, n);

	while (done < n) {
		if (inner->len - inner->pos < CHARACTER_BYTES) {
			if (done > 0 && !inner->eof)
				break;
			if (fill_to(inner, CHARACTER_BYTES, e))
				return -1;
			if (inner->pos == inner->len)
				break;
		}
		if (n - done >= CHARACTER_BYTES) {
			done += put_character(take_character(u), to + done);
		} else {
			u->n_pending = put_character(take_character(u), u->pending);
			done += take_pending(u, to + done, n - done);
		}
	}
	return (ssize_t)done;
}

static int from_utf16(struct input *in, bool big_endian, struct err *e)
{
	struct utf16_source *u = mem_array(1, sizeof *u, e);

	if (!u)
		return -1;
	u->base.read = utf16_read;
	u->base.release = utf16_release;
	u->big_endian = big_endian;
	return input_convert(in, &u->base, e);
}

/* --- opening --- */

/* Read the first bytes, and refuse the input as soon as they are known not to be text. */
static int peek(struct input *in, struct err *e)
{
	int more = 1;

	do {
		if (signature_refuse(in->buf + in->pos, in->len - in->pos, in->name, e))
			return -1;
		more = in->len - in->pos < PEEK ? input_fill(in, e) : 0;
	} while (more > 0);
	return more;
}

/* Whether the input begins with these n bytes, which are then removed. */
static bool remove_mark(struct input *in, const char *mark, size_t n)
{
	if (in->len - in->pos < n || memcmp(in->buf + in->pos, mark, n))
		return false;
	in->pos += n;
	in->offset += n;
	return true;
}

int textinput_convert(struct input *in, struct err *e)
{
	bool big_endian;

	if (peek(in, e))
		return -1;
	if (signature_is_zstd(in->buf + in->pos, in->len - in->pos))
		if (decompress(in, e) || peek(in, e))
			return -1;
	if (signature_is_zstd(in->buf + in->pos, in->len - in->pos))
		return err_set(
		    e, "%s: is compressed with zstd twice; zstd -dc FILE | tok ...", in->name);
	big_endian = remove_mark(in, "\xFE\xFF", 2);
	if (big_endian || remove_mark(in, "\xFF\xFE", 2))
		return from_utf16(in, big_endian, e) || peek(in, e) ? -1 : 0;
	if (remove_mark(in, "\xEF\xBB\xBF", 3))
		return peek(in, e);
	return 0;
}

int textinput_open(struct input *in, const char *path, struct err *e)
{
	if (input_open(in, path, e))
		return -1;
	if (!textinput_convert(in, e))
		return 0;
	input_close(in);
	return -1;
}
