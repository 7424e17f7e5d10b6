#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "picture/colour.h"
#include "picture/plot.h"
#include "picture/scale.h"
#include "picture/table.h"
#include "picture/words.h"
#include "tap.h"

static const char *const no_texts[TABLE_TEXTS];

static void test_colours(void)
{
	const struct rgb low = colour_sequence(BACKGROUND_WHITE, -1),
	                 first = colour_sequence(BACKGROUND_WHITE, 0),
	                 high = colour_sequence(BACKGROUND_WHITE, 2),
	                 end = colour_sequence(BACKGROUND_WHITE, 1);
	double last = 101, least = 100;
	int rises = 0;

	for (int i = 0; i <= 255; i++) {
		double light = colour_lightness(colour_sequence(BACKGROUND_WHITE, i / 255.0));

		rises += light >= last;
		least = fmin(least, last - light);
		last = light;
	}
	ok(rises == 0,
	    "colour: the sequence gets darker at each of 256 steps (at least %.3f of L*)", least);
	ok(!memcmp(&low, &first, sizeof low) && !memcmp(&high, &end, sizeof high) &&
	        colour_lightness(low) > 55 && colour_lightness(high) < 20,
	    "colour: the sequence goes from light to dark and is clamped");
	ok(fabs(colour_lightness((struct rgb){1, 1, 1}) - 100) < 0.01 &&
	        fabs(colour_lightness((struct rgb){0.5, 0.5, 0.5}) - 53.39) < 0.01,
	    "colour: the lightness of white is 100, of middle grey 53.39");
}

/* The labels of a scale, a '|' between them. */
static const char *labels(double lo, double hi, bool is_log, int sparser, bool plain)
{
	static char text[1024];
	struct scale s = {lo, hi, is_log};
	struct ticks t;

	text[0] = '\0';
	scale_ticks(&s, sparser, plain, &t);
	for (int i = 0; i < t.n; i++) {
		strcat(text, i ? "|" : "");
		strcat(text, t.at[i].label);
	}
	return text;
}

static void ticks_are(const char *got, const char *wanted)
{
	if (!ok(!strcmp(got, wanted), "ticks: labels are %s", wanted))
		diag("got %s", got);
}

static void test_ticks(void)
{
	ticks_are(labels(0, 10, false, 0, true), "0|1|2|3|4|5|6|7|8|9|10");
	ticks_are(labels(-0.13, 0.21, false, 5, true), "-0.1|0|0.1|0.2");
	ticks_are(labels(-0.13, 0.21, false, 5, false), "−0.1|0|0.1|0.2");
	ticks_are(labels(0, 41000, false, 3, true), "0|10,000|20,000|30,000|40,000");
	ticks_are(labels(0, 3.1e-5, false, 5, false), "0|10⁻⁵|2×10⁻⁵|3×10⁻⁵");
	ticks_are(labels(0, 3.1e-5, false, 5, true), "0|1e-5|2e-5|3e-5");
	ticks_are(labels(0, 2.5e12, false, 6, true), "0|1e12|2e12");
	ticks_are(labels(0.3, 210, true, 0, true), "0.5|1|2|5|10|20|50|100|200");
	ticks_are(labels(0.3, 210, true, 1, true), "1|10|100");
	ticks_are(labels(2.1, 4.2, true, 4, true), "2.5|3.0|3.5|4.0");
	ticks_are(labels(1e-15, 2e3, true, 3, false), "10⁻¹⁵|10⁻¹²|10⁻⁹|10⁻⁶|10⁻³|1|10³");
}

/* A log axis of less than a decade has short ticks between those with labels. */
static void test_short_log(void)
{
	struct scale s = {2.05, 4.05, true};
	struct ticks t;

	scale_ticks(&s, 4, true, &t);
	ok(t.n == 4 && t.n_minor == 16 && fabs(t.minor[0] - 2.1) < 1e-12 &&
	        fabs(t.minor[4] - 2.6) < 1e-12 && fabs(t.minor[15] - 3.9) < 1e-12,
	    "ticks: a short log axis has ticks without labels between the others");
	s.log = false;
	scale_ticks(&s, 4, true, &t);
	ok(t.n_minor == 0, "ticks: a linear axis has no ticks without labels");
}

