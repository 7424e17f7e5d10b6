#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "base/rng.h"

/* Small, because only the direction of a raw embedding counts, and the direction of a small one
 * changes fast in the first steps. Source: CDCD, section 6. */
#define EMBED_DEVIATION 0.001
#define PADDING_LOGIT (-1e6)

/* Initial values of copy attention: the scale of its logits, and the gain from the input to the
 * output. */
#define COPY_SCALE 8
#define COPY_GAIN 0.5

struct layout {
	struct weights *w;
	real *base;
	size_t offset, i;
	char prefix[32]; /* of the names of tensors: "blocks.3." in block 3, "" outside of blocks */
};

/* Add the next tensor: set its pointer and, if w has a table, its entry. cols 0: a vector. */
static void lay(struct layout *l, real **slot, const char *name, size_t rows, size_t cols,
    unsigned flags, double init_std, double init_mean)
{
	size_t n = rows * (cols ? cols : 1);

	*slot = l->base ? l->base + l->offset : NULL;
	if (l->w->tensor) {
		struct tensor *t = &l->w->tensor[l->i];

		snprintf(t->name, sizeof t->name, "%s%s", l->prefix, name);
		t->rows = rows;
		t->cols = cols;
		t->offset = l->offset;
		t->n = n;
		t->flags = flags;
		t->init_std = init_std;
		t->init_mean = init_mean;
	}
	l->offset += (n + 15) / 16 * 16;
	l->i++;
}

/* The last tensor consists of n matrices for Muon: linear maps of hidden activations. */
static void set_matrices(const struct layout *l, size_t n)
{
	if (l->w->tensor)
		l->w->tensor[l->i - 1].matrices = n;
}

/* matrices: see struct tensor. */
static void linear(struct layout *l, real **w, real **b, const char *name, size_t out, size_t in,
    double gain, size_t matrices)
{
	char full[32];

	snprintf(full, sizeof full, "%s.weight", name);
	lay(l, w, full, out, in, TENSOR_DECAY | TENSOR_CLIP, gain / sqrt((double)in), 0);
	set_matrices(l, matrices);
	snprintf(full, sizeof full, "%s.bias", name);
	lay(l, b, full, out, 0, TENSOR_CLIP, 0, 0);
}

static void lay_block(struct layout *l, struct block_weights *b, const struct config *c)
{
	size_t C = c->width, head = C / c->heads;

	linear(l, &b->mod_w, &b->mod_b, "modulation", 6 * C, c->time_width, 0, 0);
	linear(l, &b->qkv_w, &b->qkv_b, "attention.qkv", 3 * C, C, 1, 3);
	b->scale = NULL;
	if (c->qk_norm)
		lay(l, &b->scale, "attention.scale", c->heads, 0, TENSOR_CLIP, 0,
		    sqrt((double)head));
	linear(l, &b->out_w, &b->out_b, "attention.out", C, C, 1, 1);
	linear(l, &b->up_w, &b->up_b, "mlp.up", 4 * C, C, 1, 1);
	linear(l, &b->down_w, &b->down_b, "mlp.down", C, 4 * C, 1, 1);
}

static void lay_copy_attention(struct layout *l, const struct config *c)
{
	struct weights *w = l->w;
	size_t C = c->width, R = c->copy_heads, W = config_input(c);

	/* recall: a former name of copy attention, which checkpoints keep */
	lay(l, &w->copy_qk, "recall.qk", 2 * R * W, C, TENSOR_DECAY | TENSOR_CLIP,
	    1 / sqrt((double)C), 0);
	set_matrices(l, 2);
	lay(l, &w->copy_scale, "recall.scale", R, 0, TENSOR_CLIP, 0, COPY_SCALE);
	lay(l, &w->copy_out, "recall.out", R * W, c->embed, TENSOR_CLIP, 0, 0);
	set_matrices(l, 1);
}

