#include "base/utf8.h"

#include <utf8proc.h>

size_t utf8_next(const char *text, int32_t *code)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);

	*code = n > 0 ? c : -1;
	return n > 0 ? (size_t)n : 1;
}

bool utf8_is_shown(int32_t code)
{
	return code >= ' ' && !(code >= 0x7f && code < 0xa0);
}
