#include "compute/cpu/profile.h"

#include <string.h>
#include <time.h>

#include "compute/cpu/cpu.h"

/*
 * The name of each kernel in the profile, and the cost of an element: operations, for products;
 * otherwise the minimum traffic, in reals, acts and bf16 that are read or written. A kernel that
 * reads and writes a real in place has two.
 */
static const struct element_cost {
	const char *name;
	unsigned flops, reals, acts, bf16s;
} element_cost[CPU_KERNELS] = {
    [CPU_LINEAR] = {"linear", .flops = 2},
    [CPU_PROJECT] = {"project", .flops = 2},
    [CPU_PROJECT_DX] = {"project dx", .flops = 2},
    [CPU_MUON_PRODUCT] = {"muon products", .flops = 2},
    [CPU_PROJECT_DW] = {"project dw", .flops = 2},
    [CPU_PROJECT_DW_PACK] = {"project dw", .flops = 0},
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
    [CPU_GAUSSIAN] = {"gaussian", .reals = 1},
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

_Static_assert((int)CPU_KERNELS <= (int)K_SHARES, "k_profile has room for each kernel");

enum cpu_kernel cpu_product(const struct k_matmul *p)
{
	if (p->update)
		return CPU_MUON_PRODUCT;
	if (p->x_real)
		return CPU_LINEAR;
	return p->no_trans ? CPU_PROJECT_DX : CPU_PROJECT;
}

static double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cpu_for(struct kernels *k, enum cpu_kernel kernel, size_t elements, size_t n, pool_body *body,
    void *arg)
{
	struct cpu_cost *cost = &k->cost[kernel];
	double start = clock_seconds();

	pool_for(k->pool, n, body, arg);
	cost->seconds += clock_seconds() - start;
	cost->elements += (double)elements;
	cost->calls++;
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
		share[at].bytes += cost->elements * (double)(each->reals * sizeof(real) +
		                                             each->acts * k_act_size(k) +
		                                             each->bf16s * sizeof(bf16));
	}
	return n;
}
