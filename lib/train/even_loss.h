#ifndef CDCD_EVEN_LOSS_H
#define CDCD_EVEN_LOSS_H

/*
 * A training loss that is comparable across fits of F: what the mean loss would be if noise levels
 * were spread evenly in ln t. The levels of training follow F and change with each fit, and the
 * mean loss changes with them. Here the range of levels is divided into intervals of equal ratio,
 * and the result is the mean of their mean losses (post-stratification). An interval without losses
 * gets a value by linear interpolation between its neighbours.
 */

#include <stddef.h>

enum { EVEN_LOSS_INTERVALS = 16 };

/* All zero but t_min and t_max, the range of levels; levels outside count at its ends. */
struct even_loss {
	double t_min, t_max;
	double sum[EVEN_LOSS_INTERVALS]; /* nats */
	size_t n[EVEN_LOSS_INTERVALS];
};

void even_loss_add(struct even_loss *l, double t, double nats);

/* even_loss_mean - in nats; NAN without losses. */
double even_loss_mean(const struct even_loss *l);

#endif
