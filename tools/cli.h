#ifndef CDCD_CLI_H
#define CDCD_CLI_H

/*
 * Command-line code shared by all tools: one table that parses the options and prints --help,
 * messages, exit statuses, and removal of unfinished files when a signal ends the tool.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

enum option_type {
	OPTION_FLAG,   /* bool: set true */
	OPTION_INT,    /* int64_t */
	OPTION_SIZE,   /* size_t, from min to max */
	OPTION_SEED,   /* uint64_t, any value */
	OPTION_REAL,   /* double */
	OPTION_STRING, /* const char *; NULL: not given */
	OPTION_CHOICE, /* an enum, or int: index into choices */
	OPTION_SWITCH, /* bool: off or on, or two choices */
	OPTION_LIST,   /* struct cli_list: each use of the option appends an item */
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
	double min, max; /* of numbers; if both are 0, OPTION_INT and OPTION_REAL have no limits */
	const char *const *choices; /* OPTION_CHOICE, OPTION_SWITCH: NULL-terminated */
	const char *group;          /* heading of --help above this option; NULL: none */
};

/* A name or letter that an option had in an earlier version. It is refused, as "--name: is now use"
 * or "-letter: is now use", and --help does not list it. */
struct cli_removed {
	int letter;       /* 0: none */
	const char *name; /* NULL: none */
	const char *use;  /* what to type now, such as "--new-name" */
};

struct cli {
	const char *tool;    /* the name in messages */
	const char *usage;   /* text after the name on the usage line */
	const char *summary; /* one line */
	const struct option_entry *options;
	size_t n_options;
	int min_operands, max_operands; /* max -1: any number */
	const struct cli_removed *removed;
	size_t n_removed;
};

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Options that mean the same in several tools. Each tool that has one puts the macro into its
 * table, so that letter, name, type, range and help text are the same everywhere. cli_parse adds -h
 * and -V itself.
 */
extern const char *const cli_off_on[]; /* the names of a switch, then NULL */
extern bool cli_quiet, cli_verbose, cli_force;

#define CLI_QUIET                                                                                  \
	{                                                                                          \
		.letter = 'q', .name = "quiet", .type = OPTION_FLAG, .value = &cli_quiet,          \
		.help = "print only errors and warnings"                                           \
	}
#define CLI_VERBOSE                                                                                \
	{                                                                                          \
		.letter = 'v', .name = "verbose", .type = OPTION_FLAG, .value = &cli_verbose,      \
		.help = "print more; end with time and memory"                                     \
	}
#define CLI_FORCE(what)                                                                            \
	{                                                                                          \
		.letter = 'f', .name = "force", .type = OPTION_FLAG, .value = &cli_force,          \
		.help = (what)                                                                     \
	}
#define CLI_FORCE_TERMINAL CLI_FORCE("write binary output to a terminal")

/* path: const char *; what: the help text */
#define CLI_OUTPUT(path, what)                                                                     \
	{                                                                                          \
		.letter = 'o', .name = "output", .type = OPTION_STRING, .value = (path),           \
		.arg = "FILE", .help = (what)                                                      \
	}
#define CLI_STANDARD_OUTPUT "output file [standard output]"

/* level: int64_t, see shard_create; its default is SHARD_AUTO */
#define CLI_COMPRESS(level)                                                                        \
	{                                                                                          \
		.letter = 'z', .name = "compress", .type = OPTION_INT, .value = (level),           \
		.arg = "LEVEL",                                                                    \
		.help = "zstd level; 0: not compressed; -1: 3 for files, 0 for pipes", .min = -1,  \
		.max = 19                                                                          \
	}

/* seed: uint64_t; what: the help text */
#define CLI_SEED(seed, what)                                                                       \
	{                                                                                          \
		.letter = 's', .name = "seed", .type = OPTION_SEED, .value = (seed),               \
		.arg = "SEED", .help = (what)                                                      \
	}

/* n: int64_t */
#define CLI_THREADS(n)                                                                             \
	{                                                                                          \
		.letter = 'j', .name = "threads", .type = OPTION_INT, .value = (n), .arg = "N",    \
		.help = "threads; 0: one per processor", .min = 0, .max = 1024                     \
	}

/* precision: enum k_precision of compute/kernels.h */
#define CLI_PRECISION(precision)                                                                   \
	{                                                                                          \
		.name = "precision", .type = OPTION_CHOICE, .value = (precision),                  \
		.help = "number format of matrix products; auto: bf16 if it is faster",            \
		.choices = k_precisions                                                            \
	}

/* path: const char * */
#define CLI_PROFILE(path)                                                                          \
	{                                                                                          \
		.name = "profile", .type = OPTION_STRING, .value = (path), .arg = "FILE",          \
		.help = "write a CSV of the time spent in each kernel"                             \
	}

