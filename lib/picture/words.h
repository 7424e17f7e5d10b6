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
 * words_of_column - convert the name of a column to the title of an axis: heap_mib to "heap (MiB)",
 * tokens_per_s to "tokens / s". Columns of cdcd-csv(5) have titles of their own: ce_nats is
 * "cross-entropy (nats)". The result, to [capacity], is clean.
 */
void words_of_column(char *to, size_t capacity, const char *name);

/*
 * words_of_files - find what tells n > 0 paths apart: all but the first *begin and the last *end
 * bytes, which are the same in all. These are the directories at the start, and at the end whole
 * names or a suffix: "a" and "b" remain of run/a/log.csv and run/b/log.csv, and of a.csv and b.csv.
 * Of each path something remains.
 */
void words_of_files(const char *const *path, size_t n, size_t *begin, size_t *end);

#endif
