#include "picture/density.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CELLS = DENSITY_COLUMNS * DENSITY_ROWS };

/* The cell of a place on an axis of n cells, or -1 if it is outside. */
static int cell_of(const struct scale *s, double v, int n)
{
	double place = scale_place(s, v);

	if (!(place >= 0 && place <= 1))
		return -1;
	return place < 1 ? (int)(place * n) : n - 1;
}

/* Returns the largest count. */
static double count_points(const struct plot *p, const struct series *s, double count[CELLS])
{
	double most = 0;

	for (size_t i = 0; i < s->n; i++) {
		int column = cell_of(&p->x, s->x[i], DENSITY_COLUMNS);
		int row = cell_of(&p->y, s->y[i], DENSITY_ROWS);

		if (column >= 0 && row >= 0)
			most = fmax(most, ++count[row * DENSITY_COLUMNS + column]);
	}
	return most;
}

/* Replace the points of s by the cells that are not empty. */
static int make_cells(
    const struct plot *p, struct series *s, const double count[CELLS], struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < CELLS; i++)
		n += count[i] > 0;
	free(s->x);
	free(s->y);
	s->mark = SERIES_CELLS;
	s->n = 0;
	s->x = mem_array(n, sizeof *s->x, e);
	s->y = mem_array(n, sizeof *s->y, e);
	s->c = mem_array(n, sizeof *s->c, e);
	if (!s->x || !s->y || !s->c)
		return -1;
	for (size_t i = 0; i < CELLS; i++) {
		if (!(count[i] > 0))
			continue;
		s->x[s->n] = scale_at(&p->x, (double)(i % DENSITY_COLUMNS) / DENSITY_COLUMNS);
		s->y[s->n] = scale_at(&p->y, (double)(i / DENSITY_COLUMNS) / DENSITY_ROWS);
		s->c[s->n++] = count[i];
	}
	return 0;
}

int density_count(struct plot *p, struct err *e)
{
	double *count = mem_array(CELLS, sizeof *count, e), most = 0;
	int failed = count ? 0 : -1;

	for (size_t i = 0; i < p->n_series && !failed; i++) {
		if (p->series[i].mark != SERIES_POINTS || p->series[i].c)
			continue;
		memset(count, 0, CELLS * sizeof *count);
		most = fmax(most, count_points(p, &p->series[i], count));
		failed = make_cells(p, &p->series[i], count, e);
	}
	free(count);
	p->has_c = most > 0;
	p->c = (struct scale){1, fmax(most, 2), true};
	p->only_c = most > 1 ? NAN : 1;
	return failed;
}
