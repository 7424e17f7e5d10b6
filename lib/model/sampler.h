#ifndef CDCD_SAMPLER_H
#define CDCD_SAMPLER_H

/*
 * Sampling: integrates the probability-flow ODE dx/dt = (x - x̂0(x, t))/t from each sequence's noise
 * level down to t_min, in steps of equal length in u = schedule_u(t).
 *
 * A step goes from t to s < t; r = s/t, T is the score temperature, n is fresh Gaussian noise:
 *   euler  x += (s - t)(x - x̂)/(T t)                             CDCD, section 3.1
 *   exp    x = x̂ + r^(1/T) (x - x̂)                               exact if x̂ is constant
 *   heun   the mean of the slopes at t and, after an Euler step, at s      EDM, Algorithm 1
 *   2m     D = (1 + 1/2ρ) x̂ - x̂_last/2ρ, x = r x + (1 - r) D              DPM-Solver++(2M)
 *   anc    x = x̂ + (s_d/t)^(1/T) (x - x̂) + s_u n, with s_u² + s_d² = s²   EDM, appendix
 * Sources: arXiv:2211.15089 (CDCD); Karras et al. 2022, arXiv:2206.00364 (EDM); Lu et al. 2022,
 * arXiv:2211.01095 (DPM-Solver++); Ho & Salimans 2022, arXiv:2207.12598 (guidance).
 */

#include "model/denoiser.h"
#include "diffusion/schedule.h"

enum sampler_method { SAMPLER_EULER, SAMPLER_EXP, SAMPLER_HEUN, SAMPLER_2M, SAMPLER_ANCESTRAL };

/* The names of the methods, in the order of the enum, then NULL. */
extern const char *const sampler_names[];

struct sampler_options {
	enum sampler_method method;
	int64_t steps;      /* N; heun evaluates the network twice per step */
	double temperature; /* T, score temperature; 1: the ODE unchanged. 2m ignores it */
	double tau;         /* temperature of the softmax; 1: as in training */
	double scale;       /* s0, factor of the initial noise */
	double eta;         /* fraction of fresh noise in ancestral steps, 0 to 1 */
	double guidance; /* γ, classifier-free guidance: x̂ = x̂_without + γ (x̂_with - x̂_without),
	                    with and without the given tokens; 1: no guidance */
	double context; /* weight of the context guidance of all predictions but the last, which
	                   chooses the words; see precond_guide. 1: no guidance */
};

/* The initial x of a sequence. */
enum sampler_start {
	SAMPLER_NOISE, /* x = s0 t n: pure noise; the tokens at noised positions are ignored */
	SAMPLER_NOISED_TOKENS, /* x = e[id] + t n: the tokens at noised positions, with noise added
	                        */
};

struct sampler;

/* sampler_new - a sampler for batches of up to B sequences. w has the layout of c, stays the
 * caller's and must outlive the result; sampler_free frees it. Returns NULL on error. */
struct sampler *sampler_new(struct kernels *k, const struct config *c, const struct weights *w,
    size_t B, const struct sampler_options *o, struct err *e);
void sampler_free(struct sampler *s);

/* The prediction of a step: the words that the sampler would write if it stopped there. Host
 * arrays.
 */
struct sampler_prediction {
	int64_t step;    /* number of steps before it, 0 to N */
	const double *t; /* [B] noise level of each sequence */
	const int32_t
	    *ids; /* [B,T] most probable word at noised positions, the given one elsewhere */
	const real *prob; /* [B,T] probability of the word, by the model; 1 for given words */
};

/* What is done with a prediction for batch b. Returns 0 or -1. */
typedef int sampler_hook(
    void *arg, const struct batch *b, const struct sampler_prediction *now, struct err *e);

/*
 * sampler_set_hook - call hook with arg for the prediction of each step from now on, and for that
 * after the last step, whose ids are the result. With guidance, it is the prediction with the given
 * tokens; of heun, the first one of the step. It does not change the result. If hook fails,
 * sampler_run fails with its error. NULL: no hook.
 */
void sampler_set_hook(struct sampler *s, sampler_hook *hook, void *arg);

/* sampler_bytes - bytes of memory that sampler_new allocates, which excludes the weights. Returns
 * SIZE_MAX on error. */
size_t sampler_bytes(struct kernels *k, const struct config *c, size_t B);

/*
 * sampler_run - denoise b in place: replace b->ids at noised positions by sampled words. The given
 * positions do not change. b->t holds the noise level at which each sequence starts, b->seed the
 * seed of its noise. The result for a sequence depends only on its own row and seed, except for
 * rounding in matrix products. Returns 0, or -1 with status ERR_NONFINITE if x is not finite at the
 * end, or if the hook fails; b->ids then does not change.
 */
int sampler_run(struct sampler *s, struct batch *b, enum sampler_start start,
    const struct schedule *schedule, struct err *e);

/*
 * sampler_find_improbable - evaluate the model once, at the levels b->t and from the noise of
 * SAMPLER_NOISE. improbable [B] = whether the sequence has a token at a noised position whose
 * probability is below ratio times the largest one of its position.
 */
void sampler_find_improbable(struct sampler *s, const struct batch *b,
    const struct schedule *schedule, double ratio, bool *improbable);

/*
 * sampler_x - the final noisy embeddings x [B,T,d] of the last run, from which it computed the ids.
 * Host memory that belongs to s; valid until the next run.
 */
const real *sampler_x(const struct sampler *s);

#endif
