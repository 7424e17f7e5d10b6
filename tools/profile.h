#ifndef CDCD_PROFILE_H
#define CDCD_PROFILE_H

/* Where the time went, as CSV: kernel,calls,seconds,share,gflop_per_s,gb_per_s, most first. */

#include "math/kernels.h"

/* profile_write - for a run of so many seconds in all. Returns 0 or -1. */
int profile_write(const char *path, const struct kernels *k, double seconds, struct err *e);

#endif
