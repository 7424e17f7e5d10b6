/* Kernels of the embedding, the noise and the input of the network. */

#include <math.h>
#include <string.h>

#include "base/minmax.h"
#include "base/rng.h"
#include "compute/cpu/cpu.h"

/* Numbers that are computed on the stack at one time. */
enum { CHUNK = 64 };

/* --- the normalised embedding --- */

struct normalize_job {
	const struct rows *rows;
	real *out;
	const real *w, *de;
	size_t d;
};

static void normalize_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct normalize_job *j = arg;
	size_t d = j->d;

	(void)rank;
	for (size_t v = begin; v < end; v++) {
		const real *w = j->w + v * d;
		real s = (real)sqrt((double)d / ((double)j->rows->dot(w, w, d) + 1e-30));

		for (size_t i = 0; i < d; i++)
			j->out[v * d + i] = s * w[i];
	}
}

void k_normalize(struct kernels *k, real *e, const real *w, size_t V, size_t d)
{
	struct normalize_job j = {k->rows, e, w, NULL, d};

	cpu_for(k, CPU_NORMALIZE, V * d, V, normalize_rows, &j);
}

/* de/dw = √d/‖w‖ (1 - ŵ ŵ^T) */
static void normalize_backward_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct normalize_job *j = arg;
	size_t d = j->d;

	(void)rank;
	for (size_t v = begin; v < end; v++) {
		const real *w = j->w + v * d, *de = j->de + v * d;
		double squares = (double)j->rows->dot(w, w, d) + 1e-30;
		real s = (real)sqrt((double)d / squares);
		real along = (real)((double)j->rows->dot(w, de, d) / squares);

		for (size_t i = 0; i < d; i++)
			j->out[v * d + i] += s * (de[i] - along * w[i]);
	}
}

void k_normalize_backward(
    struct kernels *k, real *dw, const real *de, const real *w, size_t V, size_t d)
{
	struct normalize_job j = {k->rows, dw, w, de, d};

	cpu_for(k, CPU_NORMALIZE_BACKWARD, V * d, V, normalize_backward_rows, &j);
}

/* Each thread adds some components of all rows, so that the rows of a word are added in order. */
struct scatter_job {
	real *de;
	const real *dx;
	const int32_t *ids;
	size_t M, d;
};

static void scatter_add_components(void *arg, size_t begin, size_t end, int rank)
{
	const struct scatter_job *j = arg;

	(void)rank;
	for (size_t m = 0; m < j->M; m++) {
		real *de = j->de + (size_t)j->ids[m] * j->d;
		const real *dx = j->dx + m * j->d;

		for (size_t i = begin; i < end; i++)
			de[i] += dx[i];
	}
}

void k_scatter_add(
    struct kernels *k, real *de, const real *dx, const int32_t *ids, size_t M, size_t d)
{
	struct scatter_job j = {de, dx, ids, M, d};

	cpu_for(k, CPU_SCATTER_ADD, M * d, d, scatter_add_components, &j);
}

/* --- noise --- */

struct gaussian_job {
	real *n;
	const uint64_t *seed;
	int domain;
	size_t T, d;
};

static void gaussian_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct gaussian_job *j = arg;
	float z[CHUNK];

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		uint64_t seed = j->seed[m / j->T];
		uint32_t position = (uint32_t)(m % j->T);
		real *row = j->n + m * j->d;

		for (size_t i = 0; i < j->d; i += CHUNK) {
			size_t n = min_size(j->d - i, CHUNK);

			rng_normal_at(seed, (enum rng_domain)j->domain, position, i, z, n);
			for (size_t c = 0; c < n; c++)
				row[i + c] = z[c];
		}
	}
}

void k_gaussian(
    struct kernels *k, real *n, const uint64_t *seed, int domain, size_t B, size_t T, size_t d)
{
	struct gaussian_job j = {n, seed, domain, T, d};

	cpu_for(k, CPU_GAUSSIAN, B * T * d, B * T, gaussian_rows, &j);
}

struct diffuse_job {
	const struct rows *rows;
	real *x;
	const real *e, *n, *t;
	const int32_t *ids;
	size_t T, d;
};

static void diffuse_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct diffuse_job *j = arg;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->rows->mix(j->x + m * j->d, 1, j->e + (size_t)j->ids[m] * j->d, j->t[m / j->T],
		    j->n + m * j->d, 0, NULL, j->d);
}

void k_diffuse(struct kernels *k, real *x, const real *e, const int32_t *ids, const real *n,
    const real *t, size_t B, size_t T, size_t d)
{
	struct diffuse_job j = {k->rows, x, e, n, t, ids, T, d};

	cpu_for(k, CPU_DIFFUSE, B * T * d, B * T, diffuse_rows, &j);
}

/* --- the input of the network --- */

struct input_job {
	struct kernels *k;
	const struct k_input *p;
};

/* Write a x, or zeros if x is NULL, to the d acts from at of the input. Return the next one. */
static size_t write_slot(const struct input_job *j, size_t at, real a, const real *x)
{
	size_t d = j->p->shape.d;
	real chunk[CHUNK];

	for (size_t i = 0; i < d; i += CHUNK) {
		size_t n = min_size(d - i, CHUNK);

		for (size_t c = 0; c < n; c++)
			chunk[c] = x && a != 0 ? a * x[i + c] : 0;
		j->k->rows->round(cpu_at(j->k, j->p->in, at + i), chunk, n);
	}
	return at + d;
}

static void input_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct input_job *j = arg;
	const struct k_input *p = j->p;
	const struct k_input_shape *s = &p->shape;
	size_t d = s->d;

	(void)rank;
	for (size_t r = begin; r < end; r++) {
		size_t at = r * s->width, last = at + s->width;
		real m = p->m[r];

		at = write_slot(j, at, p->c_in[r / s->T] * m, p->x + r * d);
		at = write_slot(j, at, 1 - m, p->e + (size_t)p->ids[r] * d);
		if (s->has_p)
			at = write_slot(j, at, m, p->p ? p->p + r * d : NULL);
		if (s->has_q)
			at = write_slot(j, at, m, p->q ? p->q + r * d : NULL);
		j->k->rows->round(cpu_at(j->k, p->in, at), &m, 1);
		memset(cpu_at(j->k, p->in, at + 1), 0, (last - at - 1) * k_act_size(j->k));
	}
}

void k_input_of(struct kernels *k, const struct k_input *p)
{
	struct input_job j = {k, p};
	size_t M = p->shape.B * p->shape.T;

	cpu_for(k, CPU_INPUT, M * p->shape.width, M, input_rows, &j);
}

static void input_backward_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct k_input *p = ((const struct input_job *)arg)->p;
	size_t d = p->shape.d;

	(void)rank;
	for (size_t r = begin; r < end; r++) {
		const real *row = p->din + r * p->shape.width;
		real m = p->m[r], c = p->c_in[r / p->shape.T] * m;

		for (size_t i = 0; i < d; i++) {
			p->dx[r * d + i] += c * row[i];
			p->dgiven[r * d + i] = (1 - m) * row[d + i];
		}
	}
}

void k_input_backward_of(struct kernels *k, const struct k_input *p)
{
	struct input_job j = {k, p};
	size_t M = p->shape.B * p->shape.T;

	cpu_for(k, CPU_INPUT_BACKWARD, M * p->shape.d, M, input_backward_rows, &j);
}
