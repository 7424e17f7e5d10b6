#include "model/denoiser.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "base/rng.h"

enum {
	CHUNK = 256, /* number of positions whose logits are in memory at one time */
	/* The largest number of positions in a micro-batch is the first number or, if that is more,
	 * the second one times the channels. Activations of more positions leave the caches between
	 * two kernels. With fewer positions, wide matrices, which do not stay in the caches, are
	 * read and packed too often. */
	MICRO_BATCH = 1024,
	MICRO_BATCH_PER_CHANNEL = 4,
};

struct denoiser *denoiser_new(
    struct kernels *k, const struct config *c, size_t B, bool train, struct err *e)
{
	struct denoiser *dn = mem_array(1, sizeof *dn, e);

	if (!dn)
		return NULL;
	dn->k = k;
	dn->c = *c;
	dn->B = B;
	dn->train = train;
	dn->tf = transformer_new(k, c, B, train, e);
	if (!dn->tf) {
		denoiser_free(dn);
		return NULL;
	}
	return dn;
}

void denoiser_free(struct denoiser *dn)
{
	if (!dn)
		return;
	transformer_free(dn->tf);
	free(dn->host);
	free(dn);
}

size_t denoiser_micro_batch(const struct config *c, size_t n)
{
	size_t positions = max_size(MICRO_BATCH, MICRO_BATCH_PER_CHANNEL * c->width);
	size_t each = max_size(positions / c->row_len, 1), count = (n + each - 1) / each;

	return count ? (n + count - 1) / count : 1;
}

static real *take(struct arena *a, size_t rows, size_t cols)
{
	return arena_take(a, rows * cols, sizeof(real));
}

static size_t chunk(const struct denoiser *dn)
{
	size_t M = dn->B * dn->c.row_len;

	return min_size(M, CHUNK);
}

/* The longest sum of a product. k_logits can split an embedding into three parts, which triples its
 * length; an estimate sums over the vocabulary. */
static size_t longest(const struct config *c)
{
	size_t V = config_padded(c), d = 3 * ((c->embed + 31) / 32 * 32);

	return max_size(V, d);
}

/* Bytes of dn->host: eight numbers per position, or the features of the levels. */
static size_t host_bytes(const struct denoiser *dn)
{
	size_t M = dn->B * dn->c.row_len, F = dn->B * dn->c.time_width;

	return 8 * max_size(M, F) * sizeof *dn->host;
}

void denoiser_layout(struct denoiser *dn, struct arena *a)
{
	size_t B = dn->B, M = B * dn->c.row_len, d = dn->c.embed;
	size_t V = config_padded(&dn->c), width = config_input(&dn->c);
	size_t act_size = k_act_size(dn->k);
	real **each[] = {&dn->x, &dn->noise, &dn->p, &dn->q, &dn->D};
	real **gradient[] = {&dn->dD, &dn->dx, &dn->dgiven, &dn->dF};

	transformer_layout(dn->tf, a);
	dn->e = take(a, V, d);
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		*each[i] = take(a, M, d);
	dn->input = arena_take(a, M * width, act_size);
	dn->m = take(a, M, 1);
	dn->ids = arena_take(a, M, sizeof *dn->ids);
	dn->logits = take(a, chunk(dn), V);
	dn->probabilities = arena_take(a, chunk(dn) * V, act_size);
	dn->Da = arena_take(a, chunk(dn) * d, act_size);
	dn->c_in = take(a, B, 1);
	dn->mixing = take(a, B, 3);
	dn->level = take(a, B, dn->c.time_width);
	dn->t = take(a, B, 1);
	dn->posterior_scale = take(a, B, 1);
	dn->loss = take(a, M, 1);
	dn->weight = take(a, M, 1);
	k_need_matmul(dn->k, &a->need, longest(&dn->c));
	a->host += host_bytes(dn);
	if (!dn->train)
		return;
	dn->de = take(a, V, d);
	for (size_t i = 0; i < sizeof gradient / sizeof *gradient; i++)
		*gradient[i] = take(a, M, d);
	dn->dinput = take(a, M, width);
	dn->skip = take(a, B, 1);
	dn->out = take(a, B, 1);
}

