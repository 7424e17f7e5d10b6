#include "base/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* strtod and the like also accept blanks, '+', hexadecimal and names. */
static bool is_decimal(const char *text, const char *digits)
{
	const char *first = text + (*text == '-');

	return *first != '\0' && *first != '+' && *first != '-' &&
	       strspn(first, digits) == strlen(first);
}

static int not_a_number(void)
{
	errno = EINVAL;
	return -1;
}

int number_int(const char *text, int64_t *v)
{
	if (!is_decimal(text, "0123456789"))
		return not_a_number();
	errno = 0;
	*v = strtoll(text, NULL, 10);
	return errno ? -1 : 0;
}

int number_unsigned(const char *text, uint64_t *v)
{
	if (*text == '-' || !is_decimal(text, "0123456789"))
		return not_a_number();
	errno = 0;
	*v = strtoull(text, NULL, 10);
	return errno ? -1 : 0;
}

int number_real(const char *text, double *v)
{
	char *end;

	if (!is_decimal(text, "0123456789.eE+-"))
		return not_a_number();
	errno = 0;
	*v = strtod(text, &end);
	if (end == text || *end)
		return not_a_number();
	return errno ? -1 : 0;
}

static bool is_name(const char *text)
{
	return !strcasecmp(text, "nan") || !strcasecmp(text, "inf") ||
	       !strcasecmp(text, "infinity");
}

int number_data(const char *text, double *v)
{
	const char *unsigned_text = text + (*text == '-' || *text == '+');
	char *end;

	if (!is_name(unsigned_text) &&
	    (*unsigned_text == '-' || !is_decimal(unsigned_text, "0123456789.eE+-")))
		return not_a_number();
	*v = strtod(text, &end);
	return *end ? not_a_number() : 0;
}
