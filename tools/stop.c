#include "stop.h"

#include <stddef.h>

#include "cli.h"

volatile sig_atomic_t stop_signal;

/* The signals that stop a run. */
static const int stops[] = {SIGINT, SIGTERM};
static struct sigaction before[CLI_COUNT(stops)]; /* the handlers before stop_catch */

static void on_stop(int sig)
{
	stop_signal = sig;
	for (size_t i = 0; i < CLI_COUNT(stops); i++)
		sigaction(stops[i], &before[i], NULL);
}

void stop_catch(void)
{
	struct sigaction action = {.sa_handler = on_stop}; /* no SA_RESTART: interrupt reads */

	for (size_t i = 0; i < CLI_COUNT(stops); i++) {
		sigaction(stops[i], NULL, &before[i]);
		cli_catch(stops[i], &action);
	}
	signal(SIGPIPE, SIG_IGN);
}
