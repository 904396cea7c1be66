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
 * Opens the namespace of a kind that was saved in the directory. The descriptor is close-on-exec
 * and the caller's. -1 if there is none and it is not needed; any other failure ends the program
 * with EXIT_INITCTL.
 */
int nskeep_open(const char *directory, enum ns_kind kind, bool needed);

/* Removes a directory that nskeep_save() made. Ends the program with EXIT_INITCTL if it did not. */
void nskeep_drop(const char *directory);

#endif
