#ifndef CDCD_POOL_H
#define CDCD_POOL_H

/*
 * A thread pool for parallel loops. The calling thread is one of its threads; the others block
 * after a brief spin, so an idle pool uses no CPU time. One loop runs at a time; loops do not nest.
 *
 * Why not OpenMP: libgomp takes its spin time from an environment variable that it reads before
 * main. On a busy machine this spinning costs several times what it saves. It also hides data races
 * from TSan.
 */

#include <stddef.h>

#include "base/err.h"

struct pool;

/* pool_new - start a pool of threads (at least 1). Returns NULL on error. pool_free - end it. */
struct pool *pool_new(int threads, struct err *e);
void pool_free(struct pool *p);

int pool_size(const struct pool *p);

/* pool_cpus - the number of processors that this process may use. */
int pool_cpus(void);

/*
 * pool_for - call body(arg, begin, end, rank) on contiguous pieces of [0, n), and wait for all
 * calls. The pieces depend only on n and pool_size: a few for each thread, and at least pool_size
 * if n is. Which thread computes a piece differs from run to run, so that a thread that does not
 * get a processor delays the others little. rank in [0, pool_size) is its number: memory of a rank
 * is used by one call at a time, and results must not depend on rank.
 */
typedef void pool_body(void *arg, size_t begin, size_t end, int rank);
void pool_for(struct pool *p, size_t n, pool_body *body, void *arg);

/* pool_first - the first of n elements in a piece, if they are divided into so many pieces as
 * evenly as possible: n piece / pieces, without overflow. That of the piece after the last is n. */
static inline size_t pool_first(size_t n, size_t pieces, size_t piece)
{
	return n / pieces * piece + n % pieces * piece / pieces;
}

/* pool_busy - the seconds that all threads together have spent in the loops since pool_new. Of a
 * pool of one thread, which has nobody to wait for, they are not counted. */
double pool_busy(const struct pool *p);

#endif
