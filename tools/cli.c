#include "cli.h"
#include "cli_values.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/pool.h"
#include "base/version.h"

enum { MAX_OPTIONS = 96, LONG_ONLY = 256, REMOVED = LONG_ONLY + MAX_OPTIONS };

bool cli_quiet, cli_verbose, cli_force;
bool cli_line_drawn;

static const char *tool_name = "cdcd";
static double started; /* clock_seconds */
static char command_line[512];
/* The files to remove; copies, as their owner may free the names. */
static char unfinished[2][4096];
static volatile sig_atomic_t n_unfinished;
static const char *given_names[MAX_OPTIONS]; /* of the given options, each once */
static size_t n_given;

/* --- messages --- */

__attribute__((format(printf, 1, 0))) static void print_message(const char *fmt, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof text, fmt, ap);
	err_printable(text);
	fflush(stdout);
	fprintf(stderr, "%s%s: %s\n", cli_line_drawn ? "\n" : "", tool_name, text);
	cli_line_drawn = false;
}

static void remove_unfinished(void)
{
	for (int i = 0; i < n_unfinished; i++)
		unlink(unfinished[i]);
}

void die(const struct err *e)
{
	remove_unfinished();
	warn("%s", e->msg);
	exit((int)e->status);
}

void die_at_once(const char *name, const struct err *e)
{
	tool_name = name;
	warn("%s", e->msg);
	_exit((int)e->status);
}

void die_usage(const char *fmt, ...)
{
	struct err e = {.status = ERR_USAGE};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.msg, sizeof e.msg, fmt, ap);
	va_end(ap);
	die(&e);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_message(fmt, ap);
	va_end(ap);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!cli_quiet)
		print_message(fmt, ap);
	va_end(ap);
}

/* --- the option table in the form that getopt_long needs --- */

static const struct option_entry standard_options[] = {
    {.letter = 'h', .name = "help", .type = OPTION_FLAG, .help = "print this help and exit"},
    {.letter = 'V', .name = "version", .type = OPTION_FLAG, .help = "print the version and exit"},
};

struct table {
	struct option long_options[MAX_OPTIONS];
	char letters[3 * MAX_OPTIONS + 3];
	const struct option_entry *entry[MAX_OPTIONS];
	int n, n_names; /* entries; names in long_options: entries and removed names */
};

static void table_add_name(struct table *t, const char *name, int argument, int value)
{
	if (t->n_names == MAX_OPTIONS - 1)
		die_usage("internal error: more than %d options", MAX_OPTIONS - 1);
	t->long_options[t->n_names++] = (struct option){name, argument, NULL, value};
}

static void table_add(struct table *t, const struct option_entry *entry)
{
	size_t used = strlen(t->letters);
	bool takes_argument = entry->type != OPTION_FLAG;

	table_add_name(
	    t, entry->name, takes_argument ? required_argument : no_argument, LONG_ONLY + t->n);
	t->entry[t->n++] = entry;
	if (entry->letter)
		snprintf(t->letters + used, sizeof t->letters - used, "%c%s", entry->letter,
		    takes_argument ? ":" : "");
}

/* Removed names and letters parse with and without an argument, and are then refused. */
static void table_add_removed(struct table *t, const struct cli_removed *old, int i)
{
	size_t used = strlen(t->letters);

	if (old->name)
		table_add_name(t, old->name, optional_argument, REMOVED + i);
	if (old->letter)
		snprintf(t->letters + used, sizeof t->letters - used, "%c::", old->letter);
}

static void table_init(struct table *t, const struct cli *cli)
{
	memset(t, 0, sizeof *t);
	t->letters[0] = ':'; /* distinguish a missing argument from an unknown option */
	for (size_t i = 0; i < cli->n_options; i++)
		table_add(t, &cli->options[i]);
	for (size_t i = 0; i < CLI_COUNT(standard_options); i++)
		table_add(t, &standard_options[i]);
	for (size_t i = 0; i < cli->n_removed; i++)
		table_add_removed(t, &cli->removed[i], (int)i);
	optind = 1;
}

static const struct option_entry *table_find(const struct table *t, int c)
{
	if (c >= LONG_ONLY && c < LONG_ONLY + t->n)
		return t->entry[c - LONG_ONLY];
	for (int i = 0; i < t->n; i++)
		if (t->entry[i]->letter == c)
			return t->entry[i];
	return NULL;
}

/* --- help --- */

