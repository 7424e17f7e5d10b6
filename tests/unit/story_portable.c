/* The tests of story.c on the code for processors without SSE2. */
#define CDCD_PORTABLE
/* clang-format off */
#include "formats/story_json.c"
#include "formats/story.c"
#include "story.c"