/* The number of digits of a label depends on the step between ticks and on the largest number. */
static void test_tick_digits(void)
{
	ticks_are(labels(1700000000, 1700003600, false, 4, true),
	    "1,700,000,000|1,700,001,000|1,700,002,000|1,700,003,000");
	ticks_are(
	    labels(-1700003600, -1700000000, false, 6, false), "−1,700,002,000|−1,700,000,000");
	ticks_are(labels(1e9, 1.001e9, false, 4, false),
	    "10⁹|1.0002×10⁹|1.0004×10⁹|1.0006×10⁹|1.0008×10⁹|1.001×10⁹");
	ticks_are(
	    labels(1e9, 1.0001e9, false, 6, true), "1,000,000,000|1,000,050,000|1,000,100,000");
	ticks_are(labels(2e-4, 2.0002e-4, false, 7, false), "2×10⁻⁴|2.0001×10⁻⁴|2.0002×10⁻⁴");
	ticks_are(labels(2e-4, 2.0002e-4, true, 7, true), "2e-4|2.0001e-4|2.0002e-4");
	ticks_are(labels(-2.0002e-4, -2e-4, false, 7, true), "-2.0002e-4|-2.0001e-4|-2e-4");
	ticks_are(labels(9.9999e-5, 1.00003e-4, false, 5, true),
	    "9.9999e-5|1e-4|1.00001e-4|1.00002e-4|1.00003e-4");
	ticks_are(labels(3e20, 3.00000002e20, false, 6, true), "3e20|3.00000001e20|3.00000002e20");
	ticks_are(
	    labels(123456, 123456.0002, false, 6, true), "123,456.0000|123,456.0001|123,456.0002");
	ticks_are(labels(-1e308, 1e308, false, 5, true), "-1e308|-5e307|0|5e307|1e308");
	ticks_are(labels(1e-160, 1e160, true, 8, false), "10⁻¹⁰⁰|1|10¹⁰⁰");
}

/* Labels parse to the values of their ticks, so all labels differ. */
static void test_tick_values(void)
{
	int wrong = 0, alike = 0;

	for (uint64_t k = 0; k < 4000; k++) {
		double size = pow(10, 40 * rng_uniform(3, RNG_TEST, 0, k) - 20);
		double lo = size * (1 + rng_uniform(3, RNG_TEST, 1, k));
		double hi = lo + size * pow(10, -12 * rng_uniform(3, RNG_TEST, 2, k));
		struct scale s = {k % 4 < 2 ? lo : -hi, k % 4 < 2 ? hi : -lo, k % 4 == 0};
		struct ticks t;

		scale_ticks(&s, (int)(k % 7), true, &t);
		for (int i = 0; i < t.n; i++) {
			char digits[TICKS_LABEL];
			size_t n = 0;

			for (const char *p = t.at[i].label; *p; p++)
				if (*p != ',')
					digits[n++] = *p;
			digits[n] = '\0';
			wrong += fabs(strtod(digits, NULL) - t.at[i].value) > 1e-3 * (hi - lo);
			for (int j = 0; j < i; j++)
				alike += !strcmp(t.at[i].label, t.at[j].label);
		}
	}
	ok(wrong == 0, "ticks: labels of 4000 ranges are the values of their ticks: %d wrong",
	    wrong);
	ok(alike == 0, "ticks: all labels of an axis differ: %d do not", alike);
}

static void label_is(struct scale s, double v, const char *wanted)
{
	char got[TICKS_LABEL];

	scale_label(&s, v, true, got);
	if (!ok(!strcmp(got, wanted), "scale: the label of an end of a range is %s", wanted))
		diag("got %s", got);
}

