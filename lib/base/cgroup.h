#ifndef CDCD_CGROUP_H
#define CDCD_CGROUP_H

/*
 * The memory that Linux control groups (versions 1 and 2) still allow this process.
 *
 * cgroup_room - bytes that the process can still allocate before it reaches a limit of its group or
 * of a parent group; UINT64_MAX if there is no limit or none can be read. A limit is memory.max,
 * memory.high or memory.limit_in_bytes. The page cache, which the kernel can reclaim, does not
 * count as used. root is a prefix of all paths: "" for this machine, a directory for a test.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; proc(5) and
 * cgroups(7) for the formats of /proc/self/cgroup and mountinfo.
 */

#include <stdint.h>

uint64_t cgroup_room(const char *root);

#endif
