#include "model/optimizer.h"

#include <math.h>

double optimizer_lr(const struct optimizer_options *o, uint64_t step, uint64_t total)
{
	double warm = o->warmup * (double)total, at = (double)step, done;

	if (at < warm)
		return o->lr * at / warm;
	done = (double)total > warm ? (at - warm) / ((double)total - warm) : 1;
	done = done < 1 ? done : 1;
	return o->lr * (o->lr_end + (1 - o->lr_end) * 0.5 * (1 + cos(M_PI * done)));
}

/* Gradients of raw embeddings carry a factor 1/‖w‖, and stay out of the norm; but they, too, must
 * be finite. */
static int norm(struct optimizer *opt, const struct weights *w, const struct weights *g,
    double *grad_norm, struct err *e)
{
	double sum = 0;

	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];
		double squares = k_sum_squares(opt->k, g->base + t->offset, t->n);

		if (!isfinite(squares))
			return err_with(
			    e, ERR_NONFINITE, "the gradient of %s is not finite", t->name);
		if (t->flags & TENSOR_CLIP)
			sum += squares;
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
	    .ema_decay = (real)(o->ema < young ? o->ema : young),
	};

	if (norm(opt, w, g, grad_norm, e))
		return -1;
	if (o->clip > 0 && *grad_norm > o->clip)
		clip = o->clip / *grad_norm;
	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct tensor *t = &w->tensor[i];

		u.decay = (real)(t->flags & TENSOR_DECAY ? o->decay : 0);
		u.grad_scale = (real)(t->flags & TENSOR_CLIP ? clip : 1);
		k_adamw(opt->k, w->base + t->offset, opt->m + t->offset, opt->v + t->offset,
		    opt->ema + t->offset, g->base + t->offset, t->n, &u);
	}
	return 0;
}
