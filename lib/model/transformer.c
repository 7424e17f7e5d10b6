#include "model/transformer.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/minmax.h"

struct transformer *transformer_new(
    struct kernels *k, const struct config *c, size_t B, bool train, struct err *e)
{
	struct transformer *tf = mem_array(1, sizeof *tf, e);

	if (!tf)
		return NULL;
	tf->k = k;
	tf->c = *c;
	tf->B = B;
	tf->train = train;
	tf->block = mem_array(c->layers, sizeof *tf->block, e);
	if (!tf->block) {
		free(tf);
		return NULL;
	}
	return tf;
}

void transformer_free(struct transformer *tf)
{
	if (!tf)
		return;
	free(tf->block);
	free(tf);
}

static real *take(struct arena *a, size_t rows, size_t cols)
{
	return arena_take(a, rows * cols, sizeof(real));
}

static act *take_act(const struct transformer *tf, struct arena *a, size_t rows, size_t cols)
{
	return arena_take(a, rows * cols, k_act_size(tf->k));
}

static void layout_block(struct transformer *tf, struct block_activations *b, struct arena *a)
{
	size_t M = tf->B * tf->c.row_len, C = tf->c.width;

	b->stats1 = take(a, M, 2);
	b->qkv = take_act(tf, a, M, 3 * C);
	b->o = take_act(tf, a, M, C);
	b->y1 = take_act(tf, a, M, C);
	b->lse = take(a, M, tf->c.heads);
	b->stats2 = take(a, M, 2);
	b->u = take_act(tf, a, M, 4 * C);
	b->y2 = take_act(tf, a, M, C);
	b->mod = take(a, tf->B, 6 * C);
}

static void layout_backward(struct transformer *tf, struct arena *a)
{
	size_t M = tf->B * tf->c.row_len, C = tf->c.width;

	tf->dh = take(a, M, C);
	tf->dy = take_act(tf, a, M, C);
	tf->da = take_act(tf, a, M, C);
	/* g is not needed any more when du is written, nor du when dqkv is written. */
	tf->du = tf->g;
	tf->dqkv = tf->g;
	tf->dout = take_act(tf, a, M, tf->c.embed);
	tf->dmod = take(a, tf->B, 6 * C);
	tf->dcond = take(a, tf->B, tf->c.time_width);
	tf->dcond1 = take(a, tf->B, tf->c.time_width);
}

/* The largest number of terms that a product of the transformer sums. */
static size_t longest(const struct config *c)
{
	size_t n = 4 * c->width, input = config_input(c), d = c->embed;

	return max_size(n, max_size(input, d));
}

void transformer_layout(struct transformer *tf, struct arena *a)
{
	size_t T = tf->c.row_len, M = tf->B * T, C = tf->c.width;
	size_t F = tf->c.time_width;
	struct k_attention_shape s = {tf->B, T, C, tf->c.heads};

	tf->rope = take(a, T, C / tf->c.heads);
	tf->cond1 = take(a, tf->B, F);
	tf->silu1 = take(a, tf->B, F);
	tf->cond2 = take(a, tf->B, F);
	tf->cond = take(a, tf->B, F);
	for (size_t l = 0; l < tf->c.layers; l++) {
		if (l == 0 || tf->train)
			layout_block(tf, &tf->block[l], a);
		else
			tf->block[l] = tf->block[0];
	}
	if (tf->c.copy_heads)
		copy_attention_layout(&tf->copy, tf->k, &tf->c, tf->B, tf->train, a);
	tf->a = take_act(tf, a, M, C);
	tf->g = take_act(tf, a, M, 4 * C);
	tf->h = take(a, M, C);
	tf->stats = take(a, M, 2);
	tf->mod = take(a, tf->B, 2 * C);
	k_need_attention(tf->k, &a->need, s);
	k_need_matmul(tf->k, &a->need, longest(&tf->c));
	if (tf->train)
		layout_backward(tf, a);
}

int transformer_ready(struct transformer *tf, struct err *e)
{
	size_t T = tf->c.row_len, D = tf->c.width / tf->c.heads;
	real *rope = mem_array(T * D, sizeof *rope, e);

	if (!rope)
		return -1;
	for (size_t t = 0; t < T; t++)
		for (size_t i = 0; i < D / 2; i++) {
			double angle = (double)t * pow(10000, -2.0 * (double)i / (double)D);

			rope[t * D + 2 * i] = (real)cos(angle);
			rope[t * D + 2 * i + 1] = (real)sin(angle);
		}
	k_put(tf->k, tf->rope, rope, T * D * sizeof *rope);
	free(rope);
	return 0;
}

