#ifndef CDCD_PROFILE_H
#define CDCD_PROFILE_H

/* Time spent in each kernel, as CSV (see --profile in train(1)); the kernel with the most seconds
 * comes first. */

#include "compute/kernels.h"

/* profile_write - write the profile of k to path. seconds: duration of the whole run; what the
 * kernels did not use is the row "elsewhere". Returns 0 or -1. */
int profile_write(const char *path, const struct kernels *k, double seconds, struct err *e);

#endif
