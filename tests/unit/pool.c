#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "tap.h"

/* The thread pool: each element is computed once, in pieces that depend on no timing, and a thread
 * that is late delays the others little. */

enum { N = 1000, LOOPS = 3000 };

struct job {
	struct pool *pool;
	atomic_int count[N], begins[N];
	atomic_int busy[64]; /* calls that are running, by rank */
	atomic_int errors;
	int late; /* the rank that sleeps in its first piece, -1: none */
	atomic_int of_late, slept;
};

static void count_elements(void *arg, size_t begin, size_t end, int rank)
{
	struct job *j = arg;

	if (rank < 0 || rank >= pool_size(j->pool) || begin >= end ||
	    atomic_fetch_add(&j->busy[rank], 1) != 0)
		atomic_fetch_add(&j->errors, 1);
	if (rank == j->late) {
		atomic_fetch_add(&j->of_late, 1);
		if (atomic_exchange(&j->slept, 1) == 0)
			usleep(200000);
	} else if (j->late >= 0 && !atomic_load(&j->slept)) {
		usleep(20000); /* so that the late one takes a piece, too */
	}
	atomic_fetch_add(&j->begins[begin], 1);
	for (size_t i = begin; i < end; i++)
		atomic_fetch_add(&j->count[i], 1);
	atomic_fetch_sub(&j->busy[rank], 1);
}

static void job_init(struct job *j, struct pool *p)
{
	memset(j, 0, sizeof *j);
	j->pool = p;
	j->late = -1;
}

static bool each_once(const struct job *j, size_t n, int times)
{
	bool once = true;

	for (size_t i = 0; i < N; i++)
		once = once && j->count[i] == (i < n ? times : 0);
	return once && !j->errors;
}

static void test_sizes(struct pool *p)
{
	static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 31, 33, 999, N};
	static struct job j, again;
	bool once = true, same = true;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		job_init(&j, p);
		job_init(&again, p);
		pool_for(p, sizes[i], count_elements, &j);
		pool_for(p, sizes[i], count_elements, &again);
		once = once && each_once(&j, sizes[i], 1);
		for (size_t n = 0; n < N; n++)
			same = same && j.begins[n] == again.begins[n];
	}
	ok(once, "pool: %d threads compute each element of a loop once", pool_size(p));
	ok(same, "pool: %d threads cut a loop into the same pieces each time", pool_size(p));
}

/* Short loops, in which threads arrive late and take pieces of the next one. */
static void test_loops(struct pool *p)
{
	static struct job j;

	job_init(&j, p);
	for (int i = 0; i < LOOPS; i++)
		pool_for(p, (size_t)(i % 2 ? 5 : 50), count_elements, &j);
	for (size_t i = 5; i < 50; i++)
		j.count[i] *= 2;
	ok(each_once(&j, 50, LOOPS), "pool: %d threads compute each element of %d loops",
	    pool_size(p), LOOPS);
}

static void test_late(struct pool *p)
{
	static struct job j;

	job_init(&j, p);
	j.late = 1;
	pool_for(p, N, count_elements, &j);
	ok(each_once(&j, N, 1) && j.of_late <= 1,
	    "pool: the other of 2 threads computes the pieces of one that is late: it has %d of 8",
	    j.of_late);
}

static void sleep_in_first(void *arg, size_t begin, size_t end, int rank)
{
	(void)arg, (void)end, (void)rank;
	if (begin == 0)
		usleep(200000);
}

static void test_busy(struct pool *p)
{
	double before = pool_busy(p), busy;

	pool_for(p, 2, sleep_in_first, NULL);
	busy = pool_busy(p) - before;
	ok(busy >= 0.2 && busy < 0.35,
	    "pool: one of 2 threads is busy for 200 ms, the other waits: busy for %.3f s", busy);
}

int main(void)
{
	static const int threads[] = {1, 2, 3, 8};

	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		struct err e;
		struct pool *p = pool_new(threads[i], &e);

		if (!ok(p && pool_size(p) == threads[i], "pool: start %d threads", threads[i]))
			continue;
		test_sizes(p);
		test_loops(p);
		if (threads[i] == 2) {
			test_late(p);
			test_busy(p);
		}
		pool_free(p);
	}
	return tap_done();
}
