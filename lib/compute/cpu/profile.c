#include "compute/cpu/profile.h"

#include <string.h>

#include "base/clock.h"
#include "base/minmax.h"
#include "compute/cpu/cpu.h"

/*
 * The name of each kernel in the profile, and the cost of an element: operations, for products;
 * otherwise the minimum traffic, in reals, acts and bf16 that are read or written. A kernel that
 * reads and writes a real in place has two.
 */
static const struct element_cost {
	const char *name;
	unsigned flops, reals, acts, bf16s;
	bool divided; /* takes longer than its traffic: never small, see is_small_kernel */
} element_cost[CPU_KERNELS] = {
    [CPU_LINEAR] = {"linear", .flops = 2},
    [CPU_PROJECT] = {"project", .flops = 2},
    [CPU_PROJECT_DX] = {"project dx", .flops = 2},
    [CPU_MUON_PRODUCT] = {"muon products", .flops = 2},
    [CPU_PROJECT_DW] = {"project dw", .flops = 2},
    [CPU_PROJECT_DW_PACK] = {"project dw", .divided = true},
    [CPU_LOGITS] = {"logits", .flops = 2},
    /* an element of the T x T matrix and one component: two products, and five backward */
    [CPU_ATTENTION] = {"attention", .flops = 4},
    [CPU_ATTENTION_BACKWARD] = {"attention backward", .flops = 10},
    [CPU_SILU] = {"silu", .reals = 2},
    [CPU_SILU_BACKWARD] = {"silu", .reals = 3},
    [CPU_ROUND] = {"round", .reals = 1, .acts = 1},
    [CPU_GELU] = {"gelu", .acts = 2},
    [CPU_MODULATE] = {"modulate", .reals = 1, .acts = 1},
    [CPU_MODULATE_BACKWARD] = {"modulate backward", .reals = 3, .acts = 1},
    [CPU_GATE] = {"gate", .reals = 2, .acts = 1},
    [CPU_GATE_BACKWARD] = {"gate backward", .reals = 1, .acts = 2},
    [CPU_MIX2] = {"mix", .reals = 3},
    [CPU_MIX3] = {"mix", .reals = 4},
    [CPU_SCALE_ROWS] = {"mix", .reals = 2},
    [CPU_ADD_EACH] = {"each", .reals = 2},
    [CPU_SUM_EACH] = {"each", .reals = 1},
    [CPU_COPY_COLUMNS] = {"columns", .acts = 2},
    [CPU_ADD_COLUMNS] = {"columns", .reals = 2, .acts = 1},
    [CPU_NORMALIZE] = {"normalize", .reals = 2},
    [CPU_NORMALIZE_BACKWARD] = {"normalize", .reals = 4},
    [CPU_GAUSSIAN] = {"gaussian", .reals = 1, .divided = true},
    [CPU_DIFFUSE] = {"diffuse", .reals = 3},
    [CPU_INPUT] = {"input", .reals = 1, .acts = 1},
    [CPU_INPUT_BACKWARD] = {"input", .reals = 5},
    [CPU_SCATTER_ADD] = {"scatter", .reals = 3},
    [CPU_SOFTMAX] = {"softmax", .reals = 2, .acts = 1},
    [CPU_SOFTMAX_IN_PLACE] = {"softmax", .reals = 2},
    [CPU_CROSS_ENTROPY] = {"cross entropy", .reals = 2, .acts = 1},
    [CPU_ARGMAX] = {"argmax", .reals = 1},
    [CPU_PACK_BF16] = {"pack bf16", .reals = 1, .bf16s = 1},
    [CPU_SUM_BF16] = {"sum bf16", .bf16s = 1},
    [CPU_SUM_SQUARES] = {"norm", .reals = 1},
    [CPU_ADAMW] = {"adamw", .reals = 9},
    [CPU_MUON_MOMENTUM] = {"muon", .reals = 4},
    [CPU_MUON_UPDATE] = {"muon", .reals = 5},
    [CPU_MUON_COMBINE] = {"muon", .reals = 3},
    [CPU_MUON_COPY] = {"muon", .reals = 2},
};

/* What a thread computes, or reads and writes, in about five microseconds. */
#define SMALL_FLOPS (256 << 10)
#define SMALL_BYTES (32 << 10)

