#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	PIECES = 4, /* of the slice of each thread */
	SPINS = 500,
	CACHE_LINE = 64,
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	int rank;
};

/* The number of pieces of a slice that no thread has taken yet: the last ones. */
struct slice {
	atomic_int left;
	char padding[CACHE_LINE - sizeof(atomic_int)]; /* no two in a cache line */
};

struct pool {
	int size; /* threads, the caller included */
	struct worker *worker;
	struct slice *slice; /* [size] */
	pthread_mutex_t lock;
	pthread_cond_t round_started, round_done;
	atomic_uint round; /* counts loops; workers wait for it to move */
	atomic_bool closing;
	char padding[CACHE_LINE]; /* who waits for a round does not read what ends one */
	atomic_int unfinished;    /* pieces of this loop */
	atomic_ullong busy;       /* nanoseconds, see pool_busy */
	/* of this loop; read only by a thread that has taken a piece of it */
	pool_body *body;
	void *arg;
	size_t n;
};

/* The pieces that n elements are cut into. */
static size_t count_pieces(const struct pool *p, size_t n)
{
	size_t most = p->size > 1 ? (size_t)p->size * PIECES : 1;

	return n < most ? n : most;
}

/* The first of them in the slice of this rank. */
static size_t first_piece(const struct pool *p, size_t pieces, int rank)
{
	return pieces * (size_t)rank / (size_t)p->size;
}

static void run_piece(struct pool *p, size_t piece, int rank)
{
	size_t pieces = count_pieces(p, p->n);

	p->body(p->arg, pool_first(p->n, pieces, piece), pool_first(p->n, pieces, piece + 1), rank);
}

/* Note that pieces which a thread began to compute at start are finished. Returns whether they were
 * the last of a loop. */
static bool finish_pieces(struct pool *p, int pieces, double start)
{
	unsigned long long busy = (unsigned long long)(1e9 * (clock_seconds() - start));

	atomic_fetch_add_explicit(&p->busy, busy, memory_order_relaxed);
	return atomic_fetch_sub(&p->unfinished, pieces) == pieces;
}

/*
 * Take pieces of a slice until none is left, and compute them. This may begin in one loop and go on
 * in the next: a piece belongs to the loop that is running when it is taken, and the loop ends only
 * after finish_pieces.
 */
static bool run_slice(struct pool *p, int slice, int rank)
{
	atomic_int *left = &p->slice[slice].left;
	int n = atomic_load(left), taken = 0;
	double start = 0;

	while (n > 0)
		if (atomic_compare_exchange_weak(left, &n, n - 1)) {
			size_t end = first_piece(p, count_pieces(p, p->n), slice + 1);

			if (taken++ == 0)
				start = clock_seconds();
			run_piece(p, end - (size_t)n, rank);
			n = atomic_load(left);
		}
	return taken && finish_pieces(p, taken, start);
}

/* Compute pieces, those of the own slice first: they are near this processor. Returns whether the
 * last piece of a loop was among them. */
static bool run_pieces(struct pool *p, int rank)
{
	bool last = false;

	for (int i = 0; i < p->size; i++)
		last |= run_slice(p, (rank + i) % p->size, rank);
	return last;
}

static inline void relax_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static void await_round(struct pool *p, unsigned seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&p->round, memory_order_acquire) != seen)
			return;
		relax_cpu();
	}
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->round) == seen)
		pthread_cond_wait(&p->round_started, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	unsigned seen = 0;

	for (;;) {
		await_round(p, seen);
		seen = atomic_load(&p->round);
		if (atomic_load(&p->closing))
			return NULL;
		if (run_pieces(p, w->rank)) {
			pthread_mutex_lock(&p->lock);
			pthread_cond_signal(&p->round_done);
			pthread_mutex_unlock(&p->lock);
		}
	}
}

static void start_round(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->round, 1);
	pthread_cond_broadcast(&p->round_started);
	pthread_mutex_unlock(&p->lock);
}

static void await_done(struct pool *p)
{
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&p->unfinished, memory_order_acquire) == 0)
			return;
		relax_cpu();
	}
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->unfinished) > 0)
		pthread_cond_wait(&p->round_done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void pool_for(struct pool *p, size_t n, pool_body *body, void *arg)
{
	size_t pieces = count_pieces(p, n);

	if (n == 0)
		return;
	if (p->size == 1) {
		body(arg, 0, n, 0);
		return;
	}
	p->body = body;
	p->arg = arg;
	p->n = n;
	atomic_store(&p->unfinished, (int)pieces);
	for (int i = 0; i < p->size; i++)
		atomic_store(&p->slice[i].left,
		    (int)(first_piece(p, pieces, i + 1) - first_piece(p, pieces, i)));
	start_round(p);
	run_pieces(p, 0);
	await_done(p);
}

struct pool *pool_new(int threads, struct err *e)
{
	struct pool *p = mem_array(1, sizeof *p, e);

	if (!p)
		return NULL;
	p->size = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->round_started, NULL);
	pthread_cond_init(&p->round_done, NULL);
	p->worker = mem_array((size_t)threads, sizeof *p->worker, e);
	p->slice = mem_array((size_t)threads, sizeof *p->slice, e);
	for (int i = 1; p->worker && p->slice && i < threads; i++) {
		p->worker[i] = (struct worker){p, 0, i};
		if (pthread_create(&p->worker[i].thread, NULL, run_worker, &p->worker[i])) {
			err_set(e, "cannot start thread %d of %d", i + 1, threads);
			pool_free(p);
			return NULL;
		}
		p->size++;
	}
	if (!p->worker || !p->slice) {
		pool_free(p);
		return NULL;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	atomic_store(&p->closing, true);
	start_round(p);
	for (int i = 1; i < p->size; i++)
		pthread_join(p->worker[i].thread, NULL);
	pthread_cond_destroy(&p->round_done);
	pthread_cond_destroy(&p->round_started);
	pthread_mutex_destroy(&p->lock);
	free(p->worker);
	free(p->slice);
	free(p);
}

double pool_busy(const struct pool *p)
{
	return 1e-9 * (double)atomic_load_explicit(&p->busy, memory_order_relaxed);
}

int pool_size(const struct pool *p)
{
	return p->size;
}

int pool_cpus(void)
{
#ifdef __linux__
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof set, &set))
		return CPU_COUNT(&set);
#endif
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (int)n : 1;
}