void transformer_features(double c_noise, real *feature, size_t n)
{
	size_t half = n / 2;

	for (size_t i = 0; i < half; i++) {
		double frequency = pow(100, (double)i / (double)(half > 1 ? half - 1 : 1));

		feature[i] = (real)cos(frequency * c_noise);
		feature[half + i] = (real)sin(frequency * c_noise);
	}
}

void transformer_set_gradient_hook(
    struct transformer *tf, transformer_gradient_hook *hook, void *arg)
{
	tf->hook = hook;
	tf->hook_arg = arg;
}

/* --- forward --- */

static void forward_level(
    struct transformer *tf, const struct weights *w, const real *level, size_t B)
{
	struct kernels *k = tf->k;
	size_t F = tf->c.time_width;

	k_matmul(k, .y_real = tf->cond1, .x_real = level, .w = w->time1_w, .bias = w->time1_b,
	    .M = B, .N = F, .K = F);
	k_silu(k, tf->silu1, tf->cond1, B * F);
	k_matmul(k, .y_real = tf->cond2, .x_real = tf->silu1, .w = w->time2_w, .bias = w->time2_b,
	    .M = B, .N = F, .K = F);
	k_silu(k, tf->cond, tf->cond2, B * F);
}

static void forward_block(
    struct transformer *tf, const struct block_weights *w, struct block_activations *b, size_t B)
{
	struct kernels *k = tf->k;
	size_t T = tf->c.row_len, M = B * T, C = tf->c.width;
	struct k_attention_shape s = {B, T, C, tf->c.heads};
	struct k_adaln_shape ada = {B, T, C, 6 * C};

	k_matmul(k, .y_real = b->mod, .x_real = tf->cond, .w = w->mod_w, .bias = w->mod_b, .M = B,
	    .N = 6 * C, .K = tf->c.time_width);
	k_modulate(k, .y = tf->a, .stats = b->stats1, .h = tf->h, .shift = b->mod,
	    .scale = b->mod + C, .shape = ada);
	k_matmul(k, .y = b->qkv, .x = tf->a, .w = w->qkv_w, .bias = w->qkv_b, .M = M, .N = 3 * C,
	    .K = C);
	k_attention(k, .y = b->o, .lse = b->lse, .qkv = b->qkv, .scale = w->scale, .rope = tf->rope,
	    .shape = s);
	k_matmul(k, .y = b->y1, .x = b->o, .w = w->out_w, .bias = w->out_b, .M = M, .N = C, .K = C);
	k_gate(k, tf->h, 1, b->y1, b->mod + 2 * C, ada);
	k_modulate(k, .y = tf->a, .stats = b->stats2, .h = tf->h, .shift = b->mod + 3 * C,
	    .scale = b->mod + 4 * C, .shape = ada);
	k_matmul(k, .y = b->u, .gelu = tf->g, .x = tf->a, .w = w->up_w, .bias = w->up_b, .M = M,
	    .N = 4 * C, .K = C);
	k_matmul(k, .y = b->y2, .x = tf->g, .w = w->down_w, .bias = w->down_b, .M = M, .N = C,
	    .K = 4 * C);
	k_gate(k, tf->h, 1, b->y2, b->mod + 5 * C, ada);
}

void transformer_forward(struct transformer *tf, const struct weights *w, real *out,
    const act *input, const real *level, size_t B)
{
	struct kernels *k = tf->k;
	size_t T = tf->c.row_len, M = B * T, C = tf->c.width, L = tf->c.layers;

	forward_level(tf, w, level, B);
	k_matmul(k, .y_real = tf->h, .x = input, .w = w->in_w, .bias = w->in_b, .M = M, .N = C,
	    .K = config_input(&tf->c));
	if (w->position)
		k_add_each(k, tf->h, w->position, B, T * C);
	for (size_t l = 0; l < L; l++)
		forward_block(tf, &w->block[l], &tf->block[l], B);
	k_matmul(k, .y_real = tf->mod, .x_real = tf->cond, .w = w->mod_w, .bias = w->mod_b, .M = B,
	    .N = 2 * C, .K = tf->c.time_width);
	k_modulate(k, .y = tf->a, .stats = tf->stats, .h = tf->h, .shift = tf->mod,
	    .scale = tf->mod + C, .shape = {B, T, C, 2 * C});
	k_matmul(k, .y_real = out, .x = tf->a, .w = w->head_w, .bias = w->head_b, .M = M,
	    .N = tf->c.embed, .K = C);
	if (tf->c.copy_heads)
		copy_attention_forward(k, &tf->copy, w, out, tf->a, input, B);
}

