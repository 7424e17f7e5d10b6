#include "ground/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

/* Bytes of the character at text; *fit where a terminal only shows it. */
static size_t character(const char *text, bool *fit)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);

	*fit = n > 0 && c >= ' ' && !(c >= 0x7f && c < 0xa0);
	return n > 0 ? (size_t)n : 1;
}

bool err_is_printable(const char *text)
{
	bool fit = true;

	while (fit && *text)
		text += character(text, &fit);
	return fit;
}

void err_printable(char *text)
{
	bool fit;

	for (size_t n; *text; text += n) {
		n = character(text, &fit);
		if (!fit)
			memset(text, '?', n);
	}
}

__attribute__((format(printf, 3, 0))) static int set(
    struct err *e, enum err_status status, const char *fmt, va_list ap)
{
	e->status = status;
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	err_printable(e->msg);
	return -1;
}

int err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, ERR_DATA, fmt, ap);
	va_end(ap);
	return -1;
}

int err_with(struct err *e, enum err_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, status, fmt, ap);
	va_end(ap);
	return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	set(e, ERR_DATA, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, ": %s", strerror(saved));
	errno = saved;
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->msg];
	va_list ap;
	size_t n;

	memcpy(old, e->msg, sizeof old);
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	err_printable(e->msg);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, ": %s", old);
	return -1;
}
