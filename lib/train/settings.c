#include "train/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The offset of a member of struct settings; it does not compile if the member has another type. */
#define PLACE(type, member)                                                                        \
	offsetof(struct settings, member) +                                                        \
	    0 * sizeof((type *)NULL == &((struct settings *)NULL)->member)

/* Kinds of values: the member, and what values it can have. */
#define SIZE(member, low, high)                                                                    \
	.type = FIELD_SIZE, .offset = PLACE(size_t, member), .min = low, .max = high
#define REAL(member, low, high)                                                                    \
	.type = FIELD_REAL, .offset = PLACE(double, member), .min = low, .max = high
#define SEED(member) .type = FIELD_UINT, .offset = PLACE(uint64_t, member)
#define SWITCH(member, names) .type = FIELD_SWITCH, .offset = PLACE(bool, member), .choices = names
#define CHOICE(member, names)                                                                      \
	.type = FIELD_CHOICE, .offset = PLACE(unsigned, member), .choices = names

/* The key in a checkpoint, the option of train, the value, and the rest of struct setting. */
#define SETTING(key, opt, value, ...)                                                              \
	{                                                                                          \
		.field = {.name = key, value}, .option = opt, __VA_ARGS__                          \
	}

static const char *const off_on[] = {"off", "on", NULL};
static const char *const wires[] = {"float", "bf16", NULL};