/* --- backward --- */

/* Propagate dmod [B,n] back to the weights of the modulation, and add its part to dcond. */
static void backward_mod(
    struct transformer *tf, real *dw, real *db, const real *w, size_t n, size_t B)
{
	size_t F = tf->c.time_width;

	k_matmul_dw(tf->k, .dw = dw, .db = db, .dy_real = tf->dmod, .x_real = tf->cond, .M = B,
	    .N = n, .K = F);
	k_matmul(tf->k, .y_real = tf->dcond, .x_real = tf->dmod, .w = w, .no_trans = true,
	    .add = true, .M = B, .N = F, .K = n);
}

/* Recompute the GELU of u, and the residual stream before the MLP. */
static void backward_mlp(struct transformer *tf, const struct block_weights *w,
    const struct block_weights *g, struct block_activations *b, size_t B)
{
	struct kernels *k = tf->k;
	size_t T = tf->c.row_len, M = B * T, C = tf->c.width;
	struct k_adaln_shape ada = {B, T, C, 6 * C};
	real *dmod = tf->dmod;

	k_gate_backward(k, tf->dy, dmod + 5 * C, tf->dh, b->y2, b->mod + 5 * C, ada);
	k_gelu(k, tf->g, b->u, M * 4 * C);
	k_matmul_dw(k, .dw = g->down_w, .db = g->down_b, .dy = tf->dy, .x = tf->g, .M = M, .N = C,
	    .K = 4 * C);
	k_matmul(k, .y = tf->du, .x = tf->dy, .w = w->down_w, .no_trans = true, .dgelu = b->u,
	    .M = M, .N = 4 * C, .K = C);
	k_gate(k, tf->h, -1, b->y2, b->mod + 5 * C, ada);
	k_modulate(k, .y = tf->a, .stats = b->stats2, .h = tf->h, .shift = b->mod + 3 * C,
	    .scale = b->mod + 4 * C, .shape = ada);
	k_matmul_dw(
	    k, .dw = g->up_w, .db = g->up_b, .dy = tf->du, .x = tf->a, .M = M, .N = 4 * C, .K = C);
	k_matmul(k, .y = tf->da, .x = tf->du, .w = w->up_w, .no_trans = true, .M = M, .N = C,
	    .K = 4 * C);
	k_modulate_backward(k, .dh = tf->dh, .dshift = dmod + 3 * C, .dscale = dmod + 4 * C,
	    .dy = tf->da, .h = tf->h, .stats = b->stats2, .scale = b->mod + 4 * C, .shape = ada);
}

static void backward_attention(struct transformer *tf, const struct block_weights *w,
    const struct block_weights *g, struct block_activations *b, size_t B)
{
	struct kernels *k = tf->k;
	size_t T = tf->c.row_len, M = B * T, C = tf->c.width;
	struct k_attention_shape s = {B, T, C, tf->c.heads};
	struct k_adaln_shape ada = {B, T, C, 6 * C};
	real *dmod = tf->dmod;

	k_gate_backward(k, tf->dy, dmod + 2 * C, tf->dh, b->y1, b->mod + 2 * C, ada);
	k_matmul_dw(
	    k, .dw = g->out_w, .db = g->out_b, .dy = tf->dy, .x = b->o, .M = M, .N = C, .K = C);
	k_matmul(
	    k, .y = tf->da, .x = tf->dy, .w = w->out_w, .no_trans = true, .M = M, .N = C, .K = C);
	k_attention_backward(k, .dqkv = tf->dqkv, .dscale = g->scale, .dy = tf->da, .y = b->o,
	    .lse = b->lse, .qkv = b->qkv, .scale = w->scale, .rope = tf->rope, .shape = s);
	k_gate(k, tf->h, -1, b->y1, b->mod + 2 * C, ada);
	k_modulate(k, .y = tf->a, .stats = b->stats1, .h = tf->h, .shift = b->mod,
	    .scale = b->mod + C, .shape = ada);
	k_matmul_dw(k, .dw = g->qkv_w, .db = g->qkv_b, .dy = tf->dqkv, .x = tf->a, .M = M,
	    .N = 3 * C, .K = C);
	k_matmul(k, .y = tf->da, .x = tf->dqkv, .w = w->qkv_w, .no_trans = true, .M = M, .N = C,
	    .K = 3 * C);
	k_modulate_backward(k, .dh = tf->dh, .dshift = dmod, .dscale = dmod + C, .dy = tf->da,
	    .h = tf->h, .stats = b->stats1, .scale = b->mod + C, .shape = ada);
}

