/*
 * nsfetch: descriptors of namespaces and directories of the container, which init passes.
 */
#ifndef INITCTL_NSFETCH_H
#define INITCTL_NSFETCH_H

#include "nslist.h"

/*
 * Stores descriptors of the namespaces of a list in fds, which is indexed by kind, and of the user
 * namespace even if it is not in the list; -1 for the others. They are close-on-exec and the
 * caller's. Of "all", kinds that init does not have are removed from the list. Ends the program
 * with EXIT_INITCTL if one that was named is missing, or all are.
 */
void nsfetch(int connection, struct nslist *list, int fds[NS_KINDS]);

/* Returns a descriptor of "root" or "proc"; the same holds for it. */
int nsfetch_directory(int connection, const char *what);

#endif
