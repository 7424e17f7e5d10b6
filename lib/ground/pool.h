#ifndef CDCD_POOL_H
#define CDCD_POOL_H

/*
 * A team of threads that share loops. The caller is one of them; the others wait passively after a
 * brief spin, so that an idle team costs nothing. One loop at a time; loops do not nest.
 *
 * Not OpenMP: libgomp spins for as long as an environment variable says that was read before main,
 * which on a busy machine costs several times what it saves, and it hides races from TSan.
 */

#include <stddef.h>

#include "ground/err.h"

struct pool;

/* pool_new - a team of threads (at least 1). Returns NULL on error. pool_free - end it. */
struct pool *pool_new(int threads, struct err *e);
void pool_free(struct pool *p);

int pool_size(const struct pool *p);

/* pool_cpus - how many processors this process may use. */
int pool_cpus(void);

/*
 * pool_for - call body(arg, begin, end, rank) once a thread on contiguous slices of [0, n), and
 * wait for all. The slices depend on n and the size of the team alone. rank < pool_size.
 */
typedef void pool_body(void *arg, size_t begin, size_t end, int rank);
void pool_for(struct pool *p, size_t n, pool_body *body, void *arg);

#endif
