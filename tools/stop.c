#include "stop.h"

#include <stddef.h>
#include <sys/time.h>

#include "cli.h"

volatile sig_atomic_t stop_signal;

/* The signals that stop a run. */
static const int stops[] = {SIGINT, SIGTERM};
static struct sigaction before[CLI_COUNT(stops)]; /* the handlers before stop_catch */

/*
 * The signal may arrive just before a read that waits for rows, and only a signal during the read
 * interrupts it. So send SIGALRM every 100 ms until the signal has been noticed.
 */
static void on_stop(int sig)
{
	static const struct itimerval again = {{0, 100000}, {0, 100000}};

	stop_signal = sig;
	for (size_t i = 0; i < CLI_COUNT(stops); i++)
		sigaction(stops[i], &before[i], NULL);
	setitimer(ITIMER_REAL, &again, NULL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

void stop_catch(void)
{
	struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: interrupt reads */

	sigaction(SIGALRM, &action, NULL);
	action.sa_handler = on_stop;
	for (size_t i = 0; i < CLI_COUNT(stops); i++) {
		sigaction(stops[i], NULL, &before[i]);
		cli_catch(stops[i], &action);
	}
	signal(SIGPIPE, SIG_IGN);
}

void stop_calm(void)
{
	static const struct itimerval none;

	setitimer(ITIMER_REAL, &none, NULL);
}
