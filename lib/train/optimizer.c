#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/minmax.h"

const char *const optimizer_methods[] = {"adamw", "muon", NULL};

/* The number of matrices of a tensor that Muon updates; 0 if AdamW updates the tensor. */
static size_t count_matrices(const struct optimizer_options *o, const struct tensor *t)
{
	return o->method == OPTIMIZER_MUON ? t->matrices : 0;
}

static size_t all_matrices(const struct optimizer_options *o, const struct weights *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_tensors; i++)
		n += count_matrices(o, &w->tensor[i]);
	return n;
}

static struct buckets_piece *whole(const struct weights *w, struct err *e)
{
	struct buckets_piece *piece = mem_array(w->n_tensors, sizeof *piece, e);

	for (size_t i = 0; piece && i < w->n_tensors; i++)
		piece[i] = (struct buckets_piece){
		    i, w->tensor[i].offset, w->tensor[i].offset, w->tensor[i].n};
	return piece;
}

/* Divide the array of second moments between the pieces that have some. */
static void place_second_moments(struct optimizer *opt, const struct weights *w)
{
	for (size_t i = 0; i < opt->n_pieces; i++) {
		if (count_matrices(&opt->o, &w->tensor[opt->piece[i].tensor]))
			continue;
		opt->second[i] = opt->n_second;
		opt->n_second += (opt->piece[i].n + 15) / 16 * 16;
	}
}

int optimizer_init(struct optimizer *opt, struct kernels *k, const struct optimizer_options *o,
    const struct weights *w, struct buckets_piece *piece, size_t n_pieces, size_t n_state,
    struct err *e)
{
	*opt = (struct optimizer){.k = k, .o = *o};
	opt->piece = piece ? piece : whole(w, e);
	opt->n_pieces = piece ? n_pieces : w->n_tensors;
	opt->n_state = piece ? n_state : w->n;
	opt->squares = mem_array(w->n_tensors, sizeof *opt->squares, e);
	opt->second = mem_array(opt->n_pieces, sizeof *opt->second, e);
	opt->matrix = mem_array(all_matrices(o, w), sizeof *opt->matrix, e);
	if (!opt->piece || !opt->squares || !opt->second || !opt->matrix)
		return -1;
	place_second_moments(opt, w);
	return 0;
}

void optimizer_layout(struct optimizer *opt, const struct weights *w, struct arena *a)
{
	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];
		size_t n = count_matrices(&opt->o, t);

		if (n)
			k_need_muon(opt->k, &a->need, t->rows / n, t->cols);
	}
	opt->ema = arena_take(a, opt->n_state, sizeof *opt->ema);
	opt->m = arena_take(a, opt->n_state, sizeof *opt->m);
	opt->v = arena_take(a, opt->n_second, sizeof *opt->v);
}

/* Append one tensor of one of the state arrays, data. Matrices of Muon have no second moments. */
static int register_tensor(const struct optimizer *opt, const struct weights *w, size_t tensor,
    const char *prefix, const char *what, real *data, struct state *s, struct err *e)
{
	const struct tensor *t = &w->tensor[tensor];

	if (data == opt->v && count_matrices(&opt->o, t))
		return 0;
	if (state_add_tensor(s, prefix, what, t, opt->comm != NULL, e))
		return -1;
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct buckets_piece *p = &opt->piece[i];
		size_t at = data == opt->v ? opt->second[i] : p->state;

		if (p->tensor == tensor &&
		    state_add_piece(s, p->at - t->offset, p->n, data + at, e))
			return -1;
	}
	return 0;
}

int optimizer_register(
    const struct optimizer *opt, const struct weights *w, struct state *s, struct err *e)
{
	const struct {
		const char *prefix, *what;
		real *data;
	} array[OPTIMIZER_ARRAYS] = {{OPTIMIZER_EMA, "the averaged weight ", opt->ema},
	    {"adam_m.", "the first moment of ", opt->m},
	    {"adam_v.", "the second moment of ", opt->v}};

	for (size_t i = 0; i < OPTIMIZER_ARRAYS; i++)
		for (size_t j = 0; j < w->n_tensors; j++)
			if (register_tensor(
			        opt, w, j, array[i].prefix, array[i].what, array[i].data, s, e))
				return -1;
	return 0;
}

void optimizer_release(struct optimizer *opt)
{
	free(opt->piece);
	free(opt->squares);
	free(opt->second);
	free(opt->matrix);
}

double optimizer_flops(const struct optimizer_options *o, const struct weights *w)
{
	double sum = 0;

	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];
		size_t n = count_matrices(o, t);

		if (n)
			sum += (double)n * k_muon_flops(t->rows / n, t->cols);
	}
	return sum;
}

double optimizer_lr(const struct optimizer_options *o, uint64_t step, uint64_t total)
{
	double warm = o->warmup * (double)total, at = (double)step, done;

	if (at < warm)
		return o->lr * at / warm;
	done = (double)total > warm ? (at - warm) / ((double)total - warm) : 1;
	done = fmin(done, 1);
	return o->lr * (o->lr_end + (1 - o->lr_end) * 0.5 * (1 + cos(M_PI * done)));
}

/*
 * Compute the norm of all gradients except those of the raw embeddings, which contain a factor
 * 1/‖w‖. All gradients must be finite. Gradients are propagated back from the loss, so if some are
 * not finite, the error names the last tensor, which is nearest to the head.
 */
