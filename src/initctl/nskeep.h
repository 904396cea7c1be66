/*
 * nskeep: namespaces that outlive their container, as files in a directory.
 */
#ifndef INITCTL_NSKEEP_H
#define INITCTL_NSKEEP_H

#include "nslist.h"

/*
 * Makes the directory, and in it a file for each of the list, bound to the namespace.
 * It is a small file system of its own that nobody else gets to see: not the
 * container, where its mounts follow ours, and only so may it hold a mount namespace.
 * Ends the program with 125 where that fails, with nothing left.
 */
void nskeep_save(const char *directory, const struct nslist *list, const int *fds);

/*
 * Opens what the list names of a directory; of "all", what there is. The descriptors are
 * put to fds, which is indexed by kind. Ends the program with 125 where one is missing.
 */
void nskeep_open(const char *directory, struct nslist *list, int *fds);

/* Removes the directory, if nskeep_save made it; ends the program with 125 if not. */
void nskeep_drop(const char *directory);

#endif
