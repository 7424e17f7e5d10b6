#ifndef CDCD_CPU_PROFILE_H
#define CDCD_CPU_PROFILE_H

/* The cost of each kernel, for k_profile. */

#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "compute/kernels.h"

/* Everything that runs on all threads. cpu_for counts its cost; profile.c has a table of what an
 * element of each costs, and of the names in the profile, which some of them share. */
enum cpu_kernel {
	CPU_LINEAR,
	CPU_PROJECT,
	CPU_PROJECT_DX,
	CPU_MUON_PRODUCT,
	CPU_PROJECT_DW,
	CPU_PROJECT_DW_PACK,
	CPU_LOGITS,
	CPU_ATTENTION,
	CPU_ATTENTION_BACKWARD,
	CPU_SILU,
	CPU_SILU_BACKWARD,
	CPU_ROUND,
	CPU_GELU,
	CPU_MODULATE,
	CPU_MODULATE_BACKWARD,
	CPU_GATE,
	CPU_GATE_BACKWARD,
	CPU_MIX2,
	CPU_MIX3,
	CPU_SCALE_ROWS,
	CPU_ADD_EACH,
	CPU_SUM_EACH,
	CPU_COPY_COLUMNS,
	CPU_ADD_COLUMNS,
	CPU_NORMALIZE,
	CPU_NORMALIZE_BACKWARD,
	CPU_GAUSSIAN,
	CPU_DIFFUSE,
	CPU_INPUT,
	CPU_INPUT_BACKWARD,
	CPU_SCATTER_ADD,
	CPU_SOFTMAX,
	CPU_SOFTMAX_IN_PLACE,
	CPU_CROSS_ENTROPY,
	CPU_ARGMAX,
	CPU_PACK_BF16,
	CPU_SUM_BF16,
	CPU_SUM_SQUARES,
	CPU_ADAMW,
	CPU_MUON_MOMENTUM,
	CPU_MUON_UPDATE,
	CPU_MUON_COMBINE,
	CPU_MUON_COPY,
	CPU_KERNELS
};

/* cpu_product - the kernel that p is, if not logits. */
enum cpu_kernel cpu_product(const struct k_matmul *p);

/* The cost of a kernel since k_new; see struct k_share. */
struct cpu_cost {
	uint64_t calls, regions;
	double seconds, serial_seconds, busy_seconds, part_seconds;
	double elements;
};

/*
 * cpu_for - run a kernel: call body on slices of [0, n) on all threads, as pool_for does, and add
 * its time and this number of elements to the profile. An element is what the table in profile.c
 * gives the cost of: of a product, one multiplication and addition; else a number. A kernel of so
 * few elements that the other threads would start too late runs on the calling thread.
 */
void cpu_for(struct kernels *k, enum cpu_kernel kernel, size_t elements, size_t n, pool_body *body,
    void *arg);

/* cpu_for_threads - the same for a kernel that is slow in small pieces: n is divided by the number
 * of threads. */
void cpu_for_threads(struct kernels *k, enum cpu_kernel kernel, size_t elements, size_t n,
    pool_body *body, void *arg);

#endif
