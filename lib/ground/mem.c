#include "ground/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* What the limit of address space (ulimit -v) leaves, where it can be told. */
static uint64_t address_space(void)
{
	unsigned long long pages = 0;
	struct rlimit limit;
	uint64_t used;
	FILE *f;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	f = fopen("/proc/self/statm", "re");
	if (f && fscanf(f, "%llu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

/* Linux counts reclaimable cache as available in /proc/meminfo only. */
uint64_t mem_available(void)
{
	char line[128];
	unsigned long long kib = 0;
	uint64_t room = address_space(), free_bytes;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	free_bytes = kib ? kib * 1024 : mem_physical();
	return free_bytes < room ? free_bytes : room;
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
