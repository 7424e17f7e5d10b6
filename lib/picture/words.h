#ifndef CDCD_WORDS_H
#define CDCD_WORDS_H

/* What a picture says in words. */

#include <stdbool.h>
#include <stddef.h>

/*
 * words_clean - text as cairo and terminals can take it, cut to fit room: control characters are
 * blanks, bytes that are no UTF-8 are '?'. room > 0.
 */
void words_clean(char *to, size_t room, const char *text);

/* words_length - characters of clean text. */
size_t words_length(const char *text);

/*
 * words_cut - make clean text shorter by its last character and end it in ellipsis, within room
 * bytes; what ends so already loses one more. Returns false where nothing was left to cut.
 */
bool words_cut(char *text, size_t room, const char *ellipsis);

/*
 * words_of_column - a column's name as the title of an axis: ce_nats is "ce (nats)", rss_mib
 * "rss (MiB)", tokens_per_s "tokens / s". Clean, cut to room.
 */
void words_of_column(char *to, size_t room, const char *name);

#endif
