#ifndef CDCD_KERNELS_H
#define CDCD_KERNELS_H

/*
 * The compute kernels: all arithmetic of the model.
 *
 * This header separates the model from the device. The model allocates its buffers with k_alloc and
 * accesses their contents only through k_put, k_get, k_host, k_map and the kernels. The library is
 * linked with one implementation of these functions, at present cpu/, for processors. One for
 * another device (a GPU) is another directory beside it; the model does not change.
 *
 * Shapes: B sequences of T positions, M = B T rows; C channels; H heads of C/H; V words; d
 * components of an embedding. Arrays are dense and row-major: x [M,C] has x[m][c] at m C + c.
 * Conventions, as in llm.c: a backward kernel takes the gradient of the loss with respect to its
 * output and computes those of its inputs. Gradients of weights are added to (+=); gradients of
 * activations are written (=) unless the comment says that they are added.
 *
 * There are two number types. A real holds values that are accumulated over time or over many
 * terms: weights, their gradients, the residual stream, logits, losses. An act is an activation
 * between two matrix products, in the input type of the products: bf16 if k computes in bf16, else
 * real. The model knows only the size of an act in bytes.
 *
 * Kernels with many operands take them by name, as fields of a struct. Those that are not named are
 * NULL, zero or false:
 *
 *     k_matmul(k, .y = y, .x = x, .w = w, .M = M, .N = N, .K = K);
 *
 * Only k_new, k_alloc and k_reserve allocate memory; the kernels never fail. The order of summation
 * depends only on the shapes and the number of threads, so results repeat bit for bit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bf16.h"
#include "base/err.h"
#include "base/real.h"

struct kernels;
typedef struct act act;

/* fp32: reals only. bf16: bf16 products, accumulated in fp32. auto: bf16 if it is fast here. */
enum k_precision { K_AUTO, K_FP32, K_BF16 };
extern const char *const k_precisions[]; /* the names, and NULL */

/*
 * k_room - check that the minimum memory for the kernels is available. Call it before anything
 * else. Returns 0, or -1 if memory is short. After -1 the caller must leave with _exit: the threads
 * that BLAS started before main wait for this memory for ever, and exit would wait for them.
 */
int k_room(struct err *e);

/*
 * k_new - create a context with this number of threads (0: one per processor). Returns NULL on
 * error, for example if K_BF16 is requested and the processor has no bf16 products. k_free frees
 * it.
 */
struct kernels *k_new(int threads, enum k_precision precision, struct err *e);
void k_free(struct kernels *k);

/* k_name - a description for users: "cpu, avx512, 2 threads". Owned by k; valid until k_free. */
const char *k_name(const struct kernels *k);

/* k_profile - fill share with the cost of each kernel since k_new. Returns the number of entries,
 * in no particular order. */
#define K_SHARES 48
struct k_share {
	const char *name;
	uint64_t calls;
	double seconds;
	double flops; /* of products; otherwise 0 */
	double bytes; /* minimum traffic of other kernels; otherwise 0 */
	/* How the threads divide the work. A region is a call that they divide: begun by one
	 * thread, it ends when all of them have finished. Other calls are too small. */
	uint64_t regions;
	double serial_seconds; /* of the calls that one thread computes alone */
	double wait_seconds;   /* in regions, the time in which a thread computes nothing, mean */
	double busy_seconds;   /* in regions, the time in which threads compute, sum */
	double part_seconds;   /* of that, the sum over regions of the time of one part, of those
	                        * that cannot be divided further */
};
size_t k_profile(const struct kernels *k, struct k_share share[K_SHARES]);

/* --- memory --- */

/* k_alloc - allocate zeroed device memory. Returns NULL on error; k_release frees it. */
void *k_alloc(struct kernels *k, size_t bytes, struct err *e);
void k_release(struct kernels *k, void *p);
void k_put(struct kernels *k, void *device, const void *host, size_t bytes);
void k_get(struct kernels *k, void *host, const void *device, size_t bytes);

/* k_alloc_bytes - the bytes of memory that k_alloc uses for a request of this size. */
size_t k_alloc_bytes(const struct kernels *k, size_t bytes);

/*
 * Scratch memory that the kernels keep between calls. Its size is computed before it is allocated,
 * so that a memory estimate can include what k_reserve will allocate.
 *
 * k_need_...    enlarge need, which starts as {0}, to the scratch that calls of these shapes use
 * k_need_bytes  total bytes of memory for need
 * k_reserve     allocate scratch for need; call it before the kernels. Returns 0 or -1
 */
