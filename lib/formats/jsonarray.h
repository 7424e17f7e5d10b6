#ifndef CDCD_JSONARRAY_H
#define CDCD_JSONARRAY_H

/* Read JSON whose objects are not one on each line as if they were. */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/io.h"

/*
 * jsonarray_begins - whether p [n] begins an array of objects, or objects over several lines, as jq
 * prints them.
 */
bool jsonarray_begins(const unsigned char *p, size_t n);

/*
 * jsonarray_convert - make an input that has such a beginning an input of JSON lines: line i is
 * element i of the array, or the i-th object. There may be several arrays. An element need not be
 * valid JSON, and only its line is then invalid. The input is refused where an array has an empty
 * element, does not end, or is followed by anything but another array. Returns 0 or -1.
 */
int jsonarray_convert(struct input *in, struct err *e);

#endif
