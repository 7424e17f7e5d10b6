#include "train/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define REAL (sizeof(real) == 4 ? ST_F32 : ST_F64)

void state_init(struct state *s, struct kernels *k)
{
	*s = (struct state){.k = k};
}

void state_release(struct state *s)
{
	free(s->array);
	free(s->piece);
	state_init(s, s->k);
}

static struct state_array *add_array(struct state *s, struct err *e)
{
	struct state_array *a;

	if (mem_grow(&s->array, &s->array_room, s->n + 1, sizeof *a, e))
		return NULL;
	a = &s->array[s->n++];
	*a = (struct state_array){.first = s->n_pieces};
	return a;
}

int state_add_tensor(struct state *s, const char *prefix, const char *what, const struct tensor *t,
    bool divided, struct err *e)
{
	struct state_array *a = add_array(s, e);

	if (!a)
		return -1;
	snprintf(a->name, sizeof a->name, "%s%s", prefix, t->name);
	a->dtype = REAL;
	a->n_dims = t->cols ? 2 : 1;
	a->shape[0] = t->rows;
	a->shape[1] = t->cols;
	a->tensor = t;
	a->prefix = prefix;
	a->what = what;
	a->divided = divided;
	return 0;
}

int state_add_piece(struct state *s, size_t at, size_t n, void *data, struct err *e)
{
	struct state_array *a = &s->array[s->n - 1];

	if (mem_grow(&s->piece, &s->piece_room, s->n_pieces + 1, sizeof *s->piece, e))
		return -1;
	s->piece[s->n_pieces++] = (struct state_piece){at, n, data};
	a->n_pieces++;
	if (!a->divided)
		a->whole = data;
	return 0;
}

int state_add_weights(struct state *s, const char *prefix, const char *what,
    const struct weights *w, real *base, struct err *e)
{
	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];

		if (state_add_tensor(s, prefix, what, t, false, e))
			return -1;
		if (base && state_add_piece(s, 0, t->n, base + t->offset, e))
			return -1;
	}
	return 0;
}

int state_add_host(struct state *s, const char *name, enum safetensors_dtype dtype, size_t n,
    void *data, struct err *e)
{
	struct state_array *a = add_array(s, e);

	if (!a)
		return -1;
	snprintf(a->name, sizeof a->name, "%s", name);
	a->dtype = dtype;
	a->n_dims = 1;
	a->shape[0] = n;
	a->what = a->prefix = "";
	return state_add_piece(s, 0, n, data, e);
}

void state_set_length(struct state *s, const char *name, size_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		struct state_array *a = &s->array[i];

		if (!strcmp(a->name, name)) {
			a->shape[0] = n;
			s->piece[a->first].n = n;
		}
	}
}

/* --- the check --- */

static bool is_finite_host(const struct state_array *a, const struct state_piece *p)
{
	const double *x = p->data;

	for (size_t i = 0; a->dtype == ST_F64 && i < p->n; i++)
		if (!isfinite(x[i]))
			return false;
	return true;
}

static bool is_finite_piece(
    const struct state *s, const struct state_array *a, const struct state_piece *p)
{
	if (!a->tensor)
		return is_finite_host(a, p);
	return isfinite(k_sum_squares(s->k, p->data, p->n));
}

int state_check_finite(const struct state *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct state_array *a = &s->array[i];

		for (size_t j = 0; j < a->n_pieces; j++)
			if (!is_finite_piece(s, a, &s->piece[a->first + j]))
				return err_with(e, ERR_NONFINITE, "%s%s is not finite", a->what,
				    a->tensor ? a->tensor->name : a->name);
	}
	return 0;
}
