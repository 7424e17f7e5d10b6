#ifndef CDCD_SETTINGS_H
#define CDCD_SETTINGS_H

/*
 * The settings of a training run: the shape of the model, and how it is trained. settings.c
 * declares each of them once, in a table. From it come the metadata of a checkpoint, the options of
 * train and their help, the ranges, the comparison between ranks, and what --resume cannot change.
 */

#include "base/fields.h"
#include "diffusion/schedule.h"
#include "model/config.h"
#include "train/buckets.h"
#include "train/optimizer.h"

struct trainer_options {
	size_t batch;  /* sequences per step, over all ranks */
	size_t steps;  /* steps of the whole run, at which the cosine ends */
	uint64_t seed; /* seed of the initial weights */
	struct optimizer_options optimizer;
	double self_cond; /* fraction of the rows that are self-conditioned */
	bool pad_loss;    /* [PAD] is a target */
	bool full_vocab;  /* the softmax runs over all ids */
	enum schedule_family schedule;
	double t_min, t_max;            /* range of noise levels; 0: defaults of schedule_init */
	double even_levels;             /* fraction of the rows whose levels are even in ln t */
	size_t refit_every;             /* steps between fits of the schedule; 0: no fits */
	size_t window;                  /* number of most recent sequences that a fit uses */
	struct buckets_options buckets; /* not stored in a checkpoint: a run can be resumed on
	                                   another number of ranks */
};

struct settings {
	struct config model;
	struct trainer_options train;
};

struct setting {
	struct field field;    /* in struct settings; its name is the key in a checkpoint */
	const char *old_key;   /* key in checkpoints of earlier versions; NULL: the same */
	const char *if_absent; /* value in a checkpoint without the key; NULL: that is an error */
	const char *option;    /* long option of train that sets it; NULL: none */
	int letter;            /* of that option; 0: none */
	const char *arg;       /* name of its argument in the help; NULL: the choices */
	const char *help;      /* NULL: it follows from another setting of this option */
	const char *group;     /* heading of the help above this option; NULL: none */
	bool fixed;            /* --resume cannot change it */
	bool per_run;          /* not stored in a checkpoint: a resumed run may change it */
};

extern const struct setting settings_table[];
extern const size_t settings_n;

/* Presets: values for all settings, except active, steps and seed, which are 0. */
struct preset {
	const char *name;
	const char *old_name; /* name in earlier versions, which is accepted too; may be NULL */
	struct settings settings;
};
extern const struct preset settings_presets[];
extern const size_t settings_n_presets;

/* settings_preset - the settings of the preset with this name, or NULL if there is none. */
const struct settings *settings_preset(const char *name);

/* settings_check - check that every setting is within its range, that the shape of the model is
 * valid (config_check), and that t_min < t_max. Returns 0 or -1. */
int settings_check(const struct settings *s, struct err *e);

/* settings_show - write the value of a setting to text, as one types it behind its option. The
 * text of a number has enough digits to identify it. */
void settings_show(const struct setting *entry, const struct settings *s, char text[FIELD_ROOM]);

/*
 * settings_check_fixed - check that asked has the same values as own, the settings of a checkpoint,
 * wherever --resume cannot change them. The message begins with the option; name is the name of the
 * checkpoint in it. Returns 0, or -1 with status ERR_USAGE.
 */
int settings_check_fixed(
    const struct settings *own, const struct settings *asked, const char *name, struct err *e);

#endif
