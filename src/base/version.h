/*
 * version: the release that init and initctl are of. The Makefile reads it from here.
 */
#ifndef VERSION_H
#define VERSION_H

#define INIT_VERSION "0.1.0"

#endif
