#ifndef CDCD_ORIGIN_H
#define CDCD_ORIGIN_H

/*
 * Compares how two files of noised rows were made, using their provenance.
 */

#include <stdbool.h>
#include <stddef.h>

#define ORIGIN_ROOM 48

/*
 * origin_differs - whether the last commands of two provenances are noise commands with different
 * masks, noise levels or row orders. If so, is and was [ORIGIN_ROOM] receive the first option that
 * differs and its value, for now and before. Other options, such as --skip and --limit, may differ.
 * Returns false if either provenance does not end in a noise command.
 */
bool origin_differs(const char *now, const char *before, char *is, char *was);

#endif
