#include "base/ordered.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Jobs are numbered in the order of submission; number i is in slot i % n_jobs. */
struct ordered {
	void *const *jobs;
	size_t n_jobs;
	void (*work)(void *job);
	size_t submitted, begun, released;
	bool *done; /* [n_jobs] */
	bool ending;
	pthread_mutex_t lock;
	pthread_cond_t job_submitted, job_done;
	pthread_t *thread;
	int n_threads;
};

static void *run_worker(void *arg)
{
	struct ordered *o = arg;

	pthread_mutex_lock(&o->lock);
	for (;;) {
		size_t slot;

		while (o->begun == o->submitted && !o->ending)
			pthread_cond_wait(&o->job_submitted, &o->lock);
		if (o->ending)
			break;
		slot = o->begun++ % o->n_jobs;
		pthread_mutex_unlock(&o->lock);
		o->work(o->jobs[slot]);
		pthread_mutex_lock(&o->lock);
		o->done[slot] = true;
		pthread_cond_signal(&o->job_done);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

struct ordered *ordered_new(
    int threads, void *const *jobs, size_t n_jobs, void (*work)(void *job), struct err *e)
{
	struct ordered *o = mem_array(1, sizeof *o, e);
	int wanted = threads > 1 ? threads : 0;

	if (!o)
		return NULL;
	o->jobs = jobs;
	o->n_jobs = n_jobs;
	o->work = work;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->job_submitted, NULL);
	pthread_cond_init(&o->job_done, NULL);
	o->done = mem_array(n_jobs, sizeof *o->done, e);
	o->thread = mem_array((size_t)wanted, sizeof *o->thread, e);
	if (!o->done || !o->thread) {
		ordered_end(o);
		return NULL;
	}
	for (; o->n_threads < wanted; o->n_threads++) {
		int failed = pthread_create(&o->thread[o->n_threads], NULL, run_worker, o);

		if (failed) {
			err_set(
			    e, "cannot start thread %d: %s", o->n_threads + 1, strerror(failed));
			ordered_end(o);
			return NULL;
		}
	}
	return o;
}

void ordered_end(struct ordered *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->ending = true;
	pthread_cond_broadcast(&o->job_submitted);
	pthread_mutex_unlock(&o->lock);
	for (int i = 0; i < o->n_threads; i++)
		pthread_join(o->thread[i], NULL);
	pthread_cond_destroy(&o->job_done);
	pthread_cond_destroy(&o->job_submitted);
	pthread_mutex_destroy(&o->lock);
	free(o->done);
	free(o->thread);
	free(o);
}

void *ordered_free(struct ordered *o)
{
	return o->submitted - o->released < o->n_jobs ? o->jobs[o->submitted % o->n_jobs] : NULL;
}

void ordered_submit(struct ordered *o)
{
	size_t slot = o->submitted % o->n_jobs;

	if (o->n_threads == 0) {
		o->work(o->jobs[slot]);
		o->done[slot] = true;
		o->submitted++;
		return;
	}
	pthread_mutex_lock(&o->lock);
	o->done[slot] = false;
	o->submitted++;
	pthread_cond_signal(&o->job_submitted);
	pthread_mutex_unlock(&o->lock);
}

void *ordered_oldest(struct ordered *o)
{
	size_t slot = o->released % o->n_jobs;

	if (o->released == o->submitted)
		return NULL;
	pthread_mutex_lock(&o->lock);
	while (!o->done[slot])
		pthread_cond_wait(&o->job_done, &o->lock);
	pthread_mutex_unlock(&o->lock);
	return o->jobs[slot];
}

void ordered_release(struct ordered *o)
{
	o->released++;
}
