#ifndef CDCD_REAL_H
#define CDCD_REAL_H

/* The arithmetic of the model: float, or double in libcdcd64.a, where gradients are checked. */

#ifdef CDCD_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