int denoiser_ready(struct denoiser *dn, struct err *e)
{
	dn->host = mem_array(host_bytes(dn), 1, e);
	return dn->host ? transformer_ready(dn->tf, e) : -1;
}

void denoiser_set_gradient_hook(struct denoiser *dn, transformer_gradient_hook *hook, void *arg)
{
	dn->hook = hook;
	dn->hook_arg = arg;
}

void denoiser_embed(struct denoiser *dn, const struct weights *w)
{
	k_normalize(dn->k, dn->e, w->embed, config_padded(&dn->c), dn->c.embed);
}

void denoiser_set_tokens(struct denoiser *dn, const int32_t *ids, const real *noised, size_t B)
{
	size_t M = B * dn->c.row_len;

	k_put(dn->k, dn->ids, ids, M * sizeof *ids);
	k_put(dn->k, dn->m, noised, M * sizeof *noised);
}

static void put_column(struct denoiser *dn, real *device, size_t n)
{
	k_put(dn->k, device, dn->host, n * sizeof *dn->host);
}

void denoiser_set_guided_levels(struct denoiser *dn, const double *t, double context, size_t B)
{
	size_t F = dn->c.time_width;
	real *h = dn->host;
	struct {
		real *device;
		size_t value;
	} column[] = {
	    {dn->c_in, 0}, {dn->t, 1}, {dn->posterior_scale, 2}, {dn->skip, 3}, {dn->out, 4}};

	for (size_t i = 0; i < (dn->train ? 5 : 3); i++) {
		for (size_t b = 0; b < B; b++) {
			struct precond_coefficients c = precond_at(dn->c.precond, t[b]);
			double value[] = {c.in, t[b], 1 / (t[b] * t[b]), c.skip, c.out};

			h[b] = (real)value[column[i].value];
		}
		put_column(dn, column[i].device, B);
	}
	for (size_t b = 0; b < B; b++) {
		struct precond_coefficients c = precond_at(dn->c.precond, t[b]);

		precond_guide(&c, t[b], context);
		h[3 * b] = (real)c.skip;
		h[3 * b + 1] = (real)c.out;
		h[3 * b + 2] = 0;
	}
	put_column(dn, dn->mixing, 3 * B);
	for (size_t b = 0; b < B; b++)
		transformer_features(precond_at(dn->c.precond, t[b]).noise, h + b * F, F);
	put_column(dn, dn->level, B * F);
}

void denoiser_set_levels(struct denoiser *dn, const double *t, size_t B)
{
	denoiser_set_guided_levels(dn, t, 1, B);
}

void denoiser_diffuse(struct denoiser *dn, real *x, const real *noise, size_t B)
{
	k_diffuse(dn->k, x, dn->e, dn->ids, noise, dn->t, B, dn->c.row_len, dn->c.embed);
}

/* --- forward --- */

/* The logits of rows [first, first + n) of D. */
static void logits(
    struct denoiser *dn, const struct weights *w, const real *D, size_t first, size_t n)
{
	size_t d = dn->c.embed;

	k_logits(dn->k, dn->logits, D + first * d, dn->e, w->bias, n, config_padded(&dn->c), d);
}

/* xhat [M,d] = Σ softmax(⟨D, e⟩ + b) e. xhat may be D. */
static void expect(
    struct denoiser *dn, const struct weights *w, real *xhat, const real *D, double tau, size_t M)
{
	size_t d = dn->c.embed, V = config_padded(&dn->c);

	for (size_t m = 0, n; m < M; m += n) {
		n = min_size(M - m, CHUNK);
		logits(dn, w, D, m, n);
		k_softmax(dn->k, dn->probabilities, dn->logits, (real)tau, n, V);
		k_matmul(dn->k, .y_real = xhat + m * d, .x = dn->probabilities, .w = dn->e,
		    .no_trans = true, .M = n, .N = d, .K = V);
	}
}

/*
 * The same as expect, without bf16: an e rounded to bf16 has an error of 2^-9 of its length, which
 * in x̂0 - e is an error of 4e-6 d, even if the model predicts the word with certainty.
 */
