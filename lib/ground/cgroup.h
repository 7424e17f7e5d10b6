#ifndef CDCD_CGROUP_H
#define CDCD_CGROUP_H

/*
 * What the control groups of Linux, versions 1 and 2, leave of memory to this process.
 *
 * cgroup_room - bytes that could be had before the first limit of its group or of a group above is
 * reached; UINT64_MAX where there is none, or none can be read. A limit is memory.max, memory.high
 * or memory.limit_in_bytes; what is used counts without the cache of files, which the kernel takes
 * back. root stands before all paths: "" for this machine, a directory for a test.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; proc(5) and
 * cgroups(7) for the formats of /proc/self/cgroup and mountinfo.
 */

#include <stdint.h>

uint64_t cgroup_room(const char *root);

#endif
