#ifndef CDCD_VERSION_H
#define CDCD_VERSION_H

#define CDCD_VERSION "0.1.0"

#endif
