#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ground/mem.h"
#include "ground/rng.h"

/* Small raw embeddings, whose direction alone counts, turn fast at first: CDCD, section 6. */
#define EMBED_DEVIATION 0.001
#define PADDING_LOGIT (-1e6)

/*
 * The network starts as one that pools. All slots of its input go into the residual stream by one
 * map P; attention writes back what it reads (out = v^T), through gates that are half open; the
 * head reads the same subspace (P^T). So at first every position hears the mean of what the others
 * know, as a vote over embeddings, and need only learn whom to listen to. On rows of 48 words in
 * which each of three variables stands four times, 600 steps then took the cross-entropy of a name
 * that also stands elsewhere from the 2.5 nats of all names to 0.05; with gates and head at zero it
 * stayed. (The stories of pipelines/ are harder: their names stay at 2.3 either way, so far.)
 */
#define GATE_START 0.5
#define HEAD_START 0.5

struct layout {
	struct weights *w;
	real *base;
	size_t offset, i;
	int block; /* -1: outside */
};

/* The next tensor: its pointer, and, where there is a table, its entry. cols 0: a vector. */
static void lay(struct layout *l, real **slot, const char *name, size_t rows, size_t cols,
    unsigned flags, double deviation, double constant)
{
	size_t n = rows * (cols ? cols : 1);

	*slot = l->base ? l->base + l->offset : NULL;
	if (l->w->tensor) {
		struct tensor *t = &l->w->tensor[l->i];

		if (l->block >= 0)
			snprintf(t->name, sizeof t->name, "blocks.%d.%s", l->block, name);
		else
			snprintf(t->name, sizeof t->name, "%s", name);
		t->rows = rows;
		t->cols = cols;
		t->offset = l->offset;
		t->n = n;
		t->flags = flags;
		t->deviation = deviation;
		t->constant = constant;
	}
	l->offset += (n + 15) / 16 * 16;
	l->i++;
}

static void linear(
    struct layout *l, real **w, real **b, const char *name, size_t out, size_t in, double gain)
{
	char full[32];

	snprintf(full, sizeof full, "%s.weight", name);
	lay(l, w, full, out, in, TENSOR_DECAY | TENSOR_CLIP, gain / sqrt((double)in), 0);
	snprintf(full, sizeof full, "%s.bias", name);
	lay(l, b, full, out, 0, TENSOR_CLIP, 0, 0);
}

static void lay_block(struct layout *l, struct block_weights *b, const struct config *c)
{
	size_t C = (size_t)c->width, head = C / (size_t)c->heads;

	linear(l, &b->mod_w, &b->mod_b, "modulation", 6 * C, (size_t)c->time_width, 0);
	linear(l, &b->qkv_w, &b->qkv_b, "attention.qkv", 3 * C, C, 1);
	b->scale = NULL;
	if (c->qk_norm)
		lay(l, &b->scale, "attention.scale", (size_t)c->heads, 0, TENSOR_CLIP, 0,
		    sqrt((double)head));
	linear(l, &b->out_w, &b->out_b, "attention.out", C, C, 1);
	linear(l, &b->up_w, &b->up_b, "mlp.up", 4 * C, C, 1);
	linear(l, &b->down_w, &b->down_b, "mlp.down", C, 4 * C, 1);
}

static void lay_all(struct layout *l, const struct config *c)
{
	struct weights *w = l->w;
	size_t C = (size_t)c->width, d = (size_t)c->embed, F = (size_t)c->time_width;
	struct block_weights unused;

	l->block = -1;
	lay(l, &w->embed, "embed.weight", config_padded(c), d, 0, EMBED_DEVIATION, 0);
	lay(l, &w->bias, "embed.bias", config_padded(c), 0, 0, 0, 0);
	linear(l, &w->in_w, &w->in_b, "in", C, config_input(c), 1);
	w->position = NULL;
	if (c->positions)
		lay(l, &w->position, "position", (size_t)c->row_len, C, TENSOR_CLIP, 0.02, 0);
	linear(l, &w->time1_w, &w->time1_b, "time.0", F, F, 1);
	linear(l, &w->time2_w, &w->time2_b, "time.1", F, F, 1);
	for (l->block = 0; l->block < c->layers; l->block++)
		lay_block(l, w->block ? &w->block[l->block] : &unused, c);
	l->block = -1;
	linear(l, &w->mod_w, &w->mod_b, "head.modulation", 2 * C, F, 0);
	linear(l, &w->head_w, &w->head_b, "head", d, C, 0);
	w->n = l->offset;
	w->n_tensors = l->i;
}

