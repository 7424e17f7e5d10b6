#ifndef CDCD_PICTURE_WORDS_H
#define CDCD_PICTURE_WORDS_H

/* Texts of a plot: make them printable, cut them, and make titles from names of columns. */

#include <stdbool.h>
#include <stddef.h>

/*
 * words_clean - copy text to to [capacity], cut to fit, in a form that cairo and terminals accept:
 * control characters become blanks, and bytes that are not UTF-8 become '?'. capacity > 0.
 */
void words_clean(char *to, size_t capacity, const char *text);

/* words_length - the number of characters of clean text. */
size_t words_length(const char *text);

/*
 * words_cut - remove the last character of clean text and append ellipsis, within capacity bytes.
 * If text already ends in ellipsis, remove the character before it. Returns false if nothing is
 * left.
 */
bool words_cut(char *text, size_t capacity, const char *ellipsis);

/*
 * words_of_column - convert the name of a column to the title of an axis: ce_nats to "ce (nats)",
 * rss_mib to "rss (MiB)", tokens_per_s to "tokens / s". The result, to [capacity], is clean.
 */
void words_of_column(char *to, size_t capacity, const char *name);

#endif