/* clang-format off */
const struct setting settings_table[] = {
	/* The shape of the model. */
	SETTING("model.layers", "layers", SIZE(model.layers, 1, 1000), .arg = "N", .fixed = true,
		.help = "number of transformer blocks"),
	SETTING("model.width", "width", SIZE(model.width, 2, 65536), .arg = "N", .fixed = true,
		.help = "channels of the transformer"),
	SETTING("model.heads", "heads", SIZE(model.heads, 1, 1024), .arg = "N", .fixed = true,
		.help = "attention heads per block"),
	SETTING("model.embed", "embed", SIZE(model.embed, 2, 65536), .arg = "N", .fixed = true,
		.help = "dimension of the embeddings"),
	SETTING("model.row_len", NULL, SIZE(model.row_len, 1, 65536), .fixed = true),
	SETTING("model.active", NULL, SIZE(model.active, 1, 16777216), .fixed = true),
	SETTING("model.time_width", "time-width", SIZE(model.time_width, 2, 65536), .arg = "N",
		.fixed = true, .help = "features of the noise level and width of their network"),
	SETTING("model.precond", "precond", CHOICE(model.precond, precond_names), .letter = 'p',
		.fixed = true, .help = "preconditioning of the network"),
	SETTING("model.qk_norm", "qk-norm", SWITCH(model.qk_norm, off_on), .fixed = true,
		.help = "normalise queries and keys in attention"),
	SETTING("model.positions", "positions", SWITCH(model.positions, off_on), .fixed = true,
		.help = "add a learned vector for each position"),
	SETTING("model.self_cond", "self-cond", SWITCH(model.self_cond, off_on), .fixed = true),
	SETTING("model.posterior", "posterior", SWITCH(model.posterior, off_on), .fixed = true,
		.help = "give the network each position's posterior mean embedding"),
	SETTING("model.copy_heads", "copy-heads", SIZE(model.copy_heads, 0, 64), .arg = "N",
		.fixed = true, .old_key = "model.recall",
		.help = "heads of the copy attention at the end; 0: none"),
	SETTING("train.full_vocab", "full-vocab", SWITCH(train.full_vocab, off_on), .fixed = true,
		.help = "the softmax has all ids, not only those in use"),

	/* Training. */
	SETTING("train.steps", "steps", SIZE(train.steps, 0, 1e12), .letter = 'n', .arg = "N",
		.help = "steps of the whole run; 0: as many as the rows allow",
		.group = "Training"),
	SETTING("train.batch", "batch", SIZE(train.batch, 1, 1e6), .letter = 'B', .arg = "N",
		.help = "rows per step, of all ranks together"),
	SETTING("train.self_cond", "self-cond", REAL(train.self_cond, 0, 1), .arg = "SHARE",
		.old_key = "train.self_cond_rate",
		.help = "fraction of the rows trained with self-conditioning"),
	SETTING("train.pad_loss", "pad-loss", SWITCH(train.pad_loss, off_on),
		.help = "count noised [PAD] tokens in the loss"),
	SETTING("train.seed", "seed", SEED(train.seed), .letter = 's', .arg = "SEED",
		.fixed = true, .help = "random seed of the initial weights"),

	/* The optimizer. */
	SETTING("train.optimizer", "optimizer", CHOICE(train.optimizer.method, optimizer_methods),
		.fixed = true, .if_absent = "adamw",
		.help = "AdamW for all weights, or Muon for the matrices"),
	SETTING("train.muon_scale", "muon-scale", REAL(train.optimizer.muon_scale, 0, 100),
		.arg = "S", .if_absent = "0.8",
		.help = "size of Muon's updates, as a multiple of the learning rate"),
	SETTING("train.muon_momentum", "muon-momentum",
		REAL(train.optimizer.muon_momentum, 0, 0.999999), .arg = "B", .if_absent = "0.9",
		.help = "decay of Muon's momentum"),
	SETTING("train.lr", "lr", REAL(train.optimizer.lr, 0, 10), .arg = "RATE",
		.help = "peak learning rate"),
	SETTING("train.lr_end", "lr-end", REAL(train.optimizer.lr_end, 0, 1), .arg = "SHARE",
		.help = "final learning rate, as a fraction of the peak"),
	SETTING("train.warmup", "warmup", REAL(train.optimizer.warmup, 0, 1), .arg = "SHARE",
		.help = "fraction of the steps for learning rate warm-up"),
	SETTING("train.beta1", "beta1", REAL(train.optimizer.beta1, 0, 0.999999), .arg = "B",
		.help = "decay of AdamW's first moment"),
	SETTING("train.beta2", "beta2", REAL(train.optimizer.beta2, 0, 0.999999), .arg = "B",
		.help = "decay of AdamW's second moment"),
	SETTING("train.eps", NULL, REAL(train.optimizer.eps, 1e-12, 1)),
	SETTING("train.weight_decay", "weight-decay", REAL(train.optimizer.weight_decay, 0, 10),
		.arg = "D", .old_key = "train.decay",
		.help = "weight decay, matrices only"),
	SETTING("train.clip", "clip", REAL(train.optimizer.clip, 0, 1e9), .arg = "NORM",
		.help = "largest norm of the gradient; 0: no clipping"),
	SETTING("train.ema", "ema", REAL(train.optimizer.ema, 0, 0.9999999), .arg = "DECAY",
		.help = "decay of the moving average of the weights"),

	/* The noise levels. */
	SETTING("train.schedule", "schedule", CHOICE(train.schedule, schedule_families),
		.fixed = true, .old_key = "train.family",
		.help = "family of the noise schedule F(t)", .group = "Noise levels"),
	SETTING("train.t_min", "t-min", REAL(train.t_min, 0, 1e9), .arg = "T", .fixed = true,
		.help = "smallest noise level; 0: sqrt(d)/16"),
	SETTING("train.t_max", "t-max", REAL(train.t_max, 0, 1e9), .arg = "T", .fixed = true,
		.help = "largest noise level; 0: 18 sqrt(d)"),
	SETTING("train.even_levels", "even-levels", REAL(train.even_levels, 0, 1), .arg = "SHARE",
		.if_absent = "0",
		.help = "fraction of the rows with levels even in ln t, not from F(t)"),
	SETTING("train.refit_every", "refit-every", SIZE(train.refit_every, 0, 1e9), .arg = "N",
		.help = "steps between fits of F(t); 0: no fits"),
	SETTING("train.window", "window", SIZE(train.window, 64, 1e9), .arg = "N", .fixed = true,
		.help = "number of most recent rows in a fit of F(t)"),

	/* Communication between ranks. */
	SETTING("train.wire", "wire", SWITCH(train.buckets.bf16, wires), .per_run = true,
		.help = "number format of gradients between ranks", .group = "Several machines"),
	SETTING("train.shard", "shard", SWITCH(train.buckets.shard, off_on), .per_run = true,
		.help = "split the optimiser's state over the ranks (ZeRO-1)"),
	SETTING("train.bucket", "bucket", SIZE(train.buckets.kib, 1, 1048576), .arg = "KIB",
		.per_run = true,
		.help = "smallest bucket of gradients sent together, in KiB"),
};
/* clang-format on */
const size_t settings_n = sizeof settings_table / sizeof *settings_table;

/* --- presets --- */

#define OPTIMIZER(way, rate, decay)                                                                \
	{                                                                                          \
		.method = OPTIMIZER_##way, .lr = rate, .lr_end = 0.1, .warmup = 0.03,              \
		.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.01, .clip = 1,         \
		.ema = decay, .muon_scale = 0.8, .muon_momentum = 0.9                              \
	}