static void test_labels_of_ends(void)
{
	label_is((struct scale){1, 100, false}, 1, "1");
	label_is((struct scale){1, 100, false}, 100, "100");
	label_is((struct scale){1700000000, 1700003600, false}, 1700000000, "1,700,000,000");
	label_is((struct scale){1700000000, 1700003600, false}, 1700003600, "1,700,003,600");
	label_is((struct scale){2e-4, 2.0002e-4, false}, 2.0002e-4, "2.0002e-4");
	label_is((struct scale){1e-100, 10, true}, 1e-100, "1e-100");
	label_is((struct scale){1e-100, 10, true}, 10, "10");
	label_is((struct scale){1, 1e12, false}, 1, "1");
}

/* For any range there is at least one tick, and ticks ascend and lie within the range. */
static void test_any_range(void)
{
	int wrong = 0;

	for (uint64_t k = 0; k < 4000; k++) {
		double size = pow(10, 40 * rng_uniform(1, RNG_TEST, 0, k) - 20);
		double lo = size * (rng_uniform(1, RNG_TEST, 1, k) - 0.5);
		double hi = lo + size * pow(10, -6 * rng_uniform(1, RNG_TEST, 2, k));
		struct scale s = {lo, hi, false};
		struct ticks t;

		if (k % 2)
			s = (struct scale){
			    size, size * pow(10, 12 * rng_uniform(1, RNG_TEST, 3, k)), true};
		scale_ticks(&s, 0, k % 3 == 0, &t);
		wrong += t.n < 1 || t.at[0].value < s.lo - 1e-6 * (s.hi - s.lo) ||
		         t.at[t.n - 1].value > s.hi + 1e-6 * (s.hi - s.lo);
		for (int i = 1; i < t.n; i++)
			wrong += t.at[i].value <= t.at[i - 1].value;
	}
	ok(wrong == 0, "ticks: ticks of 4000 ranges of any size ascend and lie within the range");
}

/* For ranges at the limits of double, ticks are finite and ascend; there may be none. */
static void test_odd_range(void)
{
	static const double ends[][2] = {{1, 1 + 0x1p-52}, {0, 5e-324}, {5e-324, 1e-323},
	    {-5e-324, 5e-324}, {1e-310, 2e-310}, {1e300, 1e300 + 0x1p945}, {0x1p53, 0x1p53 + 2},
	    {-1e308, 1e308}, {-1e308, 7e307}, {-1e300, 1e-300}};
	int wrong = 0;

	for (size_t k = 0; k < 2 * sizeof ends / sizeof *ends; k++)
		for (int sparser = 0; sparser < 12; sparser++) {
			struct scale s = {
			    ends[k / 2][0], ends[k / 2][1], k % 2 && ends[k / 2][0] > 0};
			struct ticks t;

			scale_ticks(&s, sparser, true, &t);
			for (int i = 0; i < t.n; i++)
				wrong += !isfinite(t.at[i].value) || !t.at[i].label[0] ||
				         strstr(t.at[i].label, "inf") ||
				         strstr(t.at[i].label, "nan") ||
				         (i > 0 && t.at[i].value <= t.at[i - 1].value);
		}
	ok(wrong == 0, "ticks: ranges at the limits of double precision have valid ticks: %d wrong",
	    wrong);
}

static void test_scale(void)
{
	struct scale s = {0.1, 1000, true};

	ok(fabs(scale_place(&s, 10) - 0.5) < 1e-12 && fabs(scale_place(&s, 1) - 0.25) < 1e-12,
	    "scale: positions on a log axis are logarithmic");
	scale_fit(&s, 5, 5, 0.03);
	ok(s.lo == 2.5 && s.hi == 10, "scale: one value on a log axis is centred");
	s.log = false;
	scale_fit(&s, -3, -3, 0.03);
	ok(s.lo == -4.5 && s.hi == -1.5, "scale: one value on a linear axis is centred");
	scale_fit(&s, 0, 0, 0.03);
	ok(s.lo == -1 && s.hi == 1, "scale: the value 0 alone is centred");
}

