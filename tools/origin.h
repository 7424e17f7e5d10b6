#ifndef CDCD_ORIGIN_H
#define CDCD_ORIGIN_H

/*
 * What the provenance of noised rows says of how they were noised.
 */

#include <stdbool.h>
#include <stddef.h>

#define ORIGIN_ROOM 48

/*
 * origin_differs - whether two provenances end in commands of noise that give rows other masks,
 * levels or orders. Then is and was [ORIGIN_ROOM] are the first option that differs and its value,
 * as each has it. Where a record begins and how many there are may differ. False where the commands
 * are not known.
 */
bool origin_differs(const char *now, const char *before, char *is, char *was);

#endif