static void expect_exactly(
    struct denoiser *dn, const struct weights *w, real *xhat, const real *D, size_t M)
{
	size_t d = dn->c.embed, V = config_padded(&dn->c);

	for (size_t m = 0, n; m < M; m += n) {
		n = min_size(M - m, CHUNK);
		logits(dn, w, D, m, n);
		k_softmax(dn->k, NULL, dn->logits, 1, n, V);
		k_matmul(dn->k, .y_real = xhat + m * d, .x_real = dn->logits, .w = dn->e,
		    .no_trans = true, .M = n, .N = d, .K = V);
	}
}

static struct k_input_shape input_shape(const struct denoiser *dn, size_t B)
{
	return (struct k_input_shape){
	    B, dn->c.row_len, dn->c.embed, config_input(&dn->c), dn->c.self_cond, dn->c.posterior};
}

/* Compute q: the mean of the embedding under the posterior of each position without its context. */
static void posterior(struct denoiser *dn, const struct weights *w, const real *x, size_t B)
{
	size_t T = dn->c.row_len, d = dn->c.embed;

	if (!dn->c.posterior)
		return;
	k_scale_rows(dn->k, dn->q, dn->posterior_scale, x, B, T * d);
	expect(dn, w, dn->q, dn->q, 1, B * T);
}

/* Compute D of the first B sequences, after q. */
static void forward(
    struct denoiser *dn, const struct weights *w, const real *x, const real *p, size_t B)
{
	size_t n = dn->c.row_len * dn->c.embed;

	k_input(dn->k, .in = dn->input, .x = x, .e = dn->e, .ids = dn->ids, .m = dn->m, .p = p,
	    .q = dn->q, .c_in = dn->c_in, .shape = input_shape(dn, B));
	transformer_forward(dn->tf, w, dn->D, dn->input, dn->level, B);
	k_mix(dn->k, dn->D, dn->mixing, x, dn->D, NULL, B, n);
}

void denoiser_predict(
    struct denoiser *dn, const struct weights *w, const real *x, const real *p, size_t B)
{
	posterior(dn, w, x, B);
	forward(dn, w, x, dn->c.self_cond ? p : NULL, B);
}

void denoiser_estimate(struct denoiser *dn, const struct weights *w, real *xhat, const real *x,
    const real *p, double tau, size_t B)
{
	denoiser_predict(dn, w, x, p, B);
	expect(dn, w, xhat, dn->D, tau, B * dn->c.row_len);
}

void denoiser_argmax(
    struct denoiser *dn, const struct weights *w, int32_t *ids, real *prob, size_t B)
{
	size_t M = B * dn->c.row_len, V = config_padded(&dn->c);

	for (size_t m = 0, n; m < M; m += n) {
		n = min_size(M - m, CHUNK);
		logits(dn, w, dn->D, m, n);
		k_argmax(dn->k, dn->ids + m, dn->logits, n, V);
		if (prob)
			k_cross_entropy(dn->k, dn->loss + m, NULL, dn->logits, dn->ids + m,
			    dn->weight + m, n, V);
	}
	k_get(dn->k, ids, dn->ids, M * sizeof *ids);
	if (!prob)
		return;
	k_get(dn->k, prob, dn->loss, M * sizeof *prob);
	for (size_t m = 0; m < M; m++)
		prob[m] = (real)exp(-(double)prob[m]);
}

void denoiser_ratio(
    struct denoiser *dn, const struct weights *w, const int32_t *ids, real *ratio, size_t B)
{
	size_t M = B * dn->c.row_len, V = config_padded(&dn->c);

	for (size_t m = 0, n; m < M; m += n) {
		const real *row;

		n = min_size(M - m, CHUNK);
		logits(dn, w, dn->D, m, n);
		row = k_host(dn->k, dn->logits, n * V);
		for (size_t i = 0; i < n; i++, row += V) {
			real largest = row[0];

			for (size_t v = 1; v < V; v++)
				largest = row[v] > largest ? row[v] : largest;
			ratio[m + i] = (real)exp((double)(row[ids[m + i]] - largest));
		}
	}
}

/* --- loss --- */

/* The factor of each position in the gradient of the batch: its weight, divided by the number of
 * sequences that have a target. */
