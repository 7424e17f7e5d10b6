#ifndef CDCD_PRECOND_H
#define CDCD_PRECOND_H

/*
 * Preconditioning: D(x, σ) = c_skip x + c_out F(c_in x, c_noise), where F is the network. Each
 * component of an embedding has unit variance. The logits are ⟨D, e_j⟩ + b_j.
 *
 *   karras  Karras et al. 2022, arXiv:2206.00364, Table 1, with σ_data = 1
 *   tanh    c_skip = tanh(1 - σ), c_out = tanh(σ), c_noise = 1
 *   cdcd    Dieleman et al. 2022, arXiv:2211.15089: c_skip = 0, c_out = 1
 *   bayes   c_skip = 1/σ², c_out = 1. All e_j have the same norm, so ⟨x, e_j⟩/σ² equals
 *           ln N(x | e_j, σ²) up to a constant, and the network has to learn only what the
 *           context adds (the output prior of Gulrajani & Hashimoto 2023, arXiv:2305.18619).
 *
 * All use c_in = 1/√(1 + σ²), and all except tanh use c_noise = ln(σ)/4.
 */

enum precond { PRECOND_KARRAS, PRECOND_TANH, PRECOND_CDCD, PRECOND_BAYES };

/* The names of the types, in the order of the enum, then NULL. */
extern const char *const precond_names[];

struct precond_coefficients {
	double skip, out, in, noise;
};

/* precond_at - the coefficients of this type at noise level sigma > 0. */
struct precond_coefficients precond_at(enum precond type, double sigma);

/*
 * precond_guide - change c, the coefficients at noise level sigma, to those of the prediction with
 * context guidance: D' = w D + (1 - w) x/σ². The logits of D' are w times those of D plus 1 - w
 * times those of x/σ², which are ln p(j | x) of a position without its context, up to a constant
 * (see bayes). So the logarithm of the ratio of both probabilities, which is what the model learnt
 * from the context, is multiplied by w. This is the classifier-free guidance of Ho & Salimans 2022,
 * arXiv:2207.12598, equation 6, with the context as the condition and an exact unconditional model.
 */
void precond_guide(struct precond_coefficients *c, double sigma, double w);

#endif
