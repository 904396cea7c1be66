/*
 * nskeep: saves namespaces as files in a directory, where they outlive their container.
 */
#ifndef INITCTL_NSKEEP_H
#define INITCTL_NSKEEP_H

#include "nslist.h"

/*
 * Makes the directory, and in it a file for each namespace of the list, on which the namespace is
 * bind-mounted. fds is indexed by kind; the descriptors stay the caller's. All signals stay
 * blocked.
 *
 * The directory is a tmpfs with private propagation: the mounts do not appear in a container to
 * which those of the host propagate, and a mount namespace can be mounted on a private mount only.
 * Ends the program with EXIT_INITCTL if anything fails, after removing what was made.
 */
void nskeep_save(const char *directory, const struct nslist *list, const int *fds);

/*
 * Opens the namespaces of the list that were saved in the directory, and also the user namespace if
 * there is one. The descriptors are stored in fds, which is indexed by kind and which the
 * caller has filled with -1; they are close-on-exec and the caller's. With "all", kinds that are
 * missing are removed from the list. Otherwise, and if none is there, it ends the program with
 * EXIT_INITCTL.
 */
void nskeep_open(const char *directory, struct nslist *list, int *fds);

/* Removes a directory that nskeep_save() made. Ends the program with EXIT_INITCTL if it did not. */
void nskeep_drop(const char *directory);

#endif
