/* What OpenBLAS needs before its first product of matrices. */

#include <cblas.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/mem.h"
#include "compute/cpu/cpu.h"

/* BUFFER: of address space that a thread takes at its first product, and keeps; on x86-64 it is 128
 * MiB and a page. SIDE: of square matrices that are not so small that they go without. */
enum { SMALLEST = 128 << 20, BUFFER = 129 << 20, SIDE = 256, PATIENCE_MS = 300 };

struct first {
	const real *zero;
	real *out; /* [threads,SIDE,SIDE] */
	atomic_int there;
	int threads;
};

/* All at the same time, so that no thread takes the buffer that another has left. */
static void multiply(void *arg, size_t begin, size_t end, int rank)
{
	struct first *f = arg;

	(void)begin, (void)end;
	atomic_fetch_add(&f->there, 1);
	while (atomic_load(&f->there) < f->threads)
		sched_yield();
#ifdef CDCD_DOUBLE
	cblas_dgemm(
#else
	cblas_sgemm(
#endif
	    CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, f->zero, SIDE, f->zero,
	    SIDE, 0, f->out + (size_t)rank * SIDE * SIDE, SIDE);
}

/* Threads that OpenBLAS has begun by itself, when it was loaded; 0 once it was told to have one. */
static size_t servants(void)
{
	int n = openblas_get_num_threads();

	return n > 1 ? (size_t)n - 1 : 0;
}

/* How many of the buffers of n threads are there, as far as the system says. Neighbours are one
 * mapping. */
static size_t taken(size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t found = 0;
	char line[512];

	while (maps && fgets(line, sizeof line, maps)) {
		unsigned long begin, end, inode;

		if (sscanf(line, "%lx-%lx rw-p %*x %*s %lu", &begin, &end, &inode) == 3 &&
		    inode == 0)
			found += (end - begin) / SMALLEST;
	}
	if (maps)
		fclose(maps);
	return found < n ? found : n;
}

static bool has_room(size_t room)
{
	void *p = mmap(
	    NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, room);
	return true;
}

/*
 * OpenBLAS asks for its buffers for ever where the system has none, as under a limit of address
 * space. So we ask before it does; and for those of its own threads too, which take theirs some
 * time after they have begun: what they lack is asked for again until they have had that time.
 */
static int probe(size_t threads, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	size_t own = servants();

	for (int i = 0; i < PATIENCE_MS; i++) {
		/* Who has room for all need not ask what is there. */
		if (has_room((threads + own - (i > 0 ? taken(own) : 0)) * BUFFER))
			return 0;
		nanosleep(&pause, NULL);
	}
	return err_set(e,
	    "out of memory: products of matrices take %zu MiB of address space on %zu thread%s and "
	    "%zu of OpenBLAS",
	    ((threads + own) * BUFFER) >> 20, threads, threads > 1 ? "s" : "", own);
}

int k_room(struct err *e)
{
	return probe(1, e);
}

/* The buffers are taken at once, while there is room. */
int cpu_blas_init(struct pool *pool, struct err *e)
{
	struct first f = {.threads = pool_size(pool)};
	size_t n = (size_t)f.threads;
	real *all;

	if (probe(n, e))
		return -1;
	/* Each of our threads calls a serial product on its own slice: two teams would fight. */
	openblas_set_num_threads(1);
	all = mem_array((n + 1) * SIDE * SIDE, sizeof *all, e);
	if (!all)
		return -1;
	f.zero = all;
	f.out = all + SIDE * SIDE;
	pool_for(pool, n, multiply, &f);
	free(all);
	return 0;
}
