#include "base/cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/minmax.h"

enum { LINE = 2 * PATH_MAX + 512 };

/* A version of control groups: names of its files, and of lines in memory.stat. */
struct version {
	const char *type; /* type of the file system */
	const char *limit[2], *used, *cache[2];
};

static const struct version versions[] = {
    {"cgroup2", {"memory.max", "memory.high"}, "memory.current", {"inactive_file", "active_file"}},
    {"cgroup", {"memory.limit_in_bytes", NULL}, "memory.usage_in_bytes",
        {"total_inactive_file", "total_active_file"}},
};

/* A hierarchy of groups: its mount point, the group that is mounted there, and the group of this
 * process. */
struct hierarchy {
	const struct version *version;
	char mount[PATH_MAX], top[PATH_MAX], own[PATH_MAX];
};

static FILE *open_file(const char *root, const char *directory, const char *name)
{
	char path[3 * PATH_MAX];

	snprintf(path, sizeof path, "%s%s/%s", root, directory, name);
	return fopen(path, "re");
}

/* The number in a file; none if the file does not exist or contains "max". */
static uint64_t read_number(
    const char *root, const char *directory, const char *name, uint64_t none)
{
	FILE *f = open_file(root, directory, name);
	uint64_t v = none;

	if (f && fscanf(f, "%" SCNu64, &v) != 1)
		v = none;
	if (f)
		fclose(f);
	return v;
}

static uint64_t read_cache(const char *root, const char *directory, const struct version *version)
{
	FILE *f = open_file(root, directory, "memory.stat");
	uint64_t v, sum = 0;
	char key[64];

	while (f && fscanf(f, "%63s %" SCNu64, key, &v) == 2)
		for (int i = 0; i < 2; i++)
			if (!strcmp(key, version->cache[i]))
				sum += v;
	if (f)
		fclose(f);
	return sum;
}

/* Bytes that the limits of one group still allow. */
static uint64_t group_room(const char *root, const char *directory, const struct version *version)
{
	uint64_t limit = UINT64_MAX, used, cache;

	for (int i = 0; i < 2 && version->limit[i]; i++) {
		uint64_t v = read_number(root, directory, version->limit[i], UINT64_MAX);

		limit = min_u64(limit, v);
	}
	if (limit == UINT64_MAX)
		return UINT64_MAX;
	used = read_number(root, directory, version->used, 0);
	cache = read_cache(root, directory, version);
	used = used > cache ? used - cache : 0;
	return limit > used ? limit - used : 0;
}

/* Whether a comma-separated list has an item. */
static bool has_item(const char *list, const char *item)
{
	size_t n = strlen(item);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, item, n) && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

/* Find the mount point of the hierarchy that limits memory, and the group that is mounted there. */
static bool find_mount(const char *root, struct hierarchy *h)
{
	FILE *f = open_file(root, "/proc/self", "mountinfo");
	char line[LINE], type[32], options[512], *rest;
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		rest = strstr(line, " - ");
		found = rest && sscanf(line, "%*s %*s %*s %4095s %4095s", h->top, h->mount) == 2 &&
		        sscanf(rest, " - %31s %*s %511s", type, options) == 2 &&
		        !strcmp(type, h->version->type) &&
		        (!strcmp(type, "cgroup2") || has_item(options, "memory"));
	}
	if (f)
		fclose(f);
	return found;
}

/* Find the group of this process. Lines are ID:CONTROLLERS:PATH; in version 2, "0::PATH". */
static bool find_own_group(const char *root, struct hierarchy *h)
{
	bool unified = !strcmp(h->version->type, "cgroup2"), found = false;
	FILE *f = open_file(root, "/proc/self", "cgroup");
	char line[LINE], *controllers, *path;

	while (f && !found && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!(controllers = strchr(line, ':')) || !(path = strchr(++controllers, ':')))
			continue;
		*path++ = '\0';
		found = unified ? !*controllers : has_item(controllers, "memory");
		snprintf(h->own, sizeof h->own, "%s", path);
	}
	if (f)
		fclose(f);
	return found;
}

/* The smallest room of the group of this process and its parents, up to the group that is mounted,
 * which need not be the root of the hierarchy. */
static uint64_t hierarchy_room(const char *root, const struct hierarchy *h)
{
	size_t n = strcmp(h->top, "/") ? strlen(h->top) : 0, shortest = strlen(h->mount);
	bool below = !strncmp(h->own, h->top, n) && (h->own[n] == '/' || h->own[n] == '\0');
	char directory[2 * PATH_MAX];
	uint64_t room = UINT64_MAX;

	snprintf(directory, sizeof directory, "%s%s", h->mount, below ? h->own + n : "");
	for (;;) {
		uint64_t v = group_room(root, directory, h->version);
		char *slash = strrchr(directory, '/');

		room = min_u64(room, v);
		if (strlen(directory) <= shortest || !slash)
			return room;
		*slash = '\0';
	}
}

uint64_t cgroup_room(const char *root)
{
	uint64_t room = UINT64_MAX;

	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		struct hierarchy h = {.version = &versions[i]};
		uint64_t v = find_mount(root, &h) && find_own_group(root, &h)
		                 ? hierarchy_room(root, &h)
		                 : UINT64_MAX;

		room = min_u64(room, v);
	}
	return room;
}