struct k_need {
	size_t each, shared; /* elements: for each thread, and for all threads together */
};
size_t k_need_bytes(const struct kernels *k, const struct k_need *need);
int k_reserve(struct kernels *k, const struct k_need *need, struct err *e);

/* k_act_size - bytes per act. */
size_t k_act_size(const struct kernels *k);

/* k_act_at - the address n acts after a; const if a is. */
#define k_act_at(k, a, n)                                                                          \
	_Generic((a), act * : k_act_at_mutable, const act * : k_act_at_const)(k, a, n)

static inline act *k_act_at_mutable(const struct kernels *k, act *a, size_t n)
{
	return (act *)((char *)a + n * k_act_size(k));
}

static inline const act *k_act_at_const(const struct kernels *k, const act *a, size_t n)
{
	return (const act *)((const char *)a + n * k_act_size(k));
}

/* k_round - y [n] = x, rounded to the precision of an act. */
void k_round(struct kernels *k, act *y, const real *x, size_t n);

/* k_finite - whether all of a [n] is finite. Slow: only for error messages. */
bool k_finite(struct kernels *k, const act *a, size_t n);

/* k_host - x [n] in host memory, for reading, valid until the next kernel. It is x itself if the
 * host can access the memory of the device. */
const real *k_host(struct kernels *k, const real *x, size_t n);

/*
 * Memory that a communication library (MPI) reads and writes, while kernels run on other memory.
 *
 * k_map    the address at which the library finds p [bytes], with what the kernels called so far
 *          have written there. From now until k_unmap, no kernel may use p [bytes].
 * k_unmap  the library is done. Kernels called from now on find in p [bytes] what it wrote.
 *
 * On a device whose memory the library can access, as it can that of the CPU, k_map returns p, and
 * k_unmap does nothing. Any other device keeps a copy in host memory, at a fixed address for each
 * p: k_map waits for the kernels and copies p there, k_unmap copies it back. Ranges that are mapped
 * at the same time do not overlap.
 */
void *k_map(struct kernels *k, void *p, size_t bytes);
void k_unmap(struct kernels *k, void *p, size_t bytes);

void k_zero(struct kernels *k, real *x, size_t n);
void k_copy(struct kernels *k, real *to, const real *from, size_t n);

/* --- matrix products --- */

/*
 * k_matmul - y [M,N] = x [M,K] w^T + bias, the linear layer of PyTorch (torch.nn.Linear). With
 * no_trans, y = x w + bias, as in the backward pass of a linear layer.
 *
 * If x is acts, the product is computed in the precision of k. If it is reals (x_real, y_real), so
 * is the product: this is for small layers. Set one of x and x_real, and one of y and y_real; what
 * is not set is zero.
 */
struct k_matmul {
	act *y;             /* [M,N] result */
	real *y_real;       /* [M,N] or in reals */
	act *gelu;          /* [M,N] receives GELU(y); with y */
	const act *x;       /* [M,K] */
	const real *x_real; /* [M,K] or in reals */
	const real *w;      /* [N,K]; with no_trans [K,N] */
	const real *bias;   /* [N] */
	const act *dgelu;   /* [M,N] multiply the result by GELU'(dgelu); with y */
	bool no_trans;
	bool add;    /* y += instead of y =; without gelu and dgelu */
	bool update; /* in k_profile, the product is one of the optimiser's */
	size_t M, N, K;
};
#define k_matmul(k, ...) k_matmul_of(k, &(struct k_matmul){__VA_ARGS__})
void k_matmul_of(struct kernels *k, const struct k_matmul *p);

/* k_matmul_dw - the gradients of w and bias of a linear layer y [M,N] = x [M,K] w^T + bias, from
 * the gradient dy of y. Set both dy and x, or both dy_real and x_real. */
struct k_matmul_dw {
	real *dw;                     /* [N,K] += dy^T x */
	real *db;                     /* [N] += the column sums of dy; or NULL */
	const act *dy;                /* [M,N] */
	const act *x;                 /* [M,K] */
	const real *dy_real, *x_real; /* or in reals, as in k_matmul */
	size_t M, N, K;
};
#define k_matmul_dw(k, ...) k_matmul_dw_of(k, &(struct k_matmul_dw){__VA_ARGS__})
void k_matmul_dw_of(struct kernels *k, const struct k_matmul_dw *p);

