#ifndef CDCD_CPU_H
#define CDCD_CPU_H

/* What the files of the CPU's implementation of kernels.h share. Nobody else includes this. */

#include "ground/pool.h"
#include "math/cpu_rows.h"
#include "math/kernels.h"

struct kernels {
	struct pool *pool;
	const struct rows *rows; /* for this processor, chosen once */
	real **scratch;          /* [threads + 1]: one for each thread, and one for all */
	size_t *scratch_size;    /* [threads + 1], elements */
	double *partial;         /* [threads]: sums */
	char name[64];
};

/* cpu_reserve - make scratch i hold n elements; what it held is lost. Returns 0 or -1. */
int cpu_reserve(struct kernels *k, int i, size_t n, struct err *e);

#endif
