#ifndef CDCD_BF16_H
#define CDCD_BF16_H

/* bf16: the upper half of an IEEE 754 float, with its sign, its 8 bits of exponent and the first 7
 * bits of its fraction. */

#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

/* bf16_to_float - the value of x, exactly. */
static inline float bf16_to_float(bf16 x)
{
	uint32_t bits = (uint32_t)x << 16;
	float y;

	memcpy(&y, &bits, sizeof y);
	return y;
}

/*
 * bf16_from_result - x rounded to nearest, ties to even, if x is a number or a NaN that arithmetic
 * made: the rounding carries any other NaN, one with a payload in the low bits, into the sign. It
 * has no branch, and loops of it become vector code.
 */
static inline bf16 bf16_from_result(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return (bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* bf16_from_float - any x rounded to nearest, ties to even. A NaN stays a NaN. */
static inline bf16 bf16_from_float(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	if ((bits & 0x7fffffff) > 0x7f800000)
		return (bf16)(bits >> 16 | 0x40);
	return bf16_from_result(x);
}

#endif
