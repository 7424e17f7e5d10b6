#include "train/even_loss.h"

#include <math.h>

void even_loss_add(struct even_loss *l, double t, double nats)
{
	const int last = EVEN_LOSS_INTERVALS - 1;
	double share = log(t / l->t_min) / log(l->t_max / l->t_min);
	int i = (int)fmin(fmax(share * EVEN_LOSS_INTERVALS, 0), last);

	l->sum[i] += nats;
	l->n[i]++;
}

/* The first interval with losses from i on in direction step, or -1. */
static int find_filled(const struct even_loss *l, int i, int step)
{
	for (; i >= 0 && i < EVEN_LOSS_INTERVALS; i += step)
		if (l->n[i])
			return i;
	return -1;
}

static double interval_mean(const struct even_loss *l, int i)
{
	int below = find_filled(l, i, -1), above = find_filled(l, i, 1);
	double low, high, share;

	if (below < 0)
		below = above;
	if (above < 0)
		above = below;
	if (below < 0)
		return NAN;
	low = l->sum[below] / (double)l->n[below];
	high = l->sum[above] / (double)l->n[above];
	share = above > below ? (double)(i - below) / (above - below) : 0;
	return low + share * (high - low);
}

double even_loss_mean(const struct even_loss *l)
{
	double sum = 0;

	for (int i = 0; i < EVEN_LOSS_INTERVALS; i++)
		sum += interval_mean(l, i);
	return sum / EVEN_LOSS_INTERVALS;
}
