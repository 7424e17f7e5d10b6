#include "picture/words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

void words_clean(char *to, size_t capacity, const char *text)
{
	size_t used = 0;
	int32_t c;

	for (size_t n; *text; text += n) {
		size_t m;

		n = utf8_next(text, &c);
		m = utf8_is_shown(c) ? n : 1;
		if (used + m >= capacity)
			break;
		if (utf8_is_shown(c))
			memcpy(to + used, text, n);
		else
			to[used] = c < 0 ? '?' : ' ';
		used += m;
	}
	to[used] = '\0';
}

size_t words_length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

bool words_cut(char *text, size_t capacity, const char *ellipsis)
{
	size_t n = strlen(text), m = strlen(ellipsis);

	if (n >= m && !strcmp(text + n - m, ellipsis))
		n -= m;
	do
		n -= n > 0;
	while (n > 0 && ((text[n] & 0xc0) == 0x80 || n + m >= capacity));
	text[n] = '\0';
	if (n > 0)
		memcpy(text + n, ellipsis, m + 1);
	return n > 0;
}

static const char *unit_of(const char *suffix)
{
	static const struct {
		const char *suffix, *unit;
	} known[] = {{"nats", "nats"}, {"bits", "bits"}, {"bytes", "bytes"}, {"kib", "KiB"},
	    {"mib", "MiB"}, {"gib", "GiB"}, {"s", "s"}, {"ms", "ms"}, {"us", "µs"}, {"ns", "ns"},
	    {"min", "min"}, {"h", "h"}, {"hz", "Hz"}, {"percent", "%"}, {"pct", "%"}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (!strcasecmp(suffix, known[i].suffix))
			return known[i].unit;
	return NULL;
}

/* The title of a column of cdcd-csv(5) whose name alone says too little, or NULL. */
static const char *known_title(const char *name)
{
	static const char *const known[][2] = {{"ce_nats", "cross-entropy (nats)"},
	    {"loss_nats", "training loss (nats)"}, {"valid_nats", "held-out loss (nats)"},
	    {"held_out_nats", "held-out loss (nats)"},
	    {"even_nats", "training loss, even in ln t (nats)"}, {"f_nats", "F(t) (nats)"},
	    {"lr", "learning rate"}, {"grad_norm", "gradient norm"}, {"rss_mib", "memory (MiB)"},
	    {"comm_s", "communication (s)"}, {"seconds", "time (s)"},
	    {"rmse_nats", "error of the fit (nats)"}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (!strcmp(name, known[i][0]))
			return known[i][1];
	return NULL;
}

void words_of_column(char *to, size_t capacity, const char *name)
{
	char words[256], unit[64] = "";
	char *last, *per;
	size_t n;

	if (known_title(name)) {
		words_clean(to, capacity, known_title(name));
		return;
	}
	words_clean(words, sizeof words, name);
	last = strrchr(words, '_');
	per = strstr(words, "_per_");
	if (per && per > words) {
		snprintf(unit, sizeof unit, " / %.56s", per + 5);
		*per = '\0';
	} else if (last && last > words && unit_of(last + 1)) {
		snprintf(unit, sizeof unit, " (%s)", unit_of(last + 1));
		*last = '\0';
	}
	n = strlen(words);
	snprintf(words + n, sizeof words - n, "%s", unit);
	for (char *p = words; *p; p++)
		if (*p == '_')
			*p = ' ';
	words_clean(to, capacity, words);
}

/* --- names of files --- */

/* The number of bytes, up to after a slash, that all paths have in common at the start. */
static size_t common_directories(const char *const *path, size_t n)
{
	size_t end = strlen(path[0]);

	for (size_t i = 1; i < n; i++) {
		size_t same = 0;

		while (same < end && path[i][same] == path[0][same])
			same++;
		end = same;
	}
	while (end > 0 && path[0][end - 1] != '/')
		end--;
	return end;
}

/* The number of bytes, from the separator on, that all paths have in common at the end, if each has
 * further bytes after begin. */
static size_t common_end(const char *const *path, size_t n, size_t begin, char separator)
{
	size_t length = strlen(path[0]), best = 0;

	for (size_t same = 1; begin + same < length; same++) {
		const char *end = path[0] + length - same;

		for (size_t i = 1; i < n; i++) {
			size_t other = strlen(path[i]);

			if (begin + same >= other || path[i][other - same] != *end)
				return best;
		}
		if (*end == separator)
			best = same;
		else if (*end == '/')
			break;
	}
	return best;
}

void words_of_files(const char *const *path, size_t n, size_t *begin, size_t *end)
{
	*begin = common_directories(path, n);
	*end = common_end(path, n, *begin, '/');
	if (*end == 0)
		*end = common_end(path, n, *begin, '.');
}
