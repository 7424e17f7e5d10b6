#ifndef CDCD_FIELDS_H
#define CDCD_FIELDS_H

/* Structs as text, field by field: what a checkpoint keeps of options. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/err.h"

enum field_type {
	FIELD_INT,    /* int64_t, from min to max */
	FIELD_SEED,   /* uint64_t */
	FIELD_REAL,   /* double, from min to max */
	FIELD_FLAG,   /* bool */
	FIELD_CHOICE, /* int: index into choices */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset; /* in the struct */
	double min, max;
	const char *const *choices; /* NULL-terminated */
};

#define FIELD_ROOM 40 /* bytes that the text of any field fits into */

/* field_print - the field of the struct at base, so that field_parse gives the same bits back. */
void field_print(const struct field *f, const void *base, char text[FIELD_ROOM]);

/* field_parse - set the field from text. Returns 0, or -1 where it is no value within bounds. */
int field_parse(const struct field *f, void *base, const char *text, struct err *e);

/* field_check - whether the field's value is within its bounds. */
int field_check(const struct field *f, const void *base, struct err *e);

#endif
