/* train - train a denoiser on noised rows; write a checkpoint and each row's cross-entropy. */

#include <signal.h>

#include "cli.h"
#include "comm/comm.h"
#include "compute/kernels.h"
#include "ranks.h"
#include "run.h"
#include "stop.h"
#include "train_options.h"

/* Parse the command line, and do what it says. Returns 0, or -1 with the same error on all ranks.
 */
static int train(struct run *r, struct train_options *options, struct comm *comm, int argc,
    char **argv, struct err *e)
{
	int done = train_options_parse(options, argc, argv, e);

	if (comm_agree(comm, done < 0, e))
		return -1;
	if (done)
		return 0;
	cli_quiet = cli_quiet || comm_rank(comm) > 0;
	signal(SIGHUP, SIG_IGN);
	if (run_open(r, options, comm, e))
		return -1;
	return options->dry_run ? 0 : run_train(r, e);
}

int main(int argc, char **argv)
{
	struct train_options options = {0};
	struct run run = {.lock.fd = -1};
	struct comm *comm;
	struct err e;
	int status = 0;

	if (k_room(&e))
		die_at_once("train", &e);
	comm = comm_init(&argc, &argv, &e);
	if (!comm || ranks_mute(comm, &e))
		die_at_once("train", &e);
	if (train(&run, &options, comm, argc, argv, &e)) {
		ranks_report(comm, &e);
		status = (int)e.status;
	}
	run_close(&run);
	train_options_release(&options);
	comm_finalize(comm);
	if (!status)
		status = cli_finish();
	if (!status && stop_signal)
		raise(stop_signal);
	return status;
}
