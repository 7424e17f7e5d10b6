#ifndef CDCD_FIELDS_H
#define CDCD_FIELDS_H

/* Convert struct fields to and from text: how a checkpoint stores options. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum field_type {
	FIELD_SIZE,   /* size_t, from min to max */
	FIELD_UINT,   /* uint64_t, any value */
	FIELD_REAL,   /* double, from min to max */
	FIELD_SWITCH, /* bool: 0 or 1 */
	FIELD_CHOICE, /* an enum: index into choices */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset; /* in the struct */
	double min, max;
	const char *const *choices; /* NULL-terminated */
};

#define FIELD_ROOM 40 /* capacity for the text of any field, bytes */

/* field_print - print the field of the struct at base; field_parse restores the same bits. */
void field_print(const struct field *f, const void *base, char text[FIELD_ROOM]);

/* field_parse - set the field from text. Returns 0, or -1 if text is not a value within bounds. */
int field_parse(const struct field *f, void *base, const char *text, struct err *e);

/* field_check - check that the field's value is within its bounds. Returns 0 or -1. */
int field_check(const struct field *f, const void *base, struct err *e);

#endif