static void put_weights(struct denoiser *dn, const struct batch *b)
{
	size_t M = b->B * b->T, sequences = max_size(b->targets, 1);

	for (size_t m = 0; m < M; m++)
		dn->host[m] = b->weight[m] / (real)sequences;
	put_column(dn, dn->weight, M);
}

/* Compute the losses and, with g, the gradients with respect to D, e and b, chunk by chunk. */
static void vocabulary_loss(
    struct denoiser *dn, const struct weights *w, const struct weights *g, size_t M)
{
	size_t d = dn->c.embed, V = config_padded(&dn->c);

	for (size_t m = 0, n; m < M; m += n) {
		n = min_size(M - m, CHUNK);
		logits(dn, w, dn->D, m, n);
		k_cross_entropy(dn->k, dn->loss + m, g ? dn->probabilities : NULL, dn->logits,
		    dn->ids + m, dn->weight + m, n, V);
		if (!g)
			continue;
		k_round(dn->k, dn->Da, dn->D + m * d, n * d);
		k_matmul_dw(dn->k, .dw = dn->de, .db = g->bias, .dy = dn->probabilities,
		    .x = dn->Da, .M = n, .N = V, .K = d);
		k_matmul(dn->k, .y_real = dn->dD + m * d, .x = dn->probabilities, .w = dn->e,
		    .no_trans = true, .M = n, .N = d, .K = V);
	}
}

/* Propagate dD back to all weights: through F, through x = e + t n, and through the given tokens.
 */
static void backward(
    struct denoiser *dn, const struct weights *w, const struct weights *g, size_t B)
{
	size_t T = dn->c.row_len, d = dn->c.embed;

	k_scale_rows(dn->k, dn->dF, dn->out, dn->dD, B, T * d);
	k_scale_rows(dn->k, dn->dx, dn->skip, dn->dD, B, T * d);
	transformer_backward(dn->tf, w, g, dn->dinput, dn->dF, dn->input, dn->level, B);
	k_input_backward(dn->k, .dx = dn->dx, .dgiven = dn->dgiven, .din = dn->dinput, .m = dn->m,
	    .c_in = dn->c_in, .shape = input_shape(dn, B));
	k_scatter_add(dn->k, dn->de, dn->dx, dn->ids, B * T, d);
	k_scatter_add(dn->k, dn->de, dn->dgiven, dn->ids, B * T, d);
	k_normalize_backward(dn->k, g->embed, dn->de, w->embed, config_padded(&dn->c), d);
}

/* Set mean [B] to the weighted means over positions of the values in dn->host. */
static void sequence_means(const struct denoiser *dn, const struct batch *b, double *mean)
{
	for (size_t i = 0; i < b->B; i++) {
		double sum = 0, weight = 0;

		for (size_t m = i * b->T; m < (i + 1) * b->T; m++) {
			if (b->weight[m] > 0)
				sum += (double)b->weight[m] * (double)dn->host[m];
			weight += (double)b->weight[m];
		}
		mean[i] = weight > 0 ? sum / weight : NAN;
	}
}

/* The losses and gradients of a micro-batch, whose targets are set. */
static void micro_batch_loss(struct denoiser *dn, const struct weights *w, const struct weights *g,
    const struct batch *b, size_t n_sc, double *ce)
{
	size_t B = b->B, T = b->T, d = dn->c.embed, M = B * T;

	denoiser_set_tokens(dn, b->ids, b->noised, B);
	denoiser_set_levels(dn, b->t, B);
	put_weights(dn, b);
	k_gaussian(dn->k, dn->noise, b->seed, RNG_NOISE, B, T, d);
	denoiser_diffuse(dn, dn->x, dn->noise, B);
	posterior(dn, w, dn->x, B);
	if (dn->c.self_cond) {
		k_zero(dn->k, dn->p, M * d);
		if (n_sc > 0) {
			forward(dn, w, dn->x, NULL, n_sc);
			expect(dn, w, dn->p, dn->D, 1, n_sc * T);
		}
	}
	forward(dn, w, dn->x, dn->c.self_cond ? dn->p : NULL, B);
	if (g)
		k_zero(dn->k, dn->de, config_padded(&dn->c) * d);
	vocabulary_loss(dn, w, g, M);
	if (g)
		backward(dn, w, g, B);
	k_get(dn->k, dn->host, dn->loss, M * sizeof *dn->host);
	sequence_means(dn, b, ce);
}

