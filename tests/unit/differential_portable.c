/* The tests of differential.c on the code for processors without SSE2. */
#define CDCD_PORTABLE
/* clang-format off */
#include "text/wordpiece.c"
#include "formats/story.c"
#include "differential.c"
