#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

static struct optimizer_piece *whole(const struct weights *w, struct err *e)
{
	struct optimizer_piece *piece = mem_array(w->n_tensors, sizeof *piece, e);

	for (size_t i = 0; piece && i < w->n_tensors; i++)
		piece[i] = (struct optimizer_piece){
		    i, w->tensor[i].offset, w->tensor[i].offset, w->tensor[i].n};
	return piece;
}

int optimizer_init(struct optimizer *opt, struct kernels *k, const struct optimizer_options *o,
    const struct weights *w, struct optimizer_piece *piece, size_t n_pieces, size_t n_state,
    struct err *e)
{
	*opt = (struct optimizer){.k = k, .o = *o};
	opt->piece = piece ? piece : whole(w, e);
	opt->n_pieces = piece ? n_pieces : w->n_tensors;
	opt->n_state = piece ? n_state : w->n;
	opt->squares = mem_array(w->n_tensors, sizeof *opt->squares, e);
	return opt->piece && opt->squares ? 0 : -1;
}

void optimizer_layout(struct optimizer *opt, struct arena *a)
{
	opt->ema = arena_take(a, opt->n_state, sizeof *opt->ema);
	opt->m = arena_take(a, opt->n_state, sizeof *opt->m);
	opt->v = arena_take(a, opt->n_state, sizeof *opt->v);
}

/* Append tensor number tensor of one of the state arrays, data. */
static int register_tensor(const struct optimizer *opt, const struct weights *w, size_t tensor,
    const char *prefix, const char *what, real *data, struct state *s, struct err *e)
{
	const struct tensor *t = &w->tensor[tensor];

	if (state_add_tensor(s, prefix, what, t, opt->comm != NULL, e))
		return -1;
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct optimizer_piece *p = &opt->piece[i];

		if (p->tensor == tensor &&
		    state_add_piece(s, p->at - t->offset, p->n, data + p->state, e))
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
		const struct optimizer_piece *p = &opt->piece[i];

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
	for (size_t i = 0; i < opt->n_pieces; i++) {
		const struct optimizer_piece *p = &opt->piece[i];
		const struct tensor *t = &w->tensor[p->tensor];

		u.weight_decay = (real)(t->flags & TENSOR_DECAY ? o->weight_decay : 0);
		u.grad_scale = (real)(t->flags & TENSOR_CLIP ? clip : 1);
		k_adamw(opt->k, w->base + p->at, opt->m + p->state, opt->v + p->state,
		    opt->ema + p->state, g->base + p->at, p->n, &u);
	}
	return 0;
}
