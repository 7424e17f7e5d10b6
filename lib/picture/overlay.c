#include "picture/overlay.h"

#include <math.h>

#include "picture/columns.h"
#include "picture/words.h"

static int find_x(const struct csv_reader *csv, const struct overlay *o, struct err *e)
{
	const char *name = o->x ? o->x : o->x_below;

	return name ? csv_column(csv, name, e) : 0;
}

static int find_y(const struct csv_reader *csv, const struct overlay *o, int x, struct err *e)
{
	struct err none;
	int below;

	if (o->y)
		return csv_column(csv, o->y, e);
	below = o->y_below ? csv_column(csv, o->y_below, &none) : -1;
	if (below >= 0)
		return below;
	if ((size_t)x + 1 == csv_n_columns(csv))
		return err_set(
		    e, "no column after '%s'; name both: FILE:X,Y", csv_name(csv, (size_t)x));
	return x + 1;
}

/* The first is black; the others' colours are those that the legend has not used. */
static struct rgb choose_colour(const struct plot *p, size_t index)
{
	size_t used = 0;

	for (size_t i = 0; i < p->n_series; i++)
		used += p->series[i].label != NULL;
	return colour_category(index == 0 ? COLOUR_CATEGORIES - 1 : used);
}

static int add(
    struct plot *p, const struct table *t, const char *label, size_t index, struct err *e)
{
	struct rgb own = choose_colour(p, index);
	struct series *s = plot_add(p, SERIES_LINE, 2 * t->n, false, label, e);
	size_t at = 0;

	if (!s)
		return -1;
	s->colour = own;
	s->outlined = true;
	s->width = 1.5;
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0 && t->value[2 * i] < t->value[2 * i - 2])
			s->x[at++] = NAN;
		s->x[at] = t->value[2 * i];
		s->y[at++] = t->value[2 * i + 1];
	}
	s->n = at;
	return 0;
}

int overlay_add(struct plot *p, struct csv_reader *csv, const struct overlay *o, struct err *e)
{
	struct columns_spec spec = {.n_y = 1};
	char label[256];
	struct columns rows;
	int x = find_x(csv, o, e), y = x < 0 ? -1 : find_y(csv, o, x, e), failed;

	if (y < 0)
		return -1;
	spec.x = csv_name(csv, (size_t)x);
	spec.y[0] = csv_name(csv, (size_t)y);
	words_of_column(label, sizeof label, spec.y[0]);
	failed = columns_init(&rows, csv, &spec, e) || columns_read(&rows, SIZE_MAX, e) ||
	         add(p, &rows.table, o->label ? o->label : label, o->index, e);
	columns_release(&rows);
	return failed ? -1 : 0;
}
