#ifndef CDCD_NUMBER_H
#define CDCD_NUMBER_H

/*
 * Parse numbers in options and in checkpoint metadata. The whole text must be one decimal number:
 * no blanks, no leading '+', no hexadecimal, no infinities. All functions return 0, or -1 with *v
 * undefined and errno set: ERANGE if the number does not fit (also if a real underflows), EINVAL if
 * the text is not a number.
 */

#include <stdint.h>

int number_int(const char *text, int64_t *v);
int number_unsigned(const char *text, uint64_t *v);
int number_real(const char *text, double *v);

#endif