size_t weights_count(const struct config *c)
{
	struct weights w = {0};
	struct layout l = {.w = &w};

	lay_all(&l, c);
	return w.n;
}

void weights_map(struct weights *w, const struct config *c, real *base)
{
	struct layout l = {.w = w, .base = base};

	w->base = base;
	lay_all(&l, c);
}

struct weights *weights_new(const struct config *c, struct err *e)
{
	struct weights *w = mem_array(1, sizeof *w, e), measured = {0};
	struct layout l = {.w = &measured};

	if (!w)
		return NULL;
	lay_all(&l, c);
	w->block = mem_array((size_t)c->layers, sizeof *w->block, e);
	w->tensor = mem_array(measured.n_tensors, sizeof *w->tensor, e);
	if (!w->block || !w->tensor) {
		weights_free(w);
		return NULL;
	}
	weights_map(w, c, NULL);
	return w;
}

void weights_free(struct weights *w)
{
	if (!w)
		return;
	free(w->block);
	free(w->tensor);
	free(w);
}

static void fill(const struct tensor *t, uint32_t index, uint64_t seed, real *to)
{
	float z[64];

	for (size_t i = 0; i < t->n; i += 64) {
		size_t n = t->n - i < 64 ? t->n - i : 64;

		if (t->deviation > 0)
			rng_normal_at(seed, RNG_INIT, index, i, z, n);
		for (size_t j = 0; j < n; j++)
			to[i + j] =
			    t->deviation > 0 ? (real)t->deviation * z[j] : (real)t->constant;
	}
}

static void open_gates(real *mod_b, size_t C)
{
	for (size_t i = 0; i < C; i++)
		mod_b[2 * C + i] = mod_b[5 * C + i] = (real)GATE_START;
}

/* a [n,m] = s b [m,n]^T, whose rows are stride apart. */
static void transpose(real *a, double s, const real *b, size_t n, size_t m, size_t stride)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			a[i * m + j] = (real)s * b[j * stride + i];
}

static void start_pooling(const struct weights *w, const struct config *c, real *host)
{
	size_t C = (size_t)c->width, d = (size_t)c->embed, width = config_input(c);
	real *in = host + (w->in_w - w->base);

	for (size_t i = 0; i < C; i++)
		for (size_t j = d; j < config_slots(c) * d; j++)
			in[i * width + j] = in[i * width + j % d];
	transpose(host + (w->head_w - w->base), HEAD_START, in, d, C, width);
	for (int64_t l = 0; l < c->layers; l++) {
		const struct block_weights *b = &w->block[l];

		open_gates(host + (b->mod_b - w->base), C);
		transpose(host + (b->out_w - w->base), 1, host + (b->qkv_w - w->base) + 2 * C * C,
		    C, C, C);
	}
}

int weights_init(struct weights *w, const struct config *c, struct kernels *k, uint64_t seed,
    const double *log_prior, struct err *e)
{
	real *host = mem_array(w->n, sizeof *host, e), *bias;

	if (!host)
		return -1;
	for (size_t i = 0; i < w->n_tensors; i++)
		fill(&w->tensor[i], (uint32_t)i, seed, host + w->tensor[i].offset);
	start_pooling(w, c, host);
	bias = host + (w->bias - w->base);
	for (size_t i = 0; i < config_padded(c); i++)
		bias[i] = (real)(i >= (size_t)c->active ? PADDING_LOGIT
		                 : log_prior            ? log_prior[i]
		                                        : 0);
	k_put(k, w->base, host, w->n * sizeof *host);
	free(host);
	return 0;
}
