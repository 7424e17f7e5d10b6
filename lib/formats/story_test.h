#ifndef CDCD_STORY_TEST_H
#define CDCD_STORY_TEST_H

/* For tests only: they compare the fast path of story.c with json-c. */

#include "formats/story.h"

/* story_parser_slow - parse every line with json-c from now on. */
void story_parser_slow(struct story_parser *p);

#endif