static void place_is(struct scale s, double v, double wanted)
{
	double got = scale_place(&s, v);

	if (!ok(fabs(got - wanted) < 1e-9 * fmax(1, fabs(wanted)),
	        "scale: the position of %g is %g on the axis from %g to %g%s", v, wanted, s.lo,
	        s.hi, s.log ? ", log" : ""))
		diag("got %g", got);
}

/* Ranges for which the difference or quotient of the ends overflows. */
static void test_wide_scale(void)
{
	static const double ends[][2] = {{-DBL_MAX, DBL_MAX}, {-1e308, 1e308}, {DBL_MAX, DBL_MAX},
	    {-DBL_MAX, -DBL_MAX}, {DBL_TRUE_MIN, DBL_MAX}, {DBL_TRUE_MIN, DBL_TRUE_MIN}};
	struct scale s = {0, 1, true};
	int wrong = 0;

	place_is((struct scale){-1e308, 1e308, false}, 0, 0.5);
	place_is((struct scale){-1e308, 1e308, false}, 1e308, 1);
	place_is((struct scale){1e-160, 1e160, true}, 1, 0.5);
	place_is((struct scale){1e-160, 1e160, true}, 1e80, 0.75);
	place_is((struct scale){0, DBL_TRUE_MIN, false}, DBL_TRUE_MIN, 1);
	place_is(
	    (struct scale){1e300, nextafter(1e300, INFINITY), true}, nextafter(1e300, INFINITY), 1);
	place_is((struct scale){0, 1e-300, false}, 1e300, 1e12);
	place_is((struct scale){0, 1e-300, false}, -1e300, -1e12);
	scale_fit(&s, 1e-160, 1e160, 0.03);
	ok(fabs(log10(s.lo) + 169.6) < 1e-9 && fabs(log10(s.hi) - 169.6) < 1e-9,
	    "scale: padding of 3 %% of 320 decades is 9.6 decades");
	for (size_t k = 0; k < 2 * sizeof ends / sizeof *ends; k++) {
		double lo = ends[k / 2][0], hi = ends[k / 2][1];

		s.log = k % 2 && lo > 0;
		scale_fit(&s, lo, hi, 0.03);
		wrong += !(s.lo < s.hi) || !isfinite(s.lo) || !isfinite(s.hi) || s.lo > lo ||
		         s.hi < hi || (s.log && !(s.lo > 0));
		wrong += !(scale_place(&s, lo) >= 0) || !(scale_place(&s, hi) <= 1);
	}
	ok(wrong == 0, "scale: ranges as wide as double precision are fitted: %d wrong", wrong);
	s = (struct scale){-1e308, 1e308, false};
	ok(scale_at(&s, 0) == -1e308 && fabs(scale_at(&s, 0.75) / 5e307 - 1) < 1e-12 &&
	        scale_at(&s, 1) == 1e308,
	    "scale: the value at a position of a wide linear range is correct");
	s = (struct scale){1e-200, 1e200, true};
	ok(fabs(scale_at(&s, 0.75) / 1e100 - 1) < 1e-9 && scale_at(&s, 1) == 1e200,
	    "scale: the value at a position of a wide log range is correct");
}

static void column_is(const char *name, const char *wanted)
{
	char got[64];

	words_of_column(got, sizeof got, name);
	if (!ok(!strcmp(got, wanted), "words: the title of column %s is %s", name, wanted))
		diag("got %s", got);
}

static void test_text(void)
{
	char text[16];

	column_is("ce_nats", "cross-entropy (nats)");
	column_is("own_nats", "own (nats)");
	column_is("heap_mib", "heap (MiB)");
	column_is("tokens_per_s", "tokens / s");
	column_is("grad_norm", "gradient norm");
	column_is("my_norm", "my norm");
	column_is("t", "t");
	column_is("s", "s");
	words_clean(text, sizeof text, "a\n\xff\xc3\xa9\xe2\x82");
	ok(!strcmp(text, "a ?\xc3\xa9??"),
	    "words: invalid UTF-8 and control characters are replaced");
	words_clean(text, 4, "ab\xe2\x82\xac");
	ok(!strcmp(text, "ab"), "words: text is cut between characters");
	strcpy(text, "abc\xc3\xa9");
	ok(words_length(text) == 4 && words_cut(text, sizeof text, "…") && !strcmp(text, "abc…") &&
	        words_cut(text, sizeof text, "…") && !strcmp(text, "ab…"),
	    "words: cut text ends in an ellipsis");
	ok(words_cut(text, sizeof text, "…") && !words_cut(text, sizeof text, "…") && !*text,
	    "words: text can be cut until nothing is left");
}

