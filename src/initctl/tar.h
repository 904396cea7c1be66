/*
 * tar: archives, as POSIX describes them (ustar, and pax headers for what that has no room for).
 */
#ifndef INITCTL_TAR_H
#define INITCTL_TAR_H

#include "copytree.h"

/* A sink that writes what it is given to stdout. */
extern const struct copy_sink tar_sink;

/* Writes the end of the archive, and what was kept back. */
void tar_write_end(void);

/*
 * Reads an archive from stdin and makes what is in it in the directory top. No name leads out of
 * it. Prints what cannot be made, and ends the program where the rest cannot be read.
 */
void tar_read(int top, bool owners);

#endif
