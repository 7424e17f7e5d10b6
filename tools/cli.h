#ifndef CDCD_CLI_H
#define CDCD_CLI_H

/*
 * What the tools share at the command line: options from one table that parses them and prints
 * --help, messages, exit statuses, and files that vanish when a signal ends the tool.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/err.h"
#include "ground/io.h"

enum option_type {
	OPTION_FLAG,   /* bool: set true */
	OPTION_INT,    /* int64_t */
	OPTION_SEED,   /* uint64_t, all of its range */
	OPTION_REAL,   /* double */
	OPTION_STRING, /* const char *; NULL means none */
	OPTION_CHOICE, /* int: index into choices */
	OPTION_LIST,   /* struct cli_list: one more each time it is given */
};

enum { CLI_LIST_MAX = 32 };
struct cli_list {
	const char *item[CLI_LIST_MAX];
	size_t n;
};

struct option_entry {
	int letter; /* 0: long only */
	const char *name;
	enum option_type type;
	void *value; /* holds the default before parsing; help prints it from here */
	const char *arg;
	const char *help;
	double min, max;            /* OPTION_INT, OPTION_REAL; both 0: any finite value */
	const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
	bool *seen;                 /* may be NULL; set true where the option was given */
};

struct cli {
	const char *tool;    /* the name in messages */
	const char *usage;   /* what follows the name on the usage line */
	const char *summary; /* one line */
	const struct option_entry *options;
	size_t n_options;
	int min_operands, max_operands; /* max -1: any number */
};

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The options that mean the same in every tool; -h and -V are always there. */
extern bool cli_quiet, cli_verbose, cli_force;
#define CLI_QUIET                                                                                  \
	{                                                                                          \
		'q', "quiet", OPTION_FLAG, &cli_quiet, NULL, "print only errors and warnings", 0,  \
		    0, 0, 0                                                                        \
	}
#define CLI_VERBOSE                                                                                \
	{                                                                                          \
		'v', "verbose", OPTION_FLAG, &cli_verbose, NULL,                                   \
		    "print more; end with time and memory", 0, 0, 0, 0                             \
	}
#define CLI_FORCE(what)                                                                            \
	{                                                                                          \
		'f', "force", OPTION_FLAG, &cli_force, NULL, what, 0, 0, 0, 0                      \
	}

/*
 * cli_peek - the argument of an option (by its letter or long name), without parsing the others;
 * NULL where it is absent. For options such as presets that set the defaults of others.
 */
const char *cli_peek(const struct cli *cli, int argc, char **argv, int letter);

/*
 * cli_parse - parse; answers -h and -V itself. A usage error exits with 2.
 * Returns the index in argv of the first operand.
 */
int cli_parse(const struct cli *cli, int argc, char **argv);

/*
 * cli_dying - what die and die_usage call before they print; it may change the message, and returns
 * whether to print it. NULL: nothing.
 */
extern bool (*cli_dying)(struct err *e);

/* die - print "tool: message" and exit with its status. die_usage - the same with status 2. */
void die(const struct err *e) __attribute__((noreturn));

/* die_at_once - die before cli_parse, with nothing that libraries do at exit. */
void die_at_once(const char *tool, const struct err *e) __attribute__((noreturn));
void die_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A line of progress stands on the terminal: the next message begins below it. */
extern bool cli_line_drawn;

/* warn - print "tool: message". note - the same unless -q. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cli_refuse - die of a usage error if given: an option that would do nothing is a mistake. */
void cli_refuse(bool given, const char *option, const char *with);

/* cli_given - whether the option of this long name was given. */
bool cli_given(const char *name);

/* cli_refuse_others - the same for the first option that was given and is not among the n long
 * names allowed: for what prints something and ends, and takes few options. */
void cli_refuse_others(const char *with, const char *const *allowed, size_t n);

/*
 * cli_refuse_clashes - die of a usage error if one file would be written twice, or while it is
 * read, standard output and input included, by whatever paths it is named. But a written path may
 * be that of standard output, as /dev/stdout is. The same if one stream (a pipe, or standard input)
 * would be read by two readers, of which the second would find nothing or wait for ever.
 *
 * written   n paths, each may be NULL
 * read      m paths, each may be NULL
 * operands  more that are read, up to a NULL; none: standard input, which is looked at anyhow
 */
void cli_refuse_clashes(
    const char *const *written, size_t n, const char *const *read, size_t m, char *const *operands);

/*
 * cli_check_threads - die of a usage error where so many threads, which work in step, would be far
 * slower than fewer: more than 4 a processor, and than 16.
 */
void cli_check_threads(int64_t threads);

/*
 * cli_refuse_terminal - die unless path is a file, or standard output is no terminal, or -f.
 * For binary output.
 */
void cli_refuse_terminal(const char *path);

/* cli_catch - sigaction, unless sig is ignored: what a shell has a job in the background ignore
 * stays so. */
void cli_catch(int sig, const struct sigaction *action);

/*
 * cli_unlink_on_signal - a file to remove if a signal that users, shells and batch systems send
 * ends the tool; NULL: none any more. One at a time; the path is copied.
 *
 * cli_unlink_at_end - a temporary file to remove if such a signal or die ends the tool; NULL: none
 * any more. Only for names that no other process uses.
 */
void cli_unlink_on_signal(const char *path);
void cli_unlink_at_end(const char *temporary);

/* cli_percent - part of whole, for a message; 0 of nothing. */
double cli_percent(uint64_t part, uint64_t whole);

/* cli_provenance - "tool version arg arg ..." shell-quoted and cut to room bytes. */
void cli_provenance(char *text, size_t room, int argc, char **argv);

/* cli_finish - flush and close stdout, checking it; with -v the last line says version, command,
 * wall and CPU seconds and peak memory. Returns the exit status of success: 0. */
int cli_finish(void);

#endif
