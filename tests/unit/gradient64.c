/*
 * Every gradient compared with finite differences in double precision: the derivative of a scalar
 * along a random direction, by the five-point stencil, with the inner product of the direction and
 * the gradient. The relative error is below 1e-7.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "compute/kernels.h"
#include "model/denoiser.h"
#include "tap.h"

#define TOLERANCE 1e-7

static struct kernels *k;
static uint64_t next_seed = 1;

/* Memory is not freed before the end. */
static void *owned[1024];
static size_t n_owned;

static void *allocate(size_t bytes)
{
	struct err e;

	owned[n_owned] = k_alloc(k, bytes, &e);
	return owned[n_owned++];
}

static real *random_array(size_t n, double deviation)
{
	real *x = allocate(n * sizeof *x);
	float z[4];

	for (size_t i = 0; i < n; i++) {
		rng_normal(next_seed++, RNG_TEST, 0, z, 1);
		x[i] = deviation * z[0];
	}
	return x;
}

static real *zeros(size_t n)
{
	return random_array(n, 0);
}

static double inner(const real *a, const real *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* d/dh f(x + h v) at 0. */
static double slope(double (*f)(void *), void *arg, real *x, const real *v, size_t n)
{
	static const double at[] = {-2, -1, 1, 2},
	                    weight[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
	real *old = malloc(n * sizeof *old);
	double h = 5e-4, sum = 0;

	memcpy(old, x, n * sizeof *old);
	for (int j = 0; j < 4; j++) {
		for (size_t i = 0; i < n; i++)
			x[i] = old[i] + at[j] * h * v[i];
		sum += weight[j] * f(arg) / h;
	}
	memcpy(x, old, n * sizeof *old);
	free(old);
	return sum;
}

static void check(
    const char *what, double (*f)(void *), void *arg, real *x, const real *dx, size_t n)
{
	real *v = random_array(n, 1 / sqrt((double)n));
	double measured = slope(f, arg, x, v, n), computed = inner(dx, v, n);
	double scale = fabs(measured) > fabs(computed) ? fabs(measured) : fabs(computed);
	double error = fabs(measured - computed) / (scale > 1e-6 ? scale : 1e-6);

	ok(error < TOLERANCE && scale > 0, "gradient of %s: %.3e, relative error %.1e", what,
	    computed, error);
}

/* --- kernels: f = <y, r> for a random r --- */

struct kernel_case {
	size_t B, T, C, N;
	real *x, *w, *b, *y, *r, *stats, *mod, *qkv, *scale, *rope;
	const int32_t *ids;
	struct k_attention_shape s;
};

/* In double precision an act is a real. */
#define ACT(x) ((act *)(x))

static double f_linear(void *arg)
{
	struct kernel_case *c = arg;

	k_matmul(k, .y_real = c->y, .x_real = c->x, .w = c->w, .bias = c->b, .M = c->T, .N = c->N,
	    .K = c->C);
	return inner(c->y, c->r, c->T * c->N);
}

static void test_linear(void)
{
	struct kernel_case c = {.T = 7, .C = 5, .N = 6};
	real *dx = zeros(35), *dw = zeros(30), *db = zeros(6);

	c.x = random_array(35, 1);
	c.w = random_array(30, 1);
	c.b = random_array(6, 1);
	c.y = zeros(42);
	c.r = random_array(42, 1);
	k_matmul(
	    k, .y_real = dx, .x_real = c.r, .w = c.w, .no_trans = true, .M = 7, .N = 5, .K = 6);
	k_matmul_dw(k, .dw = dw, .db = db, .dy_real = c.r, .x_real = c.x, .M = 7, .N = 6, .K = 5);
	check("linear, x", f_linear, &c, c.x, dx, 35);
	check("linear, w", f_linear, &c, c.w, dw, 30);
	check("linear, b", f_linear, &c, c.b, db, 6);
}

/* u = x w^T, g = GELU(u), y = g r^T: every product of acts on the way. */
static double f_project(void *arg)
{
	struct kernel_case *c = arg;

	k_matmul(k, .y = ACT(c->qkv), .gelu = ACT(c->mod), .x = ACT(c->x), .w = c->w, .bias = c->b,
	    .M = c->T, .N = c->N, .K = c->C);
	k_matmul(
	    k, .y_real = c->y, .x = ACT(c->mod), .w = c->scale, .M = c->T, .N = c->C, .K = c->N);
	return inner(c->y, c->r, c->T * c->C);
}

static void test_project(void)
{
	enum { T = 7, C = 5, N = 6 };
	struct kernel_case c = {.T = T,
	    .C = C,
	    .N = N,
	    .x = random_array(T * C, 1),
	    .w = random_array(N * C, 1),
	    .b = random_array(N, 1),
	    .scale = random_array(C * N, 1),
	    .r = random_array(T * C, 1),
	    .y = zeros(T * C),
	    .qkv = zeros(T * N),
	    .mod = zeros(T * N)};
	real *du = zeros(T * N), *dx = zeros(T * C), *dw = zeros(N * C), *db = zeros(N);
	real *dscale = zeros(C * N);

	f_project(&c);
	k_matmul_dw(k, .dw = dscale, .dy = ACT(c.r), .x = ACT(c.mod), .M = T, .N = C, .K = N);
	k_matmul(k, .y = ACT(du), .x = ACT(c.r), .w = c.scale, .no_trans = true,
	    .dgelu = ACT(c.qkv), .M = T, .N = N, .K = C);
	k_matmul_dw(k, .dw = dw, .db = db, .dy = ACT(du), .x = ACT(c.x), .M = T, .N = N, .K = C);
	k_matmul(k, .y_real = dx, .x = ACT(du), .w = c.w, .no_trans = true, .M = T, .N = C, .K = N);
	check("project, x through a GELU", f_project, &c, c.x, dx, T * C);
	check("project, w before a GELU", f_project, &c, c.w, dw, N * C);
	check("project, b before a GELU", f_project, &c, c.b, db, N);
	check("project, w after a GELU", f_project, &c, c.scale, dscale, C * N);
}

static double f_silu(void *arg)
{
	struct kernel_case *c = arg;

	k_silu(k, c->y, c->x, c->N);
	return inner(c->y, c->r, c->N);
}

static void test_activations(void)
{
	enum { N = 3001 };
	struct kernel_case c = {
	    .N = N, .x = random_array(N, 2), .y = zeros(N), .r = random_array(N, 1)};
	real *dx = zeros(N);

	k_silu_backward(k, dx, c.r, c.x, N);
	check("silu", f_silu, &c, c.x, dx, N);
}

/* Shift, scale and gate of a sequence side by side. */
static struct k_adaln_shape ada_shape(const struct kernel_case *c)
{
	return (struct k_adaln_shape){c->B, c->T, c->C, 3 * c->C};
}

static double f_modulate(void *arg)
{
	struct kernel_case *c = arg;

	k_modulate(k, .y = ACT(c->y), .stats = c->stats, .h = c->x, .shift = c->mod,
	    .scale = c->mod + c->C, .shape = ada_shape(c));
	return inner(c->y, c->r, c->B * c->T * c->C);
}

static double f_gate(void *arg)
{
	struct kernel_case *c = arg;

	memcpy(c->y, c->x, c->B * c->T * c->C * sizeof *c->y);
	k_gate(k, c->y, -1, ACT(c->w), c->mod + 2 * c->C, ada_shape(c));
	k_gate(k, c->y, 1, ACT(c->w), c->mod + 2 * c->C, ada_shape(c));
	k_gate(k, c->y, 1, ACT(c->w), c->mod + 2 * c->C, ada_shape(c));
	return inner(c->y, c->r, c->B * c->T * c->C);
}

static void test_modulation(void)
{
	enum { B = 3, T = 4, C = 10, N = B * T * C };
	struct kernel_case c = {.B = B,
	    .T = T,
	    .C = C,
	    .x = random_array(N, 1),
	    .w = random_array(N, 1),
	    .y = zeros(N),
	    .r = random_array(N, 1),
	    .stats = zeros(2 * B * T),
	    .mod = random_array(3 * B * C, 1)};
	real *dx = zeros(N), *dy = zeros(N), *dmod = zeros(3 * B * C);

	f_modulate(&c);
	k_modulate_backward(k, .dh = dx, .dshift = dmod, .dscale = dmod + C, .dy = ACT(c.r),
	    .h = c.x, .stats = c.stats, .scale = c.mod + C, .shape = ada_shape(&c));
	check("modulate, h", f_modulate, &c, c.x, dx, N);
	check("modulate, shift and scale", f_modulate, &c, c.mod, dmod, 3 * B * C);
	memset(dmod, 0, 3 * B * C * sizeof *dmod);
	k_gate_backward(k, ACT(dy), dmod + 2 * C, c.r, ACT(c.w), c.mod + 2 * C, ada_shape(&c));
	check("gate, y", f_gate, &c, c.w, dy, N);
	check("gate, gate", f_gate, &c, c.mod, dmod, 3 * B * C);
}

static double f_attention(void *arg)
{
	struct kernel_case *c = arg;

	k_attention(k, .y = ACT(c->y), .lse = c->stats, .qkv = ACT(c->qkv), .scale = c->scale,
	    .rope = c->rope, .shape = c->s);
	return inner(c->y, c->r, c->s.B * c->s.T * c->s.C);
}

static void test_attention(int qk_norm)
{
	enum { B = 2, T = 7, C = 12, H = 2, D = C / H };
	struct kernel_case c = {.y = zeros(B * T * C),
	    .r = random_array(B * T * C, 1),
	    .qkv = random_array(B * T * 3 * C, 1),
	    .scale = qk_norm ? random_array(H, 1) : NULL,
	    .rope = zeros(T * D),
	    .stats = zeros(B * H * T),
	    .s = {B, T, C, H}};
	real *dqkv = zeros(B * T * 3 * C), *dscale = zeros(H);
	struct k_need need = {0};
	struct err e;

	for (size_t i = 0; i < T * D; i += 2) {
		c.rope[i] = cos(0.3 * (double)i);
		c.rope[i + 1] = sin(0.3 * (double)i);
	}
	for (size_t i = 0; qk_norm && i < H; i++)
		c.scale[i] += 3;
	k_need_attention(k, &need, c.s);
	k_reserve(k, &need, &e);
	f_attention(&c);
	k_attention_backward(k, .dqkv = ACT(dqkv), .dscale = dscale, .dy = ACT(c.r), .y = ACT(c.y),
	    .lse = c.stats, .qkv = ACT(c.qkv), .scale = c.scale, .rope = c.rope, .shape = c.s);
	check(qk_norm ? "attention with QK-norm, qkv" : "attention, qkv", f_attention, &c, c.qkv,
	    dqkv, B * T * 3 * C);
	if (qk_norm)
		check("attention with QK-norm, scale", f_attention, &c, c.scale, dscale, H);
}

static double f_normalize(void *arg)
{
	struct kernel_case *c = arg;

	k_normalize(k, c->y, c->w, c->N, c->C);
	return inner(c->y, c->r, c->N * c->C);
}

static double f_cross_entropy(void *arg)
{
	struct kernel_case *c = arg;

	memcpy(c->b, c->x, c->T * c->N * sizeof *c->b);
	k_cross_entropy(k, c->stats, ACT(c->y), c->b, c->ids, c->w, c->T, c->N);
	return inner(c->stats, c->w, c->T);
}

static void test_vocabulary(void)
{
	enum { V = 9, d = 6, T = 4 };
	static const int32_t ids[T] = {3, 0, 8, 3};
	struct kernel_case c = {.N = V,
	    .C = d,
	    .T = T,
	    .w = random_array(V * d, 0.01),
	    .r = random_array(V * d, 1),
	    .y = zeros(V * d),
	    .b = zeros(V * d),
	    .stats = zeros(T),
	    .ids = ids};
	real *dw = zeros(V * d);

	k_normalize_backward(k, dw, c.r, c.w, V, d);
	for (size_t i = 0; i < V * d; i++) { /* of unit size, as w is not */
		c.w[i] *= 100;
		dw[i] /= 100;
	}
	check("normalize", f_normalize, &c, c.w, dw, V * d);
	c.x = random_array(T * V, 2);
	c.w = random_array(T, 1);
	f_cross_entropy(&c);
	dw = random_array(T * V, 0);
	memcpy(dw, c.y, T * V * sizeof *dw);
	check("cross entropy", f_cross_entropy, &c, c.x, dw, T * V);
}

/* --- the whole model --- */

struct model_case {
	struct denoiser *dn;
	struct weights *w, *g;
	struct batch b;
	size_t n_sc;
};

static double f_model(void *arg)
{
	struct model_case *m = arg;
	double ce[8], sum = 0;

	denoiser_embed(m->dn, m->w);
	denoiser_loss(m->dn, m->w, NULL, &m->b, m->n_sc, ce);
	for (size_t i = 0; i < m->b.B; i++)
		sum += ce[i] / (double)m->b.B;
	return sum;
}

static void fill_batch(struct batch *b, size_t B, size_t T, int32_t V)
{
	struct err e;

	batch_init(b, B, T, &e);
	b->B = B;
	for (size_t i = 0; i < B; i++) {
		size_t targets = 0;

		b->t[i] = 0.5 + (double)i;
		b->seed[i] = 100 + i;
		for (size_t j = 0; j < T; j++) {
			b->ids[i * T + j] =
			    (int32_t)rng_below(5, RNG_TEST, 1, i * T + j, (uint64_t)V);
			b->noised[i * T + j] = i == 1 ? j > 1 : i == 2 ? j % 2 : 1;
			b->weight[i * T + j] = b->noised[i * T + j];
			targets += b->noised[i * T + j] > 0;
		}
		for (size_t j = 0; j < T; j++)
			b->weight[i * T + j] /= (real)targets;
	}
}

/* With an estimate (posterior, self-conditioning), the loss also depends on the embedding through
 * the estimate, which has no gradient: then the embedding and bias are not checked. */
static void test_model(
    const char *name, enum precond row, bool qk_norm, bool posterior, int copy_heads, size_t n_sc)
{
	struct config c = {
	    2, 12, 2, 6, 5, 11, 8, row, qk_norm, qk_norm, true, posterior, copy_heads};
	struct model_case m = {.n_sc = n_sc};
	struct arena a = {0};
	struct err e;
	size_t n = weights_count(&c);
	char what[128];
	double ce[8];

	m.w = weights_new(&c, &e);
	m.g = weights_new(&c, &e);
	m.dn = denoiser_new(k, &c, 3, true, &e);
	denoiser_layout(m.dn, &a);
	arena_alloc(&a, k, &e);
	owned[n_owned++] = a.base;
	denoiser_layout(m.dn, &a);
	denoiser_ready(m.dn, &e);
	weights_map(m.w, &c, allocate(n * sizeof(real)));
	weights_map(m.g, &c, allocate(n * sizeof(real)));
	for (size_t i = 0; i < m.w->n_tensors; i++) /* no weight may be 0 */
		for (size_t j = 0; j < m.w->tensor[i].n; j++)
			m.w->base[m.w->tensor[i].offset + j] =
			    0.5 * (rng_uniform(9, RNG_TEST, (uint32_t)i, j) - 0.5);
	for (int h = 0; h < copy_heads; h++)
		m.w->copy_scale[h] += 2;
	for (size_t h = 0; qk_norm && h < 4; h++)
		m.w->block[h / 2].scale[h % 2] += 2;
	fill_batch(&m.b, 3, 5, 11);
	denoiser_embed(m.dn, m.w);
	denoiser_loss(m.dn, m.w, m.g, &m.b, n_sc, ce);
	for (size_t i = posterior || n_sc ? 2 : 0; i < m.w->n_tensors; i++) {
		struct tensor *t = &m.w->tensor[i];

		snprintf(what, sizeof what, "%s, %s", name, t->name);
		if (n_sc)
			break;
		check(what, f_model, &m, m.w->base + t->offset, m.g->base + t->offset, t->n);
	}
	if (n_sc)
		ok(isfinite(ce[0]) && ce[0] > 0, "gradient, %s: the loss is finite: %.3f nats",
		    name, ce[0]);
	denoiser_free(m.dn);
	weights_free(m.w);
	weights_free(m.g);
	batch_release(&m.b);
}

int main(void)
{
	struct err e;

	k = k_new(2, K_AUTO, &e);
	test_linear();
	test_activations();
	test_project();
	test_modulation();
	test_attention(0);
	test_attention(1);
	test_vocabulary();
	test_model("karras", PRECOND_KARRAS, true, false, 0, 0);
	test_model("bayes", PRECOND_BAYES, false, false, 1, 0);
	test_model("cdcd", PRECOND_CDCD, true, true, 2, 0);
	test_model("tanh", PRECOND_TANH, true, true, 3, 2);
	while (n_owned > 0)
		k_release(k, owned[--n_owned]);
	k_free(k);
	return tap_done();
}
