#include "model/config.h"

const char *const config_presets[] = {"tiny", "small", "base", "seed", NULL};

void config_preset(struct config *c, int i)
{
	static const struct config preset[] = {
	    {4, 128, 4, 32, 80, 0, 128, PRECOND_CDCD, true, true, true, true, 2},
	    {8, 256, 4, 64, 64, 0, 128, PRECOND_CDCD, true, true, true, true, 2},
	    {12, 768, 12, 128, 128, 0, 128, PRECOND_CDCD, true, true, true, true, 2},
	    {12, 768, 12, 256, 64, 0, 128, PRECOND_KARRAS, false, true, false, false, 0},
	};

	*c = preset[i];
}

#define FIELD(name, type, max)                                                                     \
	{                                                                                          \
		"model." #name, type, offsetof(struct config, name), 1, max, NULL                  \
	}

const struct field config_fields[] = {
    FIELD(layers, FIELD_SIZE, 1000),
    FIELD(width, FIELD_SIZE, 65536),
    FIELD(heads, FIELD_SIZE, 1024),
    FIELD(embed, FIELD_SIZE, 65536),
    FIELD(row_len, FIELD_SIZE, 65536),
    FIELD(active, FIELD_SIZE, 16777216),
    FIELD(time_width, FIELD_SIZE, 65536),
    {"model.precond", FIELD_CHOICE, offsetof(struct config, precond), 0, 0, precond_names},
    FIELD(positions, FIELD_SWITCH, 1),
    FIELD(qk_norm, FIELD_SWITCH, 1),
    FIELD(self_cond, FIELD_SWITCH, 1),
    FIELD(posterior, FIELD_SWITCH, 1),
    {"model.recall", FIELD_SIZE, offsetof(struct config, copy_heads), 0, 64, NULL},
};
const size_t config_n_fields = sizeof config_fields / sizeof *config_fields;

int config_check(const struct config *c, struct err *e)
{
	for (size_t i = 0; i < config_n_fields; i++)
		if (field_check(&config_fields[i], c, e))
			return -1;
	if (c->width % c->heads || c->width / c->heads % 2)
		return err_set(e,
		    "model: %zu heads do not divide a width of %zu into even parts of whole "
		    "pairs",
		    c->heads, c->width);
	if (c->time_width % 2)
		return err_set(e, "model: time_width is %zu, not even", c->time_width);
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
