/* struct rows for any processor. */
#define ROWS rows_plain
#define ROWS_NAME "plain"
#include "compute/cpu/rows_body.h"
