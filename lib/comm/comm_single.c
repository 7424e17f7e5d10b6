/* A communicator of one process: train is linked with it if it is built without MPI. */

#include <stdio.h>

#include "base/mem.h"
#include "comm/comm.h"

struct comm *comm_init(int *argc, char ***argv, struct err *e)
{
	struct comm *t = mem_array(1, sizeof *t, e);

	(void)argc;
	(void)argv;
	if (t)
		t->size = 1;
	return t;
}

void comm_library(char *text, size_t room)
{
	snprintf(text, room, "no MPI");
}
