#include "model/copy_attention.h"

static struct k_attention_shape shape(const struct copy_attention *ca, size_t B)
{
	return (struct k_attention_shape){B, ca->T, ca->R * ca->W, ca->R};
}

static act *take(const struct kernels *k, struct arena *a, size_t rows, size_t cols)
{
	return arena_take(a, rows * cols, k_act_size(k));
}

void copy_attention_layout(struct copy_attention *ca, const struct kernels *k,
    const struct config *c, size_t B, bool train, struct arena *a)
{
	size_t T = c->row_len, M = B * T, W = config_input(c), R = c->copy_heads;

	*ca = (struct copy_attention){.T = T, .C = c->width, .d = c->embed, .W = W, .R = R};
	ca->qk = take(k, a, M, 2 * R * W);
	ca->qkv = take(k, a, M, 3 * R * W);
	ca->r = take(k, a, M, R * W);
	ca->lse = arena_take(a, M * R, sizeof *ca->lse);
	k_need_attention(k, &a->need, shape(ca, B));
	k_need_matmul(k, &a->need, 2 * R * W);
	if (!train)
		return;
	ca->dqk = take(k, a, M, 2 * R * W);
	ca->dqkv = take(k, a, M, 3 * R * W);
	ca->dr = take(k, a, M, R * W);
}

void copy_attention_forward(struct kernels *k, struct copy_attention *ca, const struct weights *w,
    real *out, const act *a, const act *input, size_t B)
{
	size_t M = B * ca->T, W = ca->W, N = ca->R * W;

	k_matmul(k, .y = ca->qk, .x = a, .w = w->copy_qk, .M = M, .N = 2 * N, .K = ca->C);
	k_columns(
	    k, .y = ca->qkv, .y_stride = 3 * N, .x = ca->qk, .x_stride = 2 * N, .M = M, .n = 2 * N);
	for (size_t i = 0; i < ca->R; i++)
		k_columns(k, .y = k_act_at(k, ca->qkv, 2 * N + i * W), .y_stride = 3 * N,
		    .x = input, .x_stride = W, .M = M, .n = W);
	k_attention(k, .y = ca->r, .lse = ca->lse, .qkv = ca->qkv, .scale = w->copy_scale,
	    .shape = shape(ca, B));
	/* copy_out is stored as [RW,d]: this product computes r copy_out, and adds it to out. */
	k_matmul(k, .y_real = out, .x = ca->r, .w = w->copy_out, .no_trans = true, .add = true,
	    .M = M, .N = ca->d, .K = N);
}

void copy_attention_backward(struct kernels *k, struct copy_attention *ca, const struct weights *w,
    const struct weights *g, act *da, const act *dout, const act *a, size_t B)
{
	size_t M = B * ca->T, N = ca->R * ca->W;

	k_matmul_dw(k, .dw = g->copy_out, .dy = ca->r, .x = dout, .M = M, .N = N, .K = ca->d);
	k_matmul(k, .y = ca->dr, .x = dout, .w = w->copy_out, .M = M, .N = N, .K = ca->d);
	k_attention_backward(k, .dqkv = ca->dqkv, .dscale = g->copy_scale, .dy = ca->dr, .y = ca->r,
	    .lse = ca->lse, .qkv = ca->qkv, .scale = w->copy_scale, .shape = shape(ca, B));
	k_columns(k, .y = ca->dqk, .y_stride = 2 * N, .x = ca->dqkv, .x_stride = 3 * N, .M = M,
	    .n = 2 * N);
	k_matmul_dw(k, .dw = g->copy_qk, .dy = ca->dqk, .x = a, .M = M, .N = 2 * N, .K = ca->C);
	k_matmul(k, .y = da, .x = ca->dqk, .w = w->copy_qk, .no_trans = true, .add = true, .M = M,
	    .N = ca->C, .K = 2 * N);
}

void copy_attention_backward_input(
    struct kernels *k, const struct copy_attention *ca, real *dinput, size_t B)
{
	size_t W = ca->W, N = ca->R * W;

	for (size_t i = 0; i < ca->R; i++)
		k_columns(k, .sum = dinput, .y_stride = W,
		    .x = k_act_at(k, ca->dqkv, 2 * N + i * W), .x_stride = 3 * N, .M = B * ca->T,
		    .n = W);
}
