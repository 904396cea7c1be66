/*
 * descendants: the processes that init ends with the container. As PID 1 these are all
 * others in the PID namespace, children or not (a command that an engine runs inside has
 * its parent outside); elsewhere they are init's descendants, which stay below it, however
 * they detach themselves, because it is a subreaper.
 */
#ifndef DESCENDANTS_H
#define DESCENDANTS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Looks for /proc, which is how descendants are found where init is not PID 1.
 * Returns its descriptor, close-on-exec, -1 where it is not needed or is not of
 * our PID namespace. Call it before the command starts: it looks a path up.
 */
int descendants_open(void);

/*
 * Sends a signal to each of them, as far as we may. proc as descendants_open gave it.
 * Returns false where we know that there is nobody.
 */
bool descendants_signal(int proc, int signal);

/* Sends a signal to one of them by pid. 0, or -1 with errno, ESRCH where it is none. */
int descendants_signal_one(int proc, pid_t pid, int signal);

/*
 * Whether anyone is left once we have no children: as PID 1 a process may be
 * there that an outsider put in, whose death nobody tells us.
 */
bool descendants_left(void);

#endif
