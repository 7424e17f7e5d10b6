#include "picture/average.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A row with what it is sorted by. */
struct place {
	uint32_t category, group, key, row;
	double x; /* mean of the rows of its key; INFINITY if it has no place */
};

static int compare(double a, double b)
{
	return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	const int order[] = {compare(p->category, q->category), compare(p->group, q->group),
	    compare(p->x, q->x), compare(p->key, q->key), compare(p->row, q->row)};
	size_t i = 0;

	while (i < 4 && order[i] == 0)
		i++;
	return order[i];
}

/* The end of the run of rows that have the same texts as the one at begin. */
static size_t end_of_run(const struct place *place, size_t begin, size_t n)
{
	size_t end = begin + 1;

	while (end < n && place[end].category == place[begin].category &&
	       place[end].group == place[begin].group && place[end].key == place[begin].key)
		end++;
	return end;
}

/* --- the mean of one value over several rows --- */

struct sums {
	size_t n;
	double mean, squares; /* squares: sum of the squared distances from the mean */
	double least, most;
};

/* Source: Welford 1962; the difference of two large numbers may overflow, their quotients do not.
 */
static void sums_add(struct sums *s, double v)
{
	double before = s->mean;

	s->n++;
	s->mean += v / (double)s->n - before / (double)s->n;
	s->squares += (v - before) * (v - s->mean);
	s->least = s->n == 1 ? v : fmin(s->least, v);
	s->most = s->n == 1 ? v : fmax(s->most, v);
}

static void band_of(const struct sums *s, enum average_band band, double end[2])
{
	double deviation = sqrt(s->squares / (double)(s->n - 1));

	if (band == BAND_SE)
		deviation /= sqrt((double)s->n);
	end[0] = band == BAND_RANGE ? s->least : s->mean - deviation;
	end[1] = band == BAND_RANGE ? s->most : s->mean + deviation;
	if (s->n < 2)
		end[0] = end[1] = NAN;
}

/* --- rows --- */

/* The mean of value k of the rows at place [n]. */
static struct sums sums_of(const struct table *t, const struct place *place, size_t n, size_t k)
{
	struct sums s = {0};

	for (size_t i = 0; i < n; i++) {
		double v = t->value[place[i].row * table_width(t) + k];

		if (isfinite(v))
			sums_add(&s, v);
	}
	return s;
}

/* The rows of t, those with the same texts together, in the order of the mean x of each such run.
 */
static struct place *sort_runs(const struct table *t, struct err *e)
{
	struct place *place = mem_array(t->n, sizeof *place, e);

	for (size_t i = 0; place && i < t->n; i++) {
		const uint32_t *id = t->id + i * TABLE_TEXTS;

		place[i] = (struct place){
		    id[TABLE_CATEGORY], id[TABLE_GROUP], id[TABLE_KEY], (uint32_t)i, 0};
	}
	if (!place)
		return NULL;
	qsort(place, t->n, sizeof *place, by_place);
	for (size_t begin = 0, end; begin < t->n; begin = end) {
		struct sums x;

		end = end_of_run(place, begin, t->n);
		x = sums_of(t, place + begin, end - begin, 0);
		for (size_t i = begin; i < end; i++)
			place[i].x = x.n > 0 ? x.mean : INFINITY;
	}
	qsort(place, t->n, sizeof *place, by_place);
	return place;
}

/* Average the rows at place [n], which have the same texts, into row to->n of to. */
static void average_run(const struct table *t, const struct place *place, size_t n,
    enum average_band band, struct table *to, size_t *missing)
{
	size_t width = table_width(t);

	for (size_t k = 0; k < width; k++) {
		struct sums s = sums_of(t, place, n, k);

		*missing += n - s.n;
		to->value[to->n * width + k] = s.n > 0 ? s.mean : NAN;
		if (k >= 1 && k <= t->n_y)
			band_of(&s, band, to->band + 2 * (to->n * t->n_y + k - 1));
	}
	memcpy(to->id + to->n * TABLE_TEXTS, t->id + place->row * TABLE_TEXTS,
	    TABLE_TEXTS * sizeof *to->id);
	to->n++;
}

static int copy_texts(const struct table *t, struct table *to, struct err *e)
{
	for (int k = 0; k < TABLE_TEXTS; k++)
		for (size_t i = 0; i < t->text[k].n; i++) {
			size_t length;
			const char *text = strings_get(&t->text[k], i, &length);

			if (strings_add(&to->text[k], text, length, e) < 0)
				return -1;
		}
	return 0;
}

/* Make room for n rows like those of t. */
static int prepare(const struct table *t, size_t n, struct table *to, struct err *e)
{
	to->value = mem_array(n, table_width(t) * sizeof *to->value, e);
	to->band = mem_array(n, 2 * t->n_y * sizeof *to->band, e);
	to->id = mem_array(n, TABLE_TEXTS * sizeof *to->id, e);
	return !to->value || !to->band || !to->id || copy_texts(t, to, e) ? -1 : 0;
}

int average_rows(
    const struct table *t, enum average_band band, struct table *to, size_t *missing, struct err *e)
{
	struct place *place = sort_runs(t, e);
	int failed;

	table_init(to, t->n_y, t->has_c);
	failed = !place || prepare(t, t->n, to, e);
	for (size_t begin = 0, end; !failed && begin < t->n; begin = end) {
		end = end_of_run(place, begin, t->n);
		average_run(t, place + begin, end - begin, band, to, missing);
	}
	free(place);
	if (failed)
		table_release(to);
	return failed ? -1 : 0;
}
