#include "text/words.h"

/*
 * Insert a character at its position: NFD sorts neighbours whose combining class is not 0 by class,
 * stably. *run is the index at which the current run of such characters begins.
 */
static void add_char(struct word *word, unsigned *run, uint32_t entry, size_t begin, size_t end)
{
	unsigned class = unicode_class(entry), i = word->n_chars;

	if (i == WORDS_MAX_CHARS) {
		word->too_long = true;
		return;
	}
	word->n_chars++;
	for (; class > 0 && i > *run && unicode_class(word->entry[i - 1]) > class; i--) {
		word->entry[i] = word->entry[i - 1];
		word->from[i] = word->from[i - 1];
	}
	word->entry[i] = entry;
	word->from[i].begin = begin;
	word->from[i].end = end;
	if (class == 0)
		*run = word->n_chars;
}

static bool finish_word(struct word *word, size_t end)
{
	word->end = end;
	for (unsigned i = 0; i < word->n_chars && !word->too_long; i++) {
		word->at[i] = (uint16_t)word->n;
		word->n += unicode_encode(unicode_char(word->entry[i]), word->bytes + word->n);
	}
	word->at[word->n_chars] = (uint16_t)word->n;
	return word->n_chars > 0;
}

/* Whether p [n] was decoded as U+FFFD and is not U+FFFD itself, EF BF BD. */
static bool is_malformed(const unsigned char *p, size_t n, uint32_t code)
{
	return code == UNICODE_REPLACEMENT && !(n == 3 && p[0] == 0xEF);
}

bool words_next(struct words *w, struct word *word)
{
	unsigned run = 0;
	size_t end = w->pos;

	word->too_long = false;
	word->n_chars = 0;
	word->n = 0;
	while (w->pos < w->n) {
		uint32_t code, entry;
		size_t begin = w->pos;
		size_t next = begin + unicode_decode(w->text + begin, w->n - begin, &code);

		entry = w->unicode->entry[code];
		switch (unicode_kind(entry)) {
		case UNICODE_SPACE:
			if (word->n_chars > 0)
				return finish_word(word, end);
			break;
		case UNICODE_PUNCT:
		case UNICODE_CJK:
			if (word->n_chars > 0)
				return finish_word(word, end);
			word->begin = begin;
			add_char(word, &run, entry, begin, next);
			w->pos = next;
			return finish_word(word, next);
		case UNICODE_DROP:
			if (is_malformed(w->text + begin, next - begin, code))
				w->malformed += next - begin;
			break;
		case UNICODE_STRIP:
			if (unicode_class(entry) == 0)
				run = word->n_chars;
			break;
		case UNICODE_LETTER:
		case UNICODE_MULTI:
			if (word->n_chars == 0)
				word->begin = begin;
			end = next;
			if (unicode_kind(entry) == UNICODE_LETTER) {
				add_char(word, &run, entry, begin, next);
				break;
			}
			for (unsigned i = 0; i < unicode_class(entry); i++)
				add_char(
				    word, &run, unicode_parts(w->unicode, entry)[i], begin, next);
			break;
		}
		w->pos = next;
	}
	return finish_word(word, end);
}
