#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { SPINS = 2000 };

struct worker {
	struct pool *pool;
	pthread_t thread;
	int rank;
};

struct pool {
	int size; /* threads, the caller included */
	struct worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t round_started, round_done;
	atomic_uint round;  /* counts loops; workers wait for it to move */
	atomic_int running; /* workers that have not finished this loop */
	atomic_bool closing;
	pool_body *body;
	void *arg;
	size_t n;
};

static void run_slice(struct pool *p, int rank)
{
	size_t size = (size_t)p->size, r = (size_t)rank;
	size_t begin = p->n / size * r + (p->n % size * r) / size;
	size_t end = p->n / size * (r + 1) + (p->n % size * (r + 1)) / size;

	if (begin < end)
		p->body(p->arg, begin, end, rank);
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
		seen++;
		if (atomic_load(&p->closing))
			return NULL;
		run_slice(p, w->rank);
		if (atomic_fetch_sub(&p->running, 1) == 1) {
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
		if (atomic_load_explicit(&p->running, memory_order_acquire) == 0)
			return;
		relax_cpu();
	}
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->running) > 0)
		pthread_cond_wait(&p->round_done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void pool_for(struct pool *p, size_t n, pool_body *body, void *arg)
{
	p->body = body;
	p->arg = arg;
	p->n = n;
	if (p->size == 1) {
		run_slice(p, 0);
		return;
	}
	atomic_store(&p->running, p->size - 1);
	start_round(p);
	run_slice(p, 0);
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
	for (int i = 1; p->worker && i < threads; i++) {
		p->worker[i] = (struct worker){p, 0, i};
		if (pthread_create(&p->worker[i].thread, NULL, run_worker, &p->worker[i])) {
			err_set(e, "cannot start thread %d of %d", i + 1, threads);
			pool_free(p);
			return NULL;
		}
		p->size++;
	}
	if (!p->worker) {
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
	free(p);
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
