#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

bool err_is_printable(const char *text)
{
	int32_t c = ' ';

	while (utf8_is_shown(c) && *text)
		text += utf8_next(text, &c);
	return utf8_is_shown(c);
}

void err_printable(char *text)
{
	int32_t c;

	for (size_t n; *text; text += n) {
		n = utf8_next(text, &c);
		if (!utf8_is_shown(c))
			memset(text, '?', n);
	}
}

__attribute__((format(printf, 3, 0))) static int format_message(
    struct err *e, enum err_status status, const char *fmt, va_list ap)
{
	e->status = status;
	e->reported = false;
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	err_printable(e->msg);
	return -1;
}

int err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_message(e, ERR_DATA, fmt, ap);
	va_end(ap);
	return -1;
}

int err_with(struct err *e, enum err_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_message(e, status, fmt, ap);
	va_end(ap);
	return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	format_message(e, ERR_DATA, fmt, ap);
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
