#include <math.h>
#include <stdio.h>
#include <string.h>

#include "picture/average.h"
#include "picture/colour.h"
#include "picture/words.h"
#include "tap.h"

/* Means of rows, the names of several files, and their colours. */

static const char *const no_texts[TABLE_TEXTS];

/* The lowest contrast of texts, categories and the sequence with this background. */
static void contrast_is(enum background background, const char *name, struct rgb paper, double text,
    double graphics, double sequence)
{
	const struct theme *theme = colour_theme(background);
	double least = fmin(colour_contrast(theme->ink, paper), colour_contrast(theme->dim, paper));

	ok(least >= text, "colour: texts have a contrast of at least %g on %s: %.2f", text, name,
	    least);
	least = 21;
	for (size_t i = 0; i <= COLOUR_CATEGORIES; i++)
		least = fmin(least, colour_contrast(colour_category(background, i), paper));
	ok(least >= graphics, "colour: categories have a contrast of at least %g on %s: %.2f",
	    graphics, name, least);
	least = 21;
	for (int i = 0; i <= 100; i++)
		least = fmin(least, colour_contrast(colour_sequence(background, i / 100.0), paper));
	ok(least >= sequence, "colour: the sequence has a contrast of at least %g on %s: %.2f",
	    sequence, name, least);
}

static void test_contrast(void)
{
	const struct rgb white = {1, 1, 1}, dark = colour_theme(BACKGROUND_DARK)->paper;

	ok(fabs(colour_contrast(white, (struct rgb){0, 0, 0}) - 21) < 1e-9,
	    "colour: the contrast of black and white is 21");
	contrast_is(BACKGROUND_WHITE, "white", white, 4.5, 3, 3);
	contrast_is(BACKGROUND_DARK, "the dark background", dark, 4.5, 3, 3);
	contrast_is(BACKGROUND_NONE, "white, if transparent", white, 4.3, 3, 2);
	contrast_is(BACKGROUND_NONE, "a dark page, if transparent", dark, 4.3, 3, 2);
}

/* The smoothed line of repeated x has one point for each x: the mean of its rows. */
static void test_smooth_repeated(void)
{
	const struct look look = {.smooth = 1, .mean = true, .x_limit = {NAN, NAN}};
	const double y[] = {0, 1, 2, 9, 1, 1, 1, 5}; /* means 3 and 2, medians 1.5 and 1 */
	struct table_skips skips;
	struct table t;
	struct plot p;
	struct err e = {0};
	const struct series *s = NULL;

	table_init(&t, 1, false);
	plot_init(&p);
	for (int i = 0; i < 8; i++)
		table_add(&t, (const double[]){7 - i / 4, y[i]}, no_texts, &e);
	if (!table_plot(&t, &look, &p, &skips, &e))
		s = p.series;
	ok(s && p.n_series == 1 && s->n == 2 && s->x[0] == 6 && s->x[1] == 7,
	    "smooth: a line has one point for each x");
	ok(s && fabs(s->y[0] - 2) < 1e-12 && fabs(s->y[1] - 3) < 1e-12,
	    "smooth: rows with the same x count as their mean");
	plot_release(&p);
	table_release(&t);
}

/* Whether row i of t is x, y with the band from low to high. */
static bool row_is(const struct table *t, size_t i, double x, double y, double low, double high)
{
	const double *v = t->value + 2 * i, *band = t->band + 2 * i;

	return i < t->n && fabs(v[0] - x) < 1e-12 && fabs(v[1] - y) < 1e-12 &&
	       fabs(band[0] - low) < 1e-12 && fabs(band[1] - high) < 1e-12;
}

static void test_average(void)
{
	static const struct {
		double x, y;
		const char *category, *key;
	} row[] = {{2, 2, "a", "2"}, {1, 5, "a", "1"}, {2, 4, "a", "2"}, {2, 100, "b", "2"},
	    {2, 9, "a", "2"}, {1, NAN, "a", "1"}, {1, 7, "a", "1"}};
	struct table t, mean;
	struct err e = {0};
	size_t missing = 0;

	table_init(&t, 1, false);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		table_add(&t, (const double[]){row[i].x, row[i].y},
		    (const char *const[]){row[i].category, NULL, row[i].key}, &e);
	ok(!average_rows(&t, BAND_SD, &mean, &missing, &e) && mean.n == 3 && missing == 1,
	    "average: there is one row for each category and key, and missing values are counted");
	ok(row_is(&mean, 0, 1, 6, 6 - sqrt(2), 6 + sqrt(2)) &&
	        row_is(&mean, 1, 2, 5, 5 - sqrt(13), 5 + sqrt(13)),
	    "average: the band is the standard deviation, with n - 1");
	ok(mean.value[5] == 100 && isnan(mean.band[4]) && isnan(mean.band[5]),
	    "average: one value has no band");
	table_release(&mean);
	ok(!average_rows(&t, BAND_SE, &mean, &missing, &e) &&
	        row_is(&mean, 1, 2, 5, 5 - sqrt(13.0 / 3), 5 + sqrt(13.0 / 3)),
	    "average: the standard error is the standard deviation over the root of n");
	table_release(&mean);
	ok(!average_rows(&t, BAND_RANGE, &mean, &missing, &e) && row_is(&mean, 1, 2, 5, 2, 9),
	    "average: a range goes from the smallest to the largest value");
	table_release(&mean);
	table_release(&t);
}

static void files_are(const char *a, const char *b, const char *wanted)
{
	const char *const path[] = {a, b};
	size_t begin, end;
	char got[256];

	words_of_files(path, 2, &begin, &end);
	snprintf(got, sizeof got, "%.*s %.*s", (int)(strlen(a) - begin - end), a + begin,
	    (int)(strlen(b) - begin - end), b + begin);
	if (!ok(!strcmp(got, wanted), "words: %s and %s are told apart as %s", a, b, wanted))
		diag("got %s", got);
}

static void test_files(void)
{
	files_are("out/run/a/log.csv", "out/run/b/log.csv", "a b");
	files_are("out/a/x/log.csv", "out/b/x/log.csv", "a b");
	files_are("a.csv", "b.csv", "a b");
	files_are("lr0.1.csv", "lr0.01.csv", "lr0.1 lr0.01");
	files_are("a.csv", "a.tsv", "a.csv a.tsv");
	files_are("log.csv", "old/log.csv", "log old/log");
	files_are("/x/a1", "/x/a2", "a1 a2");
	files_are("a", "a", "a a");
}

int main(void)
{
	test_contrast();
	test_smooth_repeated();
	test_average();
	test_files();
	return tap_done();
}
