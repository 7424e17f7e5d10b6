#include "base/strings.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"

enum { FIRST_SLOTS = 16 };

static size_t string_start(const struct strings *strings, size_t i)
{
	return i ? strings->end[i - 1] + 1 : 0;
}

size_t strings_bytes(const struct strings *strings)
{
	return string_start(strings, strings->n);
}

const char *strings_get(const struct strings *strings, size_t i, size_t *length)
{
	size_t start = string_start(strings, i);

	if (length)
		*length = strings->end[i] - start;
	return strings->text + start;
}

/* The slot of s, or the free slot where it belongs. There is always a free slot. */
static uint32_t *find_slot(const struct strings *strings, const char *s, size_t length)
{
	size_t i = XXH3_64bits(s, length) & (strings->n_slots - 1);

	for (; strings->slot[i]; i = (i + 1) & (strings->n_slots - 1)) {
		size_t n;
		const char *other = strings_get(strings, strings->slot[i] - 1, &n);

		if (n == length && !memcmp(other, s, n))
			break;
	}
	return &strings->slot[i];
}

static int double_slots(struct strings *strings, struct err *e)
{
	size_t n_slots = strings->n_slots ? 2 * strings->n_slots : FIRST_SLOTS;
	uint32_t *slot = mem_array(n_slots, sizeof *slot, e);

	if (!slot)
		return -1;
	free(strings->slot);
	strings->slot = slot;
	strings->n_slots = n_slots;
	for (size_t i = 0; i < strings->n; i++) {
		size_t length;
		const char *s = strings_get(strings, i, &length);

		*find_slot(strings, s, length) = (uint32_t)i + 1;
	}
	return 0;
}

static int append_string(struct strings *strings, const char *s, size_t length, struct err *e)
{
	size_t start = string_start(strings, strings->n);

	if (strings->n >= UINT32_MAX - 1)
		return err_set(e, "more than %u different strings", UINT32_MAX - 1);
	if (mem_grow(&strings->text, &strings->text_cap, start + length + 1, 1, e))
		return -1;
	if (mem_grow(&strings->end, &strings->end_cap, strings->n + 1, sizeof *strings->end, e))
		return -1;
	memcpy(strings->text + start, s, length);
	strings->text[start + length] = '\0';
	strings->end[strings->n++] = start + length;
	return 0;
}

int64_t strings_add(struct strings *strings, const char *s, size_t length, struct err *e)
{
	uint32_t *slot;

	if (strings->n_slots / 2 <= strings->n && double_slots(strings, e))
		return -1;
	slot = find_slot(strings, s, length);
	if (!*slot) {
		if (append_string(strings, s, length, e))
			return -1;
		*slot = (uint32_t)strings->n;
	}
	return (int64_t)*slot - 1;
}

int64_t strings_find(const struct strings *strings, const char *s, size_t length)
{
	return strings->n ? (int64_t)*find_slot(strings, s, length) - 1 : -1;
}

void strings_release(struct strings *strings)
{
	free(strings->text);
	free(strings->end);
	free(strings->slot);
	*strings = (struct strings){0};
}