/*
 * cli_peek - the argument of the option with this letter, which may also be given by its long name,
 * without parsing the others. Returns NULL if it is absent. For options, such as presets, that set
 * the defaults of other options.
 */
const char *cli_peek(const struct cli *cli, int argc, char **argv, int letter);

/*
 * cli_parse - parse all options. Handles -h and -V and then exits. A usage error exits with 2.
 * Returns the index in argv of the first operand.
 *
 * cli_try_parse - the same for a program of several processes, which exit together: it never exits.
 * *first receives the index. Returns 0, 1 if -h or -V was handled, or -1 on a usage error.
 */
int cli_try_parse(const struct cli *cli, int argc, char **argv, int *first, struct err *e);
int cli_parse(const struct cli *cli, int argc, char **argv);

/* die - print "tool: message" and exit with the status in e. die_usage - the same with status 2. */
void die(const struct err *e) __attribute__((noreturn));

/* die_at_once - print and exit before cli_parse, without running exit handlers of libraries. */
void die_at_once(const char *tool, const struct err *e) __attribute__((noreturn));
void die_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A progress line is on the terminal, so the next message starts on a new line. */
extern bool cli_line_drawn;

/* warn - print "tool: message" to standard error. note - the same, unless -q was given. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cli_refuse - exit with the usage error "option does not go with with" if given is true. Options
 * that would have no effect are refused. */
void cli_refuse(bool given, const char *option, const char *with);

/* cli_show - write the value of an option to text as one types it; "" if there is none. */
void cli_show(const struct option_entry *o, char *text, size_t room);

/* cli_given - whether the option with this long name was given.
 * cli_is_listed - whether name is among the n names of list. */
bool cli_given(const char *name);
bool cli_is_listed(const char *name, const char *const *list, size_t n);

/*
 * For modes of a tool, each of which goes with some options only:
 *
 * cli_refuse_given - refuse, as cli_refuse does, the first given option among names. names: long
 * names, ended by NULL.
 *
 * cli_refuse_others - refuse the first given option that is not among the n in allowed.
 */
void cli_refuse_given(const char *with, const char *const *names);
void cli_refuse_others(const char *with, const char *const *allowed, size_t n);

/* cli_require - exit with the usage error "--option: needs --other" if the first was given and the
 * second was not. Both are long names. */
void cli_require(const char *option, const char *other);

/*
 * cli_try_clashes - a usage error if the tool would write one file twice, or write a
 * file that it reads. Standard input and output count as files, and two paths of one file are
 * recognised. A written path may name standard output (/dev/stdout). A stream (a pipe, or standard
 * input) that two readers would read is refused too: the second would find nothing, or block.
 *
 * written   n paths, each may be NULL
 * read      m paths, each may be NULL
 * operands  further paths that are read, ended by NULL. Without any, standard input is read; it is
 *           compared with the written paths in any case.
 *
 * Returns 0 or -1. cli_refuse_clashes exits instead.
 */
int cli_try_clashes(const char *const *written, size_t n, const char *const *read, size_t m,
    char *const *operands, struct err *e);
void cli_refuse_clashes(
    const char *const *written, size_t n, const char *const *read, size_t m, char *const *operands);

/*
 * cli_try_threads - a usage error if CLI_THREADS asks for more than 4 threads per processor and
 * more than 16 in all. More are not faster, and where threads wait for one another, much slower.
 * Returns 0 or -1; cli_check_threads exits instead.
 */
int cli_try_threads(int64_t threads, struct err *e);
void cli_check_threads(int64_t threads);

/*
 * cli_refuse_terminal - exit with a usage error if binary output would go to a terminal: path is
 * NULL or "-", standard output is a terminal, and -f was not given.
 */
void cli_refuse_terminal(const char *path);

/* cli_catch - sigaction, unless sig is ignored. A shell may start a background job with signals
 * ignored, and these stay ignored. */
void cli_catch(int sig, const struct sigaction *action);

/*
 * cli_unlink_at_end - add a file to remove if die or a signal ends the tool (SIGINT, SIGTERM,
 * SIGHUP, SIGQUIT, SIGPIPE or SIGXCPU). There are up to two such files; the paths are copied. NULL
 * adds none. Only for names that no other process uses meanwhile.
 * cli_unlink_nothing - forget these files.
 */
void cli_unlink_at_end(const char *path);
void cli_unlink_nothing(void);

/* cli_percent - part in percent of whole, for a message; 0 if whole is 0. */
double cli_percent(uint64_t part, uint64_t whole);

/* cli_provenance - write "tool version arg arg ..." to text, shell-quoted, truncated to room bytes
 * with the final NUL. */
void cli_provenance(char *text, size_t room, int argc, char **argv);

/* cli_finish - flush and close stdout, and die if that fails. With -v, print a last line: version,
 * command, wall and CPU seconds, peak memory. Returns 0, the exit status of success. */
int cli_finish(void);

#endif
