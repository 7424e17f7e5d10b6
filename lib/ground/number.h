#ifndef CDCD_NUMBER_H
#define CDCD_NUMBER_H

/*
 * Numbers as text, of options and of what checkpoints say of themselves: decimal, and nothing else
 * in the text: no blanks, no leading '+', no hexadecimal, no infinities. All return 0, or -1 with
 * *v undefined and errno ERANGE where the number does not fit, as a real too near to 0 does not, or
 * EINVAL where it is none.
 */

#include <stdint.h>

int number_int(const char *text, int64_t *v);
int number_unsigned(const char *text, uint64_t *v);
int number_real(const char *text, double *v);

#endif
