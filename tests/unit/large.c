/* Sizes of which products or sums do not fit in 32 or 64 bits. Nothing of these sizes is allocated.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "compute/arena.h"
#include "compute/cpu/cpu.h"
#include "tap.h"

static void count_parts(void *arg, size_t begin, size_t end, int rank)
{
	atomic_size_t *parts = arg;

	(void)rank;
	atomic_fetch_add(parts, end > begin ? end - begin : 0);
}

/* As AdamW does with an embedding of this size. */
static void test_division(struct kernels *k)
{
	const size_t n = (size_t)3 << 32;
	atomic_size_t parts = 0;

	cpu_for(k, CPU_ADAMW, n, n, count_parts, &parts);
	ok(parts == n, "kernels: the threads divide %zu elements: %zu in their slices", n,
	    (size_t)parts);
}

/* Each buffer fits in a size_t, but not all of them together. */
static void test_arena(struct kernels *k)
{
	struct arena a = {0};
	struct err e = {0};

	for (int i = 0; i < 5; i++)
		arena_take(&a, SIZE_MAX / 16, 4);
	ok(arena_bytes(k, &a) == SIZE_MAX && arena_alloc(&a, k, &e) && !a.base,
	    "arena: buffers of more bytes than a size_t can hold are not allocated: %s", e.msg);
}

int main(void)
{
	struct err e = {0};
	struct kernels *k = k_new(2, K_FP32, &e);

	test_division(k);
	test_arena(k);
	k_free(k);
	return tap_done();
}
