#include "base/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What strtod and the like would take besides is none. */
static bool is_decimal(const char *text, const char *digits)
{
	const char *first = text + (*text == '-');

	return *first != '\0' && *first != '+' && *first != '-' &&
	       strspn(first, digits) == strlen(first);
}

static int none(void)
{
	errno = EINVAL;
	return -1;
}

int number_int(const char *text, int64_t *v)
{
	if (!is_decimal(text, "0123456789"))
		return none();
	errno = 0;
	*v = strtoll(text, NULL, 10);
	return errno ? -1 : 0;
}

int number_unsigned(const char *text, uint64_t *v)
{
	if (*text == '-' || !is_decimal(text, "0123456789"))
		return none();
	errno = 0;
	*v = strtoull(text, NULL, 10);
	return errno ? -1 : 0;
}

int number_real(const char *text, double *v)
{
	char *end;

	if (!is_decimal(text, "0123456789.eE+-"))
		return none();
	errno = 0;
	*v = strtod(text, &end);
	if (end == text || *end)
		return none();
	return errno ? -1 : 0;
}
