/* Adaptive layer norm and gates of a transformer block. Their coefficients differ by sequence. */

#include <string.h>

#include "compute/cpu/cpu.h"

/* --- layer norm, scale and shift --- */

struct modulate_job {
	struct kernels *k;
	const struct k_modulate *p;
};

static void modulate_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct modulate_job *j = arg;
	const struct k_modulate *p = j->p;
	size_t C = p->shape.C;

	(void)rank;
	for (size_t m = begin; m < end; m++) {
		size_t at = m / p->shape.T * p->shape.stride;

		j->k->rows->modulate(cpu_at(j->k, p->y, m * C), p->stats + 2 * m, p->h + m * C,
		    p->shift + at, p->scale + at, C);
	}
}

void k_modulate_of(struct kernels *k, const struct k_modulate *p)
{
	struct modulate_job j = {k, p};
	size_t M = p->shape.B * p->shape.T;

	cpu_for(k, CPU_MODULATE, M * p->shape.C, M, modulate_rows, &j);
}

/* The threads divide the sequences, since all rows of a sequence add to the same dshift and
 * dscale. */
static void modulate_backward_sequences(void *arg, size_t begin, size_t end, int rank)
{
	const struct modulate_job *j = arg;
	const struct k_modulate *p = j->p;
	size_t T = p->shape.T, C = p->shape.C;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		size_t at = b * p->shape.stride;
		real *dshift = p->dshift + at, *dscale = p->dscale + at;

		memset(dshift, 0, C * sizeof *dshift);
		memset(dscale, 0, C * sizeof *dscale);
		for (size_t m = b * T; m < (b + 1) * T; m++)
			j->k->rows->modulate_backward(p->dh + m * C, dshift, dscale,
			    cpu_at(j->k, p->dy, m * C), p->h + m * C, p->stats + 2 * m,
			    p->scale + at, C);
	}
}

void k_modulate_backward_of(struct kernels *k, const struct k_modulate *p)
{
	struct modulate_job j = {k, p};
	size_t B = p->shape.B;

	cpu_for(k, CPU_MODULATE_BACKWARD, B * p->shape.T * p->shape.C, B,
	    modulate_backward_sequences, &j);
}

/* --- gates --- */

struct gate_job {
	struct kernels *k;
	real *h, *dgate;
	real sign;
	act *dy;
	const act *y;
	const real *dout, *gate;
	struct k_adaln_shape shape;
};

static void gate_rows(void *arg, size_t begin, size_t end, int rank)
{
	const struct gate_job *j = arg;
	size_t C = j->shape.C;

	(void)rank;
	for (size_t m = begin; m < end; m++)
		j->k->rows->gate(j->h + m * C, j->sign, cpu_at(j->k, j->y, m * C),
		    j->gate + m / j->shape.T * j->shape.stride, C);
}

void k_gate(struct kernels *k, real *h, real sign, const act *y, const real *gate,
    struct k_adaln_shape shape)
{
	struct gate_job j = {.k = k, .h = h, .sign = sign, .y = y, .gate = gate, .shape = shape};
	size_t M = shape.B * shape.T;

	cpu_for(k, CPU_GATE, M * shape.C, M, gate_rows, &j);
}

static void gate_backward_sequences(void *arg, size_t begin, size_t end, int rank)
{
	const struct gate_job *j = arg;
	size_t T = j->shape.T, C = j->shape.C;

	(void)rank;
	for (size_t b = begin; b < end; b++) {
		size_t at = b * j->shape.stride;

		memset(j->dgate + at, 0, C * sizeof *j->dgate);
		for (size_t m = b * T; m < (b + 1) * T; m++)
			j->k->rows->gate_backward(cpu_at(j->k, j->dy, m * C), j->dgate + at,
			    j->dout + m * C, cpu_at(j->k, j->y, m * C), j->gate + at, C);
	}
}

void k_gate_backward(struct kernels *k, act *dy, real *dgate, const real *dout, const act *y,
    const real *gate, struct k_adaln_shape shape)
{
	struct gate_job j = {
	    .k = k, .dy = dy, .dgate = dgate, .dout = dout, .y = y, .gate = gate, .shape = shape};

	cpu_for(k, CPU_GATE_BACKWARD, shape.B * shape.T * shape.C, shape.B, gate_backward_sequences,
	    &j);
}
