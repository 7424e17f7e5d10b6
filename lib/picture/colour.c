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

const struct theme *colour_theme(enum background background)
{
	static const struct theme theme[] = {
	    [BACKGROUND_WHITE] = {{1, 1, 1}, {0.13, 0.13, 0.15}, {0.35, 0.35, 0.38},
	        {0.62, 0.62, 0.65}, {0.5, 0.5, 0.5}, 0.17},
	    [BACKGROUND_DARK] = {{0.051, 0.067, 0.09}, {0.92, 0.92, 0.93}, {0.72, 0.72, 0.74},
	        {0.5, 0.5, 0.53}, {0.6, 0.6, 0.6}, 0.25},
	    [BACKGROUND_NONE] = {{1, 1, 1}, {0.475, 0.475, 0.475}, {0.475, 0.475, 0.475},
	        {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}, 0.25},
	};

	return &theme[background];
}

struct rgb colour_sequence(enum background background, double share)
{
	static const unsigned knot[] = {0x0d0887, 0x41049d, 0x6a00a8, 0x8f0da4, 0xb12a90, 0xcc4778,
	    0xe16462, 0xf2844b, 0xfca636, 0xfcce25, 0xf0f921};
	static const double ends[][2] = {[BACKGROUND_WHITE] = {6.3, 0},
	    [BACKGROUND_DARK] = {4, 10},
	    [BACKGROUND_NONE] = {7.5, 2.8}};
	const int last = (int)(sizeof knot / sizeof knot[0]) - 1;
	double at = share > 0 ? fmin(share, 1) : 0;
	double place = ends[background][0] + at * (ends[background][1] - ends[background][0]);
	int i = place < last ? (int)place : last - 1;

	return colour_mix(rgb_from_hex(knot[i]), rgb_from_hex(knot[i + 1]), place - i);
}

struct rgb colour_category(enum background background, size_t category)
{
	static const unsigned hue[COLOUR_INK] = {
	    0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0x8585f2, 0x8c4d66};

	if (category < COLOUR_INK)
		return rgb_from_hex(hue[category]);
	return category == COLOUR_INK ? colour_theme(background)->ink : rgb_from_hex(0x8c8c8c);
}

static double linear_component(double v)
{
	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double luminance(struct rgb c)
{
	return 0.2126 * linear_component(c.r) + 0.7152 * linear_component(c.g) +
	       0.0722 * linear_component(c.b);
}

double colour_lightness(struct rgb c)
{
	double y = luminance(c);

	return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27;
}

double colour_contrast(struct rgb a, struct rgb b)
{
	double y = luminance(a) + 0.05, z = luminance(b) + 0.05;

	return y > z ? y / z : z / y;
}
