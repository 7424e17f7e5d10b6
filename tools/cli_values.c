/* The values of options: parsing, printing, and their lines of --help. */

#include "cli_values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

const char *const cli_off_on[] = {"off", "on", NULL};

/* --- help --- */

/* The names of the values that an option can have; NULL: it takes other values. */
static const char *const *choices_of(const struct option_entry *o)
{
	bool is_switch = o->type == OPTION_SWITCH || o->type == OPTION_FLAG;

	return is_switch && !o->choices ? cli_off_on : o->choices;
}

void cli_show(const struct option_entry *o, char *text, size_t room)
{
	const void *value = o->value;

	text[0] = '\0';
	switch (o->type) {
	case OPTION_LIST:
		break;
	case OPTION_INT:
		snprintf(text, room, "%lld", (long long)*(const int64_t *)value);
		break;
	case OPTION_SIZE:
		snprintf(text, room, "%zu", *(const size_t *)value);
		break;
	case OPTION_SEED:
		snprintf(text, room, "%llu", (unsigned long long)*(const uint64_t *)value);
		break;
	case OPTION_REAL:
		if (!isnan(*(const double *)value))
			snprintf(text, room, "%g", *(const double *)value);
		break;
	case OPTION_STRING:
		if (*(const char *const *)value)
			snprintf(text, room, "%s", *(const char *const *)value);
		break;
	case OPTION_CHOICE:
		snprintf(text, room, "%s", choices_of(o)[*(const int *)value]);
		break;
	case OPTION_FLAG:
	case OPTION_SWITCH:
		snprintf(text, room, "%s", choices_of(o)[*(const bool *)value]);
		break;
	}
}

void cli_print_option(const struct option_entry *o)
{
	char left[128] = "    ", value[4096] = "";
	bool takes_argument = o->type != OPTION_FLAG;
	size_t n;

	if (o->group)
		printf("%s:\n", o->group);
	if (o->letter)
		snprintf(left, sizeof left, "-%c, ", o->letter);
	n = strlen(left);
	snprintf(left + n, sizeof left - n, "--%s%s", o->name, takes_argument ? " " : "");
	n = strlen(left);
	if (takes_argument && choices_of(o) && !o->arg) {
		for (int i = 0; choices_of(o)[i]; i++, n = strlen(left))
			snprintf(left + n, sizeof left - n, "%s%s", i ? "|" : "", choices_of(o)[i]);
	} else if (o->arg) {
		snprintf(left + n, sizeof left - n, "%s", o->arg);
	}
	printf(strlen(left) < 28 ? "  %-28s%s" : "  %s\n                              %s", left,
	    o->help);
	if (takes_argument)
		cli_show(o, value, sizeof value);
	printf(*value ? " [%s]\n" : "\n", value);
}

/* --- parsing --- */

static int refuse_range(const struct option_entry *o, const char *text, struct err *e)
{
	return err_with(e, ERR_USAGE, "--%s: '%s' is not a number from %.15g to %.15g", o->name,
	    text, o->min, o->max);
}

static int parse_int(const struct option_entry *o, const char *text, int64_t *value, struct err *e)
{
	int64_t v;

	if (number_int(text, &v)) {
		if (errno == ERANGE)
			return refuse_range(o, text, e);
		return err_with(e, ERR_USAGE, "--%s: '%s' is not a whole number", o->name, text);
	}
	if ((o->min != 0 || o->max != 0) && ((double)v < o->min || (double)v > o->max))
		return refuse_range(o, text, e);
	*value = v;
	return 0;
}

static int set_seed(const struct option_entry *o, const char *text, struct err *e)
{
	if (number_unsigned(text, o->value))
		return err_with(e, ERR_USAGE, "--%s: '%s' is not a whole number from 0 to 2^64 - 1",
		    o->name, text);
	return 0;
}

static int set_real(const struct option_entry *o, const char *text, struct err *e)
{
	double v;

	if (number_real(text, &v))
		return err_with(e, ERR_USAGE, "--%s: '%s' is not a number%s", o->name, text,
		    errno == ERANGE ? " that a double can hold" : "");
	if ((o->min != 0 || o->max != 0) && (v < o->min || v > o->max))
		return refuse_range(o, text, e);
	*(double *)o->value = v;
	return 0;
}

static int parse_choice(const struct option_entry *o, const char *text, int *value, struct err *e)
{
	char all[256] = "";

	for (int i = 0; choices_of(o)[i]; i++) {
		size_t n = strlen(all);

		if (!strcmp(text, choices_of(o)[i])) {
			*value = i;
			return 0;
		}
		snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", choices_of(o)[i]);
	}
	return err_with(
	    e, ERR_USAGE, "--%s: unknown value '%s' (expected one of: %s)", o->name, text, all);
}

static int add_to_list(const struct option_entry *o, const char *text, struct err *e)
{
	struct cli_list *list = o->value;

	if (list->n == CLI_LIST_MAX)
		return err_with(
		    e, ERR_USAGE, "--%s: given more than %d times", o->name, CLI_LIST_MAX);
	list->item[list->n++] = text;
	return 0;
}

int cli_set(const struct option_entry *o, const char *text, struct err *e)
{
	int failed = 0, choice;
	int64_t integer;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)o->value = true;
		break;
	case OPTION_INT:
		failed = parse_int(o, text, o->value, e);
		break;
	case OPTION_SIZE:
		if (!(failed = parse_int(o, text, &integer, e)))
			*(size_t *)o->value = (size_t)integer;
		break;
	case OPTION_SEED:
		failed = set_seed(o, text, e);
		break;
	case OPTION_REAL:
		failed = set_real(o, text, e);
		break;
	case OPTION_STRING:
		*(const char **)o->value = text;
		break;
	case OPTION_CHOICE:
		failed = parse_choice(o, text, o->value, e);
		break;
	case OPTION_SWITCH:
		if (!(failed = parse_choice(o, text, &choice, e)))
			*(bool *)o->value = choice;
		break;
	case OPTION_LIST:
		failed = add_to_list(o, text, e);
		break;
	}
	return failed;
}
