/* The tests of text.c on the code for processors without SSE2. */
#define CDCD_PORTABLE
/* clang-format off */
#include "text/wordpiece.c"
#include "text.c"
