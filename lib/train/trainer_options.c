#include "train/trainer.h"

#define AT(name) offsetof(struct trainer_options, name)

const struct field trainer_fields[] = {
    {"train.batch", FIELD_SIZE, AT(batch), 1, 1e6, NULL},
    {"train.steps", FIELD_SIZE, AT(steps), 0, 1e12, NULL},
    {"train.seed", FIELD_UINT, AT(seed), 0, 0, NULL},
    {"train.lr", FIELD_REAL, AT(optimizer.lr), 0, 10, NULL},
    {"train.lr_end", FIELD_REAL, AT(optimizer.lr_end), 0, 1, NULL},
    {"train.warmup", FIELD_REAL, AT(optimizer.warmup), 0, 1, NULL},
    {"train.beta1", FIELD_REAL, AT(optimizer.beta1), 0, 0.999999, NULL},
    {"train.beta2", FIELD_REAL, AT(optimizer.beta2), 0, 0.999999, NULL},
    {"train.eps", FIELD_REAL, AT(optimizer.eps), 1e-12, 1, NULL},
    {"train.decay", FIELD_REAL, AT(optimizer.weight_decay), 0, 10, NULL},
    {"train.clip", FIELD_REAL, AT(optimizer.clip), 0, 1e9, NULL},
    {"train.ema", FIELD_REAL, AT(optimizer.ema), 0, 0.9999999, NULL},
    {"train.self_cond_rate", FIELD_REAL, AT(self_cond_rate), 0, 1, NULL},
    {"train.pad_loss", FIELD_SWITCH, AT(pad_loss), 0, 1, NULL},
    {"train.full_vocab", FIELD_SWITCH, AT(full_vocab), 0, 1, NULL},
    {"train.family", FIELD_CHOICE, AT(family), 0, 0, schedule_families},
    {"train.t_min", FIELD_REAL, AT(t_min), 0, 1e9, NULL},
    {"train.t_max", FIELD_REAL, AT(t_max), 0, 1e9, NULL},
    {"train.refit_every", FIELD_SIZE, AT(refit_every), 0, 1e9, NULL},
    {"train.window", FIELD_SIZE, AT(window), 64, 1e9, NULL},
};
const size_t trainer_n_fields = sizeof trainer_fields / sizeof *trainer_fields;

void trainer_preset(struct trainer_options *o, struct config *c, int i)
{
	static const struct {
		size_t batch;
		double lr, ema;
	} preset[] = {
	    {64, 2e-3, 0.999}, {32, 1e-3, 0.9995}, {16, 3e-4, 0.9999}, {16, 1e-4, 0.9999}};

	config_preset(c, i);
	*o = (struct trainer_options){
	    .batch = preset[i].batch,
	    .optimizer = {.lr = preset[i].lr,
	        .lr_end = 0.1,
	        .warmup = 0.03,
	        .beta1 = 0.9,
	        .beta2 = 0.99,
	        .eps = 1e-8,
	        .weight_decay = 0.01,
	        .clip = 1,
	        .ema = preset[i].ema},
	    .self_cond_rate = c->self_cond ? 0.5 : 0,
	    .pad_loss = true,
	    .family = SCHEDULE_CAUCHY,
	    .refit_every = 200,
	    .window = 16384,
	};
}

int trainer_check(const struct trainer_options *o, struct err *e)
{
	for (size_t i = 0; i < trainer_n_fields; i++)
		if (field_check(&trainer_fields[i], o, e))
			return -1;
	if (o->t_min > 0 && o->t_max > 0 && o->t_min >= o->t_max)
		return err_set(e, "train.t_min %g is not below train.t_max %g", o->t_min, o->t_max);
	return 0;
}
