/* One process alone: what train is linked with where it is built without MPI. */

#include <stdio.h>

#include "ground/mem.h"
#include "model/team.h"

struct team *team_join(int *argc, char ***argv, struct err *e)
{
	struct team *t = mem_array(1, sizeof *t, e);

	(void)argc;
	(void)argv;
	if (t)
		t->size = 1;
	return t;
}

void team_library(char *text, size_t room)
{
	snprintf(text, room, "no MPI");
}
