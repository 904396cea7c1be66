/*
 * nsenter: this process goes to namespaces, one after another, and runs a command there.
 */
#ifndef INITCTL_NSENTER_H
#define INITCTL_NSENTER_H

#include "nslist.h"

/*
 * Enters the namespaces of a list by fds, which is indexed by kind. root is the
 * directory that becomes / with mnt, or -1: what is / there.
 *
 * The user namespace comes last where our rights are enough for the others, which may
 * belong to one further up; and first where only it gives them: it is then entered
 * unasked, where fds has it. In it we become root, if it has one. Ours are left out.
 * Ends the program with 125 where one cannot be entered. Returns whether it takes a
 * child to be in them, as it does with pid.
 */
bool nsenter(const struct nslist *list, const int *fds, int root);

/*
 * Runs it, by the descriptor program or, for -1, as PATH has it: in this process, or
 * in a child whose ending and stops become our own, and who gets our signals.
 */
_Noreturn void nsenter_run(char **command, int program, bool child);

#endif
