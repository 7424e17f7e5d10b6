#ifndef CDCD_SAMPLER_H
#define CDCD_SAMPLER_H

/*
 * Sampling: the probability-flow equation dx/dt = (x - x̂0(x, t))/t from each sequence's level down
 * to t_min, in steps that are even in u, the level's place in the schedule.
 *
 * With the step from t to s < t and r = s/t, T the score temperature:
 *   euler  x += (s - t)(x - x̂)/(T t)                             CDCD, section 3.1
 *   exp    x = x̂ + r^(1/T) (x - x̂)                               exact where x̂ stays
 *   heun   the mean of the slopes at t and, after an Euler step, at s      EDM, Algorithm 1
 *   2m     D = (1 + 1/2ρ) x̂ - x̂_last/2ρ, x = r x + (1 - r) D              DPM-Solver++(2M)
 *   anc    x = x̂ + (s_d/t)^(1/T) (x - x̂) + s_u n, with s_u² + s_d² = s²   EDM, appendix
 * Sources: arXiv:2211.15089 (CDCD); Karras et al. 2022, arXiv:2206.00364 (EDM); Lu et al. 2022,
 * arXiv:2211.01095 (DPM-Solver++); Ho & Salimans 2022, arXiv:2207.12598 (guidance).
 */

#include "model/denoiser.h"
#include "model/schedule.h"

enum sampler_method { SAMPLER_EULER, SAMPLER_EXP, SAMPLER_HEUN, SAMPLER_2M, SAMPLER_ANCESTRAL };

/* The names, in the order of the enum, and NULL. */
extern const char *const sampler_names[];

struct sampler_options {
	int method;         /* enum sampler_method */
	int64_t steps;      /* N; heun evaluates the network twice a step */
	double temperature; /* T of the score; 1: the equation as it is. All but 2m */
	double tau;         /* of the softmax; 1: as trained */
	double scale;       /* s0: of the first noise */
	double eta;         /* share of ancestral noise, 0 to 1 */
	double guidance; /* γ: x̂ = x̂_without + γ (x̂_with - x̂_without) the given tokens; 1: none */
};

/* How a sequence starts. */
enum sampler_start {
	SAMPLER_NOISE,   /* x = s0 t n: nothing is known of the noised positions */
	SAMPLER_DAMAGED, /* x = e[id] + t n: the tokens of the noised positions, damaged */
};

struct sampler;

/* sampler_new - for batches of up to B sequences. w [laid out for c] must outlive it. */
struct sampler *sampler_new(struct kernels *k, const struct config *c, const struct weights *w,
    size_t B, const struct sampler_options *o, struct err *e);
void sampler_free(struct sampler *s);

/* sampler_bytes - memory that it takes, without the weights. SIZE_MAX on error. */
size_t sampler_bytes(struct kernels *k, const struct config *c, size_t B);

/*
 * sampler_run - denoise b in place: b->ids at noised positions are replaced, those that are given
 * stay. b->t: where each sequence starts; b->seed: of its noise. Each sequence is a function of its
 * own row and seed but for the rounding of products. Returns 0, or -1 with status ERR_NONFINITE.
 */
int sampler_run(struct sampler *s, struct batch *b, enum sampler_start start,
    const struct schedule *schedule, struct err *e);

/*
 * sampler_x - the noisy embeddings x [B,T,d] at which the last run ended, from which it took the
 * ids; host memory that belongs to s, valid until the next run.
 */
const real *sampler_x(const struct sampler *s);

#endif