static void lay_all(struct layout *l, const struct config *c)
{
	struct weights *w = l->w;
	size_t C = c->width, d = c->embed, F = c->time_width;
	struct block_weights unused;

	lay(l, &w->embed, "embed.weight", config_padded(c), d, 0, EMBED_DEVIATION, 0);
	lay(l, &w->bias, "embed.bias", config_padded(c), 0, 0, 0, 0);
	linear(l, &w->in_w, &w->in_b, "in", C, config_input(c), 1, 1);
	w->position = NULL;
	if (c->positions)
		lay(l, &w->position, "position", c->row_len, C, TENSOR_CLIP, 0.02, 0);
	linear(l, &w->time1_w, &w->time1_b, "time.0", F, F, 1, 0);
	linear(l, &w->time2_w, &w->time2_b, "time.1", F, F, 1, 0);
	for (size_t i = 0; i < c->layers; i++) {
		snprintf(l->prefix, sizeof l->prefix, "blocks.%zu.", i);
		lay_block(l, w->block ? &w->block[i] : &unused, c);
	}
	l->prefix[0] = '\0';
	linear(l, &w->mod_w, &w->mod_b, "head.modulation", 2 * C, F, 0, 0);
	linear(l, &w->head_w, &w->head_b, "head", d, C, 0, 0);
	w->copy_qk = w->copy_scale = w->copy_out = NULL;
	if (c->copy_heads)
		lay_copy_attention(l, c);
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
	w->block = mem_array(c->layers, sizeof *w->block, e);
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
	float z[64] = {0};

	for (size_t i = 0; i < t->n; i += 64) {
		size_t n = min_size(t->n - i, 64);

		if (t->init_std > 0)
			rng_normal_at(seed, RNG_INIT, index, i, z, n);
		for (size_t j = 0; j < n; j++)
			to[i + j] = (real)(t->init_mean + t->init_std * (double)z[j]);
	}
}

/* A buffer in host memory, used for one tensor at a time. */
struct staging {
	struct kernels *k;
	const struct weights *w;
	real *a; /* [weights_largest] */
};

static void put_bias(const struct staging *s, const struct config *c, const double *log_prior)
{
	size_t V = config_padded(c);

	for (size_t i = 0; i < V; i++)
		s->a[i] = (real)(i >= c->active ? PADDING_LOGIT : log_prior ? log_prior[i] : 0);
	k_put(s->k, s->w->bias, s->a, V * sizeof *s->a);
}

/* Initialise copy attention as copy_attention.h describes. In the first head, queries and keys are
 * the same map, and given embeddings and estimates are copied to the output. The output of the
 * other heads is 0. */
static void start_copy_attention(const struct staging *s, const struct config *c)
{
	const struct weights *w = s->w;
	size_t C = c->width, d = c->embed, W = config_input(c);
	size_t R = c->copy_heads;

	k_copy(s->k, w->copy_qk + R * W * C, w->copy_qk, W * C);
	memset(s->a, 0, R * W * d * sizeof *s->a);
	for (size_t i = d; i < config_slots(c) * d; i++)
		s->a[i * d + i % d] = (real)COPY_GAIN;
	k_put(s->k, w->copy_out, s->a, R * W * d * sizeof *s->a);
}

size_t weights_largest(const struct weights *w)
{
	size_t largest = 0;

	for (size_t i = 0; i < w->n_tensors; i++)
		largest = max_size(w->tensor[i].n, largest);
	return largest;
}

int weights_init(struct weights *w, const struct config *c, struct kernels *k, uint64_t seed,
    const double *log_prior, struct err *e)
{
	struct staging s = {k, w, mem_array(weights_largest(w), sizeof *s.a, e)};

	if (!s.a)
		return -1;
	for (size_t i = 0; i < w->n_tensors; i++) {
		fill(&w->tensor[i], (uint32_t)i, seed, s.a);
		k_put(k, w->base + w->tensor[i].offset, s.a, w->tensor[i].n * sizeof *s.a);
	}
	if (c->copy_heads)
		start_copy_attention(&s, c);
	put_bias(&s, c, log_prior);
	free(s.a);
	return 0;
}
