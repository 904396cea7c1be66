/*
 * others: everyone init answers for but init itself. As PID 1 that is whoever is
 * in the PID namespace, children or not (a command that an engine runs inside is
 * nobody's child here); elsewhere it is init's descendants, which a subreaper
 * keeps whatever they do to detach themselves.
 */
#ifndef OTHERS_H
#define OTHERS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Looks for /proc, which is how descendants are found where init is not PID 1.
 * Returns its descriptor, close-on-exec, -1 where it is not needed or is not of
 * our PID namespace. Call it before the command starts: it looks a path up.
 */
int others_open(void);

/*
 * Sends a signal to each of them, as far as we may. proc as others_open gave it.
 * Returns false where we know that there is nobody.
 */
bool others_signal(int proc, int signal);

/*
 * Before a signal that none may miss: where init is not PID 1, stops them until a look
 * at all finds nobody running. One who forked while we looked would else leave a child
 * behind whom nobody told. CONT is the caller's to send.
 */
void others_freeze(int proc);

/* Sends a signal to one of them by pid. 0, or -1 with errno, ESRCH where it is none. */
int others_signal_one(int proc, pid_t pid, int signal);

/*
 * Whether anyone is left once we have no children: as PID 1 a process may be
 * there that an outsider put in, whose death nobody tells us.
 */
bool others_left(void);

#endif