static int ascending(const void *a, const void *b)
{
	double p = *(const double *)a, q = *(const double *)b;

	return (p > q) - (p < q);
}

/* The same window, computed anew for each row. */
static double smooth_slowly(const double *y, size_t n, size_t window, bool mean, size_t i)
{
	size_t reach = window / 2 < n ? window / 2 : n;
	size_t most = i < n - 1 - i ? i : n - 1 - i;
	size_t half = fmin((double)reach, (double)most) < (double)(reach / 4)
	                  ? reach / 4
	                  : (most < reach ? most : reach);
	size_t begin = i > half ? i - half : 0, end = i + half + 1 < n ? i + half + 1 : n;
	size_t count = end - begin;
	double sorted[512], sum = 0;

	memcpy(sorted, y + begin, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, ascending);
	for (size_t k = 0; k < count; k++)
		sum += sorted[k];
	return mean ? sum / (double)count : 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
}

static void test_smooth(void)
{
	static const size_t windows[] = {1, 2, 3, 8, 9, 51, 100, 1000};
	double y[200], out[200], worst = 0;
	struct err e;

	for (size_t i = 0; i < 200; i++)
		y[i] = rng_uniform(2, RNG_TEST, 0, i) + (i == 77 ? 1e6 : 0);
	for (size_t n = 1; n <= 200; n = n < 10 ? n + 1 : n * 2 - 1)
		for (size_t k = 0; k < sizeof windows / sizeof windows[0]; k++)
			for (int mean = 0; mean < 2; mean++) {
				if (table_smooth(y, n, windows[k], mean, out, &e))
					worst = INFINITY;
				for (size_t i = 0; i < n; i++)
					worst = fmax(worst,
					    fabs(
					        out[i] - smooth_slowly(y, n, windows[k], mean, i)));
			}
	ok(worst < 1e-9,
	    "smooth: median and mean equal those of a simple algorithm (at most %.1e off)", worst);
}

static void test_smooth_large(void)
{
	const double y[] = {1.5e308, 1.7e308, 1.6e308, 1.6e308},
	             small[2] = {DBL_TRUE_MIN, DBL_TRUE_MIN};
	double out[4];
	struct err e;

	ok(!table_smooth(y, 4, 8, true, out, &e) && fabs(out[0] / 1.6e308 - 1) < 1e-12 &&
	        fabs(out[3] / 1.6e308 - 1) < 1e-12,
	    "smooth: a mean is finite even if its sum overflows");
	ok(!table_smooth(y, 4, 8, false, out, &e) && out[1] == 1.6e308,
	    "smooth: a median between two numbers is finite even if their sum overflows");
	ok(!table_smooth(small, 2, 8, false, out, &e) && out[0] == DBL_TRUE_MIN,
	    "smooth: a median between the two smallest numbers is not 0");
}

/* Where lines are drawn, groups stand together, in order of appearance, a break between them. */
static void test_groups(void)
{
	static const char *const group[] = {"b", "a", "b", "a", "b"};
	struct look look = {.lines = true, .x_limit = {NAN, NAN}};
	struct table_skips skips;
	struct table t;
	struct plot p;
	struct err e = {0};
	const struct series *s;

	table_init(&t, 1, false);
	plot_init(&p);
	for (int i = 0; i < 5; i++)
		table_add(&t, (const double[]){i, i == 2 ? NAN : 10.0 * i},
		    (const char *const[]){NULL, group[i], NULL}, &e);
	ok(!table_plot(&t, &look, &p, &skips, &e) && p.n_series == 1,
	    "table: groups make one series");
	s = p.series;
	ok(s->n == 5 && s->x[0] == 0 && s->x[1] == 4 && isnan(s->x[2]) && s->x[3] == 1 &&
	        s->x[4] == 3,
	    "table: groups are in order of appearance, with breaks and without missing values");
	ok(skips.missing == 1 && skips.positive == 0, "table: missing values are counted");
	plot_release(&p);
	table_release(&t);
}

