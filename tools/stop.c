#include "stop.h"

#include <stddef.h>
#include <sys/time.h>

#include "cli.h"

volatile sig_atomic_t stop_signal;

/*
 * Until the signal has been noticed an alarm goes off again and again: it may have come just before
 * a read that waits for rows, and only what comes during it wakes it.
 */
static void on_stop(int sig)
{
	static const struct itimerval again = {{0, 100000}, {0, 100000}};

	stop_signal = sig;
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	setitimer(ITIMER_REAL, &again, NULL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

void stop_catch(void)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: a read is to notice */

	sigaction(SIGALRM, &action, NULL);
	action.sa_handler = on_stop;
	cli_catch(SIGINT, &action);
	cli_catch(SIGTERM, &action);
	signal(SIGPIPE, SIG_IGN);
}

void stop_calm(void)
{
	static const struct itimerval none;

	setitimer(ITIMER_REAL, &none, NULL);
}
