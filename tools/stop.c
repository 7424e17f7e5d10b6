#include "stop.h"

#include <stddef.h>
#include <sys/time.h>

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

/* What a shell has a job in the background ignore stays ignored. */
static void catch_signal(int sig, const struct sigaction *action)
{
	struct sigaction old;

	if (!sigaction(sig, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(sig, action, NULL);
}

void stop_catch(void)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: a read is to notice */

	sigaction(SIGALRM, &action, NULL);
	action.sa_handler = on_stop;
	catch_signal(SIGINT, &action);
	catch_signal(SIGTERM, &action);
	signal(SIGPIPE, SIG_IGN);
}

void stop_calm(void)
{
	static const struct itimerval none;

	setitimer(ITIMER_REAL, &none, NULL);
}
