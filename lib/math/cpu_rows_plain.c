/* For any processor. */
#define ROWS rows_plain
#define ROWS_NAME "plain"
#include "math/cpu_rows_body.h"
