#ifndef CDCD_STOP_H
#define CDCD_STOP_H

/* SIGINT and SIGTERM, which ask a run of train to end after the step it is in. */

#include <signal.h>

/* The signal that came, or 0. */
extern volatile sig_atomic_t stop_signal;

/* stop_catch - catch the two. The first that comes restores for both what was there before, so that
 * the second ends the process at once; those that were ignored stay ignored. SIGPIPE is ignored. */
void stop_catch(void);

/* stop_calm - the signal has been noticed. */
void stop_calm(void);

#endif
