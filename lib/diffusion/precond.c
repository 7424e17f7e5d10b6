#include "diffusion/precond.h"

#include <math.h>
#include <stddef.h>

const char *const precond_names[] = {"karras", "tanh", "cdcd", "bayes", NULL};

struct precond_coefficients precond_at(enum precond type, double sigma)
{
	double norm = sqrt(1 + sigma * sigma);
	struct precond_coefficients c = {0, 1, 1 / norm, log(sigma) / 4};

	switch (type) {
	case PRECOND_KARRAS:
		c.skip = 1 / (norm * norm);
		c.out = sigma / norm;
		break;
	case PRECOND_TANH:
		c.skip = tanh(1 - sigma);
		c.out = tanh(sigma);
		c.noise = 1;
		break;
	case PRECOND_CDCD:
		break;
	case PRECOND_BAYES:
		c.skip = 1 / (sigma * sigma);
		break;
	}
	return c;
}

void precond_guide(struct precond_coefficients *c, double sigma, double w)
{
	c->skip = w * c->skip + (1 - w) / (sigma * sigma);
	c->out *= w;
}