void denoiser_loss(struct denoiser *dn, const struct weights *w, const struct weights *g,
    const struct batch *b, size_t n_sc, double *ce)
{
	for (size_t first = 0, n; first < b->B; first += n) {
		struct batch micro;
		bool last;

		n = min_size(b->B - first, dn->B);
		last = first + n == b->B;
		micro = batch_slice(b, first, n);
		/* No gradient is complete before the last micro-batch. */
		transformer_set_gradient_hook(dn->tf, last ? dn->hook : NULL, dn->hook_arg);
		micro_batch_loss(
		    dn, w, g, &micro, min_size(max_size(n_sc, first) - first, n), ce + first);
	}
}

void denoiser_evaluate(struct denoiser *dn, const struct weights *w, const struct batch *b,
    double *ce, double *squared_error)
{
	size_t B = b->B, M = B * b->T, d = dn->c.embed;
	const real *difference;

	denoiser_loss(dn, w, NULL, b, dn->c.self_cond ? B : 0, ce);
	expect_exactly(dn, w, dn->D, dn->D, M);
	for (size_t i = 0; i < B; i++) {
		dn->host[3 * i] = 1;
		dn->host[3 * i + 1] = -1;
		dn->host[3 * i + 2] = 0;
	}
	put_column(dn, dn->mixing, 3 * B);
	/* Compute e at noise level 0: x - t n would be rounded to the precision of x. */
	k_zero(dn->k, dn->t, B);
	denoiser_diffuse(dn, dn->x, dn->noise, B);
	k_mix(dn->k, dn->x, dn->mixing, dn->x, dn->D, NULL, B, b->T * d);
	difference = k_host(dn->k, dn->x, M * d);
	for (size_t m = 0; m < M; m++) {
		double sum = 0;

		for (size_t i = m * d; i < (m + 1) * d; i++)
			sum += (double)difference[i] * (double)difference[i];
		dn->host[m] = (real)sum;
	}
	sequence_means(dn, b, squared_error);
}

/* --- checks --- */

static bool is_finite_array(const struct denoiser *dn, const real *x, size_t n)
{
	return isfinite(k_sum_squares(dn->k, x, n));
}

static const struct tensor *find_nonfinite_weight(
    const struct denoiser *dn, const struct weights *w)
{
	for (size_t i = 0; i < w->n_tensors; i++)
		if (!is_finite_array(dn, w->base + w->tensor[i].offset, w->tensor[i].n))
			return &w->tensor[i];
	return NULL;
}

const char *denoiser_find_nonfinite(const struct denoiser *dn, const struct weights *w,
    const struct batch *b, char text[DENOISER_WHERE])
{
	size_t M = b->B * b->T, d = dn->c.embed;
	const struct tensor *weight = find_nonfinite_weight(dn, w);
	int block;

	if (weight)
		snprintf(text, DENOISER_WHERE, "in the weight %s", weight->name);
	else if (!is_finite_array(dn, dn->e, config_padded(&dn->c) * d))
		snprintf(text, DENOISER_WHERE, "in the normalised embeddings");
	else if (!is_finite_array(dn, dn->noise, M * d))
		snprintf(text, DENOISER_WHERE, "in the noise");
	else if (!is_finite_array(dn, dn->x, M * d))
		snprintf(text, DENOISER_WHERE, "in the noised embeddings");
	else if ((block = transformer_find_nonfinite(dn->tf, dn->input, b->B)) >= 0)
		snprintf(text, DENOISER_WHERE, "in block %d", block);
	else if (!k_finite(dn->k, dn->input, M * config_input(&dn->c)))
		snprintf(text, DENOISER_WHERE, "in the estimates that the network is shown");
	else if (!is_finite_array(dn, dn->D, M * d))
		snprintf(text, DENOISER_WHERE, "in the head");
	else
		snprintf(text, DENOISER_WHERE, "in the softmax");
	return text;
}
