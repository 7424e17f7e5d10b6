#include "model/config.h"

int config_check(const struct config *c, struct err *e)
{
	if (c->width % c->heads || c->width / c->heads % 2)
		return err_set(e,
		    "model: the width %zu divided by the number of heads %zu is not an even whole "
		    "number",
		    c->width, c->heads);
	if (c->time_width % 2)
		return err_set(
		    e, "model: time_width is %zu (expected an even number)", c->time_width);
	return 0;
}

size_t config_padded(const struct config *c)
{
	return (c->active + 63) / 64 * 64;
}

size_t config_slots(const struct config *c)
{
	return 2 + (c->self_cond ? 1 : 0) + (c->posterior ? 1 : 0);
}

size_t config_input(const struct config *c)
{
	return (config_slots(c) * c->embed + 1 + 15) / 16 * 16;
}

double config_flops(const struct config *c)
{
	double C = (double)c->width, d = (double)c->embed, V = (double)config_padded(c);
	double block = 12 * C * C + 2 * (double)c->row_len * C;
	double W = (double)config_input(c), ends = W * C + C * d + V * d;

	if (c->posterior)
		ends += 2 * V * d;
	ends += (double)c->copy_heads * W * (2 * C + 2 * (double)c->row_len + d);
	return 2 * ((double)c->layers * block + ends);
}
