#include "picture/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double scale_place(const struct scale *s, double v)
{
	if (s->log)
		return (log(v) - log(s->lo)) / (log(s->hi) - log(s->lo));
	return (v - s->lo) / (s->hi - s->lo);
}

void scale_fit(struct scale *s, double lo, double hi, double pad)
{
	double size = fmax(fabs(lo), fabs(hi));

	if (s->log) {
		double factor = hi > lo ? pow(hi / lo, pad) : 2;

		s->lo = lo / factor;
		s->hi = hi * factor;
	} else {
		double air = hi - lo > 1e-12 * size ? pad * (hi - lo) : size > 0 ? size / 2 : 1;

		s->lo = lo - air;
		s->hi = hi + air;
	}
}

/* --- labels --- */

static void superscript(char *text, size_t room, int exponent)
{
	static const char *const digit[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
	char plain[16];

	snprintf(plain, sizeof plain, "%d", exponent);
	text[0] = '\0';
	for (const char *p = plain; *p; p++) {
		size_t n = strlen(text);

		snprintf(text + n, room - n, "%s", *p == '-' ? "⁻" : digit[*p - '0']);
	}
}

/* 30000 as 3×10⁴, or 3e4 where plain. */
static void label_power(char label[TICKS_LABEL], double v, bool plain)
{
	int exponent = (int)floor(log10(fabs(v)) + 1e-9);
	/* In two steps, as the whole power of the smallest numbers is none. */
	double mantissa = v / pow(10, exponent / 2) / pow(10, exponent - exponent / 2);
	char power[48];

	if (plain) {
		snprintf(label, TICKS_LABEL, "%.4ge%d", mantissa, exponent);
		return;
	}
	superscript(power, sizeof power, exponent);
	if (fabs(mantissa - 1) < 1e-9)
		snprintf(label, TICKS_LABEL, "10%.28s", power);
	else
		snprintf(
		    label, TICKS_LABEL, "%s%.4g×10%.14s", v < 0 ? "−" : "", fabs(mantissa), power);
}

/* Commas between thousands, from five digits on. */
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
	snprintf(label, TICKS_LABEL, "%s%.28s", v >= 0 ? "" : plain ? "-" : "−", digits);
}

/* --- ticks --- */

static void add(struct ticks *t, double value)
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
static double round_up(double v)
{
	double power = pow(10, floor(log10(v)));

	for (int i = 0; i < 3; i++) {
		static const double digit[] = {1, 2, 5};

		if (digit[i] * power >= v * (1 - 1e-9))
			return digit[i] * power;
	}
	return 10 * power;
}

static void label_linear(struct ticks *t, double step, double largest, bool plain)
{
	int decimals = (int)fmax(0, -floor(log10(step) + 1e-9));

	for (int i = 0; i < t->n; i++) {
		struct tick *tick = &t->at[i];

		if (tick->value == 0)
			snprintf(tick->label, TICKS_LABEL, "0");
		else if (largest >= 1e9 || largest < 1e-3)
			label_power(tick->label, tick->value, plain);
		else
			label_fixed(tick->label, tick->value, decimals, plain);
	}
}

static bool linear_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t)
{
	static const int most[] = {10, 8, 7, 6, 5, 4, 3, 2, 1};
	const int last = (int)(sizeof most / sizeof most[0]) - 1;
	double step = round_up((s->hi - s->lo) / most[sparser < last ? sparser : last]);
	double first = ceil(s->lo / step - 1e-9), end = floor(s->hi / step + 1e-9);

	/* Of ranges about as wide as a double is exact, or smaller than any, steps round away. */
	if (!(step > 0) || !isfinite(step) || !isfinite(first) || !isfinite(end))
		return sparser < last;
	for (int i = 0; i < TICKS_MAX && first + i <= end; i++)
		if (t->n == 0 || (first + i) * step > t->at[t->n - 1].value)
			add(t, (first + i) * step);
	label_linear(t, step, fmax(fabs(s->lo), fabs(s->hi)), plain);
	return sparser < last;
}

/* Where one label is a power, all are, but for those that are shorter as they stand. */
static void label_log(struct ticks *t, bool plain)
{
	bool powers = t->n > 0 && (t->at[0].value < 0.9e-3 || t->at[t->n - 1].value >= 1e6);

	for (int i = 0; i < t->n; i++) {
		double v = t->at[i].value;

		if (powers && (v < 0.9 || v > 10.1))
			label_power(t->at[i].label, v, plain);
		else
			label_fixed(
			    t->at[i].label, v, (int)fmax(0, -floor(log10(v) + 1e-9)), plain);
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
				add(t, v);
			else if (end - first <= 12)
				add_minor(t, v);
		}
	label_log(t, plain);
	return sparser < last;
}

bool scale_ticks(const struct scale *s, int sparser, bool plain, struct ticks *t)
{
	t->n = t->n_minor = 0;
	/* Within a decade the round numbers of a linear axis serve a log axis better. */
	if (s->log && s->hi / s->lo >= 10)
		return log_ticks(s, sparser, plain, t);
	return linear_ticks(s, sparser, plain, t);
}