static void print_help(const struct cli *cli)
{
	printf("usage: %s %s\n%s\n\n", tool_name, cli->usage, cli->summary);
	for (size_t i = 0; i < cli->n_options; i++)
		cli_print_option(&cli->options[i]);
	for (size_t i = 0; i < CLI_COUNT(standard_options); i++)
		cli_print_option(&standard_options[i]);
}

/* --- parsing --- */

bool cli_is_listed(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}

/*
 * If a standard stream is closed, the next file that is opened gets its descriptor, and rows could
 * be written into a checkpoint. So open /dev/null in its place, with a mode in which reading
 * standard input, or writing standard output, fails. Messages are then discarded.
 */
static void open_standard_streams(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", flags[fd]) != fd)
			_exit(ERR_DATA);
}

static void set_tool(const struct cli *cli, int argc, char **argv)
{
	open_standard_streams();
	/* Exceeding a file size limit must be a write error, not the end of the process. */
	signal(SIGXFSZ, SIG_IGN);
	tool_name = cli->tool;
	started = clock_seconds();
	cli_provenance(command_line, sizeof command_line, argc, argv);
}

const char *cli_peek(const struct cli *cli, int argc, char **argv, int letter)
{
	struct table t;
	const char *found = NULL;
	int c;

	set_tool(cli, argc, argv);
	table_init(&t, cli);
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.letters, t.long_options, NULL)) != -1) {
		const struct option_entry *o = table_find(&t, c);

		if (o && o->letter == letter && o->type != OPTION_FLAG)
			found = optarg;
	}
	opterr = 1;
	return found;
}

/* getopt_long leaves a bad short option in optopt, and a bad long one in argv[optind - 1]. */
static int refuse_unknown(const struct table *t, int c, char **argv, struct err *e)
{
	const struct option_entry *known = optopt ? table_find(t, optopt) : NULL;
	const char *at = argv[optind - 1];

	if (c == ':' && known)
		return err_with(e, ERR_USAGE, "--%s: missing argument (see --help)", known->name);
	if (c == '?' && known)
		return err_with(e, ERR_USAGE, "--%s: takes no argument (see --help)", known->name);
	if (optopt && optopt < LONG_ONLY && !known)
		return err_with(e, ERR_USAGE, "unknown option '-%c' (see --help)", optopt);
	return err_with(e, ERR_USAGE, "unknown or ambiguous option '%s' (see --help)", at);
}

static int refuse_removed(const struct cli *cli, int c, struct err *e)
{
	for (size_t i = 0; i < cli->n_removed; i++) {
		const struct cli_removed *old = &cli->removed[i];

		if (c == REMOVED + (int)i)
			return err_with(e, ERR_USAGE, "--%s: is now %s", old->name, old->use);
		if (c && c == old->letter)
			return err_with(e, ERR_USAGE, "-%c: is now %s", old->letter, old->use);
	}
	return 0;
}

static int check_operands(const struct cli *cli, int argc, char **argv, struct err *e)
{
	if (argc - optind < cli->min_operands)
		return err_with(
		    e, ERR_USAGE, "missing operand; usage: %s %s", tool_name, cli->usage);
	if (cli->max_operands >= 0 && argc - optind > cli->max_operands)
		return err_with(e, ERR_USAGE, "'%s': unexpected operand (see --help)",
		    argv[optind + cli->max_operands]);
	return 0;
}

int cli_try_parse(const struct cli *cli, int argc, char **argv, int *first, struct err *e)
{
	struct table t;
	int c;

	set_tool(cli, argc, argv);
	table_init(&t, cli);
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.letters, t.long_options, NULL)) != -1) {
		const struct option_entry *o = table_find(&t, c);

		if (refuse_removed(cli, c, e))
			return -1;
		if (!o)
			return refuse_unknown(&t, c, argv, e);
		if (o->letter == 'h') {
			print_help(cli);
			return 1;
		}
		if (o->letter == 'V') {
			printf("%s (cdcd) %s\n", tool_name, CDCD_VERSION);
			return 1;
		}
		if (cli_set(o, optarg, e))
			return -1;
		if (!cli_is_listed(o->name, given_names, n_given))
			given_names[n_given++] = o->name;
	}
	*first = optind;
	return check_operands(cli, argc, argv, e);
}

int cli_parse(const struct cli *cli, int argc, char **argv)
{
	struct err e;
	int first, done = cli_try_parse(cli, argc, argv, &first, &e);

	if (done < 0)
		die(&e);
	if (done)
		exit(cli_finish());
	return first;
}