/*
 * k_logits - y [M,V] = x [M,d] e [V,d]^T + b [V], with an error of at most 1e-4 of the largest
 * product of norms, in either precision: logits ⟨x, e⟩/σ² may be in the hundreds, and their
 * differences matter.
 */
void k_logits(struct kernels *k, real *y, const real *x, const real *e, const real *b, size_t M,
    size_t V, size_t d);

/* k_need_matmul - scratch for k_matmul with up to this K, for k_logits if 3 times d, with d rounded
 * up to 32, is at most K, and for any k_matmul_dw: see k_reserve. */
void k_need_matmul(const struct kernels *k, struct k_need *need, size_t K);

/* --- pointwise --- */

/* k_gelu - y [n] = GELU(x), the tanh form (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
void k_gelu(struct kernels *k, act *y, const act *x, size_t n);

/* k_silu - y = x / (1 + exp(-x)). */
void k_silu(struct kernels *k, real *y, const real *x, size_t n);
void k_silu_backward(struct kernels *k, real *dx, const real *dy, const real *x, size_t n);

/* --- a block of the transformer (Peebles & Xie 2022, arXiv:2212.09748, adaLN-zero) --- */

/* The coefficients (shift, scale, gate) of sequence b are the C elements at b stride. */
struct k_adaln_shape {
	size_t B, T, C, stride;
};

/*
 * k_modulate - y = (1 + scale) LN(h) + shift, where LN is layer norm without a gain. Writes y and
 * stats.
 * k_modulate_backward - from dy: adds to dh, writes dshift and dscale. Reads h, stats, scale.
 */
struct k_modulate {
	act *y;        /* [M,C] */
	real *stats;   /* [M,2] mean and 1/standard deviation of each row of h */
	const real *h; /* [M,C] */
	const real *shift, *scale;
	/* of the backward pass */
	const act *dy; /* [M,C] */
	real *dh;      /* [M,C] */
	real *dshift, *dscale;
	struct k_adaln_shape shape;
};
#define k_modulate(k, ...) k_modulate_of(k, &(struct k_modulate){__VA_ARGS__})
#define k_modulate_backward(k, ...) k_modulate_backward_of(k, &(struct k_modulate){__VA_ARGS__})
void k_modulate_of(struct kernels *k, const struct k_modulate *p);
void k_modulate_backward_of(struct kernels *k, const struct k_modulate *p);

/* k_gate - h [M,C] += sign gate ⊙ y. sign is 1 or -1. */
void k_gate(struct kernels *k, real *h, real sign, const act *y, const real *gate,
    struct k_adaln_shape shape);

/* k_gate_backward - dy [M,C] = gate ⊙ dout; dgate = the sum over T of dout ⊙ y. The caller sets
 * dh = dout. */
void k_gate_backward(struct kernels *k, act *dy, real *dgate, const real *dout, const act *y,
    const real *gate, struct k_adaln_shape shape);

struct k_attention_shape {
	size_t B, T, C, H;
};

/*
 * k_attention - y = softmax(s q k^T) v in each sequence and head. Every position sees every
 * position. Writes y and lse.
 * k_attention_backward - from dy: writes dqkv, adds to dscale. Reads y, lse, qkv, scale, rope.
 *
 * With scale (QK-norm), q and k are first divided by their norms, and s is scale; otherwise s is
 * 1/√(C/H). With rope, q and k are then rotated: rope holds cos and sin of position × frequency i
 * at 2i and 2i + 1, the rotation of the components i and i + C/2H. Sources: Su et al. 2021,
 * arXiv:2104.09864 (RoPE); Henry et al. 2020, arXiv:2010.04245 (QK-norm); Dao 2023,
 * arXiv:2307.08691 (lse).
 */