static int norm(struct optimizer *opt, const struct weights *w, const struct weights *g,
    double *grad_norm, struct err *e)
{
	double sum = 0;

	for (size_t i = 0; i < w->n_tensors; i++)
		opt->squares[i] = 0;
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct buckets_piece *p = &opt->piece[i];

		opt->squares[p->tensor] += k_sum_squares(opt->k, g->base + p->at, p->n);
	}
	comm_allreduce(opt->comm, opt->squares, w->n_tensors);
	for (size_t i = w->n_tensors; i-- > 0;) {
		const struct tensor *t = &w->tensor[i];

		if (!isfinite(opt->squares[i]))
			return err_with(
			    e, ERR_NONFINITE, "the gradient of %s is not finite", t->name);
		if (t->flags & TENSOR_CLIP)
			sum += opt->squares[i];
	}
	*grad_norm = sqrt(sum);
	return 0;
}

/* --- the matrices of Muon --- */

typedef void matrix_function(
    struct optimizer *opt, real *x, size_t rows, size_t cols, size_t number);

/* Call a function for each matrix of Muon in x, an array in the layout of w, with its number. Ranks
 * that divide the state own the matrices in turn. */
static void for_each_matrix(
    struct optimizer *opt, const struct weights *w, real *x, matrix_function *call)
{
	size_t number = 0;

	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];
		size_t n = count_matrices(&opt->o, t);

		for (size_t j = 0; j < n; j++)
			call(opt, x + t->offset + j * (t->n / n), t->rows / n, t->cols, number++);
	}
}

static void list_matrix(struct optimizer *opt, real *x, size_t rows, size_t cols, size_t number)
{
	if (comm_owns(opt->comm, number))
		opt->matrix[opt->n_matrices++] = (struct k_matrix){x, rows, cols};
}

static void broadcast_matrix(
    struct optimizer *opt, real *x, size_t rows, size_t cols, size_t number)
{
	size_t bytes = rows * cols * sizeof *x;

	comm_broadcast_owned(opt->comm, number, k_map(opt->k, x, bytes), bytes);
	k_unmap(opt->k, x, bytes);
}

/* The second half of a step: g has the momentum of the matrices, in the pieces of this rank. */
static void update_matrices(
    struct optimizer *opt, const struct weights *w, real *g, const struct k_adamw *u)
{
	if (opt->buckets)
		buckets_allgather(opt->buckets, g);
	opt->n_matrices = 0;
	for_each_matrix(opt, w, g, list_matrix);
	k_muon_orthogonalize(opt->k, opt->matrix, opt->n_matrices);
	for_each_matrix(opt, w, g, broadcast_matrix);
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct buckets_piece *p = &opt->piece[i];
		const struct tensor *t = &w->tensor[p->tensor];
		size_t n = count_matrices(&opt->o, t), rows = n ? t->rows / n : 0;
		double side = (double)max_size(rows, t->cols);
		double decay = t->flags & TENSOR_DECAY ? opt->o.weight_decay : 0;

		if (n)
			k_muon_update(opt->k, w->base + p->at, opt->ema + p->state, g + p->at, p->n,
			    u->lr * (real)(opt->o.muon_scale * sqrt(side)), u->lr * (real)decay,
			    u->ema_decay);
	}
}

/* --- a step --- */

/* Update a piece with AdamW; of a matrix of Muon, update the momentum. */
static void update_piece(struct optimizer *opt, const struct weights *w, const struct weights *g,
    size_t piece, struct k_adamw *u, double clip)
{
	const struct buckets_piece *p = &opt->piece[piece];
	const struct tensor *t = &w->tensor[p->tensor];

	u->weight_decay = (real)(t->flags & TENSOR_DECAY ? opt->o.weight_decay : 0);
	u->grad_scale = (real)(t->flags & TENSOR_CLIP ? clip : 1);
	if (count_matrices(&opt->o, t))
		k_muon_momentum(opt->k, opt->m + p->state, g->base + p->at, p->n,
		    (real)opt->o.muon_momentum, u->grad_scale);
	else
		k_adamw(opt->k, w->base + p->at, opt->m + p->state, opt->v + opt->second[piece],
		    opt->ema + p->state, g->base + p->at, p->n, u);
}

int optimizer_step(struct optimizer *opt, const struct weights *w, const struct weights *g,
    uint64_t step, uint64_t total, double *grad_norm, struct err *e)
{
	const struct optimizer_options *o = &opt->o;
	double young = (1 + (double)step) / (10 + (double)step), clip = 1;
	struct k_adamw u = {
	    .lr = (real)optimizer_lr(o, step, total),
	    .beta1 = (real)o->beta1,
	    .beta2 = (real)o->beta2,
	    .eps = (real)o->eps,
	    .correction1 = (real)(1 - pow(o->beta1, (double)step)),
	    .correction2 = (real)(1 - pow(o->beta2, (double)step)),
	    .ema_decay = (real)(fmin(o->ema, young)),
	};

	if (norm(opt, w, g, grad_norm, e))
		return -1;
	if (o->clip > 0 && *grad_norm > o->clip)
		clip = o->clip / *grad_norm;
	for (size_t i = 0; i < opt->n_pieces; i++)
		update_piece(opt, w, g, i, &u, clip);
	if (o->method == OPTIMIZER_MUON)
		update_matrices(opt, w, g->base, &u);
	return 0;
}