#define MODEL(row)                                                                                 \
	.time_width = 128, .precond = PRECOND_##row, .positions = true, .qk_norm = true,           \
	.self_cond = true, .posterior = true, .copy_heads = 2
#define COMMON .pad_loss = true, .buckets = {.kib = 4096}
#define TRAINING                                                                                   \
	COMMON, .self_cond = 0.5, .schedule = SCHEDULE_LOGISTIC, .even_levels = 0.1,               \
	        .refit_every = 50, .window = 4096

/* clang-format off */
const struct preset settings_presets[] = {
	{.name = "tiny", .settings = {
		.model = {.layers = 4, .width = 128, .heads = 4, .embed = 32, .row_len = 80, MODEL(CDCD)},
		.train = {.batch = 64, .optimizer = OPTIMIZER(MUON, 3e-3, 0.999), TRAINING}}},
	{.name = "small", .settings = {
		.model = {.layers = 8, .width = 256, .heads = 4, .embed = 64, .row_len = 64, MODEL(BAYES)},
		.train = {.batch = 32, .optimizer = OPTIMIZER(MUON, 2e-3, 0.9995), TRAINING}}},
	{.name = "base", .settings = {
		.model = {.layers = 12, .width = 768, .heads = 12, .embed = 128, .row_len = 128, MODEL(CDCD)},
		.train = {.batch = 16, .optimizer = OPTIMIZER(ADAMW, 3e-4, 0.9999), TRAINING}}},
	/* The model of mini-cdcd, which this project follows. */
	{.name = "mini-cdcd", .old_name = "seed", .settings = {
		.model = {.layers = 12, .width = 768, .heads = 12, .embed = 256, .row_len = 64,
			.time_width = 128, .precond = PRECOND_KARRAS, .qk_norm = true},
		.train = {.batch = 16, .optimizer = OPTIMIZER(ADAMW, 1e-4, 0.9999), COMMON,
			.schedule = SCHEDULE_CAUCHY, .refit_every = 200, .window = 16384}}},
};
/* clang-format on */
const size_t settings_n_presets = sizeof settings_presets / sizeof *settings_presets;

const struct settings *settings_preset(const char *name)
{
	for (size_t i = 0; i < settings_n_presets; i++) {
		const struct preset *p = &settings_presets[i];

		if (!strcmp(p->name, name) || (p->old_name && !strcmp(p->old_name, name)))
			return &p->settings;
	}
	return NULL;
}

/* --- values --- */

int settings_check(const struct settings *s, struct err *e)
{
	for (size_t i = 0; i < settings_n; i++)
		if (field_check(&settings_table[i].field, s, e))
			return -1;
	if (config_check(&s->model, e))
		return -1;
	if (s->train.t_min > 0 && s->train.t_max > 0 && s->train.t_min >= s->train.t_max)
		return err_set(e, "--t-min: %g is not below --t-max, which is %g", s->train.t_min,
		    s->train.t_max);
	return 0;
}

void settings_show(const struct setting *entry, const struct settings *s, char text[FIELD_ROOM])
{
	const struct field *f = &entry->field;
	const char *at = (const char *)s + f->offset;

	if (f->type == FIELD_SWITCH) {
		snprintf(text, FIELD_ROOM, "%s", f->choices[*(const bool *)at]);
		return;
	}
	if (f->type == FIELD_REAL) {
		snprintf(text, FIELD_ROOM, "%.15g", *(const double *)at);
		if (strtod(text, NULL) == *(const double *)at)
			return;
	}
	field_print(f, s, text);
}

/* The setting whose value an option gives; that of entry may only follow from it. */
static const struct setting *find_option(const struct setting *entry)
{
	for (size_t i = 0; i < settings_n && entry->option; i++)
		if (settings_table[i].help && !strcmp(settings_table[i].option, entry->option))
			return &settings_table[i];
	return entry;
}

int settings_check_fixed(
    const struct settings *own, const struct settings *asked, const char *name, struct err *e)
{
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *entry = &settings_table[i], *given = find_option(entry);
		char has[FIELD_ROOM], wanted[FIELD_ROOM];

		settings_show(entry, own, has);
		settings_show(entry, asked, wanted);
		if (!entry->fixed || !strcmp(has, wanted))
			continue;
		settings_show(given, own, has);
		settings_show(given, asked, wanted);
		return err_with(e, ERR_USAGE,
		    "--%s: is %s in %s and cannot be changed to %s on --resume",
		    given->option ? given->option : given->field.name, has, name, wanted);
	}
	return 0;
}
