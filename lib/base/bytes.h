#ifndef CDCD_BYTES_H
#define CDCD_BYTES_H

/* Little-endian loads and stores at any alignment. Every file format here is little-endian. */

#include <stdint.h>
#include <string.h>

static inline void put_le(unsigned char *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static inline uint64_t get_le(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void put_le_float(unsigned char *p, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	put_le(p, bits, 4);
}

static inline float get_le_float(const unsigned char *p)
{
	uint32_t bits = (uint32_t)get_le(p, 4);
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

#endif
