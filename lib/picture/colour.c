#include "picture/colour.h"

#include <math.h>

static struct rgb rgb_from_hex(unsigned hex)
{
	return (struct rgb){
	    (hex >> 16 & 255) / 255.0, (hex >> 8 & 255) / 255.0, (hex & 255) / 255.0};
}

struct rgb colour_mix(struct rgb a, struct rgb b, double share)
{
	return (struct rgb){
	    a.r + (b.r - a.r) * share, a.g + (b.g - a.g) * share, a.b + (b.b - a.b) * share};
}

struct rgb colour_sequence(double share)
{
	static const unsigned knot[] = {0xfde725, 0xdce319, 0xb8de29, 0x95d840, 0x73d055, 0x55c667,
	    0x3cbb75, 0x29af7f, 0x20a387, 0x1f968b, 0x238a8d, 0x287d8e, 0x2d708e, 0x33638d,
	    0x39568c, 0x404788, 0x453781, 0x482677, 0x481567, 0x440154};
	const int last = (int)(sizeof knot / sizeof knot[0]) - 1;
	double place = share > 0 ? fmin(share, 1) * last : 0;
	int i = place < last ? (int)place : last - 1;

	return colour_mix(rgb_from_hex(knot[i]), rgb_from_hex(knot[i + 1]), place - i);
}

struct rgb colour_category(size_t category)
{
	static const unsigned hue[COLOUR_CATEGORIES] = {
	    0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x222222};

	return category < COLOUR_CATEGORIES ? rgb_from_hex(hue[category]) : colour_other();
}

struct rgb colour_other(void)
{
	return rgb_from_hex(0xa0a0a0);
}

static double linear_component(double v)
{
	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

double colour_lightness(struct rgb c)
{
	double y = 0.2126 * linear_component(c.r) + 0.7152 * linear_component(c.g) +
	           0.0722 * linear_component(c.b);

	return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27;
}