_Static_assert((int)CPU_KERNELS <= (int)K_SHARES, "k_profile has room for each kernel");

enum cpu_kernel cpu_product(const struct k_matmul *p)
{
	if (p->update)
		return CPU_MUON_PRODUCT;
	if (p->x_real)
		return CPU_LINEAR;
	return p->no_trans ? CPU_PROJECT_DX : CPU_PROJECT;
}

/* The minimum traffic of an element, in bytes. */
static double element_bytes(const struct kernels *k, const struct element_cost *each)
{
	return (double)(each->reals * sizeof(real) + each->acts * k_act_size(k) +
	                each->bf16s * sizeof(bf16));
}

/*
 * Whether a kernel takes about as long as it takes to start the other threads and to wait for them,
 * some microseconds. This must depend on the kernel and its size alone: at the same number of
 * threads, the same call is always divided in the same way.
 */
static bool is_small_kernel(const struct kernels *k, enum cpu_kernel kernel, size_t elements)
{
	const struct element_cost *each = &element_cost[kernel];
	double n = (double)elements;

	return !each->divided && n * each->flops <= SMALL_FLOPS &&
	       n * element_bytes(k, each) <= SMALL_BYTES;
}

/* The n parts of a kernel that cannot be divided further, in pieces, which the threads divide. */
struct division {
	pool_body *body;
	void *arg;
	size_t n, pieces;
};

static void run_pieces(void *arg, size_t begin, size_t end, int rank)
{
	const struct division *d = arg;

	d->body(d->arg, pool_first(d->n, d->pieces, begin), pool_first(d->n, d->pieces, end), rank);
}

static void run_division(
    struct kernels *k, enum cpu_kernel kernel, size_t elements, struct division *d)
{
	struct cpu_cost *cost = &k->cost[kernel];
	bool serial = d->n == 1 || is_small_kernel(k, kernel, elements);
	double start = clock_seconds(), busy = pool_busy(k->pool), seconds;

	if (d->n == 0)
		return;
	if (serial)
		d->body(d->arg, 0, d->n, 0);
	else
		pool_for(k->pool, d->pieces, run_pieces, d);
	seconds = clock_seconds() - start;
	busy = cpu_threads(k) > 1 ? pool_busy(k->pool) - busy : seconds;
	cost->calls++;
	cost->seconds += seconds;
	cost->elements += (double)elements;
	if (serial) {
		cost->serial_seconds += seconds;
	} else {
		cost->regions++;
		cost->busy_seconds += busy;
		cost->part_seconds += busy / (double)d->n;
	}
}

void cpu_for(struct kernels *k, enum cpu_kernel kernel, size_t elements, size_t n, pool_body *body,
    void *arg)
{
	run_division(k, kernel, elements, &(struct division){body, arg, n, n});
}

void cpu_for_threads(struct kernels *k, enum cpu_kernel kernel, size_t elements, size_t n,
    pool_body *body, void *arg)
{
	run_division(k, kernel, elements,
	    &(struct division){body, arg, n, min_size(n, (size_t)cpu_threads(k))});
}

/* The entry of this name in share [n]; n if there is none. */
static size_t find_share(const struct k_share *share, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(share[i].name, name) != 0)
		i++;
	return i;
}

size_t k_profile(const struct kernels *k, struct k_share share[K_SHARES])
{
	size_t n = 0;

	for (int i = 0; i < CPU_KERNELS; i++) {
		const struct element_cost *each = &element_cost[i];
		const struct cpu_cost *cost = &k->cost[i];
		size_t at = find_share(share, n, each->name);

		if (cost->calls == 0)
			continue;
		if (at == n)
			share[n++] = (struct k_share){.name = each->name};
		share[at].calls += cost->calls;
		share[at].seconds += cost->seconds;
		share[at].flops += cost->elements * each->flops;
		share[at].bytes += cost->elements * element_bytes(k, each);
		share[at].regions += cost->regions;
		share[at].serial_seconds += cost->serial_seconds;
		share[at].wait_seconds +=
		    cost->seconds - cost->serial_seconds - cost->busy_seconds / cpu_threads(k);
		share[at].busy_seconds += cost->busy_seconds;
		share[at].part_seconds += cost->part_seconds;
	}
	return n;
}