static void backward_level(struct transformer *tf, const struct weights *w, const struct weights *g,
    const real *level, size_t B)
{
	struct kernels *k = tf->k;
	size_t F = tf->c.time_width;

	k_silu_backward(k, tf->dcond1, tf->dcond, tf->cond2, B * F);
	k_matmul_dw(k, .dw = g->time2_w, .db = g->time2_b, .dy_real = tf->dcond1,
	    .x_real = tf->silu1, .M = B, .N = F, .K = F);
	k_matmul(k, .y_real = tf->dcond, .x_real = tf->dcond1, .w = w->time2_w, .no_trans = true,
	    .M = B, .N = F, .K = F);
	k_silu_backward(k, tf->dcond1, tf->dcond, tf->cond1, B * F);
	k_matmul_dw(k, .dw = g->time1_w, .db = g->time1_b, .dy_real = tf->dcond1, .x_real = level,
	    .M = B, .N = F, .K = F);
}

/* Report that all gradients from first to the end of the flat array are complete. */
static void call_gradient_hook(
    const struct transformer *tf, const struct weights *g, const real *first)
{
	if (tf->hook)
		tf->hook(tf->hook_arg, (size_t)(first - g->base));
}

void transformer_backward(struct transformer *tf, const struct weights *w, const struct weights *g,
    real *dinput, const real *dout, const act *input, const real *level, size_t B)
{
	struct kernels *k = tf->k;
	size_t T = tf->c.row_len, M = B * T, C = tf->c.width;
	size_t d = tf->c.embed, width = config_input(&tf->c);

	k_zero(k, tf->dcond, B * tf->c.time_width);
	k_zero(k, tf->dh, M * C);
	k_round(k, tf->dout, dout, M * d);
	k_matmul_dw(k, .dw = g->head_w, .db = g->head_b, .dy = tf->dout, .x = tf->a, .M = M, .N = d,
	    .K = C);
	k_matmul(k, .y = tf->da, .x = tf->dout, .w = w->head_w, .no_trans = true, .M = M, .N = C,
	    .K = d);
	if (tf->c.copy_heads)
		copy_attention_backward(k, &tf->copy, w, g, tf->da, tf->dout, tf->a, B);
	k_modulate_backward(k, .dh = tf->dh, .dshift = tf->dmod, .dscale = tf->dmod + C,
	    .dy = tf->da, .h = tf->h, .stats = tf->stats, .scale = tf->mod + C,
	    .shape = {B, T, C, 2 * C});
	backward_mod(tf, g->mod_w, g->mod_b, w->mod_w, 2 * C, B);
	call_gradient_hook(tf, g, g->mod_w);
	for (size_t l = tf->c.layers; l-- > 0;) {
		backward_mlp(tf, &w->block[l], &g->block[l], &tf->block[l], B);
		backward_attention(tf, &w->block[l], &g->block[l], &tf->block[l], B);
		backward_mod(tf, g->block[l].mod_w, g->block[l].mod_b, w->block[l].mod_w, 6 * C, B);
		call_gradient_hook(tf, g, g->block[l].mod_w);
	}
	if (w->position)
		k_sum_each(k, g->position, tf->dh, B, T * C);
	k_round(k, tf->dy, tf->dh, M * C);
	k_matmul_dw(
	    k, .dw = g->in_w, .db = g->in_b, .dy = tf->dy, .x = input, .M = M, .N = C, .K = width);
	k_matmul(k, .y_real = dinput, .x = tf->dy, .w = w->in_w, .no_trans = true, .M = M,
	    .N = width, .K = C);
	if (tf->c.copy_heads)
		copy_attention_backward_input(k, &tf->copy, dinput, B);
	backward_level(tf, w, g, level, B);
	call_gradient_hook(tf, g, g->in_w);
}

/* --- checks --- */

static bool is_finite_sequence(const struct transformer *tf, const act *x, size_t b, size_t columns)
{
	size_t n = tf->c.row_len * columns;

	return k_finite(tf->k, k_act_at(tf->k, x, b * n), n);
}

int transformer_find_nonfinite(const struct transformer *tf, const act *input, size_t B)
{
	size_t C = tf->c.width;

	for (size_t l = 0; l < tf->c.layers; l++) {
		const struct block_activations *block = &tf->block[l];

		for (size_t b = 0; b < B; b++)
			if (is_finite_sequence(tf, input, b, config_input(&tf->c)) &&
			    (!is_finite_sequence(tf, block->y1, b, C) ||
			        !is_finite_sequence(tf, block->y2, b, C)))
				return (int)l;
	}
	return -1;
}
