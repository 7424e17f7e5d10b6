#ifndef CDCD_NUMBER_H
#define CDCD_NUMBER_H

/*
 * Parse numbers in options, in checkpoint metadata and in data. The whole text must be one decimal
 * number: no blanks, no hexadecimal. All functions return 0, or -1 with *v undefined and errno set:
 * EINVAL if the text is not a number, ERANGE if the number does not fit.
 */

#include <stdint.h>

/* number_int, number_unsigned, number_real - a number in an option: no leading '+', no infinities.
 * A real that underflows does not fit. */
int number_int(const char *text, int64_t *v);
int number_unsigned(const char *text, uint64_t *v);
int number_real(const char *text, double *v);

/*
 * number_data - a number in data, as other programs may write it: a leading '+', "nan", "inf" and
 * "infinity" in any case are numbers too. A number that is too large is infinite, and one that is
 * too small is 0 or subnormal, so ERANGE does not occur.
 */
int number_data(const char *text, double *v);

#endif