static void test_histogram(void)
{
	struct look look = {.histogram = true, .bins = 4, .x_limit = {NAN, NAN}};
	struct table_skips skips;
	struct table t;
	struct plot p;
	struct err e = {0};
	const double x[] = {300, 1, 0, 10000, 20, 4000};
	double sum = 0;

	table_init(&t, 0, false);
	plot_init(&p);
	p.x.log = true;
	for (int i = 0; i < 6; i++)
		table_add(&t, &x[i], no_texts, &e);
	ok(!table_plot(&t, &look, &p, &skips, &e) && p.n_series == 1 && p.series->n == 5 &&
	        fabs(p.series->x[1] - 10) < 1e-9 && p.series->x[4] > 9999,
	    "histogram: bins on a log axis have equal widths in the logarithm");
	for (int i = 0; i < 4; i++)
		sum += p.series->y[i];
	ok(sum == 5 && p.series->y[3] == 2 && skips.positive == 1,
	    "histogram: the largest value is in the last bin, and 0 in none");
	plot_release(&p);
	table_release(&t);
}

/* The bins of x, counted as text: "2 0 1". */
static const char *bins_of(const double *x, int n, int bins, bool is_log, struct plot *p)
{
	static char text[256];
	struct look look = {.histogram = true, .bins = bins, .x_limit = {NAN, NAN}};
	struct table_skips skips;
	struct table t;
	struct err e;
	size_t used = 0;

	table_init(&t, 0, false);
	plot_init(p);
	p->x.log = is_log;
	for (int i = 0; i < n; i++)
		table_add(&t, &x[i], no_texts, &e);
	text[0] = '\0';
	if (!table_plot(&t, &look, p, &skips, &e))
		for (size_t i = 0; i + 1 < p->series->n; i++)
			used += (size_t)snprintf(
			    text + used, sizeof text - used, "%s%g", i ? " " : "", p->series->y[i]);
	table_release(&t);
	return text;
}

static void test_wide_histogram(void)
{
	const double wide[] = {-1e308, -0.9e308, 0.1e308, 1e308}, large[] = {1e20, 1e20};
	const double top[] = {DBL_MAX, DBL_MAX};
	struct plot p;

	ok(!strcmp(bins_of(wide, 4, 4, false, &p), "2 0 1 1"),
	    "histogram: bins of a range that overflows are finite");
	plot_release(&p);
	ok(!strcmp(bins_of(wide, 4, 0, false, &p), "2 0 1 0 1"),
	    "histogram: the number of bins of a range that overflows is limited");
	plot_release(&p);
	ok(!strcmp(bins_of(large, 2, 3, false, &p), "0 2 0") && p.series->x[0] < p.series->x[1],
	    "histogram: bins of one large number have a width");
	plot_release(&p);
	ok(!strcmp(bins_of(top, 2, 3, true, &p), "0 0 2") && isfinite(p.series->x[3]),
	    "histogram: bins of the largest number on a log axis have finite ends");
	plot_release(&p);
}

/* The message of plot_fit for two points, (1, 2) and (3, 4), with these limits of y. */
static void fit_says(double lo, double hi, const char *wanted)
{
	const double none[2] = {NAN, NAN}, limit[2] = {lo, hi};
	struct plot p;
	struct err e = {0};
	struct series *s;

	plot_init(&p);
	s = plot_add(&p, SERIES_POINTS, 2, false, NULL, &e);
	s->x[0] = 1;
	s->y[0] = 2;
	s->x[1] = 3;
	s->y[1] = 4;
	if (!ok(plot_fit(&p, none, limit, &e) == (*wanted ? -1 : 0) && !strcmp(e.msg, wanted),
	        "plot: limits of y from %g to %g are applied", lo, hi))
		diag("got %s", e.msg);
	plot_release(&p);
}

