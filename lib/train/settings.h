#ifndef CDCD_SETTINGS_H
#define CDCD_SETTINGS_H

/* The settings of a training run: the shape of the model, and how it is trained. */

#include "model/config.h"
#include "train/trainer.h"

struct settings {
	struct config model;
	struct trainer_options train;
};

#endif
