#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/io.h"

#define PROFILE_COLUMNS                                                                            \
	"kernel,calls,seconds,share,gflop_per_s,gb_per_s,regions,parts,serial_seconds,wait_"       \
	"seconds"

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

/* Write how the threads divide the work. The number of parts of a region is the harmonic mean,
 * weighted by the time of the regions; an empty field if there are none. */
static int write_division(struct output *out, const struct k_share *s, struct err *e)
{
	if (output_printf(out, e, "%" PRIu64 ",", s->regions))
		return -1;
	if (s->part_seconds > 0 && output_printf(out, e, "%.1f", s->busy_seconds / s->part_seconds))
		return -1;
	return output_printf(out, e, ",%.6f,%.6f\n", s->serial_seconds, s->wait_seconds);
}

static int write_row(struct output *out, const struct k_share *s, double seconds, struct err *e)
{
	double share = seconds > 0 ? s->seconds / seconds : 0;

	if (output_printf(
	        out, e, "%s,%" PRIu64 ",%.6f,%.4f,", s->name, s->calls, s->seconds, share))
		return -1;
	if (write_rate(out, s->flops, s->seconds, ',', e))
		return -1;
	if (write_rate(out, s->bytes, s->seconds, ',', e))
		return -1;
	return write_division(out, s, e);
}

int profile_write(const char *path, const struct kernels *k, double seconds, struct err *e)
{
	struct k_share share[K_SHARES];
	struct k_share rest = {.name = "elsewhere", .calls = 1, .seconds = seconds};
	size_t n = k_profile(k, share);
	struct output out;

	if (output_open(&out, path, e))
		return -1;
	qsort(share, n, sizeof *share, compare_seconds);
	if (output_printf(&out, e, PROFILE_COLUMNS "\n"))
		goto fail;
	for (size_t i = 0; i < n; i++) {
		if (write_row(&out, &share[i], seconds, e))
			goto fail;
		rest.seconds -= share[i].seconds;
	}
	/* Kernels also run before the first step, which begins the duration. */
	rest.seconds = rest.seconds > 0 ? rest.seconds : 0;
	rest.serial_seconds = rest.seconds;
	if (write_row(&out, &rest, seconds, e))
		goto fail;
	return output_commit(&out, e);
fail:
	output_abort(&out);
	return -1;
}