void cli_refuse(bool given, const char *option, const char *with)
{
	if (given)
		die_usage("%s does not go with %s", option, with);
}

bool cli_given(const char *name)
{
	return cli_is_listed(name, given_names, n_given);
}

void cli_refuse_given(const char *with, const char *const *names)
{
	for (; *names; names++)
		if (cli_given(*names))
			die_usage("--%s does not go with %s", *names, with);
}

void cli_refuse_others(const char *with, const char *const *allowed, size_t n)
{
	for (size_t i = 0; i < n_given; i++)
		if (!cli_is_listed(given_names[i], allowed, n))
			die_usage("--%s does not go with %s", given_names[i], with);
}

void cli_require(const char *option, const char *other)
{
	if (cli_given(option) && !cli_given(other))
		die_usage("--%s: needs --%s", option, other);
}

int cli_try_threads(int64_t threads, struct err *e)
{
	int cpus = pool_cpus();
	int64_t most = cpus > 4 ? 4 * (int64_t)cpus : 16;

	if (threads > most)
		return err_with(e, ERR_USAGE,
		    "--threads: %" PRId64 " threads are too many for %d processors "
		    "(expected at most %" PRId64 ")",
		    threads, cpus, most);
	return 0;
}

void cli_check_threads(int64_t threads)
{
	struct err e;

	if (cli_try_threads(threads, &e))
		die(&e);
}

void cli_refuse_terminal(const char *path)
{
	if ((!path || !strcmp(path, "-")) && isatty(STDOUT_FILENO) && !cli_force)
		die_usage("binary output to a terminal: redirect it, or use -o FILE, or -f");
}

/* --- the end --- */

static void on_signal(int sig)
{
	remove_unfinished();
	signal(sig, SIG_DFL);
	raise(sig);
}

void cli_catch(int sig, const struct sigaction *action)
{
	struct sigaction old;

	if (!sigaction(sig, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(sig, action, NULL);
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU};
	struct sigaction act = {.sa_handler = on_signal};

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < CLI_COUNT(signals); i++)
		cli_catch(signals[i], &act);
}

void cli_unlink_at_end(const char *path)
{
	int n = n_unfinished;

	if (!path || n == (int)CLI_COUNT(unfinished))
		return;
	snprintf(unfinished[n], sizeof unfinished[n], "%s", path);
	n_unfinished = n + 1;
	catch_signals();
}

void cli_unlink_nothing(void)
{
	n_unfinished = 0;
}

double cli_percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

/* Append one argument, quoted so that a shell reads it back unchanged. */
static size_t quote_argument(char *to, size_t room, const char *s)
{
	bool plain = *s != '\0' && s[strcspn(s, " \t\n\"'\\$`*?[]{}()<>|&;!#~")] == '\0';
	size_t n = 0;

	if (!plain && n < room)
		to[n++] = '\'';
	for (; *s && n < room; s++) {
		static const char escaped[] = "'\\''";

		for (const char *q = *s == '\'' ? escaped : NULL; q && *q && n < room; q++)
			to[n++] = *q;
		if (*s != '\'')
			to[n++] = (unsigned char)*s < ' ' ? '?' : *s;
	}
	if (!plain && n < room)
		to[n++] = '\'';
	return n;
}

void cli_provenance(char *text, size_t room, int argc, char **argv)
{
	size_t n = (size_t)snprintf(text, room, "%s %s", tool_name, CDCD_VERSION);

	for (int i = 1; i < argc && n + 2 < room; i++) {
		text[n++] = ' ';
		n += quote_argument(text + n, room - 1 - n, argv[i]);
	}
	text[n < room ? n : room - 1] = '\0';
}

static double timeval_seconds(struct timeval t)
{
	return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

int cli_finish(void)
{
	struct rusage u;
	struct err e;

	if (fflush(stdout) || ferror(stdout) || (fclose(stdout) && errno != EBADF)) {
		err_errno(&e, "standard output: cannot write");
		die(&e);
	}
	if (!cli_verbose)
		return 0;
	getrusage(RUSAGE_SELF, &u);
	warn("%s: %.3f s wall, %.3f s CPU, %.1f MiB peak", command_line, clock_seconds() - started,
	    timeval_seconds(u.ru_utime) + timeval_seconds(u.ru_stime),
	    (double)mem_peak() / 1048576);
	return 0;
}