struct k_attention {
	act *y;            /* [M,C] */
	real *lse;         /* [B,H,T] ln sum exp(s q k^T) of each row of the T x T matrix */
	const act *qkv;    /* [M,3C] q, k, v side by side, heads side by side within each */
	const real *scale; /* [H]; or NULL */
	const real *rope;  /* [T,C/H]; or NULL */
	/* of the backward pass */
	const act *dy; /* [M,C] */
	act *dqkv;     /* [M,3C] */
	real *dscale;  /* [H]; unused if scale is NULL */
	struct k_attention_shape shape;
};
#define k_attention(k, ...) k_attention_of(k, &(struct k_attention){__VA_ARGS__})
#define k_attention_backward(k, ...) k_attention_backward_of(k, &(struct k_attention){__VA_ARGS__})
void k_attention_of(struct kernels *k, const struct k_attention *p);
void k_attention_backward_of(struct kernels *k, const struct k_attention *p);

/* k_need_attention - scratch for attention calls up to this shape: see k_reserve. */
void k_need_attention(const struct kernels *k, struct k_need *need, struct k_attention_shape s);

/* --- embeddings and diffusion --- */

/* k_normalize - e [V,d] = √d w / ‖w‖, row by row. Source: CDCD, section 3.1. */
void k_normalize(struct kernels *k, real *e, const real *w, size_t V, size_t d);

/* dw [V,d] += the gradient through k_normalize. */
void k_normalize_backward(
    struct kernels *k, real *dw, const real *de, const real *w, size_t V, size_t d);

/* k_gaussian - n [B,T,d]: N(0,1) from rng_normal(seed[b], domain, position); seed is host memory.
 */
void k_gaussian(
    struct kernels *k, real *n, const uint64_t *seed, int domain, size_t B, size_t T, size_t d);

/* k_diffuse - x [B,T,d] = e[id] + t_b n; t [B] is device memory. */
void k_diffuse(struct kernels *k, real *x, const real *e, const int32_t *ids, const real *n,
    const real *t, size_t B, size_t T, size_t d);

struct k_input_shape {
	size_t B, T, d, width;
	bool has_p, has_q;
};

/*
 * k_input - the rows of the network's input: [c_in m x | (1-m) e[id] | m p | m q | m | 0...].
 * Writes in.
 * k_input_backward - from din: dx += c_in m din_x, dgiven = (1-m) din_e, where din_x and din_e are
 * the first and second d columns of din. No gradient goes through p and q.
 */
struct k_input {
	act *in;            /* [M,width] */
	const real *x;      /* [M,d] */
	const real *e;      /* [V,d] */
	const int32_t *ids; /* [M] */
	const real *m;      /* [M] 1 if the position is noised, 0 if its token is given */
	const real *c_in;   /* [B] */
	/* [M,d] estimates of the clean embedding. The row has columns for each if its has_ flag is
	 * set; they are zero if the pointer is NULL. */
	const real *p, *q;
	/* of the backward pass */
	const real *din;   /* [M,width] */
	real *dx, *dgiven; /* [M,d] */
	struct k_input_shape shape;
};
#define k_input(k, ...) k_input_of(k, &(struct k_input){__VA_ARGS__})
#define k_input_backward(k, ...) k_input_backward_of(k, &(struct k_input){__VA_ARGS__})
void k_input_of(struct kernels *k, const struct k_input *p);
void k_input_backward_of(struct kernels *k, const struct k_input *p);

/* k_scatter_add - de[id[m]] += dx[m] for all rows m, in order. */
void k_scatter_add(
    struct kernels *k, real *de, const real *dx, const int32_t *ids, size_t M, size_t d);

/* k_mix - y [B,n] = a_b x1 + b_b x2 + c_b x3, coefficients coef [B,3]; x3 may be NULL. y may be
 * the same array as any input. Used for preconditioning (c_skip x + c_out F) and every step of a
 * sampler. */
void k_mix(struct kernels *k, real *y, const real *coef, const real *x1, const real *x2,
    const real *x3, size_t B, size_t n);

/* k_scale_rows - y [B,n] = a_b x. */
void k_scale_rows(struct kernels *k, real *y, const real *a, const real *x, size_t B, size_t n);

/* k_add_each - y [B,n] += x [n] in every sequence; k_sum_each - dx [n] += the sum of dy [B,n]. */
void k_add_each(struct kernels *k, real *y, const real *x, size_t B, size_t n);
void k_sum_each(struct kernels *k, real *dx, const real *dy, size_t B, size_t n);

/* k_columns - copy or add columns of wider arrays: y = x, or sum += x, each [M,n]. A stride is the
 * distance between rows, in elements. */
