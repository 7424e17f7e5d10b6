#include "base/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

void field_print(const struct field *f, const void *base, char text[FIELD_ROOM])
{
	const char *at = (const char *)base + f->offset;

	switch (f->type) {
	case FIELD_SIZE:
		snprintf(text, FIELD_ROOM, "%zu", *(const size_t *)at);
		break;
	case FIELD_UINT:
		snprintf(text, FIELD_ROOM, "%" PRIu64, *(const uint64_t *)at);
		break;
	case FIELD_REAL:
		snprintf(text, FIELD_ROOM, "%.17g", *(const double *)at);
		break;
	case FIELD_SWITCH:
		snprintf(text, FIELD_ROOM, "%d", *(const bool *)at);
		break;
	case FIELD_CHOICE:
		snprintf(text, FIELD_ROOM, "%s", f->choices[*(const int *)at]);
		break;
	}
}

static bool parse_size(size_t *value, const char *text)
{
	uint64_t v;

	if (number_unsigned(text, &v) || v > SIZE_MAX)
		return false;
	*value = (size_t)v;
	return true;
}

static bool parse_choice(const struct field *f, int *value, const char *text)
{
	for (int i = 0; f->choices[i]; i++)
		if (!strcmp(f->choices[i], text)) {
			*value = i;
			return true;
		}
	return false;
}

int field_parse(const struct field *f, void *base, const char *text, struct err *e)
{
	char *at = (char *)base + f->offset;
	bool good = false;

	switch (f->type) {
	case FIELD_SIZE:
		good = parse_size((size_t *)at, text);
		break;
	case FIELD_UINT:
		good = !number_unsigned(text, (uint64_t *)at);
		break;
	case FIELD_REAL:
		good = !number_real(text, (double *)at);
		break;
	case FIELD_SWITCH:
		good = !strcmp(text, "0") || !strcmp(text, "1");
		*(bool *)at = text[0] == '1';
		break;
	case FIELD_CHOICE:
		good = parse_choice(f, (int *)at, text);
		break;
	}
	if (!good)
		return err_set(e, "%s cannot be '%.40s'", f->name, text);
	return field_check(f, base, e);
}

int field_check(const struct field *f, const void *base, struct err *e)
{
	const char *at = (const char *)base + f->offset;
	double v;

	if (f->type == FIELD_SIZE)
		v = (double)*(const size_t *)at;
	else if (f->type == FIELD_REAL)
		v = *(const double *)at;
	else
		return 0;
	if (!(v >= f->min && v <= f->max))
		return err_set(e, "%s is %g, not from %g to %g", f->name, v, f->min, f->max);
	return 0;
}
