#include "picture/scale.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double far = 1e12; /* the largest position, so that sizes in pixels stay finite */

/* log(b / a) of positive numbers, exact even if b / a overflows or is close to 1. */
static double log_ratio(double a, double b)
{
	if (b > a / 2 && b / 2 < a)
		return log1p((b - a) / a);
	return log(b) - log(a);
}

double scale_place(const struct scale *s, double v)
{
	/* Scale large numbers, whose difference could overflow, but not small ones, which could
	 * round to 0. */
	double part = fmax(fabs(s->lo), fabs(s->hi)) > 1 ? 0.25 : 1, place;

	if (s->log && !(v > 0))
		return v <= 0 ? -INFINITY : NAN;
	if (s->log)
		place = log_ratio(s->lo, v) / log_ratio(s->lo, s->hi);
	else
		place = (part * v - part * s->lo) / (part * s->hi - part * s->lo);
	return isfinite(v) ? fmax(-far, fmin(far, place)) : place;
}

double scale_at(const struct scale *s, double place)
{
	double root; /* the square root of the factor on lo, which could overflow */

	if (!(place > 0 && place < 1))
		return place > 0 ? s->hi : s->lo;
	if (!s->log)
		return (1 - place) * s->lo + place * s->hi;
	root = exp(place / 2 * log_ratio(s->lo, s->hi));
	return fmax(s->lo, fmin(s->hi, s->lo * root * root));
}

void scale_widen(struct scale *s, double by)
{
	if (s->log) {
		s->lo = fmax(s->lo / exp(by), DBL_TRUE_MIN);
		s->hi = fmin(s->hi * exp(by), DBL_MAX);
	} else {
		s->lo = fmax(s->lo - by, -DBL_MAX);
		s->hi = fmin(s->hi + by, DBL_MAX);
	}
}

void scale_fit(struct scale *s, double lo, double hi, double pad)
{
	double size = fmax(fabs(lo), fabs(hi));
	bool is_range = s->log ? hi > lo : hi - lo > 1e-12 * size;

	s->lo = lo;
	s->hi = hi;
	if (s->log)
		scale_widen(s, is_range ? pad * log_ratio(lo, hi) : log(2));
	else
		scale_widen(s, is_range   ? pad * hi - pad * lo
		               : size > 0 ? fmax(size / 2, DBL_MIN)
		                          : 1);
}

/* --- labels --- */

