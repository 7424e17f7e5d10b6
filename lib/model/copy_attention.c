#include "model/copy_attention.h"

static struct k_attention_shape shape(const struct copy_attention *rc, size_t B)
{
	return (struct k_attention_shape){B, rc->T, rc->R * rc->W, rc->R};
}

static act *take(const struct kernels *k, struct arena *a, size_t rows, size_t cols)
{
	return arena_take(a, rows * cols, k_act_size(k));
}

void copy_attention_layout(struct copy_attention *rc, const struct kernels *k,
    const struct config *c, size_t B, bool train, struct arena *a)
{
	size_t T = c->row_len, M = B * T, W = config_input(c), R = c->copy_heads;

	*rc = (struct copy_attention){.T = T, .C = c->width, .d = c->embed, .W = W, .R = R};
	rc->qk = take(k, a, M, 2 * R * W);
	rc->qkv = take(k, a, M, 3 * R * W);
	rc->r = take(k, a, M, R * W);
	rc->lse = arena_take(a, M * R, sizeof *rc->lse);
	k_need_attention(k, &a->need, shape(rc, B));
	k_need_matmul(k, &a->need, 2 * R * W);
	if (!train)
		return;
	rc->dqk = take(k, a, M, 2 * R * W);
	rc->dqkv = take(k, a, M, 3 * R * W);
	rc->dr = take(k, a, M, R * W);
}

void copy_attention_forward(struct kernels *k, struct copy_attention *rc, const struct weights *w,
    real *out, const act *a, const act *input, size_t B)
{
	size_t M = B * rc->T, W = rc->W, N = rc->R * W;

	k_matmul(k, .y = rc->qk, .x = a, .w = w->copy_qk, .M = M, .N = 2 * N, .K = rc->C);
	k_columns(
	    k, .y = rc->qkv, .y_stride = 3 * N, .x = rc->qk, .x_stride = 2 * N, .M = M, .n = 2 * N);
	for (size_t i = 0; i < rc->R; i++)
		k_columns(k, .y = k_act_at(k, rc->qkv, 2 * N + i * W), .y_stride = 3 * N,
		    .x = input, .x_stride = W, .M = M, .n = W);
	k_attention(k, .y = rc->r, .lse = rc->lse, .qkv = rc->qkv, .scale = w->copy_scale,
	    .shape = shape(rc, B));
	/* copy_out is stored as [RW,d]: this product computes r copy_out, and adds it to out. */
	k_matmul(k, .y_real = out, .x = rc->r, .w = w->copy_out, .no_trans = true, .add = true,
	    .M = M, .N = rc->d, .K = N);
}

void copy_attention_backward(struct kernels *k, struct copy_attention *rc, const struct weights *w,
    const struct weights *g, act *da, const act *dout, const act *a, size_t B)
{
	size_t M = B * rc->T, N = rc->R * rc->W;

	k_matmul_dw(k, .dw = g->copy_out, .dy = rc->r, .x = dout, .M = M, .N = N, .K = rc->d);
	k_matmul(k, .y = rc->dr, .x = dout, .w = w->copy_out, .M = M, .N = N, .K = rc->d);
	k_attention_backward(k, .dqkv = rc->dqkv, .dscale = g->copy_scale, .dy = rc->dr, .y = rc->r,
	    .lse = rc->lse, .qkv = rc->qkv, .scale = w->copy_scale, .shape = shape(rc, B));
	k_columns(k, .y = rc->dqk, .y_stride = 2 * N, .x = rc->dqkv, .x_stride = 3 * N, .M = M,
	    .n = 2 * N);
	k_matmul_dw(k, .dw = g->copy_qk, .dy = rc->dqk, .x = a, .M = M, .N = 2 * N, .K = rc->C);
	k_matmul(k, .y = da, .x = rc->dqk, .w = w->copy_qk, .no_trans = true, .add = true, .M = M,
	    .N = rc->C, .K = 2 * N);
}

void copy_attention_backward_input(
    struct kernels *k, const struct copy_attention *rc, real *dinput, size_t B)
{
	size_t W = rc->W, N = rc->R * W;

	for (size_t i = 0; i < rc->R; i++)
		k_columns(k, .sum = dinput, .y_stride = W,
		    .x = k_act_at(k, rc->dqkv, 2 * N + i * W), .x_stride = 3 * N, .M = B * rc->T,
		    .n = W);
}
