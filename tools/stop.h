#ifndef CDCD_STOP_H
#define CDCD_STOP_H

/* Handling of SIGINT and SIGTERM, which ask train to stop after the current step. */

#include <signal.h>

/* The signal that was received, or 0. */
extern volatile sig_atomic_t stop_signal;

/* stop_catch - catch both signals. The first one restores the previous handlers of both, so that a
 * second signal ends the process at once. A signal that was ignored stays ignored. SIGPIPE is
 * ignored from here on. */
void stop_catch(void);

#endif
