#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/minmax.h"

void *mem_array(size_t n, size_t size, struct err *e)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		err_set(e, "out of memory: %zu elements of %zu bytes", n, size);
	return p;
}

int mem_grow(void *p, size_t *cap, size_t n, size_t size, struct err *e)
{
	void *old, *grown;
	size_t want = *cap;

	if (n <= *cap)
		return 0;
	while (want < n)
		want = want < SIZE_MAX / 2 - 16 ? want + want / 2 + 16 : n;
	memcpy(&old, p, sizeof old);
	if (want > SIZE_MAX / size || !(grown = realloc(old, want * size)))
		return err_set(e, "out of memory: %zu elements of %zu bytes", want, size);
	memcpy(p, &grown, sizeof grown);
	*cap = want;
	return 0;
}

char *mem_copy_string(const char *s, struct err *e)
{
	size_t n = strlen(s) + 1;
	char *copy = mem_array(n, 1, e);

	if (copy)
		memcpy(copy, s, n);
	return copy;
}

uint64_t mem_physical(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Bytes that this resource limit still allows, if pages are in use; UINT64_MAX without a limit. */
static uint64_t limit_room(int resource, unsigned long long pages)
{
	uint64_t used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	struct rlimit limit;

	if (getrlimit(resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

/* Bytes that the limits of address space and of data (ulimit -v and -d) still allow. */
static uint64_t process_room(void)
{
	unsigned long long space = 0, data = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t of_space, of_data;

	if (f && fscanf(f, "%llu %*u %*u %*u %*u %llu", &space, &data) != 2)
		space = data = 0;
	if (f)
		fclose(f);
	of_space = limit_room(RLIMIT_AS, space);
	of_data = limit_room(RLIMIT_DATA, data);
	return min_u64(of_space, of_data);
}

/* Available memory of the machine. Only /proc/meminfo counts reclaimable cache as available. */
static uint64_t machine_room(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib ? kib * 1024 : mem_physical();
}

uint64_t mem_available(void)
{
	return min_u64(machine_room(), min_u64(process_room(), cgroup_room("")));
}

uint64_t mem_peak(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
#ifdef __APPLE__
	return (uint64_t)u.ru_maxrss;
#else
	return (uint64_t)u.ru_maxrss * 1024;
#endif
}