struct k_columns {
	act *y;    /* either */
	real *sum; /* or */
	const act *x;
	size_t y_stride, x_stride; /* y_stride: of y or sum */
	size_t M, n;
};
#define k_columns(k, ...) k_columns_of(k, &(struct k_columns){__VA_ARGS__})
void k_columns_of(struct kernels *k, const struct k_columns *p);

/* --- logits: softmax, loss, argmax --- */

/* k_softmax - p [M,V] = softmax(logits / tau), row by row. Overwrites the logits. If p is NULL, the
 * result replaces the logits, in reals. */
void k_softmax(struct kernels *k, act *p, real *logits, real tau, size_t M, size_t V);

/*
 * k_cross_entropy - loss [M] = -ln softmax(logits)[id], nats, and dlogits [M,V] =
 * weight[m] (softmax(logits) - onehot(id)), the gradient of sum weight loss; dlogits may be NULL.
 * A row of weight 0 gets a zero gradient. The logits are overwritten.
 */
void k_cross_entropy(struct kernels *k, real *loss, act *dlogits, real *logits, const int32_t *ids,
    const real *weight, size_t M, size_t V);

/* k_argmax - id [M] of the largest logit in each row of logits [M,V]; the first one on a tie. */
void k_argmax(struct kernels *k, int32_t *ids, const real *logits, size_t M, size_t V);

/* --- gradients on their way to other ranks; bf16 in either precision --- */

/* k_pack_bf16 - y [n] = x, rounded to nearest, ties to even. */
void k_pack_bf16(struct kernels *k, bf16 *y, const real *x, size_t n);

/* k_sum_bf16 - y [n] = the sum of the parts of x [parts,n], in reals and in the order of the parts.
 * With one part, y = x. */
void k_sum_bf16(struct kernels *k, real *y, const bf16 *x, size_t parts, size_t n);

/* --- the optimiser --- */

/* k_sum_squares - of x [n], in double. Not finite if any x is not. */
double k_sum_squares(struct kernels *k, const real *x, size_t n);

struct k_adamw {
	real lr, beta1, beta2, eps, weight_decay;
	real correction1, correction2; /* 1 - beta^t */
	real grad_scale;               /* g is multiplied by it first: gradient clipping */
	real ema_decay;
};

/*
 * k_adamw - update the weights, with decoupled weight decay, and their EMA, in one pass.
 * p, m, v, ema [n] in place; g [n] is read.
 * Source: Loshchilov & Hutter 2019, arXiv:1711.05101, Algorithm 2.
 */
void k_adamw(struct kernels *k, real *p, real *m, real *v, real *ema, const real *g, size_t n,
    const struct k_adamw *o);

/* --- the optimiser Muon --- */

/*
 * k_muon_momentum - Nesterov momentum. m [n] = decay m + (1 - decay) grad_scale g; then g becomes
 * decay m + (1 - decay) grad_scale g, with the new m.
 */
void k_muon_momentum(struct kernels *k, real *m, real *g, size_t n, real decay, real grad_scale);

/* A matrix x [rows,cols] in device memory. */
struct k_matrix {
	real *x;
	size_t rows, cols;
};

/*
 * k_muon_orthogonalize - with the singular value decomposition x = U S V^T, each of n matrices
 * becomes approximately U V^T, computed in the precision of k: a singular value that is at least
 * 1/1000 of the norm of x becomes one from 0.85 to 1.15, and a smaller one becomes less than 1.15.
 * A matrix of zeros stays zero. Reserve k_need_muon of each shape.
 * Sources: Jordan et al. 2024, kellerjordan.github.io/posts/muon (the method); Amsel et al. 2025,
 * arXiv:2505.16932 (the polynomials).
 */
void k_muon_orthogonalize(struct kernels *k, const struct k_matrix *matrix, size_t n);

/* k_need_muon - scratch for k_muon_orthogonalize of this shape: see k_reserve. */
void k_need_muon(const struct kernels *k, struct k_need *need, size_t rows, size_t cols);

/* k_muon_flops - floating-point operations of k_muon_orthogonalize of a matrix of this shape. */
double k_muon_flops(size_t rows, size_t cols);

/* k_muon_update - p [n] = (1 - decay) p - rate x, and then the EMA: ema = ema_decay ema +
 * (1 - ema_decay) p. */
void k_muon_update(struct kernels *k, real *p, real *ema, const real *x, size_t n, real rate,
    real decay, real ema_decay);

#endif