static void format_superscript(char *text, size_t capacity, int exponent)
{
	static const char *const digit[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
	char plain[16];

	snprintf(plain, sizeof plain, "%d", exponent);
	text[0] = '\0';
	for (const char *p = plain; *p; p++) {
		size_t n = strlen(text);

		snprintf(text + n, capacity - n, "%s", *p == '-' ? "⁻" : digit[*p - '0']);
	}
}

/* The exponent of the leading digit of v, which is not 0. */
static int exponent_of(double v)
{
	return (int)floor(log10(fabs(v)) + 1e-9);
}

/* Remove the zeros at the end of a decimal fraction. */
static void trim_zeros(char *digits)
{
	size_t n = strlen(digits);

	if (!strchr(digits, '.'))
		return;
	while (digits[n - 1] == '0')
		n--;
	digits[digits[n - 1] == '.' ? n - 1 : n] = '\0';
}

/* Write 30000 as 3×10⁴, or as 3e4 if plain; the value of the last digit is at least 10^last. */
static void label_power(char label[TICKS_LABEL], double v, int last, bool plain)
{
	const char *sign = v >= 0 ? "" : plain ? "-" : "−";
	int decimals = exponent_of(v) - last, exponent;
	char digits[TICKS_LABEL], power[TICKS_LABEL / 2], *e;

	snprintf(digits, sizeof digits, "%.*e",
	    decimals < 0             ? 0
	    : decimals > DBL_DIG + 1 ? DBL_DIG + 1
	                             : decimals,
	    fabs(v));
	e = strchr(digits, 'e');
	exponent = atoi(e + 1);
	*e = '\0';
	trim_zeros(digits);
	format_superscript(power, sizeof power, exponent);
	if (exponent == 0)
		snprintf(label, TICKS_LABEL, "%s%.20s", sign, digits);
	else if (plain)
		snprintf(label, TICKS_LABEL, "%s%.20se%d", sign, digits, exponent);
	else if (!strcmp(digits, "1"))
		snprintf(label, TICKS_LABEL, "%s10%s", sign, power);
	else
		snprintf(label, TICKS_LABEL, "%s%.20s×10%s", sign, digits, power);
}

/* Insert commas between thousands, from five digits on. */
static void group_thousands(char label[TICKS_LABEL])
{
	size_t whole = strspn(label, "0123456789");

	if (whole < 5)
		return;
	for (size_t at = whole; at > 3 && strlen(label) + 2 < TICKS_LABEL;) {
		at -= 3;
		memmove(label + at + 1, label + at, strlen(label + at) + 1);
		label[at] = ',';
	}
}

static void label_fixed(char label[TICKS_LABEL], double v, int decimals, bool plain)
{
	char digits[TICKS_LABEL];

	snprintf(digits, sizeof digits, "%.*f", decimals, fabs(v));
	group_thousands(digits);
	snprintf(label, TICKS_LABEL, "%s%.56s", v >= 0 ? "" : plain ? "-" : "−", digits);
}

/* --- ticks --- */

static void add_tick(struct ticks *t, double value)
{
	if (t->n < TICKS_MAX)
		t->at[t->n++].value = value;
}

static void add_minor(struct ticks *t, double value)
{
	if (t->n_minor < TICKS_MINOR)
		t->minor[t->n_minor++] = value;
}

/* The smallest of 1, 2, 5 times a power of ten that is at least v. */
static double round_up_step(double v)
{
	double power = pow(10, floor(log10(v)));

	for (int i = 0; i < 3; i++) {
		static const double digit[] = {1, 2, 5};

		if (digit[i] * power >= v * (1 - 1e-9))
			return digit[i] * power;
	}
	return 10 * power;
}

/*
 * Whether the labels of an axis are written as powers. largest is the largest value; the last digit
 * of the labels has the value 10^last. 1.7×10⁹ is shorter than 1,700,000,000, but 1.700001×10⁹ is
 * harder to read than 1,700,001,000.
 */
static bool are_powers(double largest, int last)
{
	return largest < 1e-3 || largest >= 1e15 ||
	       (largest >= 1e9 && exponent_of(largest) - last < 5);
}

static void label_value(char label[TICKS_LABEL], double v, int last, double largest, bool plain)
{
	if (v == 0)
		snprintf(label, TICKS_LABEL, "0");
	else if (are_powers(largest, last))
		label_power(label, v, last, plain);
	else
		label_fixed(label, v, last < 0 ? -last : 0, plain);
}

static double largest_of(const struct scale *s)
{
	return fmax(fabs(s->lo), fabs(s->hi));
}

void scale_label(const struct scale *s, double v, bool plain, char label[TICKS_LABEL])
{
	double size = s->log ? fmin(s->hi - s->lo, v) : s->hi / 2 - s->lo / 2;

	size = fmax(size, DBL_TRUE_MIN);
	label_value(label, v, exponent_of(size) - 3, s->log ? v : largest_of(s), plain);
	if (!strchr(label, 'e') && !strstr(label, "×"))
		trim_zeros(label);
}

/* Short ticks between those of a log axis that is labelled like a linear one. */
static void add_short_minor(const struct scale *s, double step, struct ticks *t)
{
	double digit = step / pow(10, exponent_of(step)); /* 1, 2 or 5 */
	int parts = digit > 1.5 && digit < 3 ? 4 : 5;
	double part = step / parts;
	double first = ceil(s->lo / part - 1e-9), end = floor(s->hi / part + 1e-9);

	if (!(part > 0) || !isfinite(first) || !isfinite(end))
		return;
	for (int i = 0; i < TICKS_MINOR && first + i <= end; i++)
		if (fmod(first + i, parts) != 0)
			add_minor(t, (first + i) * part);
}

static bool linear_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t)
{
	static const int max_ticks[] = {10, 8, 7, 6, 5, 4, 3, 2, 1};
	const int last = (int)(sizeof max_ticks / sizeof max_ticks[0]) - 1;
	const int n = max_ticks[sparser < last ? sparser : last];
	double step = round_up_step(s->hi / n - s->lo / n);
	double first = ceil(s->lo / step - 1e-9), end = floor(s->hi / step + 1e-9);

	/* If the range is close to the precision of a double, or to the smallest double, steps
	 * round to 0. */
	if (!(step > 0) || !isfinite(step) || !isfinite(first) || !isfinite(end))
		return sparser < last;
	for (int i = 0; i < TICKS_MAX && first + i <= end; i++)
		if (t->n == 0 || (first + i) * step > t->at[t->n - 1].value)
			add_tick(t, (first + i) * step);
	for (int i = 0; i < t->n; i++)
		label_value(
		    t->at[i].label, t->at[i].value, exponent_of(step), largest_of(s), plain);
	if (s->log)
		add_short_minor(s, step, t);
	return sparser < last;
}

/* If one label is a power, all are, except those from 1 to 10, which are shorter as numbers. */
static void label_log(struct ticks *t, bool plain)
{
	bool powers = t->n > 0 && (t->at[0].value < 0.9e-3 || t->at[t->n - 1].value >= 1e6);

	for (int i = 0; i < t->n; i++) {
		double v = t->at[i].value;

		if (powers && (v < 0.9 || v > 10.1))
			label_power(t->at[i].label, v, exponent_of(v), plain);
		else
			label_fixed(t->at[i].label, v, v < 1 ? -exponent_of(v) : 0, plain);
	}
}

static bool log_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t)
{
	static const int every[] = {1, 1, 2, 3, 5, 10, 20, 50, 100, 200, 400};
	const int last = (int)(sizeof every / sizeof every[0]) - 1;
	int stride = every[sparser < last ? sparser : last];
	int first = (int)floor(log10(s->lo) + 1e-9), end = (int)ceil(log10(s->hi) - 1e-9);
	bool within = sparser == 0 && s->hi / s->lo < 2e3;

	for (int k = first; k <= end; k++)
		for (int digit = 1; digit <= 9; digit++) {
			double v = digit * pow(10, k);

			if (v < s->lo * (1 - 1e-9) || v > s->hi * (1 + 1e-9))
				continue;
			if (digit == 1 ? k % stride == 0 : within && (digit == 2 || digit == 5))
				add_tick(t, v);
			else if (end - first <= 12)
				add_minor(t, v);
		}
	label_log(t, plain);
	return sparser < last;
}

bool scale_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t)
{
	t->n = t->n_minor = 0;
	/* Within one decade, linear ticks are better for a log axis too. */
	if (s->log && s->hi / s->lo >= 10)
		return log_ticks(s, sparser, plain, t);
	return linear_ticks(s, sparser, plain, t);
}