static void test_quantile(void)
{
	const double none[2] = {NAN, NAN}, some[2] = {0, 49};
	struct plot p;
	struct err e = {0};
	struct series *s;
	double y;

	plot_init(&p);
	s = plot_add(&p, SERIES_POINTS, 102, false, NULL, &e);
	for (size_t i = 0; i < 102; i++) {
		s->x[i] = (double)i;
		s->y[i] = i == 101 ? NAN : (double)(i * 7 % 101);
	}
	ok(!plot_quantile(&p, none, 0.99, &y, &e) && y == 99,
	    "plot: 99 %% of the values of y are at most the 99th percentile");
	ok(!plot_quantile(&p, none, 0, &y, &e) && y == 0 && !plot_quantile(&p, none, 1, &y, &e) &&
	        y == 100,
	    "plot: percentiles 0 and 100 are the smallest and the largest value");
	for (size_t i = 0; i < 102; i++)
		s->y[i] = (double)i;
	ok(!plot_quantile(&p, some, 1, &y, &e) && y == 49,
	    "plot: a percentile is that of the values within the limit of x");
	plot_release(&p);
}

static void test_limits(void)
{
	fit_says(3, 100, "");
	fit_says(
	    100, NAN, "nothing to draw: y is limited to 100 and more, its values run from 2 to 4");
	fit_says(
	    100, 200, "nothing to draw: y is limited to 100 and more, its values run from 2 to 4");
	fit_says(NAN, 1, "nothing to draw: y is limited to 1 and less, its values run from 2 to 4");
	fit_says(NAN, 2, "");
}

/* Thinning keeps one of each run of points, and the order; the largest c is drawn last. */
static void test_order(void)
{
	enum { N = 10000, KEEP = 100 };
	const double none[2] = {NAN, NAN};
	struct plot p;
	struct err e = {0};
	struct series *s;
	uint32_t *order = NULL, *again = NULL;
	size_t n = 0, m = 0;
	int wrong = 0;

	plot_init(&p);
	s = plot_add(&p, SERIES_POINTS, N, true, NULL, &e);
	for (size_t i = 0; i < N; i++) {
		s->x[i] = (double)i;
		s->y[i] = 1;
		s->c[i] = (double)((i * 7919) % N);
	}
	ok(!plot_fit(&p, none, none, &e) && !plot_order(&p, s, &order, &n, &e) && n == N,
	    "plot order: contains all points");
	for (size_t i = 1; i < n; i++)
		wrong += s->c[order[i]] < s->c[order[i - 1]] - N / 255.0;
	ok(wrong == 0 && s->c[order[N - 1]] > 0.99 * N, "plot order: the largest c is last");
	free(order);
	p.max_points = KEEP;
	ok(!plot_order(&p, s, &order, &n, &e) && n == KEEP && plot_shown(&p) == KEEP &&
	        plot_points(&p) == N,
	    "plot order: contains at most max_points points");
	ok(!plot_order(&p, s, &again, &m, &e) && m == n && !memcmp(order, again, n * sizeof *order),
	    "plot order: is the same each time");
	wrong = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			wrong += order[i] / (N / KEEP) == order[k] / (N / KEEP);
	ok(wrong == 0, "plot order: contains one of each hundred points");
	free(order);
	free(again);
	plot_release(&p);
}

int main(void)
{
	test_colours();
	test_ticks();
	test_short_log();
	test_tick_digits();
	test_tick_values();
	test_labels_of_ends();
	test_any_range();
	test_odd_range();
	test_scale();
	test_wide_scale();
	test_text();
	test_smooth();
	test_smooth_large();
	test_groups();
	test_histogram();
	test_wide_histogram();
	test_quantile();
	test_limits();
	test_order();
	return tap_done();
}
