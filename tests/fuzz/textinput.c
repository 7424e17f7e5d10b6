/*
 * Texts in any encoding, and JSON arrays: what is read is UTF-8 if it was UTF-16, and lines if it
 * was an array, or there is a message.
 */

#include <string.h>

#include "formats/jsonarray.h"
#include "formats/textinput.h"
#include "fuzz.h"
#include "text/unicode.h"

enum { MOST = 1 << 20 }; /* bytes; a few bytes of zstd can become very many */

/* Read to the end, or up to MOST bytes. Returns what input_fill returned last. */
static int read_all(struct input *in, struct err *e)
{
	int more = 1;

	while (more > 0 && in->len - in->pos < MOST)
		more = input_fill(in, e);
	if (more < 0)
		fuzz_error(e);
	return more;
}

static bool is_utf16(const uint8_t *data, size_t n)
{
	return n >= 2 &&
	       ((data[0] == 0xFF && data[1] == 0xFE) || (data[0] == 0xFE && data[1] == 0xFF));
}

static void read_text(struct input *in, bool utf16)
{
	struct err e;
	const unsigned char *p;
	size_t n;
	bool array;
	int more;

	if (textinput_convert(in, &e)) {
		fuzz_error(&e);
		return;
	}
	array = jsonarray_begins(in->buf + in->pos, in->len - in->pos);
	if (array)
		CHECK(!jsonarray_convert(in, &e));
	more = read_all(in, &e);
	p = in->buf + in->pos;
	n = in->len - in->pos;
	if (utf16 && more == 0)
		CHECK(unicode_valid(p, n) == n);
	if (array)
		CHECK(n == 0 || (p[0] != '\n' && p[0] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in;

	fuzz_input(&in, data, n);
	read_text(&in, is_utf16(data, n));
	input_close(&in);
	return 0;
}
