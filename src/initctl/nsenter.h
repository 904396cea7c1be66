/*
 * nsenter: moves this process into namespaces and runs a command there.
 */
#ifndef INITCTL_NSENTER_H
#define INITCTL_NSENTER_H

#include <sys/types.h>

#include "nslist.h"

/*
 * Enters the namespaces of a list, whose descriptors are in fds, indexed by kind. All descriptors
 * stay the caller's. Namespaces in which this process already is are skipped. root is the
 * directory that becomes the root directory together with mnt; -1 for that of the namespace.
 *
 * The user namespace is entered after those that can be entered without it, since these may belong
 * to a user namespace further up, in which entering it would give up all capabilities. It is
 * entered before those for which the capabilities in it are needed, even if the list does not
 * have it, provided that fds has. The process becomes root in it, or if 0 is not mapped
 * there the first id that is.
 *
 * Ends the program with EXIT_INITCTL if one cannot be entered. Returns whether only a child of this
 * process will be in all of them, as it is with a PID namespace.
 */
bool nsenter(const struct nslist *list, const int *fds, int root);

/* Ends the program after a namespace of that kind could not be entered, with errno as the reason.
 */
_Noreturn void nsenter_failed(enum ns_kind kind);

/* As fork(2), once a PID namespace was entered. Ends the program where that is not possible. */
pid_t nsenter_fork(void);

/*
 * Executes a command: the file of the descriptor program, or if that is -1, what PATH finds. With
 * needs_child it does so in a child: signals are forwarded to it, and this process stops and
 * ends as the child does. The exit code is EXIT_NOT_FOUND or EXIT_NOT_EXECUTABLE if the exec fails.
 */
_Noreturn void nsenter_run(char **command, int program, bool needs_child);

#endif
