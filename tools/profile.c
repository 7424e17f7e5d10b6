#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/io.h"

static int compare_seconds(const void *a, const void *b)
{
	const struct k_share *x = a, *y = b;

	return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

/* Write amount per second in units of 1e9, or an empty field if amount is 0. */
static int write_rate(struct output *out, double amount, double seconds, char end, struct err *e)
{
	if (amount > 0)
		return output_printf(out, e, "%.1f%c", 1e-9 * amount / seconds, end);
	return output_printf(out, e, "%c", end);
}

static int write_row(struct output *out, const struct k_share *s, double seconds, struct err *e)
{
	double share = seconds > 0 ? s->seconds / seconds : 0;

	if (output_printf(
	        out, e, "%s,%" PRIu64 ",%.6f,%.4f,", s->name, s->calls, s->seconds, share))
		return -1;
	if (write_rate(out, s->flops, s->seconds, ',', e))
		return -1;
	return write_rate(out, s->bytes, s->seconds, '\n', e);
}

int profile_write(const char *path, const struct kernels *k, double seconds, struct err *e)
{
	struct k_share share[K_SHARES], rest = {"elsewhere", 1, seconds, 0, 0};
	size_t n = k_profile(k, share);
	struct output out;

	if (output_open(&out, path, e))
		return -1;
	qsort(share, n, sizeof *share, compare_seconds);
	if (output_printf(&out, e, "kernel,calls,seconds,share,gflop_per_s,gb_per_s\n"))
		goto fail;
	for (size_t i = 0; i < n; i++) {
		if (write_row(&out, &share[i], seconds, e))
			goto fail;
		rest.seconds -= share[i].seconds;
	}
	if (write_row(&out, &rest, seconds, e))
		goto fail;
	return output_commit(&out, e);
fail:
	output_abort(&out);
	return -1;
}
