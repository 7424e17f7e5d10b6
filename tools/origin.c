#include "origin.h"

#include <stdio.h>
#include <string.h>

/* An option of noise. */
struct option {
	char letter;
	const char *name, *normal; /* normal: the default, or NULL for a flag */
};

/* The last command of a provenance if that is a noise command, else NULL. */
static const char *noise_command(const char *provenance)
{
	const char *last = provenance;

	for (const char *p; (p = strstr(last, " | "));)
		last = p + 3;
	return strncmp(last, "noise ", 6) ? NULL : last;
}

/* If the word of n bytes at p is the option: the text after its name, or p + n if the value is the
 * next word. NULL if the word is not the option. */
static const char *match_option(const struct option *o, const char *p, size_t n)
{
	size_t length = strlen(o->name);

	if (n >= 2 && p[0] == '-' && p[1] == o->letter)
		return p + 2;
	if (n < 2 + length || strncmp(p, "--", 2) || strncmp(p + 2, o->name, length))
		return NULL;
	if (n > 2 + length)
		return p[2 + length] == '=' ? p + 3 + length : NULL;
	return p + n;
}

/* The last value that the command gives to the option, or the default. */
static void find_value(const struct option *o, const char *command, char value[ORIGIN_ROOM])
{
	snprintf(value, ORIGIN_ROOM, "%s", o->normal ? o->normal : "off");
	for (const char *p = command; *p;) {
		size_t n = strcspn(p, " ");
		const char *v = match_option(o, p, n), *next = p + n + (p[n] == ' ');

		if (v && !o->normal)
			snprintf(value, ORIGIN_ROOM, "on");
		else if (v) {
			v = v == p + n ? next : v;
			snprintf(value, ORIGIN_ROOM, "%.*s", (int)strcspn(v, " "), v);
		}
		p = next;
	}
}

bool origin_differs(const char *now, const char *before, char *is, char *was)
{
	static const struct option options[] = {{'m', "mask", "all"}, {0, "max-given", "1"},
	    {'t', "level", "open"}, {'u', "uniform", "open"}, {0, "no-shuffle", NULL}};
	const char *a = noise_command(now), *b = noise_command(before);

	for (size_t i = 0; a && b && i < sizeof options / sizeof *options; i++) {
		char value[2][ORIGIN_ROOM];

		find_value(&options[i], a, value[0]);
		find_value(&options[i], b, value[1]);
		if (!strcmp(value[0], value[1]))
			continue;
		snprintf(is, ORIGIN_ROOM, "--%s %.30s", options[i].name, value[0]);
		snprintf(was, ORIGIN_ROOM, "--%s %.30s", options[i].name, value[1]);
		return true;
	}
	return false;
}
