#ifndef CDCD_CLI_VALUES_H
#define CDCD_CLI_VALUES_H

/* The value of one option. Only cli.c uses this header; cli_show is in cli.h, for all tools. */

#include "cli.h"

/*
 * cli_set - parse text as the argument of an option, check its range, and store the value. text is
 * not read for OPTION_FLAG; OPTION_STRING and OPTION_LIST keep the pointer. Returns 0, or -1 on a
 * usage error.
 */
int cli_set(const struct option_entry *o, const char *text, struct err *e);

/* cli_print_option - print the line of --help of an option, with its present value. */
void cli_print_option(const struct option_entry *o);

#endif
