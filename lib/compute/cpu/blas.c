/* Make sure that OpenBLAS has the memory that it needs for its first matrix product. */

#include <cblas.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "compute/cpu/cpu.h"

/*
 * At its first product, a thread takes address space for a buffer, and keeps it. BUFFER_MIN and
 * BUFFER_MAX limit its size in bytes: on x86-64 it is 128 MiB and a page. Products of matrices of
 * SIDE x SIDE are large enough to need it. WAIT_MS: time for OpenBLAS's own threads to take theirs.
 */
enum { BUFFER_MIN = 128 << 20, BUFFER_MAX = 129 << 20, SIDE = 256, WAIT_MS = 300 };

struct first_product {
	const real *zero; /* [SIDE,SIDE] */
	real *out;        /* [threads,SIDE,SIDE] */
	atomic_int arrived;
	int threads;
};

/* All threads multiply at the same time, so that none uses the buffer that another has left. */
static void multiply_first(void *arg, size_t begin, size_t end, int rank)
{
	struct first_product *f = arg;

	(void)begin, (void)end;
	atomic_fetch_add(&f->arrived, 1);
	while (atomic_load(&f->arrived) < f->threads)
		sched_yield();
#ifdef CDCD_DOUBLE
	cblas_dgemm(
#else
	cblas_sgemm(
#endif
	    CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, f->zero, SIDE, f->zero,
	    SIDE, 0, f->out + (size_t)rank * SIDE * SIDE, SIDE);
}

/* The number of threads that OpenBLAS started when it was loaded; 0 after it was told to use one.
 */
static size_t openblas_threads(void)
{
	int n = openblas_get_num_threads();

	return n > 1 ? (size_t)n - 1 : 0;
}

/* The number of buffers that n threads have taken, up to n, from the sizes of the mappings. The
 * system shows neighbouring buffers as one mapping. */
static size_t count_buffers(size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t found = 0;
	char line[512];

	while (maps && fgets(line, sizeof line, maps)) {
		unsigned long begin, end, inode;

		if (sscanf(line, "%lx-%lx rw-p %*x %*s %lu", &begin, &end, &inode) == 3 &&
		    inode == 0)
			found += (end - begin) / BUFFER_MIN;
	}
	if (maps)
		fclose(maps);
	return min_size(found, n);
}

static bool has_address_space(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, bytes);
	return true;
}

/*
 * If the system has no memory for its buffers, for example under ulimit -v, OpenBLAS tries for
 * ever. So check that there is memory before OpenBLAS asks for it: for this number of our threads,
 * and for OpenBLAS's own threads. Those take their buffers some time after they have started, so
 * check again, without the buffers that they have, until that time has passed.
 */
static int check_buffers(size_t threads, struct err *e)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	size_t own = openblas_threads();

	for (int i = 0; i < WAIT_MS; i++) {
		/* If there is memory for all, there is no need to count. */
		if (has_address_space(
		        (threads + own - (i > 0 ? count_buffers(own) : 0)) * BUFFER_MAX))
			return 0;
		nanosleep(&pause, NULL);
	}
	return err_set(e,
	    "out of memory: matrix products need %zu MiB of address space (%zu thread%s of this "
	    "program, %zu of OpenBLAS); raise ulimit -v",
	    ((threads + own) * BUFFER_MAX) >> 20, threads, threads > 1 ? "s" : "", own);
}

int k_room(struct err *e)
{
	return check_buffers(1, e);
}

/* Let all threads take their buffers now, while there is memory. */
int cpu_blas_init(struct pool *pool, struct err *e)
{
	struct first_product f = {.threads = pool_size(pool)};
	size_t n = (size_t)f.threads;
	real *all;

	if (check_buffers(n, e))
		return -1;
	/* Each of our threads computes a serial product. Threads of OpenBLAS would compete with
	 * them. */
	openblas_set_num_threads(1);
	all = mem_array((n + 1) * SIDE * SIDE, sizeof *all, e);
	if (!all)
		return -1;
	f.zero = all;
	f.out = all + SIDE * SIDE;
	pool_for(pool, n, multiply_first, &f);
	free(all);
	return 0;
}
