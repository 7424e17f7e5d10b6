#ifndef CDCD_PRECOND_H
#define CDCD_PRECOND_H

/*
 * Preconditioning: D(x, σ) = c_skip x + c_out F(c_in x, c_noise), for embeddings of unit variance a
 * component. The logits are ⟨D, e_j⟩ + b_j.
 *
 *   karras  Karras et al. 2022, arXiv:2206.00364, Table 1, with σ_data = 1
 *   tanh    c_skip = tanh(1 - σ), c_out = tanh(σ), c_noise = 1
 *   cdcd    Dieleman et al. 2022, arXiv:2211.15089: no skip
 *   bayes   c_skip = 1/σ²: ⟨x, e_j⟩/σ² is ln N(x | e_j, σ²) up to a constant, for all e_j have one
 *           norm, so the network has only the context left to learn (the output prior of
 *           Gulrajani & Hashimoto 2023, arXiv:2305.18619)
 */

enum precond { PRECOND_KARRAS, PRECOND_TANH, PRECOND_CDCD, PRECOND_BAYES };

/* The names, in the order of the enum, and NULL. */
extern const char *const precond_names[];

struct precond_coefficients {
	double skip, out, in, noise;
};

struct precond_coefficients precond_at(enum precond row, double sigma);

#endif
